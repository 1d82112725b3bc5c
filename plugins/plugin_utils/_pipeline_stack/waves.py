# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stages of a wave: several if it has too many actions. Pure."""

from __future__ import annotations

import typing as t

from .._pipeline.approval import CHANGE_SETS, Approval
from .._pipeline.model import DeployedStack, Pipeline, Wave, levels
from .._pipeline.wave_test import AFTER, BEFORE
from .actions import Action, Place, execute, prepare
from .approvals import approve
from .conditions import conditioned
from .deploy_kinds import deploy_actions
from .foundation import Foundation
from .stage import Stage, Step, cut, make_stage, numbered, with_steps
from .wave_tests import test_actions

_EXECUTION_ID = "#{codepipeline.PipelineExecutionId}"


def wave_stages(pipeline: Pipeline, foundation: Foundation, wave: Wave) -> list[Stage]:
    """Return the stages of *wave*."""
    return conditioned(_Wave(pipeline, foundation, wave).stages(), foundation, wave)


class _Wave:
    """Composes the stages of a wave."""

    def __init__(self, pipeline: Pipeline, foundation: Foundation, wave: Wave) -> None:
        self._pipeline = pipeline
        self._foundation = foundation
        self._wave = wave
        self._most = pipeline.max_actions_per_stage
        self._levels = levels(pipeline.stacks)
        self._places = [
            (environment, region)
            for environment in wave.environments
            for region in environment.regions
        ]
        shows_changes = wave.approval is not None and wave.approval.review == CHANGE_SETS
        # Of one place.
        self._count = 2 * len(pipeline.stacks) + len(pipeline.s3) + len(pipeline.ecs)
        deployments = self._count * len(self._places)
        count = deployments + shows_changes + len(wave.tests)
        self._is_split = count > self._most
        # All releases use one name while their stage is locked from the change set to its
        # execution. Otherwise the next release may come between, so each has a name of its own.
        name = pipeline.name
        self._change_set = f"{name}-{_EXECUTION_ID}" if self._is_split else name

    def stages(self) -> list[Stage]:
        """Return the wave's stages."""
        approval = self._wave.approval
        if approval is None:
            return self._tested(self._deployed())
        if approval.review == CHANGE_SETS:
            return self._tested(self._reviewed(approval))
        return self._tested([self._approval_stage(approval), *self._deployed()])

    def _tested(self, stages: list[Stage]) -> list[Stage]:
        """Return *stages* with the wave's tests: in the first and the last, if there is room."""
        name = self._wave.name
        before, after = (test_actions(self._pipeline, self._wave, when) for when in (BEFORE, AFTER))
        if not self._is_split:
            stages[0] = with_steps(stages[0], before=before, after=[])
            stages[-1] = with_steps(stages[-1], before=[], after=after)
            return stages
        return [
            *([make_stage(f"{name}-test-before", [before])] if before else []),
            *stages,
            *([make_stage(f"{name}-test-after", [after])] if after else []),
        ]

    def _deployed(self) -> list[Stage]:
        """Return each change set followed by its execution."""
        if not self._is_split:
            return [make_stage(self._wave.name, self._steps(self._places))]
        # Whole places to a stage as long as they fit: what fails leaves the rest untouched.
        size = self._most // self._count
        if size:
            parts = [self._steps(places) for places in cut(self._places, size)]
        else:
            steps = [step for place in self._places for step in self._steps([place])]
            parts = [[part] for step in steps for part in cut(step, self._most)]
        return [make_stage(name, part) for name, part in numbered(self._wave.name, parts)]

    def _reviewed(self, approval: Approval) -> list[Stage]:
        """Return all change sets, then the approval, then their executions."""
        name = self._wave.name
        changes = [self._prepare(*pair) for level in self._levels for pair in self._at(level)]
        executions = [[self._execute(*pair) for pair in self._at(level)] for level in self._levels]
        executions += self._after_stacks(self._places)
        if not self._is_split:
            return [make_stage(name, [changes, [self._approve(approval)], *executions])]
        prepared = numbered(f"{name}-prepare", cut(changes, self._most))
        parts = [part for step in executions for part in cut(step, self._most)]
        executed = numbered(f"{name}-execute", parts)
        return [
            *(make_stage(stage, [part]) for stage, part in prepared),
            self._approval_stage(approval),
            *(make_stage(stage, [part]) for stage, part in executed),
        ]

    def _approval_stage(self, approval: Approval) -> Stage:
        return make_stage(f"{self._wave.name}-approve", [[self._approve(approval)]])

    def _approve(self, approval: Approval) -> Action:
        return approve(self._pipeline, self._wave.name, approval)

    def _steps(self, places: t.Sequence[Place]) -> list[Step]:
        """Return change sets and executions of *places*, level by level."""
        steps = []
        for level in self._levels:
            pairs = [(place, stack) for place in places for stack in level]
            steps.append([self._prepare(*pair) for pair in pairs])
            steps.append([self._execute(*pair) for pair in pairs])
        return steps + self._after_stacks(places)

    def _after_stacks(self, places: t.Sequence[Place]) -> list[Step]:
        """Return files and images of *places*, which may need what the stacks have made."""
        step = [
            action
            for place in places
            for action in deploy_actions(self._pipeline, self._foundation, place)
        ]
        return [step] if step else []

    def _at(self, level: t.Sequence[DeployedStack]) -> list[tuple[Place, DeployedStack]]:
        return [(place, stack) for place in self._places for stack in level]

    def _prepare(self, place: Place, stack: DeployedStack) -> Action:
        return prepare(self._pipeline, self._foundation, place, stack, self._change_set)

    def _execute(self, place: Place, stack: DeployedStack) -> Action:
        return execute(self._foundation, place, stack, self._change_set)


__all__ = ("wave_stages",)
