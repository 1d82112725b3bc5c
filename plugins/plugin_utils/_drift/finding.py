# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a drift run found or could not check, as plain data."""

from __future__ import annotations

import dataclasses
import typing as t

from .._stack.model import Resource

_SECTIONS = {"parameters": "Parameters", "tags": "Tags"}
_RESOURCES = "Resources."
_SHOWN = 60  # characters of a value in a message

Data = dict[str, t.Any]  # findings and the like as Ansible gives them back

Kind = t.Literal["missing", "orphaned", "stuck", "outdated", "drifted", "policy"]
KINDS: tuple[Kind, ...] = t.get_args(Kind)
# Why something is unchecked: CloudFormation detects no drift of its type; it should have a result
# and has none; we could not read or resolve it.
UncheckedKind = t.Literal["undetectable", "no_result", "unread"]
UNDETECTABLE: UncheckedKind = "undetectable"
WHOLE_STACK = Resource()
# The property of a pipeline that lists the stages which no release enters.
CLOSED_STAGES = "DisableInboundStageTransitions"


class PlaceEntry(t.TypedDict):
    """A place, as findings and what is unchecked hold it."""

    host: str
    account_id: str
    region: str
    stack: str


class FindingEntry(PlaceEntry):
    """A finding, as actions return it and the report holds it.

    ``ignored`` is None, or reason and until of the entry of ``drift_ignore`` that matches.
    """

    kind: str
    resource: str
    resource_type: str
    physical_id: str
    property: str
    expected: str
    actual: str
    difference: str
    message: str
    ignored: dict[str, str] | None


class UncheckedEntry(PlaceEntry):
    """Something unchecked, as actions return it and the report holds it."""

    kind: str
    resource: str
    resource_type: str
    why: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """The stack that something was found in.

    :param host: the target's name; empty for a stack that belongs to no host.
    """

    host: str
    account_id: str
    region: str
    stack: str

    def __str__(self) -> str:
        return f"{self.stack} in {self.account_id} {self.region}"

    def as_dict(self) -> PlaceEntry:
        """Return it as entries hold it."""
        return {
            "host": self.host,
            "account_id": self.account_id,
            "region": self.region,
            "stack": self.stack,
        }


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that is not as it should be.

    :param property: where in the resource, names joined by dots; empty for the resource itself.
    :param expected: the template's value, as text; empty where it gives none.
    :param actual: the value found, as text; empty where there is none.
    :param difference: ``NOT_EQUAL``, ``ADD`` (only found), ``REMOVE`` (only expected) or
        ``DELETED``; empty for what concerns the stack as a whole.
    """

    kind: Kind
    resource: Resource = WHOLE_STACK
    property: str = ""
    expected: str = ""
    actual: str = ""
    difference: str = ""
    message: str

    def as_dict(self, place: Place) -> FindingEntry:
        """Return it as actions return it."""
        return {
            **place.as_dict(),
            "kind": self.kind,
            "resource": self.resource.logical_id,
            "resource_type": self.resource.resource_type,
            "physical_id": self.resource.physical_id,
            "property": self.property,
            "expected": self.expected,
            "actual": self.actual,
            "difference": self.difference,
            "message": self.message,
            "ignored": None,
        }


@dataclasses.dataclass(frozen=True, kw_only=True)
class Unchecked:
    """An unchecked resource, or part of it. Never counts as in sync."""

    resource: Resource = WHOLE_STACK
    kind: UncheckedKind = "unread"
    why: str

    def as_dict(self, place: Place) -> UncheckedEntry:
        """Return it as actions return it."""
        return {
            **place.as_dict(),
            "kind": self.kind,
            "resource": self.resource.logical_id,
            "resource_type": self.resource.resource_type,
            "why": self.why,
        }


def outdated(place: Place, differences: t.Iterable[Data]) -> list[Data]:
    """Return the ``differences`` of the stack action as findings."""
    return [_as_data(_outdated(difference), place) for difference in differences]


def _outdated(difference: Data) -> Finding:
    resource, name = _where(difference)
    found, desired = difference["before"], difference["after"]
    subject = f"{resource}: {name}" if resource.logical_id else name
    if found is None:
        kind, what = "REMOVE", f"is missing{_shown(desired)}"
    elif desired is None:
        kind, what = "ADD", f"should be gone{_shown(found)}"
    else:
        kind, what = "NOT_EQUAL", "differs"
        if _shown(found) and _shown(desired):
            what = f"is {found}, not {desired}"
    return Finding(
        kind="outdated",
        resource=resource,
        property=name,
        expected=desired or "",
        actual=found or "",
        difference=kind,
        message=f"{subject.rstrip(': ')} {what}",
    )


def _shown(value: str | None) -> str:
    """Return a value as the end of a message, unless too long."""
    return f": {value}" if value and len(value) <= _SHOWN and "\n" not in value else ""


def _where(difference: Data) -> tuple[Resource, str]:
    what, name = difference["what"], difference["name"]
    if what == "template" and name.startswith(_RESOURCES):
        logical_id, _dot, rest = name.removeprefix(_RESOURCES).partition(".")
        return Resource(logical_id=logical_id, resource_type=difference["resource_type"]), rest
    if what == "template":
        return WHOLE_STACK, f"Template.{name}"
    if what in _SECTIONS:
        return WHOLE_STACK, f"{_SECTIONS[what]}.{name}"
    return WHOLE_STACK, name


def should_be_absent(place: Place, status: str) -> Data:
    """Return the finding for a stack that should be gone."""
    finding = Finding(
        kind="outdated",
        property="state",
        expected="absent",
        actual=status,
        difference="NOT_EQUAL",
        message=f"{place.stack} should be absent, but still exists",
    )
    return _as_data(finding, place)


def missing(place: Place) -> Data:
    """Return the finding for a stack that does not exist."""
    message = f"stack {place.stack} does not exist"
    return _as_data(Finding(kind="missing", message=message), place)


def _as_data(finding: Finding, place: Place) -> Data:
    return t.cast("Data", finding.as_dict(place))


def unique_findings(findings: t.Iterable[Data]) -> list[Data]:
    """Return *findings* in a fixed order, each once.

    Where both checks found the same property, the one that covers more stays: our
    comparison of policies reads the whole document, CloudFormation's detection its parts.
    """
    ordered = sorted(findings, key=sort_key)
    policies = {_property_key(finding) for finding in ordered if finding["kind"] == "policy"}
    result: list[Data] = []
    for finding in ordered:
        covered = finding["kind"] == "drifted" and _property_key(finding) in policies
        if not covered and finding not in result:
            result.append(finding)
    return result


def _property_key(finding: Data) -> tuple[str, ...]:
    keys = ("account_id", "region", "stack", "resource", "property")
    return tuple(finding[key] for key in keys)


def sort_key(entry: Data) -> tuple[str, ...]:
    """Return a stable sort key: AWX gives hosts in no order."""
    keys = ("host", "account_id", "region", "stack", "resource", "property", "kind")
    return tuple(str(entry.get(key, "")) for key in keys)


def needs_person(finding: Data) -> bool:
    """Return whether no remediation fixes it: an orphaned stack, a stage that somebody closed."""
    return not finding["host"] or finding["property"].startswith(f"{CLOSED_STAGES}.")


def check_failed(unchecked: Data) -> bool:
    """Return whether a check failed, not counting types AWS cannot check."""
    return unchecked["ignored"] is None and unchecked["kind"] != UNDETECTABLE


__all__ = (
    "CLOSED_STAGES",
    "KINDS",
    "UNDETECTABLE",
    "WHOLE_STACK",
    "Finding",
    "FindingEntry",
    "Kind",
    "Place",
    "PlaceEntry",
    "Resource",
    "Unchecked",
    "UncheckedEntry",
    "UncheckedKind",
    "check_failed",
    "missing",
    "needs_person",
    "outdated",
    "should_be_absent",
    "sort_key",
    "unique_findings",
)
