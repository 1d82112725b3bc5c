# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stack operations that can be seen in progress, with a settable latency."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from ministack.services import cloudformation
from ministack.services.cloudformation import handlers, provisioners, stacks

from ..settings import Settings
from .work import CHECKS, Work, read_work

# The status of a stack that was shown last, in its record.
_SHOWN = "_lab_shown"


def install(settings: Settings) -> None:
    """Let every stack operation go on in the background, resource by resource.

    AWS: an operation takes time; *_IN_PROGRESS is seen on the stack and on the resource at work.
    MiniStack: a stack is made inside one step of the event loop, because _deploy_stack_async
    awaits only for types that run on a worker thread. Here every type is awaited, through our
    own run_reentrant, which waits without holding the loop or a lock.
    """
    on_worker_thread = stacks._runs_on_worker_thread
    run_on_thread = stacks.run_reentrant
    started: WeakSet[asyncio.Task[Any]] = WeakSet()

    async def run(function: Callable[..., Any], *arguments: Any) -> Any:
        work = _current(function, arguments)
        if work.is_unchanged and function is stacks._update_keeping_seed:
            return _leave_alone(work, arguments[-1])
        cleanup = _begin_cleanup(work)
        delay = settings.latency.resource
        task = asyncio.current_task()
        if task is not None and task not in started:
            started.add(task)
            delay += settings.latency.operation
        await settings.wait("operation", delay)
        while settings.until_seen and work.stack.get(_SHOWN) != work.stack["StackStatus"]:
            await asyncio.sleep(0.01)
        _current(function, arguments)
        for check in CHECKS:
            check(work)
        if on_worker_thread(work.resource_type):
            result = await run_on_thread(function, *arguments)
        else:
            result = function(*arguments)
        if cleanup:
            _event(work, "DELETE_COMPLETE")
        return result

    stacks._runs_on_worker_thread = lambda resource_type: True
    stacks.run_reentrant = run
    _write_events_of_updates()
    _note_what_is_shown()


def _note_what_is_shown() -> None:
    stock = handlers._ACTION_HANDLERS["DescribeStacks"]

    def describe(parameters: dict[str, Any]) -> Any:
        answer = stock(parameters)
        name = cloudformation._p(parameters, "StackName")
        shown = [handlers._resolve_stack(name)] if name else cloudformation._stacks.values()
        for stack in filter(None, shown):
            stack[_SHOWN] = stack["StackStatus"]
        return answer

    handlers._ACTION_HANDLERS["DescribeStacks"] = describe


def _current(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Work:
    """The work at hand, unless its stack was deleted: then the operation ends here.

    DeleteStack of a stack that is being created ends the creation; a reset ends everything.
    MiniStack would let both go on at once. Cancellation is what its own code does not catch.
    """
    work = read_work(function, arguments)
    if work is None:
        raise asyncio.CancelledError
    if work.operation == "create" and work.stack["StackStatus"].startswith("DELETE_"):
        raise asyncio.CancelledError
    return work


def _leave_alone(work: Work, attributes: dict[str, Any]) -> tuple[tuple[str, dict[str, Any]], str]:
    """An unchanged resource is not touched by an update.

    AWS: no call, no event. MiniStack: the update handler of every resource runs, and both events
    are written. The one that is written already is taken back, the other is not let through.
    """
    events = cloudformation._stack_events.get(work.stack["StackId"], [])
    if events and events[-1]["LogicalResourceId"] == work.logical_id:
        events.pop()
    work.stack.get("_lab_seen", {}).pop(work.logical_id, None)
    work.stack.setdefault("_lab_unchanged", set()).add(work.logical_id)
    return (work.physical_id, attributes), provisioners._NAME_SEED.get()


def _write_events_of_updates() -> None:
    """Events of an update.

    AWS: a resource that the update adds is created: CREATE_IN_PROGRESS, CREATE_COMPLETE; one that
    it leaves alone has none. MiniStack: writes UPDATE_* for every resource.
    """
    add_event = stacks._add_event

    def add(
        stack_id: str, stack_name: str, logical_id: str, resource_type: str, status: str,
        *rest: Any, **more: Any,
    ) -> None:  # fmt: skip
        stack = cloudformation._stacks.get(stack_name, {})
        if logical_id == stack_name:
            add_event(stack_id, stack_name, logical_id, resource_type, status, *rest, **more)
            return
        if logical_id in stack.get("_lab_unchanged", ()):
            stack["_lab_unchanged"].discard(logical_id)
            return
        if status == "UPDATE_IN_PROGRESS" and logical_id not in stack.get("_resources", {}):
            stack.setdefault("_lab_added", set()).add(logical_id)
        if logical_id in stack.get("_lab_added", ()):
            if status != "UPDATE_IN_PROGRESS":
                stack["_lab_added"].discard(logical_id)
            if status == "UPDATE_COMPLETE":
                stack["_resources"][logical_id]["ResourceStatus"] = "CREATE_COMPLETE"
            status = status.replace("UPDATE_", "CREATE_")
        add_event(stack_id, stack_name, logical_id, resource_type, status, *rest, **more)

    stacks._add_event = add


def _begin_cleanup(work: Work) -> bool:
    """An update deletes what it no longer needs after its success.

    AWS: UPDATE_COMPLETE_CLEANUP_IN_PROGRESS, and events of the resource being deleted.
    MiniStack: deletes under UPDATE_IN_PROGRESS without an event.
    """
    stack, cleanup = work.stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    if work.operation != "delete" or stack["StackStatus"] not in ("UPDATE_IN_PROGRESS", cleanup):
        return False
    if stack["StackStatus"] != cleanup:
        stack["StackStatus"] = cleanup
        stacks._add_event(
            stack["StackId"], stack["StackName"], stack["StackName"],
            "AWS::CloudFormation::Stack", cleanup, physical_id=stack["StackId"],
        )  # fmt: skip
    _event(work, "DELETE_IN_PROGRESS")
    return True


def _event(work: Work, status: str) -> None:
    stacks._add_event(
        work.stack["StackId"], work.stack_name, work.logical_id, work.resource_type, status,
        physical_id=work.physical_id,
    )  # fmt: skip


__all__ = ("install",)
