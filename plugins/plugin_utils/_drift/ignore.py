# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The entries of ``drift_ignore``: known differences, which fail no run. Pure."""

from __future__ import annotations

import dataclasses
import datetime
import fnmatch
import typing as t

from .._errors import PipelineError

Data = dict[str, t.Any]

_KEYS = ("host", "stack", "resource", "property", "reason", "until")
_GLOBS = ("host", "stack", "resource", "property")


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
    """Return the entries of ``drift_ignore``. Raises PipelineError with every error."""
    result, problems = [], []
    for number, entry in enumerate(entries, start=1):
        try:
            result.append(_read_ignore(entry))
        except ValueError as exc:
            problems.append(f"entry {number}: {exc}")
    if problems:
        raise PipelineError("drift_ignore is not usable", errors=problems)
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
    """Return *value* as a date: text, or what YAML made of it."""
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    try:
        return datetime.date.fromisoformat(str(value or ""))
    except ValueError as exc:
        raise ValueError("until is not a date such as 2026-12-31") from exc


def apply_ignores(
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


__all__ = ("Ignore", "apply_ignores", "read_ignores")
