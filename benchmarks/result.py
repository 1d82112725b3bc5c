# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was measured: runs, their series, the result of a scenario."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from benchmarks.claims import Claim
from benchmarks.measure import Usage


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """One run of one tool: what it took, and how often it called each action."""

    usage: Usage
    calls: dict[str, int]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Series:
    """The runs of one column of a table.

    name: the tool, or the size of the organisation. stacks: how many it worked on. sampled: the run
    whose memory was watched.
    """

    name: str
    parallel: str
    stacks: int
    runs: list[Run]
    sampled: Run | None = None

    @property
    def median(self) -> Run:
        """The run whose wall time is the median; of two in the middle the slower."""
        return sorted(self.runs, key=lambda run: run.usage.wall)[len(self.runs) // 2]

    @property
    def memory(self) -> float | None:
        """Peak PSS in MiB; None where it was not watched."""
        return self.sampled.usage.memory / 2**20 if self.sampled else None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Target:
    """A figure that depends on the machine: shown with its goal, and never a failure."""

    text: str
    found: float
    at_most: float

    @property
    def reached(self) -> bool:
        """Whether the goal is reached."""
        return self.found <= self.at_most


@dataclasses.dataclass(frozen=True, kw_only=True)
class Result:
    """What a scenario found.

    compared: whether the second series is another tool's, so that ratios mean something.
    """

    scenario: str
    title: str
    series: list[Series]
    claims: list[Claim]
    targets: list[Target] = dataclasses.field(default_factory=list)
    compared: bool = False

    @property
    def ratio(self) -> float | None:
        """Our wall time over the other tool's; None where none ran."""
        if not self.compared:
            return None
        ours, other = (series.median.usage.wall for series in self.series)
        return ours / other


def worst(claims: Iterable[Claim]) -> list[Claim]:
    """One claim of each kind: of several runs, one that does not hold wins."""
    result: dict[str, Claim] = {}
    for claim in claims:
        if claim.text not in result or not claim.holds:
            result[claim.text] = claim
    return list(result.values())


__all__ = ("Result", "Run", "Series", "Target", "worst")
