# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resource types of a pipeline's stack: those that MiniStack lacks or does not check."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import codebuild, eventbridge
from ministack.services.cloudformation import drift, provisioners

from ..codebuild import projects
from ..codepipeline import service
from .work import CHECKS, Properties, Work

Result = tuple[str, dict[str, Any]]


def install() -> None:
    """Restore all of it."""
    provisioners._RESOURCE_HANDLERS.update(
        {
            "AWS::CodeBuild::Project": {
                "create": _create_project,
                "update": _update_project,
                "delete": _delete_project,
            },
            "AWS::CodePipeline::Pipeline": {
                "create": _create_pipeline,
                "update": _update_pipeline,
                "delete": _delete_pipeline,
            },
        }
    )
    provisioners._REPLACING_PROPERTIES.update(
        {"AWS::CodeBuild::Project": ("Name",), "AWS::CodePipeline::Pipeline": ("Name",)}
    )
    provisioners._STACK_TAG_PROPERTY.update(
        {"AWS::CodePipeline::Pipeline": ("Tags", "list"), "AWS::Events::Rule": ("Tags", "list")}
    )
    drift._DRIFT_READERS["AWS::CodePipeline::Pipeline"] = (_read_pipeline, _COMPARED)
    CHECKS.append(_refuse_rule)


# Projects


def _create_project(logical_id: str, properties: Properties, stack_name: str) -> Result:
    """AWS: all of the project is made, its webhook too. MiniStack: half of it, and no webhook."""
    name = properties.get("Name") or provisioners._physical_name(
        stack_name, logical_id, max_len=255
    )
    projects.create_project(_project(name, properties))
    try:
        _apply_triggers(name, properties)
    except ValueError:
        _delete_project(name, properties)
        raise
    return name, {"Arn": codebuild._project_arn(name), "Id": name}


def _update_project(name: str, old: Properties, new: Properties, _stack_name: str) -> Result:
    """AWS: what the template drops is removed. MiniStack: stays, and so does the key for artifacts.

    Triggers that go altogether leave the webhook (cloudformation-coverage-roadmap#1444).
    """
    gone = {key: _EMPTY[key] for key in old.keys() - new.keys() if key in _EMPTY}
    projects.update_project({**_project(name, new), **{_member(key): gone[key] for key in gone}})
    if new.get("Triggers") != old.get("Triggers"):
        _apply_triggers(name, new)
    return name, {"Arn": codebuild._project_arn(name), "Id": name}


def _delete_project(name: str, _properties: Properties) -> None:
    codebuild._projects.pop(name, None)


# What a property is when a template no longer has it.
_EMPTY: dict[str, Any] = {
    "ConcurrentBuildLimit": -1,
    "Description": "",
    "LogsConfig": {},
    "SecondaryArtifacts": [],
    "SourceVersion": "",
    "Tags": [],
    "TimeoutInMinutes": 60,
}


def _project(name: str, properties: Properties) -> dict[str, Any]:
    given = {key: value for key, value in properties.items() if key not in ("Name", "Triggers")}
    shape = projects.model().operation_model("CreateProject").input_shape
    return {"name": name, **as_request(given, shape, "#")}


def _apply_triggers(name: str, properties: Properties) -> None:
    triggers = properties.get("Triggers", {})
    if not triggers:
        return
    given = {key: value for key, value in triggers.items() if key != "Webhook"}
    shape = projects.model().operation_model("CreateWebhook").input_shape
    request = as_request(given, shape, "#/Triggers")
    if str(triggers.get("Webhook", "false")).lower() == "true":
        projects.set_webhook(name, request)
    else:
        projects.remove_webhook(name)


# Pipelines


def _create_pipeline(logical_id: str, properties: Properties, stack_name: str) -> Result:
    """AWS: has the type. MiniStack: "Unrecognized resource types"."""
    name = properties.get("Name") or provisioners._physical_name(
        stack_name, logical_id, max_len=100
    )
    request = {"pipeline": declaration(name, properties), "tags": _tags(properties)}
    answer = _ask("CreatePipeline", request)
    return name, _pipeline_attributes(name, answer["pipeline"])


def _update_pipeline(name: str, old: Properties, new: Properties, _stack_name: str) -> Result:
    answer = _ask("UpdatePipeline", {"pipeline": declaration(name, new)})
    attributes = _pipeline_attributes(name, answer["pipeline"])
    gone = {tag["key"] for tag in _tags(old)} - {tag["key"] for tag in _tags(new)}
    _ask("UntagResource", {"resourceArn": attributes["Arn"], "tagKeys": sorted(gone)})
    _ask("TagResource", {"resourceArn": attributes["Arn"], "tags": _tags(new)})
    return name, attributes


def _delete_pipeline(name: str, _properties: Properties) -> None:
    _ask("DeletePipeline", {"name": name})


def _pipeline_attributes(name: str, pipeline: dict[str, Any]) -> dict[str, Any]:
    arn = f"arn:aws:codepipeline:{get_region()}:{get_account_id()}:{name}"
    return {"Arn": arn, "Version": str(pipeline["version"])}


def declaration(name: str, properties: Properties) -> dict[str, Any]:
    """The declaration of a pipeline in a template, as the API takes it."""
    given = {key: value for key, value in properties.items() if key not in _OUTSIDE_DECLARATION}
    shape = service.model().operation_model("CreatePipeline").input_shape.members["pipeline"]
    stores = {
        store["Region"]: as_request(
            store["ArtifactStore"], shape.members["artifactStore"], "#/ArtifactStores"
        )
        for store in properties.get("ArtifactStores", [])
    }
    return {
        "name": name,
        **as_request(given, shape, "#"),
        **({"artifactStores": stores} if stores else {}),
    }


_OUTSIDE_DECLARATION = frozenset(
    {"ArtifactStores", "DisableInboundStageTransitions", "Name", "RestartExecutionOnUpdate", "Tags"}
)


def _tags(properties: Properties) -> list[dict[str, str]]:
    return [{"key": tag["Key"], "value": tag["Value"]} for tag in properties.get("Tags", [])]


_COMPARED = frozenset(
    {
        *("ArtifactStores", "ExecutionMode", "Name", "PipelineType", "RoleArn", "Stages", "Tags"),
        "Triggers",
    }
)


def _read_pipeline(name: str, properties: Properties) -> Properties | None:
    """What drift detection finds; what equals the template is shown as the template has it.

    A project has no reader: CloudFormation detects no drift of its type.
    """
    status, _unused, body = service.answer("GetPipeline", {"name": name})
    if status != 200:
        return None
    shape = service.model().operation_model("CreatePipeline").input_shape.members["pipeline"]
    live, wanted = json.loads(body)["pipeline"], declaration(name, properties)
    found: Properties = {"Name": name, "Tags": properties.get("Tags", [])}
    arn = _pipeline_attributes(name, live)["Arn"]
    tags = _ask("ListTagsForResource", {"resourceArn": arn})["tags"]
    if {tag["key"]: tag["value"] for tag in tags} != {
        tag["Key"]: tag["Value"] for tag in found["Tags"]
    }:
        found["Tags"] = [{"Key": tag["key"], "Value": tag["value"]} for tag in tags]
    for key in _COMPARED - found.keys():
        member = f"{key[0].lower()}{key[1:]}"
        if live.get(member) == wanted.get(member):
            found[key] = properties.get(key)
        elif member in live:
            found[key] = as_property(live[member], shape.members[member])
    return found


def _ask(operation: str, request: dict[str, Any]) -> Any:
    status, _unused, body = service.answer(operation, request)
    answer = json.loads(body)
    if status != 200:
        raise ValueError(
            f'Resource handler returned message: "{answer["message"]} (Service: CodePipeline, '
            f'Status Code: {status}, Error Code: {answer["__type"]})"'
        )
    return answer


# Rules


def _refuse_rule(work: Work) -> None:
    """A rule whose pattern is none, or whose target cannot be called.

    AWS: PutRule refuses the pattern, PutTargets a pipeline without a role. MiniStack: asks neither
    for the rule of a stack.
    """
    if work.resource_type != "AWS::Events::Rule" or work.operation == "delete":
        return
    pattern = work.new.get("EventPattern")
    if pattern:
        text = pattern if isinstance(pattern, str) else json.dumps(pattern)
        if problem := eventbridge._event_pattern_error(text):
            raise ValueError(f"Event pattern is not valid. Reason: {problem}")
    for target in work.new.get("Targets", []):
        if ":codepipeline:" in target["Arn"] and not target.get("RoleArn"):
            raise ValueError(f"RoleArn is required for target {target['Arn']}.")


# Properties to requests


def as_request(value: Any, shape: Any, path: str) -> Any:
    """What a template writes, as the API takes it: by its model's names and types.

    Raises ValueError for a property that the API does not have, as CloudFormation does.
    """
    convert: Callable[[Any, Any, str], Any] | None = _CONVERT.get(shape.type_name)
    return convert(value, shape, path) if convert else value


def _structure(value: Any, shape: Any, path: str) -> Any:
    if not isinstance(value, dict):
        return value
    members = {name.lower(): name for name in shape.members}
    request = {}
    for key, item in value.items():
        name = members.get(key.lower())
        if name is None:
            raise ValueError(f"Properties validation failed: {path}: extraneous key [{key}]")
        request[name] = as_request(item, shape.members[name], f"{path}/{key}")
    return request


def _list(value: Any, shape: Any, path: str) -> Any:
    if not isinstance(value, list):
        return value
    return [as_request(item, shape.member, f"{path}/{n}") for n, item in enumerate(value)]


def _map(value: Any, shape: Any, path: str) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: as_request(item, shape.value, f"{path}/{key}") for key, item in value.items()}


def _number(value: Any, _shape: Any, _path: str) -> Any:
    return int(value) if isinstance(value, str) and value.lstrip("-").isdigit() else value


def _flag(value: Any, _shape: Any, _path: str) -> Any:
    return value.lower() == "true" if isinstance(value, str) else value


def _text(value: Any, _shape: Any, _path: str) -> Any:
    """CloudFormation makes text of plain values, and of data where the API wants text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    return str(value)


def as_property(value: Any, shape: Any) -> Any:
    """The other way: what the API answers, as a template writes it."""
    if shape.type_name == "structure":
        return {
            f"{key[0].upper()}{key[1:]}": as_property(item, shape.members[key])
            for key, item in value.items()
        }
    if shape.type_name == "list":
        return [as_property(item, shape.member) for item in value]
    if shape.name == "ArtifactStoreMap":
        return [
            {"Region": key, "ArtifactStore": as_property(item, shape.value)}
            for key, item in sorted(value.items())
        ]
    return value


def _member(key: str) -> str:
    return key[0].lower() + key[1:]


_CONVERT: dict[str, Callable[[Any, Any, str], Any]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "integer": _number,
    "long": _number,
    "boolean": _flag,
    "string": _text,
}

__all__ = ("as_property", "as_request", "declaration", "install")
