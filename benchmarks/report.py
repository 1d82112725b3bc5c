# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results as a table of at most 100 columns, and as data."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.scenarios import Result, Run

_LABEL, _COLUMN = 52, 16


def as_data(result: Result) -> dict[str, Any]:
    """Return *result* for JSON: every run, and what the table shows of them."""
    return {
        **dataclasses.asdict(result),
        "ratio": result.ratio,
        "median": {
            series.tool: dataclasses.asdict(series.median.usage) for series in result.series
        },
    }


def as_text(result: Result) -> str:
    """Return the table of one scenario."""
    lines = [result.title, ""]
    lines.append(_row("", [series.tool for series in result.series], "ratio"))
    lines += _figures(result)
    lines += ["", *_calls(result), ""]
    if result.ratio is not None and result.target is not None:
        verdict = "reached" if result.ratio <= result.target else "MISSED"
        lines.append(
            f"  wall at most {result.target:.2f} of Sceptre's: {result.ratio:.2f}, {verdict}"
        )
    for claim in result.claims:
        lines.append(f"  {claim.text}: {claim.found}, {'holds' if claim.holds else 'BROKEN'}")
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _figures(result: Result) -> Iterator[str]:
    medians = [series.median for series in result.series]
    sampled = [series.sampled for series in result.series]

    def row(label: str, figure: Callable[[Run], float], form: str) -> str:
        return _compared(label, [figure(run) for run in medians], form)

    median = "" if len(result.series[0].runs) == 1 else f", median of {len(result.series[0].runs)}"
    yield row(f"wall{median}", lambda run: run.usage.wall, "{:.1f} s")
    yield row("CPU, user and system, all processes", lambda run: run.usage.cpu, "{:.1f} s")
    yield row("CPU of the lab", lambda run: run.usage.server_cpu, "{:.1f} s")
    watched = [run for run in sampled if run is not None and run.usage.memory]
    if len(watched) == len(medians):
        memory = [run.usage.memory / 2**20 for run in watched]
        yield _compared("memory, peak PSS of all processes", memory, "{:.0f} MiB")
        yield _row("processes at most", [str(run.usage.processes) for run in watched])
    yield _row("works at once on", [series.parallel for series in result.series])
    walls = [
        " ".join(f"{run.usage.wall:.1f}" for run in series.runs)
        if len(series.runs) <= 3
        else f"{min(run.usage.wall for run in series.runs):.1f} to "
        f"{max(run.usage.wall for run in series.runs):.1f}"
        for series in result.series
    ]
    if median:
        yield _row("each run's wall", walls)
    loads = [f"{series.median.usage.load:.1f}" for series in result.series]
    yield _row("load of the machine at the start", loads)


def _calls(result: Result) -> Iterator[str]:
    calls = [series.median.calls for series in result.series]
    yield _compared("API calls", [float(sum(one.values())) for one in calls], "{:.0f}")
    actions = dict.fromkeys(action for one in calls for action in one)
    for action in actions:
        yield _row(f"  {action}", [str(one.get(action, "-")) for one in calls])


def _compared(label: str, figures: list[float], form: str) -> str:
    ratio = f"{figures[0] / figures[1]:.2f}" if len(figures) > 1 and figures[1] else ""
    return _row(label, [form.format(figure) for figure in figures], ratio)


def _row(label: str, cells: list[str], ratio: str = "") -> str:
    columns = "".join(f"{cell:>{_COLUMN}}" for cell in cells)
    return f"  {label:<{_LABEL}}{columns}{ratio:>9}"


__all__ = ("as_data", "as_text")
