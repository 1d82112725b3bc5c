# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CodePipeline, as far as keeping declarations goes: create, get, update, list, delete.

MiniStack has no such service. Declarations are checked against botocore's own model; nothing runs.
"""

from __future__ import annotations

import copy
import functools
import json
import sys
import time
from typing import Any

import botocore.session
from botocore.validate import ParamValidator
from ministack import app
from ministack.core import iam_evaluator, router
from ministack.core.responses import (
    AccountRegionScopedDict,
    error_response_json,
    get_account_id,
    get_region,
    json_response,
)

from tests.lab.authorisation import Principal

_TARGET = "CodePipeline_20150709"

_pipelines = AccountRegionScopedDict()


def install() -> None:
    """Add the service to MiniStack's router, and to what a reset empties."""
    router.SERVICE_PATTERNS["codepipeline"] = {"target_prefixes": [_TARGET]}
    app.SERVICE_HANDLERS["codepipeline"] = handle_request
    app.SERVICE_REGISTRY["codepipeline"] = {"module": "codepipeline"}
    app._loaded_modules["codepipeline"] = sys.modules[__name__]


def reset() -> None:
    """Forget every pipeline."""
    _pipelines.clear()


async def handle_request(
    _method: str, _path: str, headers: dict[str, str], body: bytes, _query: dict[str, Any]
) -> Any:
    """Answer one request, in the service's JSON protocol."""
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    answer = _OPERATIONS.get(operation)
    if answer is None:
        return error_response_json("UnknownOperationException", f"{operation} is not there", 400)
    request = json.loads(body or b"{}")
    refusal = _refusal(operation, request)
    if refusal:
        return error_response_json("AccessDeniedException", refusal, 400)
    problems = _problems(operation, request)
    if problems:
        return error_response_json("ValidationException", problems, 400)
    return answer(request)


def _refusal(operation: str, request: dict[str, Any]) -> str:
    """MiniStack does not know the actions of the service, so nobody else asks."""
    name = request.get("name") or request.get("pipeline", {}).get("name", "*")
    caller = Principal(arn=iam_evaluator.caller_arn())
    arn = f"arn:aws:codepipeline:{get_region()}:{get_account_id()}:{name}"
    return caller.check(f"codepipeline:{operation}", arn, region=get_region())


@functools.cache
def _model() -> Any:
    return botocore.session.Session().get_service_model("codepipeline")


def _problems(operation: str, request: dict[str, Any]) -> str:
    shape = _model().operation_model(operation).input_shape
    return str(ParamValidator().validate(request, shape).generate_report())


def _create(request: dict[str, Any]) -> Any:
    name = request["pipeline"]["name"]
    if name in _pipelines:
        return error_response_json(
            "PipelineNameInUseException", f"A pipeline with the name '{name}' already exists", 400
        )
    return json_response({"pipeline": _keep(request["pipeline"], version=1)})


def _update(request: dict[str, Any]) -> Any:
    kept = _pipelines.get(request["pipeline"]["name"])
    if kept is None:
        return _missing(request["pipeline"]["name"])
    version = kept["pipeline"]["version"] + 1
    return json_response({"pipeline": _keep(request["pipeline"], version=version)})


def _get(request: dict[str, Any]) -> Any:
    kept = _pipelines.get(request["name"])
    return _missing(request["name"]) if kept is None else json_response(kept)


def _list(_request: dict[str, Any]) -> Any:
    return json_response(
        {
            "pipelines": [
                {"name": name, "version": kept["pipeline"]["version"], **_times(kept)}
                for name, kept in sorted(_pipelines.items())
            ]
        }
    )


def _delete(request: dict[str, Any]) -> Any:
    _pipelines.pop(request["name"], None)
    return json_response({})


def _keep(declaration: dict[str, Any], *, version: int) -> dict[str, Any]:
    pipeline = copy.deepcopy(declaration) | {"version": version}
    name, now = pipeline["name"], time.time()
    arn = f"arn:aws:codepipeline:{get_region()}:{get_account_id()}:{name}"
    _pipelines[name] = {
        "pipeline": pipeline,
        "metadata": {"pipelineArn": arn, "created": now, "updated": now},
    }
    return pipeline


def _times(kept: dict[str, Any]) -> dict[str, float]:
    return {key: kept["metadata"][key] for key in ("created", "updated")}


def _missing(name: str) -> Any:
    return error_response_json(
        "PipelineNotFoundException", f"Account has no pipeline with name '{name}'", 400
    )


_OPERATIONS = {
    "CreatePipeline": _create,
    "UpdatePipeline": _update,
    "GetPipeline": _get,
    "ListPipelines": _list,
    "DeletePipeline": _delete,
}

__all__ = ("handle_request", "install", "reset")
