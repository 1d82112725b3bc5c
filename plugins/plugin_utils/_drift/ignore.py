# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a drift run found, from all that looked: put together, and what is known set aside. Pure."""

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


# What differs from the inventory


def outdated(place: Place, differences: t.Iterable[Data]) -> list[Data]:
    """Return the findings that ``differences`` of the stack action are."""
    return [_outdated(one).told(place) for one in differences]


def _outdated(difference: Data) -> Finding:
    resource, name = _where(difference)
    found, wanted = difference["before"], difference["after"]
    subject = f"{resource}: {name}" if resource.logical_id else name
    if found is None:
        kind, what = "REMOVE", f"is missing{_shown(wanted)}"
    elif wanted is None:
        kind, what = "ADD", f"is no longer wanted{_shown(found)}"
    else:
        kind, what = "NOT_EQUAL", "differs"
        if _shown(found) and _shown(wanted):
            what = f"is {found}, not {wanted}"
    return Finding(
        kind="outdated",
        resource=resource,
        property=name,
        expected=wanted or "",
        actual=found or "",
        difference=kind,
        message=f"{subject.rstrip(': ')} {what}",
    )


def _shown(value: str | None) -> str:
    """Return a value as the end of a message; nothing where it is too long for that."""
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
    """Return the finding that a stack is which is to be absent."""
    return Finding(
        kind="outdated",
        property="state",
        expected="absent",
        actual=status,
        difference="NOT_EQUAL",
        message=f"{place.stack} is to be absent, and is still there",
    ).told(place)


def missing(place: Place) -> Data:
    """Return the finding that a stack is missing."""
    return Finding(kind="missing", message=f"stack {place.stack} does not exist").told(place)


def without_repetition(findings: t.Iterable[Data]) -> list[Data]:
    """Return *findings* in a fixed order, each once.

    What two ways of looking found at one property is told once, by the one that says more: our
    comparison of policies reads the whole document, CloudFormation's detection its parts.
    """
    ordered = sorted(findings, key=order)
    policies = {_spot(one) for one in ordered if one["kind"] == "policy"}
    result: list[Data] = []
    for one in ordered:
        covered = one["kind"] == "drifted" and _spot(one) in policies
        if not covered and one not in result:
            result.append(one)
    return result


def _spot(finding: Data) -> tuple[str, ...]:
    keys = ("account_id", "region", "stack", "resource", "property")
    return tuple(finding[key] for key in keys)


def order(entry: Data) -> tuple[str, ...]:
    """Return by what findings and the like are sorted: AWX gives hosts in no order."""
    keys = ("host", "account_id", "region", "stack", "resource", "property", "kind")
    return tuple(str(entry.get(key, "")) for key in keys)


# What is known, and not to fail a run


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ignore:
    """One entry of ``drift_ignore``; all but reason and until may hold globs."""

    host: str = "*"
    stack: str = "*"
    resource: str = "*"
    property: str = "*"
    reason: str
    until: datetime.date

    def matches(self, entry: Data) -> bool:
        """Return whether it speaks of *entry*, a finding or what could not be looked at."""
        return all(
            fnmatch.fnmatchcase(str(entry.get(key, "")), getattr(self, key)) for key in _GLOBS
        )

    def has_expired(self, today: datetime.date) -> bool:
        """Return whether its day is over."""
        return self.until < today

    def told(self) -> Data:
        """Return it as data."""
        return {**dataclasses.asdict(self), "until": self.until.isoformat()}


def read_ignores(entries: t.Sequence[t.Any]) -> list[Ignore]:
    """Return the entries of ``drift_ignore``. Raises PipelineError that lists what is wrong."""
    result, problems = [], []
    for number, entry in enumerate(entries, start=1):
        try:
            result.append(_read_ignore(entry))
        except ValueError as exc:
            problems.append(f"entry {number}: {exc}")
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise PipelineError(f"drift_ignore is not usable:\n{lines}")
    return result


def _read_ignore(entry: t.Any) -> Ignore:
    if not isinstance(entry, t.Mapping):
        raise ValueError("it is not a mapping. Give stack, resource, property, reason and until")
    unknown = sorted(str(key) for key in entry if key not in _KEYS)
    if unknown:
        raise ValueError(f"{unknown[0]} is unknown. Use {', '.join(_KEYS)}")
    globs = {key: str(entry[key]) for key in _GLOBS if entry.get(key) is not None}
    if not globs:
        raise ValueError("it would ignore everything. Say which stack, resource or property")
    if not str(entry.get("reason") or "").strip():
        raise ValueError("it has no reason. Say why this may differ")
    return Ignore(**globs, reason=str(entry["reason"]), until=_day(entry.get("until")))


def _day(value: t.Any) -> datetime.date:
    """Return the day that *value* is: text, or what YAML made of it."""
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    try:
        return datetime.date.fromisoformat(str(value or ""))
    except ValueError as exc:
        raise ValueError("until is not a day such as 2026-12-31") from exc


def set_aside(
    findings: t.Iterable[Data],
    unchecked: t.Iterable[Data],
    ignores: t.Sequence[Ignore],
    *,
    today: datetime.date,
) -> tuple[list[Data], list[Data], list[Data]]:
    """Return findings and what was not looked at with ``ignored`` filled in, then expired entries.

    An expired entry ignores nothing; it is returned with the number of findings that it matches.
    """
    valid = [one for one in ignores if not one.has_expired(today)]
    found = [_marked(one, valid) for one in findings]
    not_seen = [_marked(one, valid) for one in unchecked]
    expired = [
        {**one.told(), "findings": sum(one.matches(finding) for finding in found)}
        for one in ignores
        if one.has_expired(today)
    ]
    return found, not_seen, expired


def _marked(entry: Data, valid: t.Sequence[Ignore]) -> Data:
    for one in valid:
        if one.matches(entry):
            return {**entry, "ignored": {"reason": one.reason, "until": one.until.isoformat()}}
    return {**entry, "ignored": None}


def could_not_look(unchecked: Data) -> bool:
    """Return whether looking was tried and failed, as opposed to a type that AWS cannot look at."""
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
