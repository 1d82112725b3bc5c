# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What refuses a change set before anything is made: exports, early validation and Hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from typing import Any
from xml.sax.saxutils import escape

from ministack.core.responses import new_uuid, now_iso
from ministack.services import cloudformation, s3
from ministack.services.cloudformation import changesets, handlers

from ..settings import Settings
from .names import taken

Parameters = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[Parameters], Response]

_VALIDATION = (
    "The following hook(s)/validation failed: [AWS::EarlyValidation::ResourceExistenceCheck]. To"
    " troubleshoot Early Validation errors, use the DescribeEvents API for detailed failure"
    " information."
)
_HOOKS = "Change set creation failed. The following hook(s) failed: [{}]"
# The events and the results of Hooks, in the record of the change set.
_EVENTS = "_lab_events"
_RESULTS = "_lab_hooks"


def install(settings: Settings) -> None:
    """Refuse change sets as AWS does, and answer why.

    AWS: a change set that would make a resource whose name is taken, or that a Hook refuses, ends
    FAILED. Its reason names neither resource nor rule: DescribeEvents and the Hook's result do.
    So does one that imports an export that is not there; its reason names the export.
    MiniStack: makes the change set, and its execution fails.
    """
    actions = handlers._ACTION_HANDLERS
    actions["CreateChangeSet"] = partial(_create, settings, actions["CreateChangeSet"])
    actions["DescribeEvents"] = partial(_describe_events, actions["DescribeEvents"])
    actions["ListHookResults"] = _list_hook_results
    actions["GetHookResult"] = _get_hook_result


def stack_of(change_set_id: str) -> str:
    """The id of a change set's stack; empty when there is no such change set."""
    change_set = cloudformation._change_sets.get(change_set_id)
    return str(change_set["StackId"]) if change_set else ""


def _create(settings: Settings, stock: Handler, parameters: Parameters) -> Response:
    status, headers, body = stock(parameters)
    if status != 200:
        return status, headers, body
    change_set_id = body.decode().split("<Id>")[1].split("</Id>")[0]
    change_set = cloudformation._change_sets[change_set_id]
    if change_set["Status"] == "CREATE_COMPLETE":
        _find_exports(change_set)
    if change_set["Status"] == "CREATE_COMPLETE":
        _invoke_hooks(settings, change_set)
        if settings.early_validation and not change_set["_disable_validation"]:
            _validate(change_set)
    return status, headers, body


def _find_exports(change_set: dict[str, Any]) -> None:
    imported = handlers._imported_export_names(change_set, change_set["StackName"])
    if missing := sorted(imported.difference(cloudformation._exports.keys())):
        _fail(change_set, f"No export named {missing[0]} found")


def _invoke_hooks(settings: Settings, change_set: dict[str, Any]) -> None:
    hooks = [hook for hook in settings.hooks if hook.matches(change_set["StackName"])]
    change_set[_RESULTS] = [{**asdict(hook), "id": new_uuid()} for hook in hooks]
    if failing := [hook.type_name for hook in hooks if hook.mode == "FAIL"]:
        _fail(change_set, _HOOKS.format(", ".join(failing)))


def _validate(change_set: dict[str, Any]) -> None:
    operation = {
        "StackId": change_set["StackId"],
        "OperationId": new_uuid(),
        "OperationType": "CREATE_CHANGESET",
    }
    events = [{**operation, **event} for event in _conflicts(change_set)]
    if events:
        whole = {"EventType": "STACK_EVENT", "OperationStatus": "FAILED"}
        change_set[_EVENTS] = [{**operation, **whole}, *events]
        _fail(change_set, _VALIDATION)


def _conflicts(change_set: dict[str, Any]) -> Iterator[dict[str, str]]:
    stack = cloudformation._stacks.get(change_set["StackName"], {})
    resolved = changesets._resolve_props_for_diff(
        change_set["_template"],
        change_set["_resolved_params"],
        change_set["StackName"],
        change_set["StackId"],
    )["Resources"]
    for entry in change_set["Changes"]:
        change = entry["ResourceChange"]
        logical_id, resource_type = change["LogicalResourceId"], change["ResourceType"]
        if change["Action"] not in ("Add", "Modify"):
            continue
        old = stack.get("_resources", {}).get(logical_id, {}).get("Properties", {})
        new = resolved[logical_id].get("Properties", {})
        name = taken(resource_type, old, new) or _taken_bucket(resource_type, old, new)
        if name:
            yield {
                "EventType": "VALIDATION_ERROR",
                "LogicalResourceId": logical_id,
                "ResourceType": resource_type,
                "ValidationFailureMode": "FAIL",
                "ValidationName": "NAME_CONFLICT_VALIDATION",
                "ValidationStatus": "FAILED",
                "ValidationStatusReason": (
                    f"Resource of type '{resource_type}' with identifier '{name}' already exists."
                ),
                "ValidationPath": f"/Resources/{logical_id}",
            }


def _taken_bucket(resource_type: str, old: dict[str, Any], new: dict[str, Any]) -> str:
    name = new.get("BucketName")
    if resource_type != "AWS::S3::Bucket" or not isinstance(name, str):
        return ""
    is_taken = name != old.get("BucketName") and s3._bucket_owner_account(name)
    return name if is_taken else ""


def _fail(change_set: dict[str, Any], reason: str) -> None:
    change_set.update(
        Status="FAILED", StatusReason=reason, ExecutionStatus="UNAVAILABLE", Changes=[]
    )


def _describe_events(stock: Handler, parameters: Parameters) -> Response:
    """DescribeEvents of a change set: by its ARN, or by its name with its stack."""
    name = cloudformation._p(parameters, "ChangeSetName")
    if not name:
        return stock(parameters)
    stack = cloudformation._p(parameters, "StackName")
    if not stack and not name.startswith("arn:"):
        return _error(
            "ValidationError", "One of ChangeSetName, OperationId or StackName must be specified"
        )
    _unused, change_set = changesets._find_change_set(name, stack)
    events = change_set.get(_EVENTS, []) if change_set else []
    members = "".join(
        _members({**event, "EventId": new_uuid(), "Timestamp": now_iso()}) for event in events
    )
    return _xml("DescribeEvents", f"<OperationEvents>{members}</OperationEvents>")


def _list_hook_results(parameters: Parameters) -> Response:
    target = cloudformation._p(parameters, "TargetId")
    change_set = cloudformation._change_sets.get(target, {})
    results = change_set.get(_RESULTS)
    if not results:
        return _no_result(target)
    members = "".join(_members(_summary(result)) for result in results)
    return _xml(
        "ListHookResults",
        f"<TargetType>CHANGE_SET</TargetType><TargetId>{target}</TargetId>"
        f"<HookResults>{members}</HookResults>",
    )


def _get_hook_result(parameters: Parameters) -> Response:
    wanted = cloudformation._p(parameters, "HookResultId")
    for change_set in cloudformation._change_sets.values():
        for result in change_set.get(_RESULTS, ()):
            if result["id"] == wanted:
                return _xml("GetHookResult", _fields(_summary(result)) + _annotations(result))
    return _no_result(wanted)


def _summary(result: dict[str, str]) -> dict[str, str]:
    return {
        "HookResultId": result["id"],
        "InvocationPoint": "PRE_PROVISION",
        "FailureMode": result["mode"],
        "TypeName": result["type_name"],
        "Status": "HOOK_COMPLETE_FAILED",
        "HookStatusReason": result["reason"],
    }


def _annotations(result: dict[str, str]) -> str:
    if not result["rule"]:
        return ""
    annotation = {
        "AnnotationName": result["rule"],
        "Status": "FAILED",
        "StatusMessage": result["message"],
        "RemediationMessage": result["remediation"],
    }
    return f"<Annotations>{_members(annotation)}</Annotations>"


def _members(values: dict[str, str]) -> str:
    return f"<member>{_fields(values)}</member>"


def _fields(values: dict[str, str]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items())


def _no_result(target: str) -> Response:
    return _error("HookResultNotFound", f"No Hook was invoked for {target}", 404)


def _error(code: str, message: str, status: int = 400) -> Response:
    response: Response = handlers._error(code, message, status)
    return response


def _xml(action: str, inner: str) -> Response:
    response: Response = handlers._xml(
        200, f"{action}Response", f"<{action}Result>{inner}</{action}Result>"
    )
    return response


__all__ = ("install", "stack_of")
