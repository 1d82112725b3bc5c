# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The summary of a run as the terminal shows it. Pure."""

from __future__ import annotations

import typing as t
from pathlib import PurePath

from .._access.version import OutdatedRole
from .._accounts.marker import Marker
from .._bootstrap.plan import BlockedStack
from .._bootstrap.summary import (
    ABSENT,
    FAILED,
    QUARANTINED,
    UNCHANGED,
    Data,
    Row,
    describe_hosts,
)
from .._organisation.model import Host
from .blocked import blocked_lines
from .causes import Cause, group
from .lines import Line, Meaning, columns, count, counts, names, wrap
from .outdated import outdated_lines
from .preview import preview_lines

_QUIET = (UNCHANGED, ABSENT, QUARANTINED)  # counted, without a row
_ROWS = 10  # rows of one group with one result; more are one row
_HEAD = ("HOST", "ACCOUNT", "REGION", "STACK", "RESULT")
_COLUMN_SETS = ((0, 1, 2, 3, 4), (0, 1, 3, 4), (0, 3, 4), (0, 4))  # widest first


def summary_lines(
    rows: t.Sequence[Row],
    orphans: t.Sequence[Data] = (),
    blocked: t.Sequence[BlockedStack] = (),
    readings: t.Sequence[Marker] = (),
    outdated_roles: t.Sequence[OutdatedRole] = (),
    *,
    name: str = "",
    seconds: float | None = None,
    check_mode: bool = False,
    width: int,
) -> list[Line]:
    """Return the summary: done or to do, left over, failed and why.

    :param orphans: stacks with our tag but no host.
    :param blocked: stacks that block the next release of a pipeline.
    :param readings: where accounts were read.
    :param outdated_roles: stacks of access.yml of an earlier version.
    :param name: the name of the organisation; may be empty.
    :param seconds: how long the run took.
    """
    busy = [row for row in rows if row.result not in _QUIET]
    lines = _table(busy, rows, width) if busy else _nothing_to_do(rows, name, seconds, width)
    lines += [_reading(reading) for reading in readings]
    lines += preview_lines(rows, width=width)
    lines += _new_members(rows, width)
    lines += _next(rows)
    for row in rows:
        lines += _retained(row, check_mode=check_mode)
    lines += _orphans(orphans, width)
    lines += blocked_lines(blocked)
    lines += outdated_lines(outdated_roles, width=width)
    lines += _failures(rows, width)
    return [Line(), *lines, Line()]


def _nothing_to_do(
    rows: t.Sequence[Row], name: str, seconds: float | None, width: int
) -> list[Line]:
    hosts = [row.host for row in rows if row.result == UNCHANGED]
    text = f"{name or 'All'}: {count(len(hosts), 'stack')} unchanged"
    if hosts:
        text += f" ({describe_hosts(hosts)})"
    others = _numbers(row for row in rows if row.result != UNCHANGED)
    if others:
        text += f", {counts(others)}"
    text += ". No write call" + ("." if seconds is None else f", {seconds:.1f} s.")
    return [Line(line, "ok") for line in wrap(text, width=width, indent=2)]


def _numbers(rows: t.Iterable[Row]) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for row in rows:
        numbers[row.result] = numbers.get(row.result, 0) + 1
    return numbers


def _reading(reading: Marker) -> Line:
    """Return where accounts come from: a cached reading knows no account that was closed since."""
    accounts = count(reading["accounts"], "account")
    how = "read from the cache, which is of" if reading["cached"] else "read at"
    time = reading["read"][:16].replace("T", " ")
    source = PurePath(reading["source"]).name
    meaning: Meaning = "skipped" if reading["cached"] else ""
    return Line(f"  {source}: {accounts}, {how} {time} UTC", meaning)


# The table


def _table(busy: t.Sequence[Row], rows: t.Sequence[Row], width: int) -> list[Line]:
    """Return a row for each changed host, and the others' number."""
    cells: list[tuple[str, ...]] = [_HEAD]
    meanings: list[Meaning] = [""]
    alike: dict[tuple[str, str], list[Row]] = {}
    for row in busy:
        alike.setdefault((row.host.group, row.result), []).append(row)
    for members in alike.values():
        if len(members) > _ROWS:
            cells.append(_merged_row(members))
            meanings.append(members[0].outcome)
        else:
            cells += [_cells(row) for row in members]
            meanings += [row.outcome for row in members]
    for shown_columns in _COLUMN_SETS:
        texts = columns([tuple(cell[index] for index in shown_columns) for cell in cells])
        if max(len(text) for text in texts) + 2 <= width:
            break
    lines = [Line(f"  {text}", meaning) for text, meaning in zip(texts, meanings, strict=True)]
    # Few rows are counted at a glance; the quiet ones and many rows are not.
    quiet = [row for row in rows if row.result in _QUIET]
    numbers = _numbers([*busy, *quiet] if len(busy) > _ROWS else quiet)
    return [*lines, Line(f"  {counts(numbers)}")] if numbers else lines


def _cells(row: Row) -> tuple[str, ...]:
    host = row.host
    return (host.name, host.account_id, host.region, host.stack_name, row.result)


def _merged_row(rows: t.Sequence[Row]) -> tuple[str, ...]:
    """Return one row for many hosts, with what they have in common."""
    hosts = [row.host for row in rows]
    same = [
        values.pop() if len(values) == 1 else ""
        for values in (
            {host.account_id for host in hosts},
            {host.region for host in hosts},
            {host.stack_name for host in hosts},
        )
    ]
    return (describe_hosts(hosts), *same, rows[0].result)


# What failed, and why


def _failures(rows: t.Sequence[Row], width: int) -> list[Line]:
    """Return every cause once, with its hosts and the next step."""
    failed = [row for row in rows if row.failure]
    lines: list[Line] = []
    causes = 0
    for problem in dict.fromkeys(row.problem for row in failed):
        found = group((row.host, row.failure or "") for row in failed if row.problem == problem)
        for cause in found:
            lines += [Line(), *_cause(problem or FAILED, cause, width)]
            causes += 1
    again = "Then run the same command again."
    if causes > 1:
        lines += [Line(), Line(f"  {again}")]
    return [*lines, Line(f"    {again}")] if causes == 1 else lines


def _cause(problem: str, cause: Cause, width: int) -> list[Line]:
    title = f"{problem}: {_which(cause.hosts)}"
    text = cause.text.removeprefix(f"{problem.lower()}: ")
    return [
        *(Line(line, "failed") for line in wrap(title, width=width, indent=2, hanging=4)),
        *(Line(line) for line in wrap(text, width=width, indent=4)),
    ]


def _which(hosts: t.Sequence[Host]) -> str:
    shown = names([host.name for host in hosts])
    if len(hosts) <= 3:
        return shown
    groups = {host.group for host in hosts}
    what = describe_hosts(hosts) if len(groups) == 1 else count(len(hosts), "host")
    return f"{what} ({shown})"


# What groups have brought


def _new_members(rows: t.Iterable[Row], width: int) -> list[Line]:
    """Return which hosts a pipeline would deploy to for the first time."""
    lines: list[Line] = []
    for row in rows:
        hosts: dict[tuple[str, str], list[str]] = {}
        for member in row.new_members:
            hosts.setdefault((member["wave"], member["group"]), []).append(member["host"])
        for (wave, name), found in hosts.items():
            text = f"{row.host.name}: new in group {name}, wave {wave}: {', '.join(found)}"
            lines += [
                Line(line, "changed") for line in wrap(text, width=width, indent=2, hanging=4)
            ]
    return [Line(), *lines] if lines else []


# What people need next


def _next(rows: t.Iterable[Row]) -> list[Line]:
    lines = []
    for row in rows:
        if row.outputs:
            cells = [(what, str(value)) for what, value in row.outputs.items()]
            lines += [Line(), Line(f"  What pipelines need from {row.host.name}:")]
            lines += [Line(f"    {text}") for text in columns(cells)]
    return lines


# What is left


def _retained(row: Row, *, check_mode: bool) -> list[Line]:
    if not row.retained:
        return []
    title = "data that would stay" if check_mode else "data without a stack"
    lines = ["", f"  {row.host.name}: {title}"]
    for entry in row.retained:
        pieces = _entry(entry, check_mode=check_mode)
        # The stack may still use it: nobody should copy a command from a preview.
        lines += [f"    {piece}" for piece in (pieces[:1] if check_mode else pieces)]
    if row.granted:
        lines.append(f"    their policies still name: {', '.join(row.granted)}")
    return [Line(line) for line in lines]


def _entry(entry: Data, *, check_mode: bool) -> list[str]:
    """Return a bucket or key with commands to read, keep or delete it."""
    name, title = entry["name"], f"{entry['kind']} {entry['name']}"
    if entry["kind"] == "bucket" and entry["purged"]:
        return [f"{title}: {'to be ' if check_mode else ''}emptied and deleted"]
    if entry["kind"] == "bucket":
        delete = f"all versions in it, then aws s3 rb s3://{name}"  # which --force would leave
        return [title, f"  read:   aws s3 ls s3://{name} --recursive", f"  delete: {delete}"]
    at = f"--region {entry['region']} \\"
    key = f"            --key-id {name}"
    if entry["deletion_date"]:
        return [
            f"{title}: deleted for good on {entry['deletion_date']}",
            f"  keep:   aws kms cancel-key-deletion {at}",
            key,
        ]
    if entry["purged"]:
        return [f"{title}: its deletion is to be scheduled"]
    return [
        f"{title}: without it its bucket cannot be read",
        f"  delete: aws kms schedule-key-deletion {at}",
        key,
    ]


def _orphans(orphans: t.Sequence[Data], width: int) -> list[Line]:
    if not orphans:
        return []
    title = "  Stacks of this collection without a host in the inventory, left alone:"
    lines = [Line(), Line(title, "skipped")]
    for orphan in orphans:
        place = f"{orphan['account_id']} {orphan['region']}"
        lines.append(Line(f"    {orphan['stack_name']} in {place}"))
        if orphan["granted"]:
            text = f"in use: it still grants {', '.join(orphan['granted'])}. Bring its host back"
            lines += [Line(line) for line in wrap(text, width=width, indent=6)]
            continue
        lines += [
            Line(f"      delete: aws cloudformation delete-stack --region {orphan['region']} \\"),
            Line(f"                --stack-name {orphan['stack_name']}"),
        ]
    return lines


__all__ = ("summary_lines",)
