# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Operations that start, stop and retry executions, and what others report to them."""

from __future__ import annotations

import copy
import time
import uuid

from ..settings import Settings
from .executions import PIPELINES, ActionRun, Execution, Pipeline, abandon
from .requests import Data, RefusedError, caller, get_execution, get_pipeline, get_stage, last_in
from .rollbacks import refusal, roll_back
from .runner import Runner
from .source_rules import REVISIONS

_KEY = "S3_OBJECT_KEY"
_OVER = ("Succeeded", "Failed", "Stopped", "Superseded")

_runner = Runner(Settings())


def use(settings: Settings) -> None:
    """Run executions with these settings."""
    global _runner  # noqa: PLW0603  # the settings come with the installation
    _runner = Runner(settings)


def start(request: Data) -> Data:
    pipeline = get_pipeline(request["name"])
    trigger = {"triggerType": "StartPipelineExecution", "triggerDetail": caller()}
    token = request.get("clientRequestToken", str(uuid.uuid4()))
    if token not in pipeline.tokens:
        pipeline.tokens[token] = begin(pipeline, request, trigger).id
    return {"pipelineExecutionId": pipeline.tokens[token]}


def begin(pipeline: Pipeline, request: Data, trigger: Data) -> Execution:
    pinned: dict[str, str] = {}
    keys: dict[str, str] = {}
    actions = {action["name"]: action for action in pipeline.declaration["stages"][0]["actions"]}
    for revision in request.get("sourceRevisions", []):
        kind, action = revision["revisionType"], actions.get(revision["actionName"])
        known = REVISIONS[action["actionTypeId"]["provider"]] if action else ()
        if action is None or kind not in known or (kind == _KEY and not _takes_keys(action)):
            raise RefusedError("ValidationException", f"Source revision {revision} is not valid")
        where = keys if kind == _KEY else pinned
        where[action["name"]] = revision["revisionValue"]
    execution = Execution(
        pipeline.place,
        copy.deepcopy(pipeline.declaration),
        trigger,
        pinned=pinned,
        keys=keys,
    )
    _runner.start(pipeline, execution)
    return execution


def _takes_keys(action: Data) -> bool:
    """Whether a start may name another object for an action."""
    allowed = action.get("configuration", {}).get("AllowOverrideForS3ObjectKey", "false")
    return str(allowed).lower() == "true"


def stop(request: Data) -> Data:
    pipeline, execution = get_execution(request)
    with pipeline.changed:
        if execution.status in _OVER:
            raise RefusedError(
                "PipelineExecutionNotStoppableException", f"{execution.id} is {execution.status}"
            )
        execution.stopping = True
        execution.set_status("Stopping", request.get("reason", ""))
        if request.get("abandon"):
            abandon(execution)
        pipeline.changed.notify_all()
    return {"pipelineExecutionId": execution.id}


def retry(request: Data) -> Data:
    pipeline, execution = get_execution(request)
    stage = get_stage(pipeline, request["stageName"])
    with pipeline.changed:
        last = last_in(pipeline, stage["name"])
        if last is not execution:
            raise RefusedError(
                "NotLatestPipelineExecutionException", f"{execution.id} is not the latest"
            )
        at = execution.pipeline["stages"][execution.stage]["name"]
        if execution.status != "Failed" or at != stage["name"]:
            raise RefusedError(
                "StageNotRetryableException", f"Stage {stage['name']} has not failed"
            )
    _runner.retry(pipeline, execution, only_failed=request["retryMode"] == "FAILED_ACTIONS")
    return {"pipelineExecutionId": execution.id}


def rollback(request: Data) -> Data:
    pipeline = get_pipeline(request["pipelineName"])
    stage = get_stage(pipeline, request["stageName"])["name"]
    target_id = request["targetPipelineExecutionId"]
    _pipeline, target = get_execution({**request, "pipelineExecutionId": target_id})
    with pipeline.changed:
        if problem := refusal(pipeline, stage, target):
            raise RefusedError("UnableToRollbackStageException", problem)
        execution = roll_back(pipeline, stage, target, by=caller())
    _runner.go_on(pipeline, execution)
    return {"pipelineExecutionId": execution.id}


def override(request: Data) -> Data:
    pipeline, execution = get_execution(request)
    stage, kind = get_stage(pipeline, request["stageName"])["name"], request["conditionType"]
    with pipeline.changed:
        runs = execution.conditions_of(stage, kind).values()
        if not any(run.status == "InProgress" for run in runs):
            raise RefusedError(
                "ConditionNotOverridableException", f"No rule of {kind} runs in stage {stage}"
            )
        execution.overridden.add((stage, kind))
    return {}


def approve(request: Data) -> Data:
    pipeline = get_pipeline(request["pipelineName"])
    stage = get_stage(pipeline, request["stageName"])
    execution = pipeline.inside.get(stage["name"])
    run = execution.runs_of(stage["name"]).get(request["actionName"]) if execution else None
    if run is None:
        raise RefusedError("ActionNotFoundException", f"{request['actionName']} does not run")
    if not run.token:
        raise RefusedError(
            "ApprovalAlreadyCompletedException", f"{request['actionName']} waits for nobody"
        )
    if run.token != request["token"]:
        raise RefusedError("InvalidApprovalTokenException", "The token is not that of the request")
    _report(run, {"result": request["result"]})
    return {"approvedAt": time.time()}


def report_job(request: Data) -> Data:
    run = PIPELINES.run_of(request["jobId"])
    if run is None or run.declaration["actionTypeId"]["category"] != "Invoke":
        raise RefusedError("JobNotFoundException", f"There is no job {request['jobId']}")
    if run.status != "InProgress" or run.ended.is_set():
        raise RefusedError("InvalidJobStateException", f"Job {request['jobId']} is over")
    _report(run, request)
    return {}


def _report(run: ActionRun, outcome: Data) -> None:
    run.outcome = outcome
    run.token = ""
    run.ended.set()


__all__ = (
    "approve",
    "begin",
    "override",
    "report_job",
    "retry",
    "rollback",
    "start",
    "stop",
    "use",
)
