# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Upload a canary's artifact, start its pipeline, and follow the execution."""

from __future__ import annotations

import dataclasses
import typing as t
import uuid

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.amazon.aws.plugins.module_utils.exceptions import (
    is_ansible_aws_error_code,
)

from .._aws.gateway import AccountSession, Client, Gateway
from .._aws.patience import Patience
from .._errors import ErrorHandler, GaveUp, PipelineError
from .canary import Canary, make_artifact
from .model import FailedAction

SUCCEEDED = "Succeeded"
_LAGS = 10  # so often the list of actions is read again
_RESTING = (SUCCEEDED, "Failed", "Stopped", "Superseded", "Cancelled")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Execution:
    """An execution that has ended.

    :param done: the names of the actions that succeeded.
    """

    status: str
    done: frozenset[str]
    failed: tuple[FailedAction, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Releases:
    """Releases canaries in the build account.

    :param session: of the build account.
    :param bucket: the build bucket.
    """

    gateway: Gateway
    session: AccountSession
    account_id: str
    region: str
    partition: str
    bucket: str

    def upload(self, canary: Canary, patience: Patience) -> None:
        """Upload the artifact with the role of the pipeline that does. Raises PipelineError."""
        role_arn = (
            f"arn:{self.partition}:iam::{self.account_id}"
            f":role/crossaccount/build/{canary.name}-uploader"
        )
        refusals: list[PipelineError] = []
        try:
            for _poll in patience.polls(lambda: str(refusals[-1])):
                try:
                    self._upload(canary, role_arn)
                except is_ansible_aws_error_code("AccessDenied") as exc:
                    refusals.append(exc)  # IAM needs some seconds until a new role can be used
                else:
                    return
        except GaveUp:
            raise refusals[-1] from None

    def _upload(self, canary: Canary, role_arn: str) -> None:
        uploader = self.gateway.assume(self.session, role_arn, self.region)
        _put(
            uploader.client("s3", self.region),
            Bucket=self.bucket,
            Key=canary.object_key,
            Body=make_artifact(canary.run),
        )

    def release(self, canary: Canary, patience: Patience) -> Execution:
        """Start the pipeline, and return its execution once that has ended."""
        client = self.session.client("codepipeline", self.region)
        execution = _start(client, canary.name)
        status = ""

        def describe() -> str:
            actions = _actions(client, canary.name, execution)
            over = sum(1 for action in actions if action["status"] != "InProgress")
            return f"{canary.name}: {over} of {_count(canary)} actions"

        for _poll in patience.polls(describe):
            status = _status(client, canary.name, execution)
            if status in _RESTING:
                break
        actions = _actions(client, canary.name, execution)
        for poll, _poll in enumerate(patience.polls(lambda: f"{canary.name}: what failed")):
            # The list may lag behind the status.
            if status != "Failed" or _with_status(actions, "Failed") or poll == _LAGS:
                break
            actions = _actions(client, canary.name, execution)
        return Execution(
            status=status,
            done=frozenset(action["actionName"] for action in _with_status(actions, SUCCEEDED)),
            failed=tuple(
                _failed(canary.name, action) for action in _with_status(actions, "Failed")
            ),
        )


def _with_status(actions: list[dict[str, t.Any]], status: str) -> list[dict[str, t.Any]]:
    return [action for action in actions if action["status"] == status]


def _count(canary: Canary) -> int:
    return 2 * len(canary.paths)


@ErrorHandler.common_error_handler("upload the canary")  # type: ignore[untyped-decorator]
def _put(s3: Client, **request: t.Any) -> None:
    s3.put_object(**request)


@ErrorHandler.common_error_handler("start the canary")  # type: ignore[untyped-decorator]
def _start(codepipeline: Client, name: str) -> str:
    """Start the pipeline: once, even if a reply is lost."""
    token = str(uuid.uuid4())
    answer = codepipeline.start_pipeline_execution(name=name, clientRequestToken=token)
    return t.cast("str", answer["pipelineExecutionId"])


@ErrorHandler.common_error_handler("read the canary's execution")  # type: ignore[untyped-decorator]
def _status(codepipeline: Client, name: str, execution: str) -> str:
    try:
        answer = codepipeline.get_pipeline_execution(
            pipelineName=name, pipelineExecutionId=execution
        )
    except is_boto3_error_code("PipelineExecutionNotFoundException"):
        return ""  # not to be seen everywhere yet
    return t.cast("str", answer["pipelineExecution"]["status"])


@ErrorHandler.common_error_handler("read the canary's actions")  # type: ignore[untyped-decorator]
def _actions(codepipeline: Client, name: str, execution: str) -> list[dict[str, t.Any]]:
    """Return the actions of an execution, as ListActionExecutions does."""
    pages = codepipeline.get_paginator("list_action_executions").paginate(
        pipelineName=name, filter={"pipelineExecutionId": execution}
    )
    return [detail for page in pages for detail in page["actionExecutionDetails"]]


def _failed(pipeline: str, detail: dict[str, t.Any]) -> FailedAction:
    given = detail.get("input", {})
    result = detail.get("output", {}).get("executionResult", {})
    error = result.get("errorDetails", {})
    return FailedAction(
        pipeline=pipeline,
        stage=detail["stageName"],
        action=detail["actionName"],
        provider=given.get("actionTypeId", {}).get("provider", ""),
        region=given.get("region", ""),
        role_arn=given.get("roleArn", ""),
        code=error.get("code", ""),
        summary=error.get("message") or result.get("externalExecutionSummary") or "",
        execution=result.get("externalExecutionId") or "",
    )


__all__ = ("SUCCEEDED", "Execution", "Releases")
