# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules for a declaration that botocore's model does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from . import variables
from .condition_structure import condition_problems
from .source_rules import SETTINGS, trigger_problems, value_problems

Data = dict[str, Any]

_NAME = re.compile(r"[A-Za-z0-9.@\-_]{1,100}")
_ARTIFACT = re.compile(r"[a-zA-Z0-9_\-]{1,100}")
_MOST_STAGES = 50
_MOST_ACTIONS = 1_000
# 50 by default; what a newer quota allows a test may never need.
_MOST_IN_STAGE = 100
_VALUE_LIMIT = 1_000
_MOST_ORDER = 999
_APPROVAL_MINUTES = range(5, 86_401)
_CODEBUILD = (
    range(1, 6),
    range(6),
    frozenset({"ProjectName"}),
    frozenset({"EnvironmentVariables", "PrimarySource"}),
)
# Provider by category, the fewest and most input and output artifacts, and the configuration that
# it must and may have. Output artifacts are those that the lab makes.
_PROVIDERS: dict[tuple[str, str], tuple[range, range, frozenset[str], frozenset[str]]] = {
    ("Source", "S3"): (
        range(1),
        range(1, 2),
        frozenset({"S3Bucket", "S3ObjectKey"}),
        frozenset({"PollForSourceChanges", "AllowOverrideForS3ObjectKey"}),
    ),
    ("Build", "CodeBuild"): _CODEBUILD,
    ("Test", "CodeBuild"): _CODEBUILD,
    **{
        ("Source", provider): (range(1), range(1, 2), required, optional)
        for provider, (required, optional) in SETTINGS.items()
    },
    ("Invoke", "Lambda"): (
        range(6),
        range(1),
        frozenset({"FunctionName"}),
        frozenset({"UserParameters"}),
    ),
    ("Deploy", "CloudFormation"): (
        range(11),
        range(1),
        frozenset({"ActionMode", "StackName"}),
        frozenset(
            {
                "Capabilities",
                "ChangeSetName",
                "ParameterOverrides",
                "RoleArn",
                "TemplateConfiguration",
                "TemplatePath",
            }
        ),
    ),
    ("Deploy", "S3"): (
        range(1, 2),
        range(1),
        frozenset({"BucketName", "Extract"}),
        frozenset({"CacheControl", "CannedACL", "KMSEncryptionKeyARN", "ObjectKey"}),
    ),
    ("Deploy", "ECS"): (
        range(1, 2),
        range(1),
        frozenset({"ClusterName", "ServiceName"}),
        frozenset({"DeploymentTimeout", "FileName"}),
    ),
    ("Approval", "Manual"): (
        range(1),
        range(1),
        frozenset(),
        frozenset({"CustomData", "ExternalEntityLink", "NotificationArn"}),
    ),
}
_CLOUDFORMATION_MODES = {
    "CHANGE_SET_EXECUTE": frozenset({"ChangeSetName"}),
    "CHANGE_SET_REPLACE": frozenset({"ChangeSetName", "RoleArn", "TemplatePath"}),
    "CREATE_UPDATE": frozenset({"RoleArn", "TemplatePath"}),
    "DELETE_ONLY": frozenset({"RoleArn"}),
}


def problems(pipeline: Data, region: str) -> list[str]:
    """What CodePipeline would refuse, in its order; empty when the structure is right."""
    return [
        *_of_whole(pipeline, region),
        *_of_stages(pipeline, region),
        *_of_artifacts(pipeline),
        *variables.problems(pipeline),
        *condition_problems(pipeline),
        *trigger_problems(pipeline),
    ]


def actions(pipeline: Data) -> Iterator[tuple[Data, Data]]:
    """Every action with its stage."""
    for stage in pipeline["stages"]:
        for action in stage["actions"]:
            yield stage, action


def _of_whole(pipeline: Data, region: str) -> Iterator[str]:
    stages = pipeline["stages"]
    if not _NAME.fullmatch(pipeline["name"]):
        yield f"Pipeline name {pipeline['name']} is not valid"
    if not 2 <= len(stages) <= _MOST_STAGES:
        yield f"Pipeline has {len(stages)} stages. There must be 2 to {_MOST_STAGES}"
    if sum(1 for _each in actions(pipeline)) > _MOST_ACTIONS:
        yield f"Pipeline has more than {_MOST_ACTIONS} actions"
    names = [stage["name"] for stage in stages]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"Stage name {name} is not unique in the pipeline"
    if ("artifactStore" in pipeline) == ("artifactStores" in pipeline):
        yield "A pipeline must have either artifactStore or artifactStores"
        return
    regions = {action.get("region", region) for _stage, action in actions(pipeline)} | {region}
    stores = pipeline.get("artifactStores")
    if stores is None:
        if regions != {region}:
            yield "A pipeline with actions in other regions must have artifactStores"
        return
    for missing in sorted(regions - stores.keys()):
        yield f"There is no artifact store for region {missing}"
    for spare in sorted(stores.keys() - regions):
        yield f"The artifact store of region {spare} belongs to no action"


def _of_stages(pipeline: Data, region: str) -> Iterator[str]:
    for number, stage in enumerate(pipeline["stages"]):
        name, found = stage["name"], stage["actions"]
        if not _NAME.fullmatch(name):
            yield f"Stage name {name} is not valid"
        if not 1 <= len(found) <= _MOST_IN_STAGE:
            yield f"Stage {name} has {len(found)} actions. There must be 1 to {_MOST_IN_STAGE}"
        names = [action["name"] for action in found]
        for twice in sorted({name for name in names if names.count(name) > 1}):
            yield f"Action name {twice} is not unique in stage {name}"
        for action in found:
            category = action["actionTypeId"]["category"]
            if (category == "Source") != (number == 0):
                where = "only" if number == 0 else "no"
                yield f"Stage {name} may have {where} source actions: {action['name']}"
            yield from _of_action(action, region)


def _of_action(action: Data, region: str) -> Iterator[str]:
    kind, name = action["actionTypeId"], action["name"]
    provider = _PROVIDERS.get((kind["category"], kind["provider"]))
    if not _NAME.fullmatch(name):
        yield f"Action name {name} is not valid"
    if provider is None or kind["owner"] != "AWS" or kind["version"] != "1":
        yield f"Action type of {name} is not there: {kind}"
        return
    inputs, outputs, required, optional = provider
    given = action.get("configuration", {})
    if len(action.get("inputArtifacts", [])) not in inputs:
        yield f"Action {name} has the wrong number of input artifacts"
    if action.get("outputArtifacts") and outputs == range(1):
        yield f"The lab makes no output artifacts of {kind['provider']} actions: {name}"
    elif len(action.get("outputArtifacts", [])) not in outputs:
        yield f"Action {name} has the wrong number of output artifacts"
    if kind["provider"] == "CloudFormation":
        mode = _CLOUDFORMATION_MODES.get(given.get("ActionMode", ""))
        if mode is None:
            yield f"ActionMode of {name} is not one of {', '.join(sorted(_CLOUDFORMATION_MODES))}"
        else:
            required = required | mode
    if kind["provider"] == "CodeBuild":
        yield from _of_primary_source(action)
    if kind["category"] == "Deploy" and given.get("Extract") == "false":
        required = required | {"ObjectKey"}
    for key in sorted(required - given.keys()):
        yield f"Action configuration for action '{name}' is missing required configuration '{key}'"
    for key in sorted(given.keys() - required - optional):
        yield f"Action configuration for action '{name}' has unknown configuration '{key}'"
    if kind["category"] == "Source":
        yield from value_problems(action)
    for key, value in given.items():
        if not 1 <= len(value) <= _VALUE_LIMIT:
            yield f"Value of {key} of action {name} must have 1 to {_VALUE_LIMIT} characters"
    if not 1 <= action.get("runOrder", 1) <= _MOST_ORDER:
        yield f"runOrder of action {name} must be 1 to {_MOST_ORDER}"
    yield from _of_approval(action, region)
    if kind["category"] in ("Source", "Approval") and action.get("region", region) != region:
        yield f"Action {name} cannot be in another region"


def _of_approval(action: Data, region: str) -> Iterator[str]:
    """A timeout of its own is for approvals, and their topic is in the pipeline's region."""
    name, minutes = action["name"], action.get("timeoutInMinutes")
    if action["actionTypeId"]["category"] != "Approval":
        if minutes is not None:
            yield f"Action {name} may have no timeoutInMinutes: only manual approvals may"
        return
    if minutes is not None and minutes not in _APPROVAL_MINUTES:
        yield f"timeoutInMinutes of action {name} must be 5 to 86400"
    topic = action.get("configuration", {}).get("NotificationArn")
    if topic and not re.fullmatch(rf"arn:aws[a-z-]*:sns:{region}:[0-9]{{12}}:[\w-]+", topic):
        yield f"NotificationArn of action {name} is not a topic in {region}"


def _of_primary_source(action: Data) -> Iterator[str]:
    """A build of several inputs names the one that holds the buildspec."""
    inputs = [artifact["name"] for artifact in action.get("inputArtifacts", [])]
    primary = action.get("configuration", {}).get("PrimarySource")
    if primary is None and len(inputs) > 1:
        yield (
            f"Action configuration for action '{action['name']}' is missing required configuration "
            "'PrimarySource'"
        )
    elif primary is not None and primary not in inputs:
        yield f"PrimarySource {primary} of action {action['name']} is not one of its inputs"


def _of_artifacts(pipeline: Data) -> Iterator[str]:
    """Artifacts are made once, and before they are used."""
    made: set[str] = set()
    for stage in pipeline["stages"]:
        for order in sorted({action.get("runOrder", 1) for action in stage["actions"]}):
            step = [action for action in stage["actions"] if action.get("runOrder", 1) == order]
            for action in step:
                for artifact in action.get("inputArtifacts", []):
                    if artifact["name"] not in made:
                        yield (
                            f"Action {action['name']} takes artifact {artifact['name']}, which no"
                            " earlier action makes"
                        )
            for action in step:
                for artifact in action.get("outputArtifacts", []):
                    if not _ARTIFACT.fullmatch(artifact["name"]):
                        yield f"Artifact name {artifact['name']} is not valid"
                    if artifact["name"] in made:
                        yield f"Artifact {artifact['name']} is made more than once"
                    made.add(artifact["name"])


__all__ = ("actions", "problems")
