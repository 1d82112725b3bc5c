# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stages and artifact stores of a pipeline, as CloudFormation takes them. Pure.

Parameters and resources of ``pipeline.template`` appear here as references; what differs from
pipeline to pipeline is written out.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing as t

from .model import (
    CHANGE_SETS,
    LAMBDA,
    Artifact,
    DeployedStack,
    Environment,
    Pipeline,
    Wave,
)

Action = dict[str, t.Any]
Stage = dict[str, t.Any]
Step = list[Action]  # actions that run at the same time
T = t.TypeVar("T")

NAME_LIMIT = 100
CONFIGURATION_LIMIT = 1000
SOURCE_STAGE, SYNC_STAGE = "Source", "SyncArtifacts"
PREPARE, EXECUTE = "prepare", "execute"  # the last part of an action's name

_SOURCE_ROLE = {"Fn::GetAtt": ["SourceRole", "Arn"]}
_EXECUTION_ID = "#{codepipeline.PipelineExecutionId}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Foundation:
    """What a pipeline depends on.

    :param region: the primary region, where the pipeline itself is.
    :param register: region to ``key_arn`` and ``bucket_arn``, the primary region's among them.
    """

    region: str
    register: t.Mapping[str, t.Mapping[str, str]]
    codepipeline_role_name: str
    cloudformation_role_name: str

    @property
    def partition(self) -> str:
        """The partition that everything is in."""
        return self.register[self.region]["key_arn"].split(":")[1]

    def bucket_name(self, region: str) -> str:
        """Return the pipeline bucket of *region*."""
        return self.register[region]["bucket_arn"].rpartition(":")[2]

    def role_arn(self, account_id: str, role_name: str) -> str:
        """Return the ARN of a role of a deploy account."""
        return f"arn:{self.partition}:iam::{account_id}:role/{role_name}"


def store_regions(pipeline: Pipeline, region: str) -> list[str]:
    """Return the regions that need an artifact store, the pipeline's own included."""
    return sorted({region, *pipeline.regions})


def compose_stores(pipeline: Pipeline, foundation: Foundation) -> list[dict[str, t.Any]]:
    """Return the artifact stores, by region."""
    return [
        {
            "Region": region,
            "ArtifactStore": {
                "Type": "S3",
                "Location": foundation.bucket_name(region),
                # By ARN: an id or alias would mean a key of the caller's account.
                "EncryptionKey": {"Type": "KMS", "Id": foundation.register[region]["key_arn"]},
            },
        }
        for region in store_regions(pipeline, foundation.region)
    ]


def syncs_artifacts(pipeline: Pipeline, region: str) -> bool:
    """Return whether the pipeline has a stage that copies artifacts to other regions."""
    return pipeline.artifact_sync == LAMBDA and bool(set(pipeline.regions) - {region})


def compose_stages(pipeline: Pipeline, foundation: Foundation) -> list[Stage]:
    """Return the stages in their order: source, the copies, then the waves."""
    stages = [
        _stage(SOURCE_STAGE, [[_source(pipeline, artifact) for artifact in _artifacts(pipeline)]])
    ]
    if syncs_artifacts(pipeline, foundation.region):
        actions = [
            _sync(pipeline, foundation, region)
            for region in pipeline.regions
            if region != foundation.region
        ]
        parts = _cut(actions, pipeline.max_actions_per_stage)
        stages += [_stage(name, [part]) for name, part in _numbered(SYNC_STAGE, parts)]
    for wave in pipeline.waves:
        stages += _Wave(pipeline, foundation, wave).stages()
    return stages


def _artifacts(pipeline: Pipeline) -> tuple[Artifact, ...]:
    return pipeline.source.artifacts if pipeline.source else ()


# One action each


def source_action_name(artifact: Artifact) -> str:
    """Return the name of the action that takes *artifact* from the build bucket."""
    return artifact.name


def _source(pipeline: Pipeline, artifact: Artifact) -> Action:
    return {
        "Name": source_action_name(artifact),
        "ActionTypeId": _kind("Source", "S3"),
        "Region": {"Ref": "AWS::Region"},
        "RoleArn": _SOURCE_ROLE,
        "Configuration": {
            "S3Bucket": {"Ref": "BuildBucketName"},
            "S3ObjectKey": f"{pipeline.name}/{artifact.object}",
            # Only the rule starts the pipeline.
            "PollForSourceChanges": "false",
        },
        "OutputArtifacts": [{"Name": artifact.name}],
    }


def _sync(pipeline: Pipeline, foundation: Foundation, region: str) -> Action:
    parameters = {"DestinationBucket": foundation.bucket_name(region)}
    return {
        "Name": region,
        "ActionTypeId": _kind("Invoke", "Lambda"),
        "Region": {"Ref": "AWS::Region"},
        "RoleArn": _SOURCE_ROLE,
        "Configuration": {
            "FunctionName": {"Ref": "SyncArtifactsFunctionName"},
            "UserParameters": json.dumps(parameters),
        },
        "InputArtifacts": [{"Name": name} for name in pipeline.artifacts],
    }


def _kind(category: str, provider: str) -> dict[str, str]:
    return {"Category": category, "Owner": "AWS", "Provider": provider, "Version": "1"}


def action_name(*parts: str) -> str:
    """Return *parts* as an action's name; long names end in a digest."""
    name = "-".join(parts)
    if len(name) <= NAME_LIMIT:
        return name
    digest = hashlib.sha256(name.encode("ascii")).hexdigest()[:8]
    rest, last = "-".join(parts[:-1]), parts[-1]
    return f"{rest[: NAME_LIMIT - len(last) - len(digest) - 2]}-{digest}-{last}"


# The stages of a wave


@dataclasses.dataclass(frozen=True, kw_only=True)
class Target:
    """One environment in one region."""

    environment: Environment
    region: str


class _Wave:
    """Composes the stages of a wave: several if it has too many actions."""

    def __init__(self, pipeline: Pipeline, foundation: Foundation, wave: Wave) -> None:
        self._pipeline = pipeline
        self._foundation = foundation
        self._wave = wave
        self._most = pipeline.max_actions_per_stage
        self._levels = levels(pipeline.stacks)
        self._targets = [
            Target(environment=environment, region=region)
            for environment in wave.environments
            for region in environment.regions
        ]
        approval = wave.approval
        self._shows_changes = approval is not None and approval.review == CHANGE_SETS
        count = 2 * len(self._targets) * len(pipeline.stacks) + self._shows_changes
        self._is_split = count > self._most
        # All releases use one name while their stage is locked from the change set to its
        # execution. Otherwise the next release may come between, so each has a name of its own.
        name = pipeline.name
        self._change_set = f"{name}-{_EXECUTION_ID}" if self._is_split else name

    def stages(self) -> list[Stage]:
        """Return the wave's stages."""
        if self._shows_changes:
            return self._reviewed()
        if self._wave.approval:
            return [self._approval_stage(), *self._deployed()]
        return self._deployed()

    def _deployed(self) -> list[Stage]:
        """Return each change set followed by its execution."""
        if not self._is_split:
            return [_stage(self._wave.name, self._steps(self._targets))]
        # Whole targets to a stage as long as they fit: what fails leaves the rest untouched.
        size = self._most // (2 * len(self._pipeline.stacks))
        if size:
            parts = [self._steps(targets) for targets in _cut(self._targets, size)]
        else:
            steps = [step for target in self._targets for step in self._steps([target])]
            parts = [[part] for step in steps for part in _cut(step, self._most)]
        return [_stage(name, part) for name, part in _numbered(self._wave.name, parts)]

    def _reviewed(self) -> list[Stage]:
        """Return all change sets, then the approval, then their executions."""
        name = self._wave.name
        changes = [self._change(*pair) for level in self._levels for pair in self._at(level)]
        executions = [[self._execute(*pair) for pair in self._at(level)] for level in self._levels]
        if not self._is_split:
            return [_stage(name, [changes, [self._approval()], *executions])]
        prepared = _numbered(f"{name}-prepare", _cut(changes, self._most))
        parts = [part for step in executions for part in _cut(step, self._most)]
        executed = _numbered(f"{name}-execute", parts)
        return [
            *(_stage(stage, [part]) for stage, part in prepared),
            self._approval_stage(),
            *(_stage(stage, [part]) for stage, part in executed),
        ]

    def _approval_stage(self) -> Stage:
        return _stage(f"{self._wave.name}-approve", [[self._approval()]])

    def _steps(self, targets: t.Sequence[Target]) -> list[Step]:
        """Return change sets and executions of *targets*, level by level."""
        steps = []
        for level in self._levels:
            pairs = [(target, stack) for target in targets for stack in level]
            steps.append([self._change(*pair) for pair in pairs])
            steps.append([self._execute(*pair) for pair in pairs])
        return steps

    def _at(self, level: t.Sequence[DeployedStack]) -> list[tuple[Target, DeployedStack]]:
        return [(target, stack) for target in self._targets for stack in level]

    def _change(self, target: Target, stack: DeployedStack) -> Action:
        foundation, environment = self._foundation, target.environment
        parameters = self._pipeline.parameters(stack, environment)
        configuration = {
            "ActionMode": "CHANGE_SET_REPLACE",
            "StackName": stack.name,
            "ChangeSetName": self._change_set,
            "TemplatePath": f"{stack.artifact}::{stack.template}",
            # Of the same account: a role is never passed to another.
            "RoleArn": foundation.role_arn(
                environment.account_id, foundation.cloudformation_role_name
            ),
        }
        if stack.template_configuration:
            configuration["TemplateConfiguration"] = (
                f"{stack.artifact}::{stack.template_configuration}"
            )
        if parameters:
            configuration["ParameterOverrides"] = overrides(parameters)
        if stack.capabilities:
            configuration["Capabilities"] = ",".join(stack.capabilities)
        return {
            **self._deployment(target, stack, PREPARE),
            "Configuration": configuration,
            "InputArtifacts": [
                {"Name": name} for name in self._pipeline.inputs(stack, environment)
            ],
        }

    def _execute(self, target: Target, stack: DeployedStack) -> Action:
        return {
            **self._deployment(target, stack, EXECUTE),
            "Configuration": {
                "ActionMode": "CHANGE_SET_EXECUTE",
                "StackName": stack.name,
                "ChangeSetName": self._change_set,
            },
        }

    def _deployment(self, target: Target, stack: DeployedStack, what: str) -> Action:
        foundation, environment = self._foundation, target.environment
        return {
            "Name": action_name(environment.host, target.region, stack.name, what),
            "ActionTypeId": _kind("Deploy", "CloudFormation"),
            "Region": target.region,
            "RoleArn": foundation.role_arn(
                environment.account_id, foundation.codepipeline_role_name
            ),
        }

    def _approval(self) -> Action:
        approval = self._wave.approval
        configuration: dict[str, t.Any] = {"NotificationArn": {"Ref": "ApprovalTopicArn"}}
        if approval and approval.summary:
            configuration["CustomData"] = approval.summary
        if approval and approval.link:
            configuration["ExternalEntityLink"] = approval.link
        return {
            "Name": "approve",
            "ActionTypeId": _kind("Approval", "Manual"),
            "Configuration": configuration,
        }


def overrides(parameters: t.Mapping[str, t.Any]) -> str:
    """Return *parameters* as the JSON that a CloudFormation action takes."""
    return json.dumps(parameters, separators=(",", ":"))


def levels(stacks: t.Sequence[DeployedStack]) -> list[list[DeployedStack]]:
    """Return *stacks* in groups to deploy one after another.

    A stack that waits for itself or for a missing stack is left out; the rules report it.
    """
    done: set[str] = {""}
    rest, found = list(stacks), []
    while ready := [stack for stack in rest if stack.after in done]:
        found.append(ready)
        done |= {stack.name for stack in ready}
        rest = [stack for stack in rest if stack not in ready]
    return found


def _stage(name: str, steps: t.Sequence[Step]) -> Stage:
    return {
        "Name": name,
        "Actions": [
            {**action, "RunOrder": order}
            for order, step in enumerate(steps, start=1)
            for action in step
        ],
    }


def _cut(items: t.Sequence[T], size: int) -> list[list[T]]:
    return [list(items[start : start + size]) for start in range(0, len(items), size)]


def _numbered(name: str, parts: t.Sequence[T]) -> list[tuple[str, T]]:
    """Return each of *parts* with its name, numbered if there are several."""
    if len(parts) == 1:
        return [(name, parts[0])]
    return [(f"{name}-{number}", part) for number, part in enumerate(parts, start=1)]


__all__ = (
    "CONFIGURATION_LIMIT",
    "EXECUTE",
    "NAME_LIMIT",
    "PREPARE",
    "SOURCE_STAGE",
    "SYNC_STAGE",
    "Action",
    "Foundation",
    "Stage",
    "action_name",
    "compose_stages",
    "compose_stores",
    "levels",
    "overrides",
    "source_action_name",
    "store_regions",
    "syncs_artifacts",
)
