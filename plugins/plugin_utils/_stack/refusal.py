# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why AWS refuses to begin: early validation and CloudFormation Hooks.

The reason of a change set or stack names only the check or the Hook. Which resource, and why, only
DescribeEvents and the Hook's result say, and only as long as the change set exists:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
"""

from __future__ import annotations

import typing as t

from .._aws.gateway import Client
from .._errors import ErrorHandler, PipelineError

_CONFLICT = "NAME_CONFLICT_VALIDATION"
_FAILED_HOOKS = ("HOOK_COMPLETE_FAILED", "HOOK_FAILED")
# What AWS's reason has where there is more to read.
_REFERS = ("hook(s)", "EarlyValidation", "DescribeEvents")

CONFLICT_CURE = "Delete what has the name if nothing uses it, or give ours another name"


def why_failed(client: Client, change_set: str, reason: str) -> str:
    """Return why AWS refused *change_set* (its ARN): *reason*, or exactly where AWS answers why.

    :param reason: StatusReason.
    """
    if not any(text in reason for text in _REFERS):
        return reason
    try:
        details = validation_errors(client, ChangeSetName=change_set)
        if not details:
            details = "; ".join(_change_set_hooks(client, change_set))
    except PipelineError as exc:
        return f"{reason.rstrip('.')}. {exc}"
    return details or reason


@ErrorHandler.common_error_handler("read what early validation refused")  # type: ignore[untyped-decorator]
def validation_errors(client: Client, **which: str) -> str:
    """Return the errors of early validation; empty when there are none. Raises PipelineError.

    :param which: what DescribeEvents is asked about.
    """
    pages = client.get_paginator("describe_events").paginate(
        **which, Filters={"FailedEvents": True}
    )
    return "; ".join(
        _validation_text(event)
        for page in pages
        for event in page["OperationEvents"]
        if event.get("EventType") == "VALIDATION_ERROR"
        and event.get("ValidationFailureMode") != "WARN"
    )


def is_conflict(text: str) -> bool:
    """Return whether *text* is about a name that is taken."""
    return _CONFLICT in text


def hook_text(client: Client, name: str, reason: str, *, result_id: str | None) -> str:
    """Return why the Hook called *name* failed: its reason, and what its result adds.

    :param result_id: the id of its result, if it is known.
    """
    text = f"Hook {name}: {reason.strip() or 'no reason given'}"
    try:
        notes = _annotations(client, result_id) if result_id else ()
    except PipelineError as exc:
        return f"{text} ({exc})"
    return ". ".join(part.strip().rstrip(".") for part in (text, *notes))


@ErrorHandler.common_error_handler("read the result of a Hook")  # type: ignore[untyped-decorator]
def _annotations(client: Client, result_id: str) -> list[str]:
    try:
        result = client.get_hook_result(HookResultId=result_id)
    except client.exceptions.HookResultNotFoundException:
        return []
    return [
        f"{note['AnnotationName']}: {note.get('StatusMessage', '')} "
        + note.get("RemediationMessage", "")
        for note in result.get("Annotations", [])
        if note.get("Status") == "FAILED"
    ]


@ErrorHandler.common_error_handler("list the results of Hooks")  # type: ignore[untyped-decorator]
def _hook_results(client: Client, change_set: str) -> list[dict[str, t.Any]]:
    try:
        answer = client.list_hook_results(TargetType="CHANGE_SET", TargetId=change_set)
    except client.exceptions.HookResultNotFoundException:
        return []
    return t.cast("list[dict[str, t.Any]]", answer["HookResults"])


def _change_set_hooks(client: Client, change_set: str) -> list[str]:
    """Return why Hooks failed the change set. Raises PipelineError."""
    return [
        hook_text(
            client,
            result["TypeName"],
            result.get("HookStatusReason", ""),
            result_id=result.get("HookResultId"),
        )
        for result in _hook_results(client, change_set)
        if result["Status"] in _FAILED_HOOKS and result.get("FailureMode") != "WARN"
    ]


def _validation_text(event: t.Mapping[str, t.Any]) -> str:
    resource = f"{event['LogicalResourceId']} ({event.get('ResourceType', 'unknown type')})"
    path = event.get("ValidationPath", "").removeprefix(f"/Resources/{event['LogicalResourceId']}")
    place = f"{resource} at {path.strip('/')}" if path.strip("/") else resource
    reason = event.get("ValidationStatusReason", "no reason given").rstrip(".")
    return f"{place}: {reason} ({event.get('ValidationName', 'early validation')})"


__all__ = ("CONFLICT_CURE", "hook_text", "is_conflict", "validation_errors", "why_failed")
