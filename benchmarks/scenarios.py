# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scenarios: what is set, what is run and what must have been counted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.claims import (
    Claim,
    by_action,
    checked_once,
    executed_once,
    few_calls,
    nothing_written,
    updated_by_sceptre,
)
from benchmarks.measure import Usage, run
from benchmarks.organisation import Size
from benchmarks.tool import Bootstrap, Drift, Pipelines, Sceptre, Tool
from lab import Call, Lab


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
    in turn. report: called with one line before each run.
    """

    def __init__(
        self,
        lab: Lab,
        size: Size,
        *,
        directory: Path,
        repeat: int,
        report: Callable[[str], None],
        forks: int | None = None,
    ) -> None:
        self._lab = lab
        self._size = size
        self._directory = directory
        self._repeat = repeat
        self._report = report
        self._release = 0
        self._bootstrap = Bootstrap(lab, size, directory, forks=forks)
        self._sceptre = Sceptre(lab, size, directory)
        self._tools: tuple[Tool, ...] = (self._bootstrap, self._sceptre)

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
        for tool in self._tools:
            tool.want(str(self._release))

        def evaluate(tool: Tool, calls: list[Call]) -> list[Claim]:
            if tool is self._sceptre:
                return [updated_by_sceptre(calls, stacks=0)]
            return [nothing_written(calls), *few_calls(calls, self._size)]

        return self._compare(
            "unchanged", title="UNCHANGED: nothing to change", evaluate=evaluate, target=0.30
        )

    def update(self, latency: float) -> Result:
        """Let both tools change a tag of every deploy account's stack, one after the other.

        latency: seconds that every stack operation takes.
        """
        accounts = self._size.accounts

        def prepare(tool: Tool) -> None:
            self._release += 1
            tool.want(str(self._release))

        def evaluate(tool: Tool, calls: list[Call]) -> list[Claim]:
            if tool is self._sceptre:
                return [updated_by_sceptre(calls, stacks=accounts)]
            text = f"{accounts} stacks of deploy accounts, each executed once"
            return [executed_once(calls, stacks=accounts, text=text)]

        self._lab.set_latency(latency)
        result = self._compare(
            f"update at {latency:g} s",
            title=f"UPDATE: a tag of every deploy account; an operation takes {latency:g} s",
            prepare=prepare,
            evaluate=evaluate,
            target=1.0,
        )
        self._lab.set_latency(0.0)
        return result

    def pipelines(self, count: int) -> Iterator[Result]:
        """Create *count* pipelines on the foundation, then run again with nothing to change."""
        tool = Pipelines(self._lab, self._size, self._bootstrap, self._directory / f"{count}")
        tool.declare([f"service-{count}-{number:03}" for number in range(1, count + 1)])
        done, calls = self._run(tool, f"{count} pipelines created")
        yield Result(
            scenario=f"{count} pipelines created",
            title=f"PIPELINES: {count} are created. No peer has them",
            series=[_series(tool, [done])],
            claims=[executed_once(calls, stacks=count, text=f"{count} stacks, each executed once")],
        )
        runs, claims = [], []
        for n in range(self._repeat):
            done, calls = self._run(tool, f"{count} pipelines unchanged {n + 1}")
            runs.append(done)
            claims.append(nothing_written(calls))
        yield Result(
            scenario=f"{count} pipelines unchanged",
            title=f"PIPELINES: {count} are unchanged",
            series=[_series(tool, runs)],
            claims=_worst(claims),
        )

    def drift(self) -> Result:
        """Check the whole organisation, in which nothing has drifted."""
        tool = Drift(self._lab, self._bootstrap, self._directory)
        sampled, calls = self._run(tool, "drift, memory watched", sample=True)
        claims = [nothing_written(calls), *checked_once(calls, self._size)]
        runs = []
        for n in range(self._repeat):
            done, calls = self._run(tool, f"drift {n + 1}")
            runs.append(done)
            claims += [nothing_written(calls), *checked_once(calls, self._size)]
        return Result(
            scenario="drift",
            title="DRIFT: a whole drift run, and nothing has drifted. No peer has one",
            series=[_series(tool, runs, sampled)],
            claims=_worst(claims),
        )

    def _compare(
        self,
        scenario: str,
        *,
        title: str,
        evaluate: Callable[[Tool, list[Call]], list[Claim]],
        target: float,
        prepare: Callable[[Tool], None] | None = None,
    ) -> Result:
        """Run the tools in turn: once with their memory watched, then the timed runs.

        prepare: called before each run. evaluate: the claims of one run, by tool and calls.
        """
        claims: list[Claim] = []
        sampled: dict[str, Run] = {}
        runs: dict[str, list[Run]] = {tool.name: [] for tool in self._tools}
        for n in range(self._repeat + 1):
            for tool in self._tools:
                if prepare:
                    prepare(tool)
                # The watched run is the first, so it also warms up what the timed ones find.
                name = f"{scenario} {n}" if n else f"{scenario}, memory watched"
                done, calls = self._run(tool, name, sample=not n)
                claims += evaluate(tool, calls)
                if n:
                    runs[tool.name].append(done)
                else:
                    sampled[tool.name] = done
        return Result(
            scenario=scenario,
            title=title,
            series=[_series(tool, runs[tool.name], sampled[tool.name]) for tool in self._tools],
            claims=_worst(claims),
            target=target,
        )

    def _run(self, tool: Tool, what: str, *, sample: bool = False) -> tuple[Run, list[Call]]:
        self._report(f"{what}: {tool.name}")
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
