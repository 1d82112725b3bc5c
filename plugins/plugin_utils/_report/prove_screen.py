# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a canary run shows on the terminal. Pure."""

from __future__ import annotations

import re
import typing as t

from .._prove.model import LEFT_OUT, REACHED, REFUSED, UNKNOWN
from .lines import Line, Meaning, columns, count, names, wrap
from .prove_document import INCOMPLETE, PROVEN
from .prove_grid import WORDS, Row, make_grid

_MEANINGS: dict[str, Meaning] = {
    REACHED: "ok",
    REFUSED: "failed",
    UNKNOWN: "failed",
    LEFT_OUT: "skipped",
}
_TITLES = {REFUSED: "REFUSED", UNKNOWN: "UNKNOWN", LEFT_OUT: "Left out"}
_EXPECTED = {**_TITLES, REFUSED: "WOULD BE REFUSED"}
# A cure ends with a command after a colon, if it has one.
_COMMAND = re.compile(r": (?P<command>(?:ansible-playbook|aws) .*)$")
_ROWS = 30  # the report has all of them

Data = dict[str, t.Any]


def proof_lines(report: Data, *, path: str = "", width: int) -> list[Line]:
    """Return the report in short: the grid, each cause once, the answer last.

    :param path: where the page with all details is; empty where nothing was written.
    """
    lines = [Line(), *_grid(report, width)]
    lines += _causes(report, _TITLES, width)
    lines += [Line(), *_answer(report, width)]
    if path:
        lines.append(Line(f"  Report: {path}"))
    return [*lines, Line()]


def preview_lines(report: Data, *, width: int) -> list[Line]:
    """Return what check mode shows: how much would be proven, and what would refuse."""
    lines = _causes(report, _EXPECTED, width)
    counts = report["counts"]
    others = [
        f"{counts[status]} {word}"
        for status, word in ((REFUSED, "would be refused"), (LEFT_OUT, "left out"))
        if counts[status]
    ]
    paths = count(len(report["paths"]) - counts[LEFT_OUT], "path")
    text = f"{_name(report)}: {', '.join([f'{paths} to prove', *others])} ({_size(report)})."
    meaning: Meaning = "failed" if counts[REFUSED] else "ok"
    lines += [Line(), *(Line(line, meaning) for line in wrap(text, width=width, indent=2))]
    return [*lines, Line()]


def _causes(report: Data, titles: t.Mapping[str, str], width: int) -> list[Line]:
    """Return each cause once, and then the notes."""
    lines: list[Line] = []
    for number, cause in enumerate(report["causes"]):
        places = [entry for entry in report["paths"] if entry["cause"] == number]
        lines += [Line(), *_cause(cause, titles[cause["status"]], places, width)]
    for note in report["notes"]:
        lines += [Line(), *_note(note, width)]
    return lines


def _name(report: Data) -> str:
    return report["organisation"] or "All"


def _size(report: Data) -> str:
    paths = report["paths"]
    return (
        f"{count(len({entry['account_id'] for entry in paths}), 'account')},"
        f" {count(len({entry['region'] for entry in paths}), 'region')}"
    )


def _answer(report: Data, width: int) -> list[Line]:
    paths = report["paths"]
    counts = report["counts"]
    size = (
        f"{_size(report)}, {count(report['pipelines'], 'temporary pipeline')},"
        f" {report['seconds']:.0f} s"
    )
    others = [
        f"{counts[status]} {WORDS[status].lower()}"
        for status in (REFUSED, UNKNOWN, LEFT_OUT)
        if counts[status]
    ]
    text = f"{_name(report)}: {counts[REACHED]} of {count(len(paths), 'path')} reached"
    text += f", {', '.join(others)} ({size})."
    meaning: Meaning = "ok" if report["verdict"] == PROVEN else "failed"
    if report["verdict"] == INCOMPLETE and not counts[UNKNOWN]:
        meaning = "skipped"
    text = text if others else text.replace(", (", " (").replace("reached,  (", "reached (")
    return [Line(line, meaning) for line in wrap(text, width=width, indent=2, hanging=4)]


def _grid(report: Data, width: int) -> list[Line]:
    grid = make_grid(report)
    shown = grid.rows[:_ROWS]
    cells = [
        ("ACCOUNT", *grid.titles),
        *((row.title, *(WORDS[status] for status in row.statuses)) for row in shown),
    ]
    texts = columns(cells)
    if max(len(text) for text in texts) + 2 > width:
        return _listed(shown, grid.columns, len(grid.rows), width)
    meanings: list[Meaning] = ["", *(_MEANINGS[row.worst] for row in shown)]
    lines = [Line(f"  {text}", meaning) for text, meaning in zip(texts, meanings, strict=True)]
    if len(grid.rows) > len(shown):
        lines.append(Line(f"  and {len(grid.rows) - len(shown)} more rows, in the report"))
    for column in grid.columns:
        if len(column) > 1:
            text = f"{count(len(column), 'region')}: {', '.join(column)}"
            lines += [Line(line) for line in wrap(text, width=width, indent=2, hanging=4)]
    return lines


def _listed(
    rows: t.Sequence[Row], regions: t.Sequence[tuple[str, ...]], total: int, width: int
) -> list[Line]:
    """Return the grid as a line for each row, where its columns have no room."""
    lines = []
    for row in rows:
        parts = []
        for status in dict.fromkeys(row.statuses):
            if status:
                found = [
                    region
                    for column, own in zip(regions, row.statuses, strict=True)
                    if own == status
                    for region in column
                ]
                parts.append(f"{WORDS[status]} in {names(found)}")
        text = f"{row.title}: {'; '.join(parts)}"
        meaning = _MEANINGS[row.worst]
        lines += [Line(line, meaning) for line in wrap(text, width=width, indent=2, hanging=4)]
    if total > len(rows):
        lines.append(Line(f"  and {total - len(rows)} more rows, in the report"))
    return lines


def _cause(cause: Data, title: str, places: t.Sequence[Data], width: int) -> list[Line]:
    title = f"{title}: {which(places)}"
    meaning = _MEANINGS[cause["status"]]
    lines = [Line(line, meaning) for line in wrap(title, width=width, indent=2, hanging=4)]
    lines += [Line(line) for line in wrap(_what(cause), width=width, indent=4)]
    if cause["status"] == LEFT_OUT:
        return lines
    lines += [Line(line) for line in wrap(cause["message"], width=width, indent=4, hanging=6)]
    return [*lines, *_fix(cause, width)]


def which(places: t.Sequence[Data]) -> str:
    """Return where a cause stops paths: accounts and regions."""
    hosts = list(dict.fromkeys(place["host"] for place in places))
    regions = list(dict.fromkeys(place["region"] for place in places))
    accounts = names(hosts)
    if len(hosts) > 3:
        accounts = f"{count(len(hosts), 'account')} ({accounts})"
    return f"{accounts} in {names(regions)}"


def _what(cause: Data) -> str:
    """Return what is wrong in one sentence."""
    text = cause["meaning"] or cause["kind"]
    stage = f"{cause['stage']}: " if cause["stage"] else ""
    return f"{stage}{text}{refused(cause)}"


def refused(cause: Data) -> str:
    """Return who was refused what, as far as it is known: ``(s3:GetObject on ... for ...)``."""
    if not cause["permission"] or cause["permission"] in cause["message"]:
        return ""
    resource = f" on {cause['resource']}" if cause["resource"] else ""
    principal = f" for {cause['principal']}" if cause["principal"] else ""
    return f" ({cause['permission']}{resource}{principal})"


def _note(note: Data, width: int) -> list[Line]:
    more = f" ({note['times']} times)" if note["times"] > 1 else ""
    text = f"Note: {note['message']}{more}"
    lines = [Line(line, "skipped") for line in wrap(text, width=width, indent=2, hanging=4)]
    return [*lines, *_fix(note, width)]


def _fix(cause: Data, width: int) -> list[Line]:
    """Return what to do, a command on lines of its own, to be copied."""
    match = _COMMAND.search(cause["cure"])
    text = cause["cure"][: match.start() + 1] if match else cause["cure"]
    lines = wrap(f"Fix: {text}", width=width, indent=4, hanging=6)
    if match:
        command = wrap(match["command"], width=width - 2, indent=6, hanging=8)
        lines += [f"{line} \\" for line in command[:-1]] + command[-1:]
    return [Line(line) for line in lines]


__all__ = ("preview_lines", "proof_lines", "refused", "which")
