# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The grid of accounts by regions in few rows and columns: what is alike stands once. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .._prove.model import LEFT_OUT, REACHED, REFUSED, UNKNOWN
from .lines import count, names
from .prove_document import WORST_FIRST

# What stands in a cell; nothing where an account has no such region.
WORDS = {REACHED: "reached", REFUSED: "REFUSED", UNKNOWN: "unknown", LEFT_OUT: "left out", "": "-"}

Data = dict[str, t.Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """Accounts whose regions are alike.

    :param statuses: of each column of the grid.
    """

    hosts: tuple[str, ...]
    statuses: tuple[str, ...]

    @property
    def worst(self) -> str:
        """The worst of its statuses."""
        return next((status for status in WORST_FIRST if status in self.statuses), REACHED)

    @property
    def title(self) -> str:
        """What it is called: a host, or how many accounts."""
        if len(self.hosts) == 1:
            return self.hosts[0]
        if len(self.hosts) <= 3:
            return ", ".join(self.hosts)
        return f"{count(len(self.hosts), 'account')} ({names(self.hosts, shown=1)})"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Grid:
    """Accounts by regions.

    :param columns: regions that are alike for all accounts.
    :param rows: the worst first.
    """

    columns: tuple[tuple[str, ...], ...]
    rows: tuple[Row, ...]

    @property
    def titles(self) -> list[str]:
        """What each column is called."""
        return [
            column[0] if len(column) == 1 else count(len(column), "region")
            for column in self.columns
        ]


def make_grid(report: Data) -> Grid:
    """Return the grid of a report."""
    statuses: dict[str, dict[str, str]] = {}
    for path in report["paths"]:
        statuses.setdefault(path["host"], {})[path["region"]] = path["status"]
    regions = sorted({path["region"] for path in report["paths"]})
    alike: dict[tuple[str, ...], list[str]] = {}
    for host in sorted(statuses):
        key = tuple(statuses[host].get(region, "") for region in regions)
        alike.setdefault(key, []).append(host)
    columns: dict[tuple[str, ...], list[int]] = {}
    for position in range(len(regions)):
        columns.setdefault(tuple(key[position] for key in alike), []).append(position)
    rows = [
        Row(
            hosts=tuple(hosts),
            statuses=tuple(key[positions[0]] for positions in columns.values()),
        )
        for key, hosts in alike.items()
    ]
    rows.sort(key=lambda row: (WORST_FIRST.index(row.worst), row.hosts))
    return Grid(
        columns=tuple(
            tuple(regions[position] for position in positions) for positions in columns.values()
        ),
        rows=tuple(rows),
    )


__all__ = ("WORDS", "Grid", "Row", "make_grid")
