# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the lab is doing right now."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ministack.core import concurrency
from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict
from ministack.services import cloudformation, codebuild

from ..codepipeline.executions import PIPELINES
from ..codepipeline.runner import THREAD

# MiniStack delivers events in threads without names; one such waits for the end of the lab.
_UNNAMED, _WATCHER = "Thread-", "(_end_with_parent)"


@dataclass(frozen=True)
class Item:
    """One thing that is not over. event: an event, or a function, that something has set off."""

    kind: Literal["call", "event", "stack", "build", "pipeline"]
    what: str


def at_work(in_flight: int) -> Iterator[Item]:
    """All that is not over. in_flight: API calls not answered yet."""
    if in_flight:
        yield Item("call", f"{in_flight} API calls are not answered")
    yield from _stacks()
    for build in list(contents(codebuild._builds).values()):
        if build["buildStatus"] == "IN_PROGRESS":
            yield Item("build", f"build {build['id']}")
    for pipeline in list(PIPELINES.all.values()):
        for execution in pipeline.executions:
            if execution.status in ("InProgress", "Stopping"):
                yield Item("pipeline", f"pipeline {pipeline.name} is {execution.status}")
    if any(concurrency.active_counts().values()):
        yield Item("event", "an invocation")
    for thread in threading.enumerate():
        if thread.name == THREAD:
            yield Item("pipeline", "a thread of a pipeline")
        elif thread.name.startswith(_UNNAMED) and not thread.name.endswith(_WATCHER):
            yield Item("event", f"thread {thread.name}")


def _stacks() -> Iterator[Item]:
    for stack in list(contents(cloudformation._stacks).values()):
        name, status = stack["StackName"], stack["StackStatus"]
        if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
            yield Item("stack", f"stack {name} is {status}")
        for detection in stack.get("_drift_detections", {}).values():
            if detection["DetectionStatus"] == "DETECTION_IN_PROGRESS":
                yield Item("stack", f"drift detection of {name}")
    for change_set in list(contents(cloudformation._change_sets).values()):
        if change_set["Status"].endswith("_IN_PROGRESS"):
            yield Item(
                "stack", f"change set {change_set['ChangeSetName']} is {change_set['Status']}"
            )


def contents(store: Any) -> Any:
    """The dict in which a store holds everything."""
    if store is PIPELINES:
        return store.all
    scoped = isinstance(store, AccountRegionScopedDict | AccountScopedDict)
    return store._data if scoped else store


__all__ = ("Item", "at_work", "contents")
