# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Operations on pipelines: declaration, tags, transitions."""

from __future__ import annotations

import copy
import time

from ministack.core.responses import get_region

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

_MODES = ("QUEUED", "SUPERSEDED")


def create(request: Data) -> Data:
    name = request["pipeline"]["name"]
    if PIPELINES.get(place(), name):
        raise RefusedError(
            "PipelineNameInUseException", f"A pipeline with the name '{name}' already exists"
        )
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
    if problems:
        raise RefusedError("InvalidStructureException", "; ".join(problems))
    return copy.deepcopy(declaration) | {"version": version}


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
)
