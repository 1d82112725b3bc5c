# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a canary run as Markdown, with all details. Pure."""

from __future__ import annotations

import textwrap
import typing as t

from .._prove.model import REFUSED, STATUSES
from .lines import COLUMNS, count
from .prove_document import INCOMPLETE, PROVEN
from .prove_grid import WORDS, make_grid
from .prove_screen import refused, which

_VERDICTS = {
    PROVEN: "every path is proven",
    REFUSED: "not every path is proven",
    INCOMPLETE: "not every path was seen to its end",
}

Data = dict[str, t.Any]


def as_markdown(report: Data) -> str:
    """Return *report* as Markdown."""
    name = report["organisation"] or "the organisation"
    counts = report["counts"]
    when = report["started"].replace("T", " ").replace("Z", " UTC")
    numbers = ", ".join(
        f"{counts[status]} {WORDS[status].lower()}" for status in STATUSES if counts[status]
    )
    lines = [f"# Paths of {name}: {_VERDICTS[report['verdict']]}", ""]
    lines += [
        f"- {count(len(report['paths']), 'path')}: {numbers or 'none'}",
        f"- {when}, {report['seconds']} s, {count(report['pipelines'], 'temporary pipeline')}",
        "",
        *_grid(report),
    ]
    for number, cause in enumerate(report["causes"]):
        places = [path for path in report["paths"] if path["cause"] == number]
        lines += ["", f"## {WORDS[cause['status']]}: {which(places)}", "", *_cause(cause, places)]
    if report["notes"]:
        lines += ["", "## Notes", ""]
        for note in report["notes"]:
            lines += _item(f"- {note['message']}. {note['cure']}")
    return "\n".join([*lines, ""])


def _grid(report: Data) -> list[str]:
    grid = make_grid(report)
    head = ["Account", *(", ".join(column) for column in grid.columns)]
    rows = [[", ".join(row.hosts), *(WORDS[item] for item in row.statuses)] for row in grid.rows]
    return [_row(head), _row(["---"] * len(head)), *(_row(row) for row in rows)]


def _row(cells: t.Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cause(cause: Data, places: t.Sequence[Data]) -> list[str]:
    lines = _item(f"- {cause['meaning'] or cause['kind']}{refused(cause)}")
    if cause["stage"]:
        lines.append(f"- stage {cause['stage']}")
    lines += _item(f"- {cause['message']}")
    lines += _item(f"- **fix** {cause['cure']}")
    of_host: dict[str, list[str]] = {}
    for place in places:
        of_host.setdefault(f"{place['host']} ({place['account_id']})", []).append(place["region"])
    listed = "; ".join(f"{host}: {', '.join(regions)}" for host, regions in of_host.items())
    return [*lines, *_item(f"- {listed}")]


def _item(text: str) -> list[str]:
    return textwrap.wrap(
        text, COLUMNS, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False
    )


__all__ = ("as_markdown",)
