# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Operations on pipelines: declaration, tags, transitions."""

from __future__ import annotations

import copy
import time

from ministack.core.responses import get_region

from ..iam.service_roles import RoleRefusedError, principal
from ..iam.sessions import may_assume
from ..settings import Settings
from . import structure
from .executions import PIPELINES, Pipeline
from .releases import begin
from .requests import (
    Data,
    RefusedError,
    caller,
    get_pipeline,
    get_stage,
    pipeline_by_arn,
    place,
)
from .runner import SERVICE

_MODES = ("QUEUED", "SUPERSEDED")
_LIMIT = (
    "The number of pipelines associated with the AWS account has exceeded the limit allowed for the"
    " account."
)

_settings = Settings()


def use(settings: Settings) -> None:
    """Make pipelines with these settings."""
    global _settings  # noqa: PLW0603  # the settings come with the installation
    _settings = settings


def create(request: Data) -> Data:
    name = request["pipeline"]["name"]
    if PIPELINES.get(place(), name):
        raise RefusedError(
            "PipelineNameInUseException", f"A pipeline with the name '{name}' already exists"
        )
    if len(PIPELINES.of(place())) >= _settings.pipeline_quota:
        raise RefusedError("LimitExceededException", _LIMIT)
    declaration = _checked(request["pipeline"], version=1)
    tags = {tag["key"]: tag["value"] for tag in request.get("tags", [])}
    PIPELINES.add(Pipeline(place(), declaration, tags))
    # A new pipeline runs at once.
    begin(get_pipeline(name), {}, {"triggerType": "CreatePipeline", "triggerDetail": caller()})
    return {"pipeline": declaration, "tags": request.get("tags", [])}


def update(request: Data) -> Data:
    pipeline = get_pipeline(request["pipeline"]["name"])
    version = pipeline.declaration["version"] + 1
    pipeline.declaration = _checked(request["pipeline"], version=version)
    pipeline.updated = time.time()
    return {"pipeline": pipeline.declaration}


def _checked(declaration: Data, *, version: int) -> Data:
    problems = structure.problems(declaration, get_region())
    mode = declaration.get("executionMode", "SUPERSEDED")
    if mode not in _MODES:
        problems.append(f"The lab does not know the execution mode {mode}")
    if _settings.role_check:
        problems = problems or _roles_not_assumed(declaration)
    if problems:
        raise RefusedError("InvalidStructureException", "; ".join(problems))
    return copy.deepcopy(declaration) | {"version": version}


def _roles_not_assumed(declaration: Data) -> list[str]:
    """AWS tries the pipeline's role, and with it those of the actions, when a pipeline is made."""
    role, (account, region) = declaration["roleArn"], place()
    arn = f"arn:aws:codepipeline:{region}:{account}:{declaration['name']}"
    try:
        session = principal(role, service=SERVICE, source_arn=arn, session="validation")
    except RoleRefusedError:
        return [f"CodePipeline is not authorized to perform AssumeRole on role {role}"]
    others = {
        action["roleArn"]
        for stage in declaration["stages"]
        for action in stage["actions"]
        if "roleArn" in action
    }
    return [
        f"{role} is not authorized to perform AssumeRole on role {other}"
        for other in sorted(others)
        if not may_assume(session, other, region)
    ][:1]


def read(request: Data) -> Data:
    pipeline = get_pipeline(request["name"])
    return {
        "pipeline": pipeline.declaration,
        "metadata": {
            "pipelineArn": pipeline.arn,
            "created": pipeline.created,
            "updated": pipeline.updated,
        },
    }


def list_pipelines(_request: Data) -> Data:
    return {
        "pipelines": [
            {
                "name": pipeline.name,
                "version": pipeline.declaration["version"],
                "pipelineType": pipeline.declaration.get("pipelineType", "V1"),
                "executionMode": pipeline.declaration.get("executionMode", "SUPERSEDED"),
                "created": pipeline.created,
                "updated": pipeline.updated,
            }
            for pipeline in PIPELINES.of(place())
        ]
    }


def delete(request: Data) -> Data:
    PIPELINES.remove(place(), request["name"])
    return {}


def list_tags(request: Data) -> Data:
    pipeline = pipeline_by_arn(request["resourceArn"])
    return {"tags": [{"key": key, "value": tag} for key, tag in sorted(pipeline.tags.items())]}


def tag(request: Data) -> Data:
    tags = {tag["key"]: tag["value"] for tag in request["tags"]}
    pipeline_by_arn(request["resourceArn"]).tags.update(tags)
    return {}


def untag(request: Data) -> Data:
    pipeline = pipeline_by_arn(request["resourceArn"])
    for key in request["tagKeys"]:
        pipeline.tags.pop(key, None)
    return {}


def disable_transition(request: Data) -> Data:
    pipeline = get_pipeline(request["pipelineName"])
    with pipeline.changed:
        pipeline.closed[get_stage(pipeline, request["stageName"])["name"]] = request["reason"]
    return {}


def enable_transition(request: Data) -> Data:
    pipeline = get_pipeline(request["pipelineName"])
    with pipeline.changed:
        pipeline.closed.pop(get_stage(pipeline, request["stageName"])["name"], None)
        pipeline.changed.notify_all()
    return {}


__all__ = (
    "create",
    "delete",
    "disable_transition",
    "enable_transition",
    "list_pipelines",
    "list_tags",
    "read",
    "tag",
    "untag",
    "update",
    "use",
)
