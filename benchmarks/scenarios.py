# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scenarios: what is set, what is run and what must have been counted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from benchmarks.claims import (
    Claim,
    by_action,
    executed_once,
    few_calls,
    nothing_written,
    updated_by_sceptre,
)
from benchmarks.measure import Usage, run
from benchmarks.organisation import Size
from benchmarks.tool import Bootstrap, Sceptre, Tool
from tests.lab.calls import Call
from tests.lab.lab import Lab


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """One run of one tool: what it took, and how often it called each action."""

    usage: Usage
    calls: dict[str, int]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Series:
    """The runs of one tool in one scenario; *sampled* is the one whose memory was watched."""

    tool: str
    parallel: str
    runs: list[Run]
    sampled: Run | None = None

    @property
    def median(self) -> Run:
        """The run whose wall time is the median; of two in the middle the slower."""
        return sorted(self.runs, key=lambda one: one.usage.wall)[len(self.runs) // 2]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Result:
    """What a scenario found.

    target: our wall time over Sceptre's is to be at most this; None where only calls count.
    """

    scenario: str
    title: str
    series: list[Series]
    claims: list[Claim]
    target: float | None = None

    @property
    def ratio(self) -> float | None:
        """Our wall time over Sceptre's; None where Sceptre did not run."""
        if len(self.series) < 2:
            return None
        ours, other = (series.median.usage.wall for series in self.series)
        return ours / other


class Bench:
    """The scenarios over one lab. fresh() comes first: it builds what the others work on.

    directory: where inventory, project and every run's output go. repeat: timed runs of each tool,
    in turn. say: called with one line before each run.
    """

    def __init__(
        self,
        lab: Lab,
        size: Size,
        *,
        directory: Path,
        repeat: int,
        say: Callable[[str], None],
        forks: int | None = None,
    ) -> None:
        self._lab = lab
        self._size = size
        self._directory = directory
        self._repeat = repeat
        self._say = say
        self._release = 0
        self._bootstrap = Bootstrap(lab, size, directory, forks=forks)
        self._sceptre = Sceptre(lab, size, directory)

    def fresh(self) -> Result:
        """Build the organisation from nothing."""
        self._bootstrap.want(str(self._release))
        done, calls = self._run(self._bootstrap, "fresh")
        claim = executed_once(
            calls, stacks=self._size.stacks, text=f"{self._size.stacks} stacks, each executed once"
        )
        return Result(
            scenario="fresh",
            title="FRESH: an empty organisation. Not compared: Sceptre is given what this run made",
            series=[_series(self._bootstrap, [done])],
            claims=[claim],
        )

    def unchanged(self) -> Result:
        """Run both tools with nothing to change."""
        tools: tuple[Tool, ...] = (self._bootstrap, self._sceptre)
        claims: list[Claim] = []
        sampled, runs = {}, dict[str, list[Run]]()
        for tool in tools:
            tool.want(str(self._release))
            # First, so that it also warms up what the timed runs find.
            sampled[tool.name], _ = self._run(tool, "unchanged, memory watched", sample=True)
        for n in range(self._repeat):
            for tool in tools:
                done, calls = self._run(tool, f"unchanged {n + 1}")
                runs.setdefault(tool.name, []).append(done)
                if tool is self._bootstrap:
                    claims += [nothing_written(calls), *self._few_calls(calls)]
        return Result(
            scenario="unchanged",
            title="UNCHANGED: nothing to change",
            series=[_series(tool, runs[tool.name], sampled[tool.name]) for tool in tools],
            claims=_worst(claims),
            target=0.30,
        )

    def update(self, latency: float) -> Result:
        """Let both tools change a tag of every deploy account's stack, one after the other.

        latency: seconds that every stack operation takes.
        """
        self._lab.set_latency(latency)
        accounts = self._size.accounts
        claims: list[Claim] = []
        runs: dict[str, list[Run]] = {}
        for n in range(self._repeat):
            for tool in (self._bootstrap, self._sceptre):
                self._release += 1
                tool.want(str(self._release))
                done, calls = self._run(tool, f"update at {latency:g} s {n + 1}")
                runs.setdefault(tool.name, []).append(done)
                if tool is self._sceptre:
                    claims.append(updated_by_sceptre(calls, stacks=accounts))
                else:
                    text = f"{accounts} stacks of deploy accounts, each executed once"
                    claims.append(executed_once(calls, stacks=accounts, text=text))
        self._lab.set_latency(0.0)
        return Result(
            scenario=f"update at {latency:g} s",
            title=f"UPDATE: a tag of every deploy account; an operation takes {latency:g} s",
            series=[_series(tool, runs[tool.name]) for tool in (self._bootstrap, self._sceptre)],
            claims=_worst(claims),
            target=1.0,
        )

    def _few_calls(self, calls: list[Call]) -> list[Claim]:
        return few_calls(calls, build=self._lab.organisation.build, size=self._size)

    def _run(self, tool: Tool, what: str, *, sample: bool = False) -> tuple[Run, list[Call]]:
        self._say(f"{what}: {tool.name}")
        self._lab.clear_calls()
        name = f"{what}-{tool.name}".lower().replace(",", "").replace(" ", "-")
        usage = run(
            tool.command,
            environment=tool.environment,
            folder=tool.folder,
            log=self._directory / f"{name}.log",
            server=self._lab.pid,
            sample=sample,
        )
        calls = self._lab.calls()
        return Run(usage=usage, calls=by_action(calls)), calls


def _series(tool: Tool, runs: list[Run], sampled: Run | None = None) -> Series:
    return Series(tool=tool.name, parallel=tool.parallel, runs=runs, sampled=sampled)


def _worst(claims: list[Claim]) -> list[Claim]:
    """One claim of each kind: of several runs, one that does not hold wins."""
    result: dict[str, Claim] = {}
    for claim in claims:
        if claim.text not in result or not claim.holds:
            result[claim.text] = claim
    return list(result.values())


__all__ = ("Bench", "Result", "Run", "Series")
