# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The actions of a pipeline, as CloudFormation takes them. Pure."""

from __future__ import annotations

import hashlib
import json
import typing as t

from .._pipeline.model import DeployedStack, Environment, Pipeline
from .._pipeline.outputs import namespace, with_references
from .._pipeline.paths import placed
from .._pipeline.source import Artifact, Source
from .foundation import Foundation

Action = dict[str, t.Any]
Place = tuple[Environment, str]  # an environment in one region

NAME_LIMIT = 100
PREPARE, EXECUTE = "prepare", "execute"  # the last part of an action's name

_SOURCE_ROLE = {"Fn::GetAtt": ["SourceRole", "Arn"]}


def kind(category: str, provider: str) -> dict[str, str]:
    """Return the type of one of AWS's own actions."""
    return {"Category": category, "Owner": "AWS", "Provider": provider, "Version": "1"}


def action_name(*parts: str) -> str:
    """Return *parts* as an action's name; long names end in a digest."""
    name = "-".join(parts)
    if len(name) <= NAME_LIMIT:
        return name
    digest = hashlib.sha256(name.encode("ascii")).hexdigest()[:8]
    rest, last = "-".join(parts[:-1]), parts[-1]
    return f"{rest[: NAME_LIMIT - len(last) - len(digest) - 2]}-{digest}-{last}"


def bucket_source(pipeline: Pipeline, artifact: Artifact) -> Action:
    """Return the action that takes *artifact* from the build bucket."""
    builds = pipeline.source is not None and pipeline.source.builds
    return {
        "Name": artifact.name,
        "ActionTypeId": kind("Source", "S3"),
        "Region": {"Ref": "AWS::Region"},
        "RoleArn": _SOURCE_ROLE,
        "Configuration": {
            "S3Bucket": {"Ref": "BuildBucketName"},
            "S3ObjectKey": f"{pipeline.name}/{artifact.object}",
            # Only events start the pipeline.
            "PollForSourceChanges": "false",
            # A start names the build; one by hand takes the newest.
            **({"AllowOverrideForS3ObjectKey": "true"} if builds else {}),
        },
        "OutputArtifacts": [{"Name": artifact.name}],
    }


def repository_source(source: Source, configuration: dict[str, t.Any], provider: str) -> Action:
    """Return the action that takes a commit or an image."""
    return {
        "Name": source.action_artifact,
        "ActionTypeId": kind("Source", provider),
        "Region": {"Ref": "AWS::Region"},
        "RoleArn": _SOURCE_ROLE,
        "Configuration": configuration,
        "OutputArtifacts": [{"Name": source.action_artifact}],
    }


def sync(pipeline: Pipeline, foundation: Foundation, region: str) -> Action:
    """Return the action that copies artifacts to *region*."""
    parameters = {"DestinationBucket": foundation.bucket_name(region)}
    return {
        "Name": region,
        "ActionTypeId": kind("Invoke", "Lambda"),
        "Region": {"Ref": "AWS::Region"},
        "RoleArn": _SOURCE_ROLE,
        "Configuration": {
            "FunctionName": {"Ref": "SyncArtifactsFunctionName"},
            "UserParameters": json.dumps(parameters),
        },
        "InputArtifacts": [{"Name": name} for name in pipeline.artifacts],
    }


def prepare(
    pipeline: Pipeline,
    foundation: Foundation,
    place: Place,
    stack: DeployedStack,
    change_set: str,
) -> Action:
    """Return the action that makes the change set of *stack*.

    :param place: the environment, and one of its regions.
    """
    environment, region = place
    parameters = pipeline.parameters(stack, environment)
    configuration = {
        "ActionMode": "CHANGE_SET_REPLACE",
        "StackName": stack.name,
        "ChangeSetName": change_set,
        "TemplatePath": f"{stack.artifact}::{placed(stack.template, environment.host, region)}",
        # Of the same account: a role is never passed to another.
        "RoleArn": foundation.role_arn(environment.account_id, foundation.cloudformation_role_name),
    }
    if stack.template_configuration:
        path = placed(stack.template_configuration, environment.host, region)
        configuration["TemplateConfiguration"] = f"{stack.artifact}::{path}"
    if parameters:
        configuration["ParameterOverrides"] = overrides(parameters, environment.host, region)
    if stack.capabilities:
        configuration["Capabilities"] = ",".join(stack.capabilities)
    return {
        **_deployment(foundation, place, stack, PREPARE),
        "Configuration": configuration,
        "InputArtifacts": [{"Name": name} for name in pipeline.inputs(stack, environment)],
    }


def execute(foundation: Foundation, place: Place, stack: DeployedStack, change_set: str) -> Action:
    """Return the action that executes the change set of *stack*."""
    environment, region = place
    return {
        **_deployment(foundation, place, stack, EXECUTE),
        "Namespace": namespace(environment.host, region, stack.name),
        "Configuration": {
            "ActionMode": "CHANGE_SET_EXECUTE",
            "StackName": stack.name,
            "ChangeSetName": change_set,
        },
    }


def _deployment(foundation: Foundation, place: Place, stack: DeployedStack, what: str) -> Action:
    environment, region = place
    return {
        "Name": action_name(environment.host, region, stack.name, what),
        "ActionTypeId": kind("Deploy", "CloudFormation"),
        "Region": region,
        "RoleArn": foundation.role_arn(environment.account_id, foundation.codepipeline_role_name),
    }


def overrides(parameters: dict[str, t.Any], host: str, region: str) -> str:
    """Return *parameters* as the JSON that a CloudFormation action takes in *region* of *host*."""
    return json.dumps(with_references(parameters, host, region), separators=(",", ":"))


__all__ = (
    "EXECUTE",
    "NAME_LIMIT",
    "PREPARE",
    "Action",
    "Place",
    "action_name",
    "bucket_source",
    "execute",
    "kind",
    "overrides",
    "prepare",
    "repository_source",
    "sync",
)
