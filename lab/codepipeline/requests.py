# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a request names: the pipeline, its execution, its stage."""

from __future__ import annotations

from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region

from .executions import PIPELINES, Execution, Pipeline

Data = dict[str, Any]


class RefusedError(Exception):
    """A request that the service refuses, by the name of its error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def place() -> tuple[str, str]:
    return get_account_id(), get_region()


def caller() -> str:
    return str(iam_evaluator.caller_arn())


def get_pipeline(name: str) -> Pipeline:
    pipeline = PIPELINES.get(place(), name)
    if pipeline is None:
        raise RefusedError(
            "PipelineNotFoundException", f"Account has no pipeline with name '{name}'"
        )
    return pipeline


def pipeline_by_arn(arn: str) -> Pipeline:
    account, region, name = arn.split(":")[4], arn.split(":")[3], arn.rpartition(":")[2]
    pipeline = PIPELINES.get((account, region), name)
    if pipeline is None:
        raise RefusedError("ResourceNotFoundException", f"There is no {arn}")
    return pipeline


def get_execution(request: Data) -> tuple[Pipeline, Execution]:
    pipeline = get_pipeline(request["pipelineName"])
    execution = pipeline.execution(request["pipelineExecutionId"])
    if execution is None:
        raise RefusedError(
            "PipelineExecutionNotFoundException",
            f"{pipeline.name} has no execution {request['pipelineExecutionId']}",
        )
    return pipeline, execution


def get_stage(pipeline: Pipeline, name: str) -> Data:
    for stage in pipeline.declaration["stages"]:
        if stage["name"] == name:
            return dict(stage)
    raise RefusedError("StageNotFoundException", f"{pipeline.name} has no stage {name}")


def last_in(pipeline: Pipeline, stage: str) -> Execution | None:
    """The execution that came to a stage last."""
    return next(
        (
            execution
            for execution in reversed(pipeline.executions)
            if execution.runs_of(stage) or any(run.stage == stage for run in execution.rules)
        ),
        None,
    )


__all__ = (
    "Data",
    "RefusedError",
    "caller",
    "get_execution",
    "get_pipeline",
    "get_stage",
    "last_in",
    "pipeline_by_arn",
    "place",
)
