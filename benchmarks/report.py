# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results as a table of at most 100 columns, and as data."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from benchmarks.result import Result, Run, Series

_LABEL, _COLUMN = 52, 16
# Seconds from which a phase has a line.
_SHORTEST = 0.05


def as_data(result: Result) -> dict[str, Any]:
    """Return *result* for JSON: every run, and what the table shows of them."""
    return {
        **dataclasses.asdict(result),
        "ratio": result.ratio,
        "median": {
            series.name: dataclasses.asdict(series.median.usage) for series in result.series
        },
    }


def as_text(result: Result) -> str:
    """Return the table of one scenario."""
    lines = [result.title, ""]
    lines.append(_row("", [series.name for series in result.series], "ratio" * result.compared))
    lines += _figures(result)
    lines += ["", *_phases(result.series), *_calls(result), ""]
    for target in result.targets:
        verdict = "reached" if target.reached else "MISSED"
        form = ".0f" if target.at_most >= 100 else ".2f"
        lines.append(f"  {target.text} (goal {target.at_most:g}): {target.found:{form}}, {verdict}")
    for claim in result.claims:
        lines.append(f"  {claim.text}: {claim.found}, {'holds' if claim.holds else 'BROKEN'}")
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _figures(result: Result) -> Iterator[str]:
    medians = [series.median for series in result.series]

    def row(label: str, figure: Callable[[Run], float], form: str) -> str:
        return _compared(result, label, [figure(run) for run in medians], form)

    def each(label: str, figure: Callable[[Run], float]) -> str:
        stacks = [series.stacks for series in result.series]
        figures = [1000 * figure(run) / many for run, many in zip(medians, stacks, strict=True)]
        return _compared(result, label, figures, "{:.0f} ms")

    median = "" if len(result.series[0].runs) == 1 else f", median of {len(result.series[0].runs)}"
    yield row(f"wall{median}", lambda run: run.usage.wall, "{:.1f} s")
    yield each("  a stack", lambda run: run.usage.wall)
    yield row("CPU, user and system, all processes", lambda run: run.usage.cpu, "{:.1f} s")
    yield each("  a stack", lambda run: run.usage.cpu)
    yield row("CPU of the lab", lambda run: run.usage.server_cpu, "{:.1f} s")
    memory = [series.memory for series in result.series]
    if all(memory):
        yield _compared(
            result,
            "memory, peak PSS of all processes",
            [peak or 0.0 for peak in memory],
            "{:.0f} MiB",
        )
        watched = [series.sampled for series in result.series]
        yield _row("processes at most", [str(run.usage.processes) for run in watched if run])
    yield _row("works at once on", [series.parallel for series in result.series])
    if median:
        yield _row("each run's wall", [_walls(series) for series in result.series])
    loads = [f"{series.median.usage.load:.1f}" for series in result.series]
    yield _row("load of the machine at the start", loads)


def _walls(series: Series) -> str:
    walls = [run.usage.wall for run in series.runs]
    if len(walls) <= 3:
        return " ".join(f"{wall:.1f}" for wall in walls)
    return f"{min(walls):.1f} to {max(walls):.1f}"


def _phases(series: Sequence[Series]) -> Iterator[str]:
    """Yield where the wall time of the median run goes, for runs of Ansible."""
    phases = [column.median.usage.phases for column in series]
    names = dict.fromkeys(name for found in phases for name in found)
    rows = [
        _row(f"  {name}"[:_LABEL], [f"{found.get(name, 0.0):.1f} s" for found in phases])
        for name in names
        if any(found.get(name, 0.0) >= _SHORTEST for found in phases)
    ]
    if rows:
        yield from ("  wall by phase", *rows, "")


def _calls(result: Result) -> Iterator[str]:
    calls = [series.median.calls for series in result.series]
    totals = [float(sum(found.values())) for found in calls]
    stacks = [series.stacks for series in result.series]
    yield _compared(result, "API calls", totals, "{:.0f}")
    each = [total / many for total, many in zip(totals, stacks, strict=True)]
    yield _compared(result, "  a stack", each, "{:.1f}")
    actions = dict.fromkeys(action for found in calls for action in found)
    for action in actions:
        yield _row(f"  {action}", [str(found.get(action, "-")) for found in calls])


def _compared(result: Result, label: str, figures: list[float], form: str) -> str:
    ratio = f"{figures[0] / figures[1]:.2f}" if result.compared and figures[1] else ""
    return _row(label, [form.format(figure) for figure in figures], ratio)


def _row(label: str, cells: list[str], ratio: str = "") -> str:
    columns = "".join(f"{cell:>{_COLUMN}}" for cell in cells)
    return f"  {label:<{_LABEL}}{columns}{ratio:>9}"


__all__ = ("as_data", "as_text")
