# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scenarios: what is run on which organisation, and what must have been counted.

A scenario takes a Stage, and yields a Result for each table. A new one is a function here or in a
module of its own, and a line in SCENARIOS.
"""

from __future__ import annotations

import contextlib
import functools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.bench import Bench, Options
from benchmarks.claims import (
    Claim,
    checked_once,
    executed_once,
    few_calls,
    nothing_written,
    updated_by_sceptre,
)
from benchmarks.organisation import Size, generate
from benchmarks.result import Result, Series, Target
from benchmarks.tool import Drift, Floor, Pipelines, Sceptre, Slices, Tool
from lab import Call, Lab

_SLICES = 3
_MEGABYTES = 300
_DRIFT = 12
_CHECK = "Check everything before the first write"


class Stage:
    """Where scenarios run: one organisation for most, and others for those of another size.

    lab: is empty; the shared organisation is built on it when it is first needed.
    """

    def __init__(
        self,
        lab: Lab,
        *,
        directory: Path,
        options: Options,
        report: Callable[[str], None],
    ) -> None:
        self._lab = lab
        self._directory = directory
        self._report = report
        self.options = options

    @property
    def bench(self) -> Bench:
        """The organisation that most scenarios share."""
        return self._shared[0]

    @property
    def fresh(self) -> Result:
        """What building it took."""
        return self._shared[1]

    @contextlib.contextmanager
    def other(self, size: Size) -> Iterator[tuple[Bench, list[Result]]]:
        """Yield an organisation of any size, and what building it took; it is built once."""
        if size == self.options.size:
            yield self.bench, []
            return
        state = self._directory / f"{size.accounts}-accounts.state"
        is_built = state.exists()
        with Lab(organisation=generate(size), state=state if is_built else None) as lab:
            if is_built:
                yield self._bench(lab, size), []
                return
            bench, built = self._build(lab, size)
            lab.save(state)
            yield bench, [built]

    @functools.cached_property
    def _shared(self) -> tuple[Bench, Result]:
        return self._build(self._lab, self.options.size)

    def _bench(self, lab: Lab, size: Size) -> Bench:
        directory = self._directory / f"{size.accounts}-accounts"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        return Bench(lab, size, directory=directory, options=self.options, report=self._report)

    def _build(self, lab: Lab, size: Size) -> tuple[Bench, Result]:
        bench = self._bench(lab, size)
        text = f"{size.stacks} stacks, each executed once"
        series, claims = bench.once(
            f"fresh {size.accounts}",
            bench.bootstrap,
            lambda _tool, calls: [executed_once(calls, stacks=size.stacks, text=text)],
        )
        result = Result(
            scenario=f"fresh {size.accounts}",
            title=f"FRESH: an empty organisation of {size.accounts} accounts",
            series=[series],
            claims=claims,
        )
        return bench, result


Scenario = Callable[[Stage], Iterator[Result]]


def fresh(stage: Stage) -> Iterator[Result]:
    """Build the organisation from nothing. Sceptre is given what this made."""
    yield stage.fresh


def unchanged(stage: Stage) -> Iterator[Result]:
    """Run both tools with nothing to change."""
    bench = stage.bench
    tools: tuple[Tool, ...] = (bench.bootstrap, bench.sceptre)
    for tool in tools:
        tool.want(bench.release)

    evaluate = functools.partial(_evaluate_unchanged, bench.size)
    for delay in stage.options.reads:
        with _latency(bench.lab, read=delay):
            series, claims = bench.measure(f"unchanged{_after(delay)}", tools, evaluate)
        result = Result(
            scenario=f"unchanged{_after(delay)}",
            title=f"UNCHANGED: nothing to change{_after(delay)}",
            series=series,
            claims=claims,
            compared=True,
        )
        targets = [_memory(series[0])] if delay else [_wall(result, 0.10), _memory(series[0])]
        yield replace(result, targets=targets)


def floor(stage: Stage) -> Iterator[Result]:
    """Let Ansible do nothing on as many hosts, next to a bootstrap with nothing to change."""
    bench = stage.bench
    tools = (bench.bootstrap, Floor(bench.bootstrap))
    bench.bootstrap.want(bench.release)
    series, claims = bench.measure("floor", tools, lambda _tool, calls: [nothing_written(calls)])
    yield Result(
        scenario="floor",
        title="FLOOR: nothing to change, and an action that does nothing on as many hosts",
        series=series,
        claims=claims,
        compared=True,
    )


def scale(stage: Stage) -> Iterator[Result]:
    """Run with nothing to change on organisations of several sizes."""
    series: list[Series] = []
    claims: list[Claim] = []
    for accounts in stage.options.sizes:
        size = Size(accounts=accounts, regions=stage.options.size.regions)
        with stage.other(size) as (bench, built):
            yield from built
            found, held = bench.measure(
                "unchanged",
                [bench.bootstrap],
                functools.partial(_evaluate_unchanged, size),
            )
        series.append(replace(found[0], name=f"{accounts} accounts"))
        claims += held
    yield Result(
        scenario="scale",
        title="SCALE: nothing to change, by number of accounts",
        series=series,
        claims=claims,
        targets=_flat(series),
    )


def update(stage: Stage) -> Iterator[Result]:
    """Let both tools change a tag of every deploy account's stack."""
    bench = stage.bench
    accounts = bench.size.accounts

    def evaluate(tool: Tool, calls: list[Call]) -> list[Claim]:
        if isinstance(tool, Sceptre):
            return [updated_by_sceptre(calls, stacks=accounts)]
        text = f"{accounts} stacks of deploy accounts, each executed once"
        return [executed_once(calls, stacks=accounts, text=text)]

    for operation in stage.options.operations:
        with _latency(bench.lab, operation=operation):
            series, claims = bench.measure(
                f"update at {operation:g} s",
                (bench.bootstrap, bench.sceptre),
                evaluate,
                prepare=lambda tool: tool.want(bench.next_release()),
            )
        result = Result(
            scenario=f"update at {operation:g} s",
            title=f"UPDATE: a tag of every deploy account; an operation takes {operation:g} s",
            series=series,
            claims=claims,
            compared=True,
        )
        yield replace(result, targets=[_wall(result, 0.60)] if operation else [])


def drift(stage: Stage) -> Iterator[Result]:
    """Check the whole organisation, in which nothing has drifted. No peer has a drift run."""
    bench = stage.bench
    bench.bootstrap.want(bench.release)
    tool = Drift(bench.lab, bench.bootstrap, bench.directory)

    def evaluate(_tool: Tool, calls: list[Call]) -> list[Claim]:
        return [nothing_written(calls), *checked_once(calls, bench.size)]

    for delay in stage.options.reads:
        with _latency(bench.lab, read=delay):
            series, claims = bench.measure(f"drift{_after(delay)}", [tool], evaluate)
        yield Result(
            scenario=f"drift{_after(delay)}",
            title=f"DRIFT: a whole drift run, and nothing has drifted{_after(delay)}",
            series=series,
            claims=claims,
            targets=[_few(series[0])],
        )


def pipelines(stage: Stage) -> Iterator[Result]:
    """Create pipelines, then run again with nothing to change, next to as many accounts."""
    bench, count = stage.bench, stage.options.pipelines
    bench.bootstrap.want(bench.release)
    tool = Pipelines(bench.lab, bench.size, bench.bootstrap, bench.directory)
    tool.declare([f"service-{number:03}" for number in range(1, count + 1)])
    text = f"{count} stacks, each executed once"
    built, built_claims = bench.once(
        f"{count} pipelines created",
        tool,
        lambda _tool, calls: [executed_once(calls, stacks=count, text=text)],
    )
    yield Result(
        scenario=f"{count} pipelines created",
        title=f"PIPELINES: {count} are created. No peer has them",
        series=[built],
        claims=built_claims,
    )
    series, claims = bench.measure(
        f"{count} pipelines unchanged",
        (tool, bench.bootstrap),
        lambda _tool, calls: [nothing_written(calls)],
    )
    result = Result(
        scenario=f"{count} pipelines unchanged",
        title=f"PIPELINES: {count} are unchanged, next to {bench.size.accounts} accounts",
        series=series,
        claims=claims,
        compared=True,
    )
    ours, accounts = (column.median.usage.wall for column in series)
    text = f"wall at most 2 times that of {bench.size.accounts} accounts"
    yield replace(result, targets=[Target(text=text, found=ours / accounts, at_most=2.0)])


def slices(stage: Stage) -> Iterator[Result]:
    """Check a large organisation in slices at once, with one verdict, next to one run."""
    size = Size(accounts=stage.options.sliced, regions=stage.options.size.regions)
    with stage.other(size) as (bench, built):
        yield from built
        whole = Drift(bench.lab, bench.bootstrap, bench.directory)
        parts = Slices(whole, bench.bootstrap, bench.directory, slices=_SLICES)
        series, claims = bench.measure(
            "slices",
            (parts, whole),
            lambda _tool, calls: [nothing_written(calls), *checked_once(calls, size)],
        )
    yield Result(
        scenario="slices",
        title=f"SLICES: {_SLICES} of {size.accounts} accounts with one verdict, next to one run",
        series=series,
        claims=claims,
        compared=True,
    )


SCENARIOS: dict[str, Scenario] = {
    "fresh": fresh,
    "unchanged": unchanged,
    "floor": floor,
    "update": update,
    "drift": drift,
    "pipelines": pipelines,
    "scale": scale,
    "slices": slices,
}
WITH_SCEPTRE = {"unchanged", "update"}


def _evaluate_unchanged(size: Size, tool: Tool, calls: list[Call]) -> list[Claim]:
    if isinstance(tool, Sceptre):
        return [updated_by_sceptre(calls, stacks=0)]
    return [nothing_written(calls), *few_calls(calls, size)]


@contextlib.contextmanager
def _latency(lab: Lab, *, read: float = 0.0, operation: float = 0.0) -> Iterator[None]:
    lab.set_latency(operation, read=read)
    yield
    lab.set_latency(0.0)


def _after(delay: float) -> str:
    return f", reads take {delay * 1000:.0f} ms" if delay else ""


def _wall(result: Result, at_most: float) -> Target:
    text = f"wall at most {at_most:.2f} of Sceptre's"
    return Target(text=text, found=result.ratio or 0.0, at_most=at_most)


def _memory(series: Series) -> Target:
    return Target(
        text=f"memory at most {_MEGABYTES} MiB", found=series.memory or 0.0, at_most=_MEGABYTES
    )


def _few(series: Series) -> Target:
    each = sum(series.median.calls.values()) / series.stacks
    return Target(text=f"at most {_DRIFT} calls a stack", found=each, at_most=_DRIFT)


def _flat(series: list[Series]) -> list[Target]:
    """Return what must not grow with the number of accounts: the last size over the first."""
    first, last = series[0], series[-1]

    def each(column: Series, seconds: float) -> float:
        return seconds / column.stacks

    def check(column: Series) -> float:
        return each(column, column.median.usage.phases.get(_CHECK, 1.0))

    figures = {
        "wall a stack": [each(column, column.median.usage.wall) for column in (first, last)],
        "CPU a stack": [each(column, column.median.usage.cpu) for column in (first, last)],
        "the check's wall a stack": [check(column) for column in (first, last)],
        "memory": [column.memory or 1.0 for column in (first, last)],
    }
    return [
        Target(text=f"{name}, {last.name} over {first.name}", found=after / before, at_most=1.05)
        for name, (before, after) in figures.items()
    ]


__all__ = ("SCENARIOS", "WITH_SCEPTRE", "Scenario", "Stage")
