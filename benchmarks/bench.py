# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One organisation on a lab, and tools that are measured on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.claims import Claim, by_action
from benchmarks.measure import run
from benchmarks.organisation import Size
from benchmarks.result import Run, Series, worst
from benchmarks.tool import Bootstrap, Sceptre, Tool
from lab import Call, Lab

Evaluate = Callable[[Tool, list[Call]], list[Claim]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What was asked for on the command line.

    size: of the organisation that most scenarios share. repeat: timed runs of each tool. forks:
    instead of those of ansible.cfg. reads: seconds that a read takes, one after the other.
    operations: the same of a stack operation. sizes: accounts of the scenario scale. sliced:
    accounts of the scenario slices. pipelines: how many are created.
    """

    size: Size
    repeat: int
    forks: int | None
    reads: Sequence[float]
    operations: Sequence[float]
    sizes: Sequence[int]
    sliced: int
    pipelines: int


class Bench:
    """An organisation with its tools.

    directory: where inventory, project and every run's output go. report: called with one line
    before each run.
    """

    def __init__(
        self,
        lab: Lab,
        size: Size,
        *,
        directory: Path,
        options: Options,
        report: Callable[[str], None],
    ) -> None:
        self.lab = lab
        self.size = size
        self.directory = directory
        self.options = options
        self._report = report
        self._release = 0
        self._sceptre: Sceptre | None = None
        self.bootstrap = Bootstrap(lab, size, directory, forks=options.forks)
        self.bootstrap.want(self.release)

    @property
    def sceptre(self) -> Sceptre:
        """Sceptre, with what is deployed; its roles are made when it is first needed."""
        if self._sceptre is None:
            self._sceptre = Sceptre(self.lab, self.size, self.directory)
        return self._sceptre

    @property
    def release(self) -> str:
        """The value of the tag that every deploy account's stack has."""
        return str(self._release)

    def next_release(self) -> str:
        """Return another value of that tag."""
        self._release += 1
        return self.release

    def measure(
        self,
        scenario: str,
        tools: Sequence[Tool],
        evaluate: Evaluate,
        *,
        prepare: Callable[[Tool], None] = lambda _tool: None,
    ) -> tuple[list[Series], list[Claim]]:
        """Run the tools in turn: once with their memory watched, then the timed runs.

        prepare: called before each run. evaluate: the claims of one run, by tool and calls.
        """
        claims: list[Claim] = []
        sampled: dict[str, Run] = {}
        runs: dict[str, list[Run]] = {tool.name: [] for tool in tools}
        for n in range(self.options.repeat + 1):
            for tool in tools:
                prepare(tool)
                # The watched run is the first, so it also warms up what the timed ones find.
                name = f"{scenario} {n}" if n else f"{scenario}, memory watched"
                done, calls = self._run(tool, name, sample=not n)
                claims += evaluate(tool, calls)
                if n:
                    runs[tool.name].append(done)
                else:
                    sampled[tool.name] = done
        series = [self._series(tool, runs[tool.name], sampled[tool.name]) for tool in tools]
        return series, worst(claims)

    def once(self, scenario: str, tool: Tool, evaluate: Evaluate) -> tuple[Series, list[Claim]]:
        """Run a tool once, for what cannot be repeated."""
        done, calls = self._run(tool, scenario)
        return self._series(tool, [done]), evaluate(tool, calls)

    def _run(self, tool: Tool, what: str, *, sample: bool = False) -> tuple[Run, list[Call]]:
        self._report(f"{what}: {tool.name}")
        self.lab.clear_calls()
        name = f"{what}-{tool.name}".lower().replace(",", "").replace(" ", "-")
        usage = run(
            tool.command,
            environment=tool.environment,
            folder=tool.folder,
            log=self.directory / f"{name}.log",
            server=self.lab.pid,
            sample=sample,
        )
        calls = self.lab.calls()
        return Run(usage=usage, calls=by_action(calls)), calls

    def _series(self, tool: Tool, runs: list[Run], sampled: Run | None = None) -> Series:
        return Series(
            name=tool.name,
            parallel=tool.parallel,
            stacks=tool.stacks,
            runs=runs,
            sampled=sampled,
        )


__all__ = ("Bench", "Evaluate", "Options")
