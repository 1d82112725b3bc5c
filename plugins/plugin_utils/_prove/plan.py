# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run would make, from the inventory alone. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import PipelineError
from .._organisation.model import PIPELINES, Organisation
from .canary import PREFIX, Canary
from .divide import Estimate, divide, estimate
from .model import PathResult
from .paths import choose_paths

AT_ONCE = 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run would make.

    :param run: in the names and tags of all of it.
    """

    run: str
    canaries: tuple[Canary, ...]
    left_out: tuple[PathResult, ...]
    estimate: Estimate


def make_plan(organisation: Organisation, hosts: t.Collection[str], run: str) -> Plan:
    """Return what a run over *hosts* would make. Raises PipelineError where it may not."""
    if organisation.is_slice:
        raise PipelineError(
            "the inventory has no primary host, as in a slice of AWX",
            cure="Run the canary as one job, without slices: it divides its work itself",
        )
    check_names(host.name for host in organisation.of(PIPELINES))
    paths, left_out = choose_paths(organisation, hosts)
    canaries = divide(paths, organisation, run)
    return Plan(
        run=run,
        canaries=tuple(canaries),
        left_out=tuple(left_out),
        estimate=estimate(canaries, organisation),
    )


def check_names(names: t.Iterable[str]) -> None:
    """Raise PipelineError for a pipeline with a name that canaries use."""
    for name in names:
        if name.startswith(PREFIX):
            raise PipelineError(
                f"a pipeline is called {name}, and canaries use names that begin with {PREFIX}",
                cure="Nothing was written. Rename it",
            )


__all__ = ("AT_ONCE", "Plan", "check_names", "make_plan")
