# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CloudFormation's own rules: which operation a stack takes in which state, and change sets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, handlers

from ..settings import Settings

Parameters = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[Parameters], Response]

_UPDATABLE = frozenset(
    {
        "CREATE_COMPLETE",
        "CREATE_FAILED",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_FAILED",
        "UPDATE_ROLLBACK_COMPLETE",
    }
)
_DELETABLE_IN_PROGRESS = frozenset({"CREATE_IN_PROGRESS", "REVIEW_IN_PROGRESS"})
_UNCHANGED = "The submitted information didn't contain changes."
# Tasks that finish change sets; the event loop itself holds them only weakly.
_background: set[asyncio.Task[None]] = set()


def install(settings: Settings) -> None:
    """Put our rules in front of MiniStack's handlers."""
    wrap = _Wrapper(settings)
    for action, wrapper in {
        "CreateStack": wrap.create_stack,
        "DeleteStack": wrap.delete_stack,
        "CreateChangeSet": wrap.create_change_set,
        "DescribeChangeSet": wrap.describe_change_set,
        "ExecuteChangeSet": wrap.named_stack,
        "ListChangeSets": wrap.named_stack,
        "GetTemplate": wrap.get_template,
        "ContinueUpdateRollback": wrap.continue_update_rollback,
    }.items():
        stock: Handler = handlers._ACTION_HANDLERS[action]
        handlers._ACTION_HANDLERS[action] = _bound(wrapper, stock)


def _bound(wrapper: Callable[[Handler, Parameters], Response], stock: Handler) -> Handler:
    return lambda parameters: wrapper(stock, parameters)


class _Wrapper:
    """One method for each action; each is given MiniStack's handler and the request."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def create_stack(self, stock: Handler, parameters: Parameters) -> Response:
        """CreateStack over ROLLBACK_COMPLETE.

        AWS: AlreadyExistsException; the stack must be deleted first. MiniStack: replaces it.
        """
        name = _value(parameters, "StackName")
        if _status(name) == "ROLLBACK_COMPLETE":
            return _error("AlreadyExistsException", f"Stack [{name}] already exists")
        return stock(parameters)

    def delete_stack(self, stock: Handler, parameters: Parameters) -> Response:
        """DeleteStack of a stack at work.

        AWS: refused during an update or rollback, no second deletion during one, and it ends a
        creation. MiniStack: starts a deletion next to whatever is running.
        """
        name = _value(parameters, "StackName")
        status = _status(name)
        if status == "DELETE_IN_PROGRESS":
            return _xml("DeleteStackResponse", "")
        if status.endswith("_IN_PROGRESS") and status not in _DELETABLE_IN_PROGRESS:
            stack_id = handlers._resolve_stack(name)["StackId"]
            return _invalid(f"Stack [{stack_id}] cannot be deleted while in status {status}")
        return stock(parameters)

    def create_change_set(self, stock: Handler, parameters: Parameters) -> Response:
        """CreateChangeSet by the state of the stack.

        AWS: UPDATE is refused unless the stack can be updated; CREATE is refused when the stack
        exists, and a second CREATE on a stack in review joins it. MiniStack: accepts UPDATE in
        every state and CREATE over ROLLBACK_COMPLETE, and makes a new stack in review each time.
        """
        kind = _value(parameters, "ChangeSetType") or "UPDATE"
        name = _value(parameters, "StackName")
        status = _status(name)
        stack = handlers._resolve_stack(name)
        if kind == "CREATE" and status == "REVIEW_IN_PROGRESS":
            return self._finish_later(self._join_review(stock, parameters, stack))
        if kind == "CREATE" and status:
            return _invalid(
                f"Stack [{name}] already exists and cannot be created again with the changeSet "
                f"[{_value(parameters, 'ChangeSetName')}]."
            )
        if kind == "UPDATE" and status and status not in _UPDATABLE:
            return _invalid(
                f"Stack:{stack['StackId']} is in {status} state and can not be updated."
            )
        return self._finish_later(_with_outputs(stock(parameters), stack))

    def _join_review(
        self, stock: Handler, parameters: Parameters, stack: dict[str, Any]
    ) -> Response:
        name, stack_id = stack["StackName"], stack["StackId"]
        events = cloudformation._stack_events.get(stack_id)
        before = set(cloudformation._change_sets.keys())
        status, headers, body = stock(parameters)
        other_id = cloudformation._stacks.get(name, stack)["StackId"]
        if other_id != stack_id:
            cloudformation._stack_events.pop(other_id, None)
            body = body.replace(other_id.encode(), stack_id.encode())
        cloudformation._stacks[name] = stack
        cloudformation._stack_events[stack_id] = events
        for change_set_id in set(cloudformation._change_sets.keys()) - before:
            cloudformation._change_sets[change_set_id]["StackId"] = stack_id
        return status, headers, body

    def _finish_later(self, response: Response) -> Response:
        """A change set that can be seen in progress.

        AWS: CREATE_IN_PROGRESS without changes, then CREATE_COMPLETE or FAILED. MiniStack: the
        end at once.
        """
        status, _unused, body = response
        if status != 200 or not self._settings.takes_time("change_set"):
            return response
        change_set = _made(body)
        fields = ("Status", "StatusReason", "ExecutionStatus", "Changes")
        end = {field: change_set[field] for field in fields}
        change_set.update(
            Status="CREATE_IN_PROGRESS", StatusReason="", ExecutionStatus="UNAVAILABLE", Changes=[]
        )

        async def finish() -> None:
            await self._settings.wait("change_set", self._settings.latency.change_set)
            change_set.update(end)

        task = asyncio.get_running_loop().create_task(finish())
        _background.add(task)
        task.add_done_callback(_background.discard)
        return response

    def describe_change_set(self, stock: Handler, parameters: Parameters) -> Response:
        """DescribeChangeSet in pages, without secrets, by stack name or id.

        AWS: pages with NextToken; NoEcho values are asterisks. MiniStack: one page, plain values.
        """
        if problem := _by_name(parameters):
            return problem
        _unused, change_set = changesets._find_change_set(
            _value(parameters, "ChangeSetName"), _value(parameters, "StackName")
        )
        if not change_set:
            return stock(parameters)
        start = int(_value(parameters, "NextToken") or 0)
        end = start + self._settings.change_page
        changes, values = change_set["Changes"], change_set["Parameters"]
        secret = {name for name, value in change_set["_resolved_params"].items() if value["NoEcho"]}
        change_set["Changes"] = changes[start:end]
        change_set["Parameters"] = [
            {**value, "ParameterValue": "****"} if value["ParameterKey"] in secret else value
            for value in values
        ]
        try:
            status, headers, body = stock(parameters)
        finally:
            change_set["Changes"], change_set["Parameters"] = changes, values
        if end < len(changes):
            close = b"</DescribeChangeSetResult>"
            body = body.replace(close, f"<NextToken>{end}</NextToken>".encode() + close)
        return status, headers, body

    def named_stack(self, stock: Handler, parameters: Parameters) -> Response:
        """Actions that take a stack's name or id, and refuse a stack that does not exist.

        AWS: both. MiniStack: finds change sets by the name alone, and lists none for no stack.
        """
        return _by_name(parameters) or stock(parameters)

    def get_template(self, stock: Handler, parameters: Parameters) -> Response:
        """GetTemplate of text that is not ASCII.

        AWS: answers ? for every such character. MiniStack: the character.
        """
        status, headers, body = stock(parameters)
        return status, headers, body.decode().encode("ascii", "replace")

    def continue_update_rollback(self, stock: Handler, parameters: Parameters) -> Response:
        """ContinueUpdateRollback with an empty list to skip.

        AWS: skips nothing. MiniStack: takes the empty text that botocore writes for the list as
        the name of a resource.
        """
        if parameters.get("ResourcesToSkip") == [""]:
            del parameters["ResourcesToSkip"]
        return stock(parameters)


def _made(body: bytes) -> dict[str, Any]:
    """The change set that an answer of CreateChangeSet names."""
    change_set_id = body.decode().split("<Id>")[1].split("</Id>")[0]
    change_set: dict[str, Any] = cloudformation._change_sets[change_set_id]
    return change_set


def _with_outputs(response: Response, stack: dict[str, Any] | None) -> Response:
    """A change set that changes outputs alone.

    AWS: can be executed, and lists no changes (aws-cdk#2029). MiniStack: fails as unchanged.
    """
    status, _unused, body = response
    if status != 200 or not stack:
        return response
    change_set = _made(body)
    before, after = stack.get("_template") or {}, change_set["_template"]
    if change_set["StatusReason"].startswith(_UNCHANGED) and (
        before.get("Outputs") != after.get("Outputs")
    ):
        change_set.update(Status="CREATE_COMPLETE", StatusReason="", ExecutionStatus="AVAILABLE")
    return response


def _by_name(parameters: Parameters) -> Response | None:
    """Turn a stack id in the request into its name; an error if there is no such stack."""
    name = _value(parameters, "StackName")
    if not name:
        return None
    if not _status(name):
        return _invalid(f"Stack [{name}] does not exist")
    parameters["StackName"] = [handlers._resolve_stack(name)["StackName"]]
    return None


def _status(name: str) -> str:
    """The status of a stack; empty when there is none, also when it was deleted."""
    stack = handlers._resolve_stack(name)
    status: str = stack["StackStatus"] if stack else ""
    return "" if status == "DELETE_COMPLETE" else status


def _value(parameters: Parameters, name: str) -> str:
    value: str = cloudformation._p(parameters, name)
    return value


def _invalid(message: str) -> Response:
    return _error("ValidationError", message)


def _error(code: str, message: str) -> Response:
    response: Response = handlers._error(code, message)
    return response


def _xml(root: str, inner: str) -> Response:
    response: Response = handlers._xml(200, root, inner)
    return response


__all__ = ("install",)
