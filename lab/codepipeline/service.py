# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CodePipeline: the service that MiniStack does not have.

Requests are checked against botocore's own model, then against the structure that CodePipeline
asks for. What runs is in pipeline_runner.py.

For other parts of the lab: `answer` does an operation for whoever has asked for permission already,
and `start_from_event` starts a pipeline as EventBridge does.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from botocore.validate import ParamValidator
from ministack import app
from ministack.core import iam_evaluator, router
from ministack.core.responses import (
    error_response_json,
    get_account_id,
    get_region,
    json_response,
)

from ..clients import service_model
from ..iam.authorisation import Principal
from ..settings import Settings
from . import history, pipelines, releases
from .executions import PIPELINES
from .requests import Data, RefusedError, place
from .runner import SERVICE
from .source_rules import passed_connections

Response = tuple[int, dict[str, str], bytes]

_TARGET = "CodePipeline_20150709"


def install(settings: Settings) -> None:
    """Add the service to MiniStack's router, and to what a reset empties."""
    releases.use(settings)
    pipelines.use(settings)
    router.SERVICE_PATTERNS["codepipeline"] = {"target_prefixes": [_TARGET]}
    app.SERVICE_HANDLERS["codepipeline"] = handle_request
    app.SERVICE_REGISTRY["codepipeline"] = {"module": "codepipeline"}
    app._loaded_modules["codepipeline"] = sys.modules[__name__]


def reset() -> None:
    """Forget every pipeline; what runs stops."""
    PIPELINES.clear()


def model() -> Any:
    """The model that botocore has of the service."""
    return service_model("codepipeline")


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
    except RefusedError as error:
        return _error(error.code, str(error))
    return found


def start_from_event(name: str, *, rule_arn: str, request: Data) -> None:
    """Start a pipeline for an EventBridge rule. A pipeline that is not there is not started.

    request: sourceRevisions and the like, as the rule's target gives them.
    """
    pipeline = PIPELINES.get(place(), name)
    if pipeline:
        trigger = {"triggerType": "CloudWatchEvent", "triggerDetail": rule_arn}
        releases.begin(pipeline, request, trigger)


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
        pipeline = request.get("pipeline", {})
        asked.append(
            ("iam:PassRole", pipeline.get("roleArn", "*"), {"iam:passedtoservice": SERVICE})
        )
        asked += [
            (action, arn, {f"{action.partition(':')[0]}:passedtoservice": SERVICE})
            for arn, action in passed_connections(pipeline.get("stages", []))
        ]
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


_OPERATIONS: dict[str, Callable[[Data], Data]] = {
    "CreatePipeline": pipelines.create,
    "DeletePipeline": pipelines.delete,
    "DisableStageTransition": pipelines.disable_transition,
    "EnableStageTransition": pipelines.enable_transition,
    "GetPipeline": pipelines.read,
    "GetPipelineExecution": history.read_execution,
    "GetPipelineState": history.read_state,
    "ListActionExecutions": history.list_actions,
    "ListPipelineExecutions": history.list_executions,
    "ListPipelines": pipelines.list_pipelines,
    "ListRuleExecutions": history.list_rules,
    "ListTagsForResource": pipelines.list_tags,
    "OverrideStageCondition": releases.override,
    "PutApprovalResult": releases.approve,
    "PutJobFailureResult": releases.report_job,
    "PutJobSuccessResult": releases.report_job,
    "RetryStageExecution": releases.retry,
    "RollbackStage": releases.rollback,
    "StartPipelineExecution": releases.start,
    "StopPipelineExecution": releases.stop,
    "TagResource": pipelines.tag,
    "UntagResource": pipelines.untag,
    "UpdatePipeline": pipelines.update,
}

__all__ = ("answer", "handle_request", "install", "model", "reset", "start_from_event")
