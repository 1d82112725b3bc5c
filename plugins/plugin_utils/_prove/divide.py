# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How paths are divided into pipelines, and what they cost. Pure.

One stage holds all paths of a pipeline: CodePipeline finishes the parallel actions of a stage where
one of them fails, but begins no later one. So each path gets an answer of its own.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._organisation.model import Organisation
from .._pipeline_stack.foundation import Foundation, store_regions, syncs_artifacts
from .._pipeline_stack.limits import longest_foundation, size_problems
from .canary import MOST_PATHS, Canary
from .model import Path

# V2 pipelines, in US dollars; each action counts as one minute at least.
_MINUTE = 0.002
_STARTS = 2  # CodePipeline starts a new pipeline by itself, before there is an artifact


@dataclasses.dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a run makes and costs, where nothing refuses.

    :param dollars: of action minutes, without those that are free each month.
    """

    paths: int
    pipelines: int
    actions: int
    dollars: float


def divide(paths: t.Sequence[Path], organisation: Organisation, run: str) -> list[Canary]:
    """Return the canaries that prove *paths*: as few as AWS's limits allow."""
    foundation = longest_foundation(organisation)
    rest, groups = sorted(paths), []
    while rest:
        size = _fitting(rest[:MOST_PATHS], run, foundation)
        groups.append(rest[:size])
        rest = rest[size:]
    return [
        Canary(run=run, number=number, paths=tuple(group))
        for number, group in enumerate(groups, start=1)
    ]


def _fitting(paths: t.Sequence[Path], run: str, foundation: Foundation) -> int:
    """Return how many of *paths*, from the first, fit into one pipeline; at least one."""
    for size in range(len(paths), 1, -1):
        pipeline = Canary(run=run, number=1, paths=tuple(paths[:size])).pipeline()
        if not size_problems(pipeline, foundation):
            return size
    return 1


def estimate(canaries: t.Sequence[Canary], organisation: Organisation) -> Estimate:
    """Return what *canaries* cost."""
    paths, actions = 0, 0
    for canary in canaries:
        pipeline, region = canary.pipeline(), organisation.primary_region
        copies = len(store_regions(pipeline, region)) - 1
        paths += len(canary.paths)
        actions += _STARTS + 2 * len(canary.paths)
        actions += copies if syncs_artifacts(pipeline, region) else 0
    return Estimate(
        paths=paths, pipelines=len(canaries), actions=actions, dollars=actions * _MINUTE
    )


__all__ = ("Estimate", "divide", "estimate")
