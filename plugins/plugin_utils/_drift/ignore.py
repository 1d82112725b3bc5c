# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The findings of a drift run put together, and those that the user ignores. Pure."""

from __future__ import annotations

import dataclasses
import datetime
import fnmatch
import typing as t

from .._errors import PipelineError
from .finding import NOT_DETECTED, WHOLE_STACK, Finding, Place, Resource

Data = dict[str, t.Any]

_SECTIONS = {"parameters": "Parameters", "tags": "Tags"}
_RESOURCES = "Resources."
_SHOWN = 60  # characters of a value in a message
_KEYS = ("host", "stack", "resource", "property", "reason", "until")
_GLOBS = ("host", "stack", "resource", "property")


def outdated(place: Place, differences: t.Iterable[Data]) -> list[Data]:
    """Return the findings that the ``differences`` of the stack action are."""
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
    """Return a value as the end of a message; nothing where it is too long."""
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


def still_there(place: Place, status: str) -> Data:
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


def without_repetition(findings: t.Iterable[Data]) -> list[Data]:
    """Return *findings* in a fixed order, each once.

    Where two ways of looking found the same property, the one stays that says more: our comparison
    of policies reads the whole document, CloudFormation's detection its parts.
    """
    ordered = sorted(findings, key=order)
    policies = {_spot(finding) for finding in ordered if finding["kind"] == "policy"}
    result: list[Data] = []
    for finding in ordered:
        covered = finding["kind"] == "drifted" and _spot(finding) in policies
        if not covered and finding not in result:
            result.append(finding)
    return result


def _spot(finding: Data) -> tuple[str, ...]:
    keys = ("account_id", "region", "stack", "resource", "property")
    return tuple(finding[key] for key in keys)


def order(entry: Data) -> tuple[str, ...]:
    """Return the sort key of findings and the like: AWX gives hosts in no order."""
    keys = ("host", "account_id", "region", "stack", "resource", "property", "kind")
    return tuple(str(entry.get(key, "")) for key in keys)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ignore:
    """One entry of ``drift_ignore``; all but reason and until may be globs."""

    host: str = "*"
    stack: str = "*"
    resource: str = "*"
    property: str = "*"
    reason: str
    until: datetime.date

    def matches(self, entry: t.Mapping[str, object]) -> bool:
        """Return whether it covers *entry*, a finding or what could not be checked."""
        return all(
            fnmatch.fnmatchcase(str(entry.get(key, "")), getattr(self, key)) for key in _GLOBS
        )

    def has_expired(self, today: datetime.date) -> bool:
        """Return whether its last day is over."""
        return self.until < today

    def as_dict(self) -> Data:
        """Return it as data."""
        return {**dataclasses.asdict(self), "until": self.until.isoformat()}


def read_ignores(entries: t.Sequence[t.Any]) -> list[Ignore]:
    """Return the entries of ``drift_ignore``. Raises PipelineError with all that is wrong."""
    result, problems = [], []
    for number, entry in enumerate(entries, start=1):
        try:
            result.append(_read_ignore(entry))
        except ValueError as exc:
            problems.append(f"entry {number}: {exc}")
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise PipelineError(f"drift_ignore has errors:\n{lines}")
    return result


def _read_ignore(entry: t.Any) -> Ignore:
    if not isinstance(entry, t.Mapping):
        raise ValueError("not a mapping. Set stack, resource or property, and reason and until")
    unknown = sorted(str(key) for key in entry if key not in _KEYS)
    if unknown:
        raise ValueError(f"unknown field `{unknown[0]}`. Use {', '.join(_KEYS)}")
    globs = {key: str(entry[key]) for key in _GLOBS if entry.get(key) is not None}
    if not globs:
        raise ValueError("it would ignore everything. Set stack, resource or property")
    if not str(entry.get("reason") or "").strip():
        raise ValueError("reason is missing. Write why this may differ")
    return Ignore(**globs, reason=str(entry["reason"]), until=_day(entry.get("until")))


def _day(value: t.Any) -> datetime.date:
    """Return the date that *value* is: text, or what YAML made of it."""
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    try:
        return datetime.date.fromisoformat(str(value or ""))
    except ValueError as exc:
        raise ValueError("until is not a date such as 2026-12-31") from exc


def set_aside(
    findings: t.Iterable[Data],
    unchecked: t.Iterable[Data],
    ignores: t.Sequence[Ignore],
    *,
    today: datetime.date,
) -> tuple[list[Data], list[Data], list[Data]]:
    """Return findings and *unchecked* with ``ignored`` filled in, then the expired entries.

    An expired entry ignores nothing; it is returned with the number of findings that it matches.
    """
    valid = [ignore for ignore in ignores if not ignore.has_expired(today)]
    marked = [_marked(finding, valid) for finding in findings]
    expired = [
        {**ignore.as_dict(), "findings": sum(ignore.matches(finding) for finding in marked)}
        for ignore in ignores
        if ignore.has_expired(today)
    ]
    return marked, [_marked(item, valid) for item in unchecked], expired


def _marked(entry: Data, valid: t.Sequence[Ignore]) -> Data:
    for ignore in valid:
        if ignore.matches(entry):
            reason, until = ignore.reason, ignore.until.isoformat()
            return {**entry, "ignored": {"reason": reason, "until": until}}
    return {**entry, "ignored": None}


def could_not_look(unchecked: Data) -> bool:
    """Return whether a check failed, as opposed to a type that AWS cannot check."""
    return unchecked["ignored"] is None and unchecked["why"] != NOT_DETECTED


__all__ = (
    "Ignore",
    "could_not_look",
    "missing",
    "order",
    "outdated",
    "read_ignores",
    "set_aside",
    "still_there",
    "without_repetition",
)
