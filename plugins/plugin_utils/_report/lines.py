# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text for a terminal: lines with a meaning, wrapped, in columns. Pure."""

from __future__ import annotations

import dataclasses
import re
import textwrap
import typing as t

COLUMNS = 100
NAMES_SHOWN = 3
# A line never ends between a number and its unit.
_SECONDS = re.compile(r"(?<=[0-9]) (?=s\b)")
_UNBROKEN = "\N{NO-BREAK SPACE}"

# What a line means; the terminal gives each its colour.
Meaning = t.Literal["", "ok", "changed", "failed", "skipped"]


@dataclasses.dataclass(frozen=True)
class Line:
    """One line on the terminal."""

    text: str = ""
    meaning: Meaning = ""


def wrap(text: str, *, width: int, indent: int = 0, hanging: int | None = None) -> list[str]:
    """Return *text* on as many lines as needed, keeping its line breaks.

    :param indent: spaces before the first line.
    :param hanging: spaces before all others; as many as *indent* by default.
    """
    first, rest = " " * indent, " " * (indent if hanging is None else hanging)
    lines: list[str] = []
    text = _SECONDS.sub(_UNBROKEN, text)
    for number, line in enumerate(text.splitlines()):
        own = line[: len(line) - len(line.lstrip())]  # lists in a message are indented
        lines += textwrap.wrap(
            line.strip(),
            max(width, len(rest) + 40),
            initial_indent=(first if number == 0 else rest) + own,
            subsequent_indent=rest + own,
            break_on_hyphens=False,
            break_long_words=False,
        ) or [""]
    return [line.replace(_UNBROKEN, " ") for line in lines]


def columns(rows: t.Sequence[t.Sequence[str]]) -> list[str]:
    """Return *rows* as lines, cells padded to their columns."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def names(items: t.Sequence[str], *, shown: int = NAMES_SHOWN) -> str:
    """Return the first few of *items* and the number of the others."""
    text = ", ".join(items[:shown])
    return f"{text} and {len(items) - shown} more" if len(items) > shown else text


def count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}{'s' if number != 1 else ''}"


def counts(numbers: t.Mapping[str, int]) -> str:
    """Return how many there are of each."""
    return ", ".join(f"{number} {what}" for what, number in numbers.items() if number)


__all__ = (
    "COLUMNS",
    "NAMES_SHOWN",
    "Line",
    "Meaning",
    "columns",
    "count",
    "counts",
    "names",
    "wrap",
)
