# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CodePipeline: the service that MiniStack does not have.

Requests are checked against botocore's own model, then against the structure that CodePipeline
asks for. What runs is in pipeline_runner.py, what is kept in pipeline_executions.py.

For other parts of the lab: `answer` does an operation for whoever has asked for permission already,
and `start_from_event` starts a pipeline as EventBridge does.
"""

from __future__ import annotations

import copy
import functools
import json
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

import botocore.session
from botocore.validate import ParamValidator
from ministack import app
from ministack.core import iam_evaluator, router
from ministack.core.responses import (
    error_response_json,
    get_account_id,
    get_region,
    json_response,
)

from lab import pipeline_structure
from lab.authorisation import Principal
from lab.pipeline_executions import PIPELINES, ActionRun, Execution, Pipeline, abandon
from lab.pipeline_runner import SERVICE, Runner
from lab.settings import Settings

Data = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

_TARGET = "CodePipeline_20150709"
_PINNED = "S3_OBJECT_VERSION_ID"
_OVER = ("Succeeded", "Failed", "Stopped", "Superseded")
_MODES = ("QUEUED", "SUPERSEDED")

_runner = Runner(Settings())


class _RefusedError(Exception):
    """A request that the service refuses, by the name of its error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def install(settings: Settings) -> None:
    """Add the service to MiniStack's router, and to what a reset empties."""
    global _runner  # noqa: PLW0603  # the settings come with the installation
    _runner = Runner(settings)
    router.SERVICE_PATTERNS["codepipeline"] = {"target_prefixes": [_TARGET]}
    app.SERVICE_HANDLERS["codepipeline"] = handle_request
    app.SERVICE_REGISTRY["codepipeline"] = {"module": "codepipeline"}
    app._loaded_modules["codepipeline"] = sys.modules[__name__]


def reset() -> None:
    """Forget every pipeline; what runs stops."""
    PIPELINES.clear()


@functools.cache
def model() -> Any:
    """The model that botocore has of the service."""
    return botocore.session.Session().get_service_model("codepipeline")


async def handle_request(
    _method: str, _path: str, headers: dict[str, str], body: bytes, _query: dict[str, Any]
) -> Response:
    """Answer one request, in the service's JSON protocol."""
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    if operation not in _OPERATIONS:
        return _error("UnknownOperationException", f"{operation} is not there")
    request = json.loads(body or b"{}")
    for refusal in _refusals(operation, request):
        return _error("AccessDeniedException", refusal)
    return answer(operation, request)


def answer(operation: str, request: Data) -> Response:
    """Do an operation in the account and region of the request; nobody's permission is asked."""
    shape = model().operation_model(operation).input_shape
    problems = str(ParamValidator().validate(request, shape).generate_report())
    if problems:
        return _error("ValidationException", problems)
    try:
        found: Response = json_response(_OPERATIONS[operation](request))
    except _RefusedError as error:
        return _error(error.code, str(error))
    return found


def start_from_event(name: str, *, rule_arn: str, request: Data) -> None:
    """Start a pipeline for an EventBridge rule. A pipeline that is not there is not started.

    request: sourceRevisions and the like, as the rule's target gives them.
    """
    pipeline = PIPELINES.get(_place(), name)
    if pipeline:
        trigger = {"triggerType": "CloudWatchEvent", "triggerDetail": rule_arn}
        _begin(pipeline, request, trigger)


def _error(code: str, message: str) -> Response:
    found: Response = error_response_json(code, message, 400)
    return found


# Who may


def _refusals(operation: str, request: Data) -> list[str]:
    """Why the caller may not; MiniStack does not know the actions, so nobody else asks."""
    caller = Principal(arn=iam_evaluator.caller_arn())
    asked: list[tuple[str, str, Data]] = [
        (f"codepipeline:{operation}", _resource(operation, request), {})
    ]
    if operation in ("CreatePipeline", "UpdatePipeline"):
        role = request.get("pipeline", {}).get("roleArn", "*")
        asked.append(("iam:PassRole", role, {"iam:passedtoservice": SERVICE}))
    found = (
        caller.check(action, resource, region=get_region(), context=context)
        for action, resource, context in asked
    )
    return [refusal for refusal in found if refusal]


def _resource(operation: str, request: Data) -> str:
    if operation in ("ListPipelines", "PutJobFailureResult", "PutJobSuccessResult"):
        return "*"
    if arn := request.get("resourceArn"):
        return str(arn)
    name = (
        request.get("pipelineName")
        or request.get("name")
        or request.get("pipeline", {}).get("name", "*")
    )
    parts = [name, *(request[key] for key in ("stageName", "actionName") if key in request)]
    return f"arn:aws:codepipeline:{get_region()}:{get_account_id()}:{'/'.join(parts)}"


# Pipelines


def _create(request: Data) -> Data:
    name = request["pipeline"]["name"]
    if PIPELINES.get(_place(), name):
        raise _RefusedError(
            "PipelineNameInUseException", f"A pipeline with the name '{name}' already exists"
        )
    declaration = _checked(request["pipeline"], version=1)
    tags = {one["key"]: one["value"] for one in request.get("tags", [])}
    PIPELINES.add(Pipeline(_place(), declaration, tags))
    # A new pipeline runs at once.
    _begin(_get(name), {}, {"triggerType": "CreatePipeline", "triggerDetail": _caller()})
    return {"pipeline": declaration, "tags": request.get("tags", [])}


def _update(request: Data) -> Data:
    pipeline = _get(request["pipeline"]["name"])
    version = pipeline.declaration["version"] + 1
    pipeline.declaration = _checked(request["pipeline"], version=version)
    pipeline.updated = time.time()
    return {"pipeline": pipeline.declaration}


def _checked(declaration: Data, *, version: int) -> Data:
    problems = pipeline_structure.problems(declaration, get_region())
    mode = declaration.get("executionMode", "SUPERSEDED")
    if mode not in _MODES:
        problems.append(f"The lab does not know the execution mode {mode}")
    if problems:
        raise _RefusedError("InvalidStructureException", "; ".join(problems))
    return copy.deepcopy(declaration) | {"version": version}


def _read(request: Data) -> Data:
    pipeline = _get(request["name"])
    return {
        "pipeline": pipeline.declaration,
        "metadata": {
            "pipelineArn": pipeline.arn,
            "created": pipeline.created,
            "updated": pipeline.updated,
        },
    }


def _list(_request: Data) -> Data:
    return {
        "pipelines": [
            {
                "name": one.name,
                "version": one.declaration["version"],
                "pipelineType": one.declaration.get("pipelineType", "V1"),
                "executionMode": one.declaration.get("executionMode", "SUPERSEDED"),
                "created": one.created,
                "updated": one.updated,
            }
            for one in PIPELINES.of(_place())
        ]
    }


def _delete(request: Data) -> Data:
    PIPELINES.remove(_place(), request["name"])
    return {}


def _list_tags(request: Data) -> Data:
    pipeline = _by_arn(request["resourceArn"])
    return {"tags": [{"key": key, "value": one} for key, one in sorted(pipeline.tags.items())]}


def _tag(request: Data) -> Data:
    tags = {one["key"]: one["value"] for one in request["tags"]}
    _by_arn(request["resourceArn"]).tags.update(tags)
    return {}


def _untag(request: Data) -> Data:
    pipeline = _by_arn(request["resourceArn"])
    for key in request["tagKeys"]:
        pipeline.tags.pop(key, None)
    return {}


# Executions


def _start(request: Data) -> Data:
    pipeline = _get(request["name"])
    trigger = {"triggerType": "StartPipelineExecution", "triggerDetail": _caller()}
    token = request.get("clientRequestToken", str(uuid.uuid4()))
    if token not in pipeline.tokens:
        pipeline.tokens[token] = _begin(pipeline, request, trigger).id
    return {"pipelineExecutionId": pipeline.tokens[token]}


def _begin(pipeline: Pipeline, request: Data, trigger: Data) -> Execution:
    known = {action["name"] for action in pipeline.declaration["stages"][0]["actions"]}
    pinned = {}
    for one in request.get("sourceRevisions", []):
        if one["revisionType"] != _PINNED or one["actionName"] not in known:
            raise _RefusedError("ValidationException", f"Source revision {one} is not valid")
        pinned[one["actionName"]] = one["revisionValue"]
    execution = Execution(
        pipeline.place, copy.deepcopy(pipeline.declaration), trigger, pinned=pinned
    )
    _runner.start(pipeline, execution)
    return execution


def _stop(request: Data) -> Data:
    pipeline, execution = _execution(request)
    with pipeline.changed:
        if execution.status in _OVER:
            raise _RefusedError(
                "PipelineExecutionNotStoppableException", f"{execution.id} is {execution.status}"
            )
        execution.stopping = True
        execution.set_status("Stopping", request.get("reason", ""))
        if request.get("abandon"):
            abandon(execution)
        pipeline.changed.notify_all()
    return {"pipelineExecutionId": execution.id}


def _retry(request: Data) -> Data:
    pipeline, execution = _execution(request)
    stage = _stage(pipeline, request["stageName"])
    with pipeline.changed:
        last = _last_in(pipeline, stage["name"])
        if last is not execution:
            raise _RefusedError(
                "NotLatestPipelineExecutionException", f"{execution.id} is not the latest"
            )
        at = execution.pipeline["stages"][execution.stage]["name"]
        if execution.status != "Failed" or at != stage["name"]:
            raise _RefusedError(
                "StageNotRetryableException", f"Stage {stage['name']} has not failed"
            )
    _runner.retry(pipeline, execution, only_failed=request["retryMode"] == "FAILED_ACTIONS")
    return {"pipelineExecutionId": execution.id}


def _read_execution(request: Data) -> Data:
    _pipeline, execution = _execution(request)
    return {"pipelineExecution": _as_data(execution)}


def _list_executions(request: Data) -> Data:
    pipeline = _get(request["pipelineName"])
    return {
        "pipelineExecutionSummaries": [
            {
                **_as_data(one),
                "startTime": one.started,
                "lastUpdateTime": one.updated,
                "sourceRevisions": [
                    {
                        "actionName": revision["name"],
                        "revisionId": revision["revisionId"],
                        "revisionSummary": revision["revisionSummary"],
                    }
                    for revision in one.revisions
                ],
            }
            for one in reversed(pipeline.executions)
        ]
    }


def _as_data(execution: Execution) -> Data:
    return {
        "pipelineName": execution.name,
        "pipelineVersion": execution.pipeline["version"],
        "pipelineExecutionId": execution.id,
        "status": execution.status,
        "statusSummary": execution.reason,
        "artifactRevisions": execution.revisions,
        "trigger": execution.trigger,
        "executionMode": execution.pipeline.get("executionMode", "SUPERSEDED"),
    }


def _list_actions(request: Data) -> Data:
    pipeline = _get(request["pipelineName"])
    wanted = request.get("filter", {}).get("pipelineExecutionId")
    found = [
        (execution, run)
        for execution in pipeline.executions
        if wanted in (None, execution.id)
        for run in execution.attempts
    ]
    return {"actionExecutionDetails": [_detail(*pair) for pair in reversed(found)]}


def _detail(execution: Execution, run: ActionRun) -> Data:
    action = run.declaration
    region = action.get("region", execution.place[1])

    def located(names: list[Data]) -> list[Data]:
        found = [(one["name"], execution.artifacts.get((one["name"], region))) for one in names]
        return [
            {"name": name, "s3location": {"bucket": at[0], "key": at[1]}}
            for name, at in found
            if at
        ]

    return {
        "pipelineExecutionId": execution.id,
        "actionExecutionId": run.id,
        "pipelineVersion": execution.pipeline["version"],
        "stageName": run.stage,
        "actionName": run.name,
        "startTime": run.started,
        "lastUpdateTime": run.updated,
        "status": run.status,
        "input": {
            "actionTypeId": action["actionTypeId"],
            "configuration": action.get("configuration", {}),
            "region": region,
            "inputArtifacts": located(action.get("inputArtifacts", [])),
            **({"roleArn": action["roleArn"]} if "roleArn" in action else {}),
        },
        "output": {
            "outputArtifacts": located(action.get("outputArtifacts", [])),
            "executionResult": {
                "externalExecutionId": run.external_id,
                "externalExecutionSummary": run.summary,
                **({"errorDetails": run.error} if run.error else {}),
            },
        },
    }


def _read_state(request: Data) -> Data:
    pipeline = _get(request["name"])
    return {
        "pipelineName": pipeline.name,
        "pipelineVersion": pipeline.declaration["version"],
        "stageStates": [_stage_state(pipeline, one) for one in pipeline.declaration["stages"]],
        "created": pipeline.created,
        "updated": pipeline.updated,
    }


def _stage_state(pipeline: Pipeline, stage: Data) -> Data:
    name = stage["name"]
    reason = pipeline.closed.get(name)
    state: Data = {
        "stageName": name,
        "inboundTransitionState": {
            "enabled": reason is None,
            **({} if reason is None else {"disabledReason": reason}),
        },
        "actionStates": [],
    }
    last = pipeline.inside.get(name) or _last_in(pipeline, name)
    runs = last.runs_of(name) if last else {}
    for action in stage["actions"]:
        found: Data = {"actionName": action["name"]}
        if run := runs.get(action["name"]):
            found["latestExecution"] = {
                "actionExecutionId": run.id,
                "status": run.status,
                "summary": run.summary,
                "lastStatusChange": run.updated,
                **({"token": run.token} if run.token else {}),
                **({"errorDetails": run.error} if run.error else {}),
            }
        state["actionStates"].append(found)
    if last:
        state["latestExecution"] = {
            "pipelineExecutionId": last.id,
            "status": _stage_status(last, name, len(stage["actions"])),
        }
    return state


def _stage_status(execution: Execution, stage: str, actions: int) -> str:
    statuses = [run.status for run in execution.runs_of(stage).values()]
    for status in ("InProgress", "Failed"):
        if status in statuses:
            return status
    if "Abandoned" in statuses:
        return "Stopped"
    if len(statuses) < actions:
        return "Stopped" if execution.status == "Stopped" else "InProgress"
    return "Succeeded"


def _last_in(pipeline: Pipeline, stage: str) -> Execution | None:
    """The execution that came to a stage last."""
    return next((one for one in reversed(pipeline.executions) if one.runs_of(stage)), None)


# What others report


def _approve(request: Data) -> Data:
    pipeline = _get(request["pipelineName"])
    stage = _stage(pipeline, request["stageName"])
    execution = pipeline.inside.get(stage["name"])
    run = execution.runs_of(stage["name"]).get(request["actionName"]) if execution else None
    if run is None:
        raise _RefusedError("ActionNotFoundException", f"{request['actionName']} does not run")
    if not run.token:
        raise _RefusedError(
            "ApprovalAlreadyCompletedException", f"{request['actionName']} waits for nobody"
        )
    if run.token != request["token"]:
        raise _RefusedError("InvalidApprovalTokenException", "The token is not that of the request")
    _report(run, {"result": request["result"]})
    return {"approvedAt": time.time()}


def _job_result(request: Data) -> Data:
    run = PIPELINES.run_of(request["jobId"])
    if run is None or run.declaration["actionTypeId"]["category"] != "Invoke":
        raise _RefusedError("JobNotFoundException", f"There is no job {request['jobId']}")
    if run.status != "InProgress" or run.ended.is_set():
        raise _RefusedError("InvalidJobStateException", f"Job {request['jobId']} is over")
    _report(run, request)
    return {}


def _report(run: ActionRun, outcome: Data) -> None:
    run.outcome = outcome
    run.token = ""
    run.ended.set()


# Transitions


def _close(request: Data) -> Data:
    pipeline = _get(request["pipelineName"])
    with pipeline.changed:
        pipeline.closed[_stage(pipeline, request["stageName"])["name"]] = request["reason"]
    return {}


def _open(request: Data) -> Data:
    pipeline = _get(request["pipelineName"])
    with pipeline.changed:
        pipeline.closed.pop(_stage(pipeline, request["stageName"])["name"], None)
        pipeline.changed.notify_all()
    return {}


# What a request means


def _place() -> tuple[str, str]:
    return get_account_id(), get_region()


def _caller() -> str:
    return str(iam_evaluator.caller_arn())


def _get(name: str) -> Pipeline:
    pipeline = PIPELINES.get(_place(), name)
    if pipeline is None:
        raise _RefusedError(
            "PipelineNotFoundException", f"Account has no pipeline with name '{name}'"
        )
    return pipeline


def _by_arn(arn: str) -> Pipeline:
    account, region, name = arn.split(":")[4], arn.split(":")[3], arn.rpartition(":")[2]
    pipeline = PIPELINES.get((account, region), name)
    if pipeline is None:
        raise _RefusedError("ResourceNotFoundException", f"There is no {arn}")
    return pipeline


def _execution(request: Data) -> tuple[Pipeline, Execution]:
    pipeline = _get(request["pipelineName"])
    execution = pipeline.execution(request["pipelineExecutionId"])
    if execution is None:
        raise _RefusedError(
            "PipelineExecutionNotFoundException",
            f"{pipeline.name} has no execution {request['pipelineExecutionId']}",
        )
    return pipeline, execution


def _stage(pipeline: Pipeline, name: str) -> Data:
    for stage in pipeline.declaration["stages"]:
        if stage["name"] == name:
            return dict(stage)
    raise _RefusedError("StageNotFoundException", f"{pipeline.name} has no stage {name}")


_OPERATIONS: dict[str, Callable[[Data], Data]] = {
    "CreatePipeline": _create,
    "DeletePipeline": _delete,
    "DisableStageTransition": _close,
    "EnableStageTransition": _open,
    "GetPipeline": _read,
    "GetPipelineExecution": _read_execution,
    "GetPipelineState": _read_state,
    "ListActionExecutions": _list_actions,
    "ListPipelineExecutions": _list_executions,
    "ListPipelines": _list,
    "ListTagsForResource": _list_tags,
    "PutApprovalResult": _approve,
    "PutJobFailureResult": _job_result,
    "PutJobSuccessResult": _job_result,
    "RetryStageExecution": _retry,
    "StartPipelineExecution": _start,
    "StopPipelineExecution": _stop,
    "TagResource": _tag,
    "UntagResource": _untag,
    "UpdatePipeline": _update,
}

__all__ = ("answer", "handle_request", "install", "model", "reset", "start_from_event")
