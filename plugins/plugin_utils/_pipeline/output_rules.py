# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of outputs: each must exist before it is used. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from .._fields import suggestion
from .approval import CHANGE_SETS
from .model import DeployedStack, Environment, Pipeline, Wave, levels
from .outputs import Output, outputs_in
from .problem import Problem


def output_problems(pipeline: Pipeline) -> Iterator[Problem]:
    """Yield the outputs that parameters of *pipeline* take and that are not there in time."""
    found: dict[Problem, None] = {}
    for wave in pipeline.waves:
        for environment in wave.environments:
            for stack in pipeline.stacks:
                found |= dict.fromkeys(_problems(pipeline, wave, environment, stack))
    yield from found


def _problems(
    pipeline: Pipeline, wave: Wave, environment: Environment, stack: DeployedStack
) -> Iterator[Problem]:
    parameters = pipeline.parameters(stack, environment)
    for region in environment.regions:
        for name, output in outputs_in(parameters, environment.host, region):
            is_own = name in environment.parameters
            where = (
                f"waves[{wave.name}].environments[{environment.host}]"
                if is_own
                else f"stacks[{stack.name}]"
            )
            problem = unknown_output(pipeline, output)
            if problem is None:
                is_here = (output.host, output.region) == (environment.host, region)
                problem = (
                    _order_problem(pipeline, wave, stack, output)
                    if is_here
                    else late_output(pipeline, output, before=wave)
                )
            if problem:
                yield (f"{where}.parameters.{name}", *problem)


def unknown_output(pipeline: Pipeline, output: Output) -> tuple[str, str] | None:
    """Return why nothing of *pipeline* makes *output*, and what to do."""
    names = {stack.name for stack in pipeline.stacks}
    if output.stack not in names:
        return (
            f"{output.stack} is not a stack of this pipeline",
            suggestion(output.stack, names) or "Name one of its stacks",
        )
    if _wave_of(pipeline, output) is None:
        return (
            f"no wave deploys to {output.host} in {output.region}",
            "Name a host and a region of an earlier wave",
        )
    return None


def late_output(
    pipeline: Pipeline, output: Output, *, before: Wave | None = None, after: Wave | None = None
) -> tuple[str, str] | None:
    """Return why *output* is not there *before* a wave, or after it, and what to do."""
    wave = before or after
    made_by = _wave_of(pipeline, output)
    if wave is None or made_by is None:
        return None
    order = [item.name for item in pipeline.waves]
    is_there = order.index(made_by.name) + (before is not None) <= order.index(wave.name)
    if is_there:
        return None
    return (
        (
            f"{output.stack} is deployed to {output.host} in {output.region} in wave"
            f" {made_by.name}, not before wave {wave.name}"
        ),
        "Name a host and a region of an earlier wave",
    )


def _order_problem(
    pipeline: Pipeline, wave: Wave, stack: DeployedStack, output: Output
) -> tuple[str, str] | None:
    """Return why a stack has not the output of another one in the same environment."""
    level_of = {
        item.name: number for number, level in enumerate(levels(pipeline.stacks)) for item in level
    }
    if not {output.stack, stack.name} <= level_of.keys():  # wrong order, reported there
        return None
    if level_of[output.stack] >= level_of[stack.name]:
        return (
            f"{stack.name} is not deployed after {output.stack}, so it has no output of it",
            f"Give {stack.name} after: {output.stack}",
        )
    if wave.approval and wave.approval.review == CHANGE_SETS:
        return (
            (
                f"wave {wave.name} makes all change sets before {output.stack} is deployed, so its"
                " outputs are not there yet"
            ),
            "Give the approval of the wave review: release",
        )
    return None


def _wave_of(pipeline: Pipeline, output: Output) -> Wave | None:
    return next(
        (
            wave
            for wave in pipeline.waves
            for environment in wave.environments
            if environment.host == output.host and output.region in environment.regions
        ),
        None,
    )


__all__ = ("late_output", "output_problems", "unknown_output")
