# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of a stack: any status on demand, and what is shown after a deletion."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ministack.core.responses import now_iso, request_scope
from ministack.services import cloudformation, s3
from ministack.services.cloudformation import handlers, stacks

from ..clients import service_model
from ..settings import Settings
from .work import CHECKS, Work

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[dict[str, Any]], Response]

_BEGUN = ("CREATE_IN_PROGRESS", "REVIEW_IN_PROGRESS")
# A resource with such a status is not, or not any more, part of what the stack holds.
_SHOWN = ("CREATE_IN_PROGRESS", "CREATE_FAILED", "DELETE_COMPLETE", "DELETE_SKIPPED")


def install(settings: Settings) -> None:
    """Restore all of it."""

    def fail_on_demand(work: Work) -> None:
        settings.resource_faults.check(work)

    CHECKS.append(fail_on_demand)
    CHECKS.append(_keep_full_buckets)
    _keep_what_did_not_roll_back()
    _keep_deleted_stacks()
    _last_updated()
    _remember_resources()


def set_status(*, account: str, region: str, stack: str, status: str, reason: str) -> None:
    """Put a stack into any state that AWS has; what it holds stays as it is.

    A stack that does not exist and a status that AWS does not have raise ValueError.
    """
    shape = service_model("cloudformation").shape_for("StackStatus")
    if status not in getattr(shape, "enum", ()):
        raise ValueError(f"{status} is not a status of a stack")
    with request_scope(account, region):
        record = handlers._resolve_stack(stack)
        if record is None:
            raise ValueError(f"{stack} does not exist in {account}, {region}")
        record.update(StackStatus=status, StackStatusReason=reason, LastUpdatedTime=now_iso())
        name, stack_id = record["StackName"], record["StackId"]
        stacks._add_event(
            stack_id, name, name, "AWS::CloudFormation::Stack", status, reason, stack_id
        )


def _keep_full_buckets(work: Work) -> None:
    """The deletion of a bucket that holds objects.

    AWS: fails, and the stack ends DELETE_FAILED. MiniStack: deletes them with it.
    """
    if work.operation != "delete" or work.resource_type != "AWS::S3::Bucket":
        return
    bucket = s3._buckets.get(work.physical_id)
    if bucket and (bucket["objects"] or s3._bucket_has_versions(work.physical_id)):
        raise ValueError(
            'Resource handler returned message: "The bucket you tried to delete is not empty'
            '. You must delete all versions in the bucket. (Service: S3, Status Code: 409)" '
            "(HandlerErrorCode: GeneralServiceException)"
        )


def _keep_what_did_not_roll_back() -> None:
    """A resource that the rollback of a creation could not delete.

    AWS: stays in the stack, DELETE_FAILED, so that deleting the stack tries again or retains it.
    MiniStack: forgets it.
    """
    roll_back = stacks._roll_back_operation

    async def rolled_back(
        stack_name: str, stack_id: str, stack: dict[str, Any], *rest: Any, **more: Any
    ) -> None:
        before = dict(stack.get("_resources", {}))
        await roll_back(stack_name, stack_id, stack, *rest, **more)
        if stack["StackStatus"] == "ROLLBACK_FAILED":
            for logical_id in stack.get("_rollback_failed", {}):
                record = {**before[logical_id], "ResourceStatus": "DELETE_FAILED"}
                stack["_resources"][logical_id] = record

    for module in (handlers, stacks):
        module._roll_back_operation = rolled_back


def _keep_deleted_stacks() -> None:
    """A deleted stack.

    AWS: found by its id for 90 days, also when another has its name. MiniStack: until then.
    """
    delete = stacks._delete_stack_async

    async def deleted(stack_name: str, stack_id: str, *rest: Any, **more: Any) -> None:
        await delete(stack_name, stack_id, *rest, **more)
        stack = cloudformation._stacks.get(stack_name)
        if stack and stack["StackStatus"] == "DELETE_COMPLETE":
            cloudformation._stacks.pop(stack_name)
            cloudformation._stacks[stack_id] = stack

    for module in (handlers, stacks):
        module._delete_stack_async = deleted


def _last_updated() -> None:
    """LastUpdatedTime of a stack.

    AWS: none until its first update, or the execution of its first change set. MiniStack: the
    time of its creation.
    """

    def begin(stock: Handler, parameters: dict[str, Any]) -> Response:
        answer = stock(parameters)
        stack = handlers._resolve_stack(cloudformation._p(parameters, "StackName"))
        if answer[0] == 200 and stack["StackStatus"] in _BEGUN:
            stack["LastUpdatedTime"] = ""
        return answer

    def describe(stock: Handler, parameters: dict[str, Any]) -> Response:
        status, headers, body = stock(parameters)
        return status, headers, body.replace(b"<LastUpdatedTime></LastUpdatedTime>", b"")

    for action, wrapper in (
        ("CreateChangeSet", begin),
        ("CreateStack", begin),
        ("DescribeStacks", describe),
    ):
        stock = handlers._ACTION_HANDLERS[action]
        handlers._ACTION_HANDLERS[action] = partial(wrapper, stock)


def _remember_resources() -> None:
    """What a stack shows of resources that it holds no longer, or not yet.

    AWS: a resource that failed or is at work is shown with that status; after a rollback or a
    deletion, so is what was deleted (DELETE_COMPLETE) or retained (DELETE_SKIPPED).
    MiniStack: shows only what is there.
    """
    add_event = stacks._add_event

    def add(
        stack_id: str, stack_name: str, logical_id: str, resource_type: str, status: str,
        reason: str = "", physical_id: str = "", **more: Any,
    ) -> None:  # fmt: skip
        add_event(stack_id, stack_name, logical_id, resource_type, status, reason, physical_id,
                  **more)  # fmt: skip
        stack = cloudformation._stacks.get(stack_name, {})
        if resource_type == "AWS::CloudFormation::Stack" and physical_id == stack_id:
            if status == "UPDATE_IN_PROGRESS":
                stack.pop("_lab_seen", None)
            return
        seen = stack.setdefault("_lab_seen", {})
        before = seen.get(logical_id, {})
        seen[logical_id] = {
            "PhysicalResourceId": physical_id or before.get("PhysicalResourceId", ""),
            "ResourceType": resource_type,
            "ResourceStatus": status,
            "ResourceStatusReason": reason,
            "Timestamp": now_iso(),
        }

    stacks._add_event = add
    for action in ("DescribeStackResource", "DescribeStackResources", "ListStackResources"):
        handlers._ACTION_HANDLERS[action] = partial(_with_seen, handlers._ACTION_HANDLERS[action])


def _with_seen(stock: Handler, parameters: dict[str, Any]) -> Response:
    stack = handlers._resolve_stack(cloudformation._p(parameters, "StackName"))
    if not stack:
        return stock(parameters)
    held, seen = stack["_resources"], stack.get("_lab_seen", {})
    stack["_resources"] = _shown(held, seen)
    try:
        return stock(parameters)
    finally:
        stack["_resources"] = held


def _shown(held: dict[str, Any], seen: dict[str, Any]) -> dict[str, Any]:
    """The resources as AWS would show them: those held with their last status, and those gone."""
    shown = {}
    for logical_id, record in held.items():
        last = seen.get(logical_id, {})
        fields = ("ResourceStatus", "ResourceStatusReason")
        shown[logical_id] = {**record, **{name: last[name] for name in fields if name in last}}
    gone = {
        logical_id: record
        for logical_id, record in seen.items()
        if logical_id not in held and record["ResourceStatus"] in _SHOWN
    }
    return {**shown, **gone}


__all__ = ("install", "set_status")
