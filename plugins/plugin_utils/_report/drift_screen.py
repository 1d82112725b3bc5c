# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drift report and verdict on the terminal. Pure."""

from __future__ import annotations

import re
import typing as t

from .._bootstrap.summary import describe_hosts
from .._drift.finding import check_failed
from .._organisation.model import Host
from .causes import group
from .document import CLEAN, INCOMPLETE, not_ignored
from .extract import label, remediable
from .lines import Line, Meaning, count, counts, names, wrap
from .severity import allowed

_SHOWN = 40  # findings and errors; the report has all of them
_TYPE = re.compile(r" \([A-Za-z0-9]+(?:::[A-Za-z0-9]+)+\)")  # of a resource, after its name
_MEANINGS: dict[str, Meaning] = {"DANGER": "failed", "drift": "changed", "error": "failed"}

Data = dict[str, t.Any]
_Cells = tuple[str, str, str, str]  # severity, host, stack, text


def report_lines(
    report: Data,
    *,
    path: str = "",
    command: t.Sequence[str] = (),
    limit: str = "",
    width: int,
) -> list[Line]:
    """Return the report in short.

    :param path: where the page with all details is; empty where nothing was written.
    :param command: the command of this run, to which remediation is added.
    :param limit: what the command was limited to.
    """
    lines = [Line(), *_headline(report, width)]
    findings = _rows(report)
    if findings:
        lines += [Line(), *_table(findings[:_SHOWN], width)]
        if len(findings) > _SHOWN:
            lines.append(Line(f"  and {len(findings) - _SHOWN} more, in the report"))
    for host, reason in report["not_reverted"].items():
        pieces = wrap(f"{host} was not reverted: {reason}", width=width, indent=2, hanging=4)
        lines += [Line(), *(Line(piece, "failed") for piece in pieces)]
    notes = _notes(report, width)
    if notes:
        lines += [Line(), *notes]
    lines += _next(report, path, command, limit, width)
    return [*lines, Line()]


def verdict_lines(summary: Data, *, width: int) -> list[Line]:
    """Return the verdict on all parts of a run.

    :param summary: what ``verdict.collect`` returned.
    """
    hosts, stacks = len(summary["hosts"]), sum(summary["stacks"].values())
    checked = f"{count(stacks, 'stack')} of {count(hosts, 'host')} in"
    parts = f"{checked} {count(summary['reports'], 'report')}"
    name = summary["organisation"] or "The organisation"
    if summary["verdict"] == CLEAN:
        text = f"{name} is clean: {parts}."
    elif summary["verdict"] == INCOMPLETE:
        text = f"{name} could not be checked completely: nothing was found in {parts}."
    else:
        number = sum(summary["findings"].values())
        text = f"{name} has drifted: {count(number, 'finding')} in {parts}."
    lines = [Line(), *_colour(text, summary["verdict"], width)]
    shown = [
        Line(piece, _MEANINGS.get(message.partition(" ")[0], ""))
        for message in summary["messages"]
        for piece in wrap(message, width=width, indent=2, hanging=4)
    ]
    if summary["more_messages"]:
        shown.append(Line(f"  and {summary['more_messages']} more, in the reports of the parts"))
    if summary["missing"]:
        text = f"Not checked by any part: {', '.join(summary['missing'])}"
        missing = wrap(text, width=width, indent=2, hanging=4)
        shown += [Line(piece, "failed") for piece in missing]
    notes = {"ignored": summary["ignored"], "not checkable": summary["unchecked"]}
    if any(notes.values()):
        shown.append(Line(f"  {counts(notes)}", "skipped"))
    return [*lines, *([Line(), *shown] if shown else []), Line()]


def _headline(report: Data, width: int) -> list[Line]:
    name = report["organisation"] or "The organisation"
    hosts = _hosts(host for host in report["hosts"] if host["state"] != "quarantined")
    failed = sum(host["state"] == "error" for host in report["hosts"])
    stacks, seconds = count(len(hosts), "stack"), f"{report['seconds']:.0f} s"
    if report["verdict"] == CLEAN:
        kinds = f" ({describe_hosts(hosts)})" if hosts else ""
        text = f"{name} is clean: {stacks}{kinds}, {seconds}."
    elif report["verdict"] == INCOMPLETE:
        text = f"{name} could not be checked completely: {failed} of {stacks} failed, nothing was"
        text += f" found in the others ({seconds})."
    else:
        findings = not_ignored(report)
        orphans = sum(finding["kind"] == "orphaned" for finding in findings)
        drifted = {(finding["host"], finding["stack"]) for finding in findings if finding["host"]}
        text = (
            f"{name} has drifted: {count(len(findings), 'finding')} in {len(drifted)} of {stacks}"
        )
        text += f" and {count(orphans, 'orphaned stack')}" if orphans else ""
        text += f", {count(failed, 'stack')} could not be checked" if failed else ""
        text += f" ({seconds})."
    return _colour(text, report["verdict"], width)


def _colour(text: str, verdict: str, width: int) -> list[Line]:
    meaning: Meaning = "ok" if verdict == CLEAN else "failed"
    return [Line(piece, meaning) for piece in wrap(text, width=width, indent=2)]


# Findings and errors: the same on many hosts is one row


def _rows(report: Data) -> list[_Cells]:
    hosts = {(host.name, host.stack_name): host for host in _hosts(report["hosts"])}
    alike: dict[tuple[str, str, str], list[Data]] = {}
    found = sorted(not_ignored(report), key=lambda finding: label(finding) != "DANGER")
    for finding in found:
        text = _TYPE.sub("", finding["message"])
        added = allowed(finding)
        key = (label(finding), finding["stack"], f"{text}, {added}" if added else text)
        alike.setdefault(key, []).append(finding)
    rows = [
        (word, *_which([finding["host"] or "no host" for finding in same], stack, text))
        for (word, stack, text), same in alike.items()
    ]
    errors = [
        (hosts[host["name"], host["stack"]], host["error"])
        for host in report["hosts"]
        if host["error"]
    ]
    for cause in group(errors):
        stacks = {host.stack_name for host in cause.hosts}
        stack = stacks.pop() if len(stacks) == 1 else ""
        rows.append(("error", *_which([host.name for host in cause.hosts], stack, cause.text)))
    return rows


def _which(hosts: t.Sequence[str], stack: str, text: str) -> tuple[str, str, str]:
    if len(hosts) == 1:
        return hosts[0], stack, text
    return count(len(hosts), "host"), stack, f"{text} ({names(hosts)})"


def _table(rows: t.Sequence[_Cells], width: int) -> list[Line]:
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    # Long names of hosts and stacks leave no room for a message: it goes below them.
    margin = 2 + sum(widths) + 6
    lines = []
    for row in rows:
        head = "  ".join(cell.ljust(size) for cell, size in zip(row, widths, strict=False))
        text, meaning = row[3], _MEANINGS[row[0]]
        if margin > width // 2 + 10:
            lines.append(Line(f"  {head}".rstrip(), meaning))
            lines += [Line(piece, meaning) for piece in wrap(text, width=width, indent=10)]
        else:
            pieces = wrap(f"{head}  {text}", width=width, indent=2, hanging=margin)
            lines += [Line(piece, meaning) for piece in pieces]
    return lines


def _notes(report: Data, width: int) -> list[Line]:
    """Return what does not count: ignored, expired, quarantined, not checkable."""
    texts = []
    ignored = len(report["findings"]) - len(not_ignored(report))
    if ignored:
        texts.append(f"{count(ignored, 'finding')} ignored, as drift_ignore says.")
    quarantined = [host["name"] for host in report["hosts"] if host["state"] == "quarantined"]
    if quarantined:
        texts.append(f"Quarantined, not checked: {names(quarantined)}.")
    unchecked = [
        f"{entry['resource']} ({entry['resource_type']})"
        for entry in report["unchecked"]
        if not check_failed(entry)
    ]
    if unchecked:
        number, listed = count(len(unchecked), "resource"), names(sorted(set(unchecked)), shown=10)
        texts.append(f"{number} not checked, of a type without drift detection: {listed}.")
    texts += [
        f"The drift_ignore entry {entry['reason']!r} expired on {entry['until']}:"
        f" {count(entry['findings'], 'finding')} no longer ignored."
        for entry in report["ignored_expired"]
    ]
    return [
        Line(piece, "skipped")
        for text in texts
        for piece in wrap(text, width=width, indent=2, hanging=4)
    ]


def _next(report: Data, path: str, command: t.Sequence[str], limit: str, width: int) -> list[Line]:
    lines = [f"  Report: {path}"] if path else []
    hosts = remediable(report)
    if hosts and command:
        options = f"-e remediate=true --limit {','.join(hosts)}"
        if len(options) + 10 > width:  # more hosts change nothing: they are as they should be
            options = "-e remediate=true" + (f" --limit {limit}" if limit else "")
        line = f"  Fix:    {' '.join(command)} {options}"
        broken = [f"  Fix:    {' '.join(command)} \\", f"          {options}"]
        lines += [line] if len(line) <= width else broken
    return [Line(), *(Line(line) for line in lines)] if lines else []


def _hosts(entries: t.Iterable[Data]) -> list[Host]:
    return [
        Host(
            name=entry["name"],
            group=entry["group"],
            account_id=entry["account_id"],
            region=entry["region"],
            stack_name=entry["stack"],
        )
        for entry in entries
    ]


__all__ = ("report_lines", "verdict_lines")
