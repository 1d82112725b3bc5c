# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of a pipeline's stacks, with its artifacts and its waves. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from .._fields import suggestion
from .model import Data, Pipeline, artifacts_in, levels
from .problem import Problem


def stack_problems(pipeline: Pipeline) -> Iterator[Problem]:
    """Yield what is wrong with the stacks of *pipeline*, and where they are deployed."""
    yield from _artifact_problems(pipeline)
    yield from _order_problems(pipeline)
    yield from _parameter_problems(pipeline)
    yield from _target_problems(pipeline)


def _artifact_problems(pipeline: Pipeline) -> Iterator[Problem]:
    made = set(pipeline.source.artifact_names) if pipeline.source else set()
    if not made or "" in made:  # reported there
        return
    makes = ", ".join(sorted(made))
    uses = [(f"stacks[{stack.name}].artifact", stack.artifact) for stack in pipeline.stacks]
    for where, parameters in _parameters(pipeline):
        uses += [(f"{where}.{name}", artifact) for name, artifact in artifacts_in(parameters)]
    for where, name in uses:
        if name and name not in made:
            yield (
                where,
                f"no artifact is called {name}; the source makes {makes}",
                suggestion(name, made) or "Add it to source.artifacts, or correct the name",
            )


def _order_problems(pipeline: Pipeline) -> Iterator[Problem]:
    names = {stack.name for stack in pipeline.stacks}
    if "" in names:  # reported there
        return
    for stack in pipeline.stacks:
        if stack.after and stack.after not in names:
            yield (
                f"stacks[{stack.name}].after",
                f"{stack.after} is not a stack of this pipeline",
                suggestion(stack.after, names - {stack.name}) or "Name one of its stacks",
            )
            return
    reached = {stack.name for level in levels(pipeline.stacks) for stack in level}
    waiting = [stack.name for stack in pipeline.stacks if stack.name not in reached]
    if waiting:
        yield (
            f"stacks[{waiting[0]}].after",
            f"the stacks {', '.join(waiting)} wait for each other",
            "Remove one after",
        )


def _parameter_problems(pipeline: Pipeline) -> Iterator[Problem]:
    if len(pipeline.stacks) < 2:
        return
    known = {name for stack in pipeline.stacks for name in stack.parameters}
    for wave in pipeline.waves:
        for environment in wave.environments:
            for name in environment.parameters:
                if name not in known:
                    yield (
                        f"waves[{wave.name}].environments[{environment.host}].parameters.{name}",
                        "no stack has this parameter, so it is unclear which one it is for",
                        "Give it a value in parameters of the stack that it belongs to",
                    )


def _target_problems(pipeline: Pipeline) -> Iterator[Problem]:
    seen: dict[tuple[str, str], str] = {}
    for wave in pipeline.waves:
        for environment in wave.environments:
            for region in environment.regions:
                target = (environment.host, region)
                if target in seen:
                    yield (
                        f"waves[{wave.name}].environments",
                        f"{environment.host} in {region} is already in wave {seen[target]}",
                        "A release reaches it once: remove one",
                    )
                seen.setdefault(target, wave.name)


def _parameters(pipeline: Pipeline) -> list[tuple[str, Data]]:
    """Return all parameters, of stacks and of environments, with their field."""
    found = [(f"stacks[{stack.name}].parameters", stack.parameters) for stack in pipeline.stacks]
    found += [
        (f"waves[{wave.name}].environments[{environment.host}].parameters", environment.parameters)
        for wave in pipeline.waves
        for environment in wave.environments
    ]
    return found


__all__ = ("stack_problems",)
