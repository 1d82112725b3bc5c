# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a drift run as Markdown, with all details. Pure.

100 columns; what many stacks share appears once.
"""

from __future__ import annotations

import collections
import difflib
import json
import textwrap
import typing as t

from .._access.version import OutdatedRole
from .._organisation.model import DEPLOY_ACCOUNTS, PIPELINES, PRIMARY, REGIONAL
from .document import CLEAN, DRIFTED, INCOMPLETE, STATES, kinds, not_ignored
from .extract import label
from .lines import COLUMNS, count, counts, names
from .outdated import UPDATE, outdated_texts

_GROUPS = {
    REGIONAL: "regions",
    PRIMARY: "primary region",
    DEPLOY_ACCOUNTS: "deploy accounts",
    PIPELINES: "pipelines",
}
_VERDICTS = {
    CLEAN: "is clean",
    DRIFTED: "has drifted",
    INCOMPLETE: "could not be checked completely",
}

# Kinds that concern a stack as a whole: the message is all there is.
_WHOLE = frozenset({"missing", "orphaned", "stuck"})

Data = dict[str, t.Any]


def as_markdown(report: Data) -> str:
    """Return *report* as Markdown."""
    name = report["organisation"] or "the organisation"
    lines = [f"# Drift: {name} {_VERDICTS[report['verdict']]}", "", *_overview(report)]
    lines += _sections(report)
    lines += _errors(report)
    lines += _outdated(report["outdated_roles"])
    lines += _expired(report["ignored_expired"])
    lines += _ignored([finding for finding in report["findings"] if finding["ignored"]])
    return "\n".join([*lines, ""])


def readable(text: str) -> str:
    """Return a value as lines: JSON laid out, everything else unchanged."""
    if text.startswith(("{", "[")):
        try:
            return json.dumps(json.loads(text), indent=2, sort_keys=True)
        except ValueError:
            return text
    return text


def _overview(report: Data) -> list[str]:
    """Return the overview: groups, findings, and what was not checked."""
    lines = []
    for group, title in _GROUPS.items():
        states = collections.Counter(
            host["state"] for host in report["hosts"] if host["group"] == group
        )
        if states:
            lines.append(f"- {title}: {counts({state: states[state] for state in STATES})}")
    found = kinds(report)
    if found:
        lines.append(f"- findings: {counts(found)}")
    whys = collections.Counter(entry["why"] for entry in report["unchecked"])
    for why, number in sorted(whys.items()):
        lines += _item(f"- not checked: {count(number, 'resource')}: {why}")
    when = report["started"].replace("T", " ").replace("Z", " UTC")
    return [*lines, f"- {when}, {report['seconds']} s"]


def _sections(report: Data) -> list[str]:
    """Return a section for each stack or group of like stacks."""
    of_place: dict[tuple[str, ...], list[Data]] = {}
    for finding in not_ignored(report):
        place = tuple(finding[key] for key in ("host", "account_id", "region", "stack"))
        of_place.setdefault(place, []).append(finding)
    places_of: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for place, findings in of_place.items():
        texts = [line for finding in findings for line in _finding(finding)]
        places_of.setdefault((place[3], *texts), []).append(place)
    lines: list[str] = []
    for (_stack, *texts), places in places_of.items():
        lines += ["", _heading(places), "", *_places(places), *texts]
    return lines


def _heading(places: t.Sequence[tuple[str, ...]]) -> str:
    host, account_id, region, stack = places[0]
    if len(places) == 1:
        return f"## {host or 'no host'}: {stack} in {account_id} {region}"
    return f"## {names([place[0] or 'no host' for place in places])}: {stack}"


def _places(places: t.Sequence[tuple[str, ...]]) -> list[str]:
    if len(places) == 1:
        return []
    listed = ", ".join(
        f"{host or 'no host'} ({account} {region})" for host, account, region, _s in places
    )
    return [*textwrap.wrap(f"The same in {len(places)} stacks: {listed}", COLUMNS), ""]


def _finding(finding: Data) -> list[str]:
    """Return a finding, then both values if its line lacks them."""
    kind, message = finding["kind"], finding["message"]
    danger = "**DANGER** " if label(finding) == "DANGER" else ""
    lines = _item(f"- {danger}**{kind}** {message}")
    expected, actual = readable(finding["expected"]), readable(finding["actual"])
    in_line = kind in _WHOLE or (
        "\n" not in expected + actual
        and (not expected or expected in message)
        and (not actual or actual in message)
    )
    return lines if in_line else [*lines, *_comparison(expected, actual)]


def _comparison(expected: str, actual: str) -> list[str]:
    """Return the lines that differ, with context."""
    found = difflib.unified_diff(
        expected.splitlines(), actual.splitlines(), "expected", "actual", lineterm="", n=2
    )
    lines = [line for line in found if not line.startswith("@@")]
    wrapped = [part for line in lines for part in _broken(line, COLUMNS - 2)]
    return ["", *(f"  {line}" for line in ("```diff", *wrapped, "```"))]


def _broken(line: str, width: int) -> list[str]:
    """Return *line* in pieces of *width*, each with the line's sign."""
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
    lines = ["", "## Not checked", ""]
    for error, places in hosts_of.items():
        lines += _item(f"- **error** {', '.join(places)}: {error}")
    return lines


def _outdated(roles: t.Sequence[OutdatedRole]) -> list[str]:
    if not roles:
        return []
    lines = ["", "## Roles of an earlier version of this collection", ""]
    for text in outdated_texts(roles):
        lines += _item(f"- {text}")
    return [*lines, "", f"Update them, as the management account: `{UPDATE}`"]


def _expired(entries: t.Sequence[Data]) -> list[str]:
    if not entries:
        return []
    lines = ["", "## No longer ignored", ""]
    for entry in entries:
        lines += _item(
            f"- **expired** on {entry['until']}: {_globs(entry)} ({entry['reason']});"
            f" {count(entry['findings'], 'finding')} no longer ignored. Renew the entry of"
            " drift_ignore or delete it"
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
    for finding in findings:
        ignored = finding["ignored"]
        place = f"{finding['stack']} in {finding['account_id']} {finding['region']}"
        lines += _item(
            f"- **{finding['kind']}** {finding['host'] or 'no host'}, {place}:"
            f" {finding['message']} (until {ignored['until']}: {ignored['reason']})"
        )
    return lines


__all__ = ("as_markdown", "readable")
