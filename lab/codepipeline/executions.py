# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pipelines, their executions, and the result of each action."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from .variables import Variables, reserved

Data = dict[str, Any]
Place = tuple[str, str]  # account, region
_LOCKS: dict[str, Callable[[], Any]] = {
    "changed": threading.Condition,
    "copying": threading.Lock,
    "ended": threading.Event,
}


@dataclass
class _Saved:
    """Saved without its locks; what is restored has new ones."""

    def __getstate__(self) -> Data:
        return {name: value for name, value in vars(self).items() if name not in _LOCKS}

    def __setstate__(self, state: Data) -> None:
        names = {item.name for item in fields(self)}
        vars(self).update({name: make() for name, make in _LOCKS.items() if name in names})
        vars(self).update(state)


@dataclass
class ActionRun(_Saved):
    """One attempt at one action.

    token: an approval's, while it waits. outcome: what somebody reported: a job's result, or an
    approval's. ended: set when there is one, or the execution is stopped. configuration: with its
    variables resolved. variables: what the action produced.
    """

    stage: str
    declaration: Data
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "InProgress"
    started: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    summary: str = ""
    external_id: str = ""
    error: Data = field(default_factory=dict)
    token: str = ""
    configuration: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    outcome: Data = field(default_factory=dict)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def name(self) -> str:
        """The action's."""
        return str(self.declaration["name"])

    def end(self, status: str, *, summary: str = "", error: Data | None = None) -> None:
        """Note what became of it."""
        self.token = ""
        self.summary = summary or self.summary
        self.error = error or {}
        self.updated = time.time()
        self.status = status


@dataclass
class RuleRun(_Saved):
    """One evaluation of a rule. kind: BEFORE_ENTRY or ON_SUCCESS."""

    stage: str
    kind: str
    declaration: Data
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "InProgress"
    started: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    summary: str = ""
    error: Data = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The rule's."""
        return str(self.declaration["name"])

    def end(self, status: str, *, summary: str = "", error: Data | None = None) -> None:
        """Note what became of it."""
        self.summary, self.error = summary, error or {}
        self.updated, self.status = time.time(), status


@dataclass
class Execution(_Saved):
    """One release, or a stage that is rolled back.

    pipeline: the declaration that it began with. pinned: version of the source, by action. keys:
    object of the source, by action.
    artifacts: where each is, by name and region. clones: what a build clones, by artifact, for
    artifacts that only builds can read. copying: held while one is brought there.
    attempts: every action, retries too, in order. attempt: how often it was begun or retried.
    variables: what actions produced, by namespace. rules: every rule, in order. overridden: the
    conditions that somebody has overridden, as stage and kind. stages: what became of each stage.
    retries: automatic ones, by stage. rollback_of: the execution whose artifacts and variables a
    rollback takes.
    """

    place: Place
    pipeline: Data
    trigger: Data
    pinned: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "InProgress"
    reason: str = ""
    started: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    revisions: list[Data] = field(default_factory=list)
    artifacts: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    clones: dict[str, Data] = field(default_factory=dict)
    attempts: list[ActionRun] = field(default_factory=list)
    variables: Variables = field(default_factory=dict)
    rules: list[RuleRun] = field(default_factory=list)
    overridden: set[tuple[str, str]] = field(default_factory=set)
    stages: dict[str, str] = field(default_factory=dict)
    retries: dict[str, int] = field(default_factory=dict)
    rollback_of: str = ""
    stage: int = 0
    attempt: int = 1
    stopping: bool = False
    abandoned: bool = False
    copying: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.variables |= reserved(self.id)

    @property
    def name(self) -> str:
        """The pipeline's."""
        return str(self.pipeline["name"])

    @property
    def arn(self) -> str:
        """The pipeline's."""
        account, region = self.place
        return f"arn:aws:codepipeline:{region}:{account}:{self.name}"

    def store(self, region: str) -> Data:
        """The artifact store of a region."""
        stores = self.pipeline.get("artifactStores")
        return dict(stores[region] if stores else self.pipeline["artifactStore"])

    def add_artifact(self, name: str, region: str, place: tuple[str, str]) -> None:
        """Note where an artifact is; its copies in other regions are out of date."""
        for other in [key for key in self.artifacts if key[0] == name]:
            del self.artifacts[other]
        self.artifacts[name, region] = place

    def runs_of(self, stage: str) -> dict[str, ActionRun]:
        """The last attempt at each action of a stage."""
        return {run.name: run for run in self.attempts if run.stage == stage}

    @property
    def is_rollback(self) -> bool:
        """Whether it rolls a stage back."""
        return bool(self.rollback_of)

    def conditions_of(self, stage: str, kind: str) -> dict[str, RuleRun]:
        """The last evaluation of each rule of a stage's condition."""
        return {run.name: run for run in self.rules if (run.stage, run.kind) == (stage, kind)}

    def set_status(self, status: str, reason: str = "") -> None:
        """Note where it is."""
        self.status, self.reason, self.updated = status, reason, time.time()


@dataclass
class Pipeline(_Saved):
    """One pipeline, with all that happened in it, oldest first.

    changed: held while executions, stages and locks are read or changed; notified of each change.
    inside: the execution in each stage. closed: the stages that are not entered, with the reason.
    """

    place: Place
    declaration: Data
    tags: dict[str, str]
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    executions: list[Execution] = field(default_factory=list)
    inside: dict[str, Execution] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.declaration["name"])

    @property
    def arn(self) -> str:
        """Its ARN."""
        account, region = self.place
        return f"arn:aws:codepipeline:{region}:{account}:{self.name}"

    def execution(self, execution_id: str) -> Execution | None:
        """One execution, by its id."""
        return next(
            (execution for execution in self.executions if execution.id == execution_id), None
        )

    def wait(self, until: Callable[[], bool]) -> None:
        """Wait for a change that makes it true. Hold `changed`."""
        self.changed.wait_for(until)


class Pipelines:
    """Every pipeline of every account and region."""

    def __init__(self) -> None:
        self.all: dict[tuple[str, str, str], Pipeline] = {}

    def get(self, place: Place, name: str) -> Pipeline | None:
        """One pipeline."""
        return self.all.get((*place, name))

    def of(self, place: Place) -> list[Pipeline]:
        """The pipelines of an account in a region, by name."""
        return [pipeline for key, pipeline in sorted(self.all.items()) if key[:2] == place]

    def add(self, pipeline: Pipeline) -> None:
        """Keep one more."""
        self.all[(*pipeline.place, pipeline.name)] = pipeline

    def remove(self, place: Place, name: str) -> None:
        """Forget one; what runs in it stops."""
        pipeline = self.all.pop((*place, name), None)
        if pipeline:
            stop_all(pipeline)

    def clear(self) -> None:
        """Forget all of them."""
        for pipeline in list(self.all.values()):
            self.remove(pipeline.place, pipeline.name)

    def run_of(self, run_id: str) -> ActionRun | None:
        """The action with that id, which is its job's too."""
        return next(
            (
                run
                for pipeline in list(self.all.values())
                for execution in list(pipeline.executions)
                for run in list(execution.attempts)
                if run.id == run_id
            ),
            None,
        )


def stop_all(pipeline: Pipeline) -> None:
    """Abandon every execution that is not over."""
    with pipeline.changed:
        for execution in pipeline.executions:
            if execution.status in ("InProgress", "Stopping"):
                abandon(execution)
        pipeline.changed.notify_all()


def abandon(execution: Execution) -> None:
    """Let an execution go on with nothing, and wait for nothing. Hold the pipeline."""
    execution.stopping = execution.abandoned = True
    for run in execution.attempts:
        if run.status == "InProgress":
            run.ended.set()


PIPELINES = Pipelines()

__all__ = (
    "PIPELINES",
    "ActionRun",
    "Execution",
    "Pipeline",
    "Pipelines",
    "RuleRun",
    "abandon",
    "stop_all",
)
