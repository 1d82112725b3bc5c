# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a drift run as Markdown that also reads well on a terminal. Pure.

Short when all is well; 100 columns; what many hosts have in common is told once.
"""

from __future__ import annotations

import collections
import difflib
import json
import textwrap
import typing as t

from . import document as _report

COLUMNS = 100

_NAMES_SHOWN = 3
_GROUPS = {
    "regional": "regions",
    "primary": "primary region",
    "deploy_accounts": "deploy accounts",
    _report.APPLICATIONS: "application pipelines",
}
_VERDICTS = {
    _report.CLEAN: "is clean",
    _report.DRIFTED: "has drifted",
    _report.INCOMPLETE: "could not be looked at completely",
}

# Kinds that concern a stack as a whole: their message says all.
_WHOLE = frozenset({"missing", "orphaned", "stuck"})

Data = dict[str, t.Any]


def as_markdown(report: Data) -> str:
    """Return *report* as Markdown."""
    name = report["organisation"] or "the organisation"
    lines = [f"# Drift: {name} {_VERDICTS[report['verdict']]}", "", *_overview(report)]
    lines += _sections(report)
    lines += _errors(report)
    lines += _expired(report["ignored_expired"])
    lines += _ignored([one for one in report["findings"] if one["ignored"]])
    return "\n".join([*lines, ""])


def readable(text: str) -> str:
    """Return a value as lines to read and to compare: JSON laid out, everything else as it is."""
    if text.startswith(("{", "[")):
        try:
            return json.dumps(json.loads(text), indent=2, sort_keys=True)
        except ValueError:
            return text
    return text


def _overview(report: Data) -> list[str]:
    """Return a line for each group, and one for what nobody looked at."""
    lines = []
    for group, called in _GROUPS.items():
        states = collections.Counter(
            host["state"] for host in report["hosts"] if host["group"] == group
        )
        if states:
            told = ", ".join(f"{states[one]} {one}" for one in _report.STATES if states[one])
            lines.append(f"- {called}: {told}")
    kinds = _report.kinds(report)
    if kinds:
        lines.append(f"- findings: {', '.join(f'{n} {kind}' for kind, n in kinds.items())}")
    whys = collections.Counter(one["why"] for one in report["unchecked"])
    for why, number in sorted(whys.items()):
        lines += _item(f"- not looked at: {number} resource{'s'[: number != 1]}: {why}")
    when = report["started"].replace("T", " ").replace("Z", " UTC")
    return [*lines, f"- {when}, {report['seconds']} s"]


def _sections(report: Data) -> list[str]:
    """Return a section for each stack with findings; stacks that differ in the same way share it.

    An orphaned stack has no host.
    """
    of_place: dict[tuple[str, ...], list[Data]] = {}
    for one in report["findings"]:
        if one["ignored"] is None:
            place = tuple(one[key] for key in ("host", "account_id", "region", "stack"))
            of_place.setdefault(place, []).append(one)
    places_of: dict[str, list[tuple[str, ...]]] = {}
    told_of: dict[str, list[str]] = {}
    for place, findings in of_place.items():
        told = [line for one in findings for line in _finding(one)]
        key = json.dumps([place[3], told])
        places_of.setdefault(key, []).append(place)
        told_of[key] = told
    lines: list[str] = []
    for key, places in places_of.items():
        lines += ["", _heading(places), "", *_places(places), *told_of[key]]
    return lines


def _heading(places: t.Sequence[tuple[str, ...]]) -> str:
    host, account_id, region, stack = places[0]
    if len(places) == 1:
        return f"## {host or 'no host'}: {stack} in {account_id} {region}"
    shown = ", ".join(place[0] or "no host" for place in places[:_NAMES_SHOWN])
    more = f" and {len(places) - _NAMES_SHOWN} more" if len(places) > _NAMES_SHOWN else ""
    return f"## {shown}{more}: {stack}"


def _places(places: t.Sequence[tuple[str, ...]]) -> list[str]:
    if len(places) == 1:
        return []
    told = ", ".join(
        f"{host or 'no host'} ({account} {region})" for host, account, region, _s in places
    )
    return [*textwrap.wrap(f"In all {len(places)} of these: {told}", COLUMNS), ""]


def _finding(one: Data) -> list[str]:
    """Return a finding: what it is, then the two values where they are not in that line."""
    lines = _item(f"- **{one['kind']}** {one['message']}")
    expected, actual = readable(one["expected"]), readable(one["actual"])
    in_line = one["kind"] in _WHOLE or (
        "\n" not in expected + actual
        and (not expected or expected in one["message"])
        and (not actual or actual in one["message"])
    )
    return lines if in_line else [*lines, *_comparison(expected, actual)]


def _comparison(expected: str, actual: str) -> list[str]:
    """Return the lines that differ, with some around them."""
    found = difflib.unified_diff(
        expected.splitlines(), actual.splitlines(), "expected", "actual", lineterm="", n=2
    )
    lines = [line for line in found if not line.startswith("@@")]
    wrapped = [part for line in lines for part in _broken(line, COLUMNS - 2)]
    return ["", *(f"  {line}" for line in ("```diff", *wrapped, "```"))]


def _broken(line: str, width: int) -> list[str]:
    """Return *line* in pieces of *width*; every piece begins with the sign of the line."""
    sign, rest = line[:1], line[1:]
    if len(line) <= width:
        return [line]
    step = width - 1
    return [sign + rest[start : start + step] for start in range(0, len(rest), step)]


def _item(text: str) -> list[str]:
    """Return a list item on as many lines as it needs."""
    return textwrap.wrap(
        text, COLUMNS, subsequent_indent="  ", break_on_hyphens=False, replace_whitespace=True
    )


def _errors(report: Data) -> list[str]:
    hosts_of: dict[str, list[str]] = {}
    for host in report["hosts"]:
        if host["error"]:
            place = f"{host['name']} ({host['account_id']} {host['region']} {host['stack']})"
            hosts_of.setdefault(host["error"], []).append(place)
    if not hosts_of:
        return []
    lines = ["", "## Not looked at", ""]
    for error, places in hosts_of.items():
        lines += _item(f"- **error** {', '.join(places)}: {error}")
    return lines


def _expired(entries: t.Sequence[Data]) -> list[str]:
    if not entries:
        return []
    lines = ["", "## Ignored no longer", ""]
    for one in entries:
        number = one["findings"]
        lines += _item(
            f"- **expired** on {one['until']}: {_globs(one)} ({one['reason']});"
            f" {number} finding{'s of it count' if number != 1 else ' of it counts'} again. Renew"
            " the entry of"
            " drift_ignore or take it away"
        )
    return lines


def _globs(entry: Data) -> str:
    return " ".join(
        f"{key} {entry[key]}"
        for key in ("host", "stack", "resource", "property")
        if entry[key] != "*"
    )


def _ignored(findings: t.Sequence[Data]) -> list[str]:
    if not findings:
        return []
    lines = ["", "## Ignored", ""]
    for one in findings:
        known = one["ignored"]
        place = f"{one['host'] or 'no host'}, {one['stack']} in {one['account_id']} {one['region']}"
        lines += _item(
            f"- **{one['kind']}** {place}: {one['message']}"
            f" (until {known['until']}: {known['reason']})"
        )
    return lines


__all__ = ("COLUMNS", "as_markdown", "readable")
