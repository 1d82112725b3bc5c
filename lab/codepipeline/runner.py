# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs executions of pipelines: stage after stage, with the roles that CodePipeline works with.

Every execution has a thread of its own, which calls the lab as anybody does, over its endpoint: so
permissions, faults and the call log hold for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Any

from botocore.exceptions import ClientError

from ..iam.service_roles import RoleRefusedError, client_with, credentials, principal
from ..settings import Settings
from .actions import perform
from .events import action_changed, execution_changed, stage_changed
from .executions import ActionRun, Execution, Pipeline, RuleRun
from .rollbacks import last_good, roll_back
from .rules import BEFORE_ENTRY, ON_SUCCESS, RuleWork, conditions, evaluate
from .variables import is_too_large
from .work import ActionFailedError, Credentials, StoppedError, Work, failure

Data = dict[str, Any]

SERVICE = "codepipeline.amazonaws.com"
THREAD = "pipeline"
_AT_ONCE = 50
# Far less than sessions last.
_NEW_SECONDS = 600.0


class Runner:
    """Starts executions, and goes on with them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def start(self, pipeline: Pipeline, execution: Execution) -> None:
        """Let an execution run from its first stage."""
        with pipeline.changed:
            pipeline.executions.append(execution)
        self.go_on(pipeline, execution)

    def retry(self, pipeline: Pipeline, execution: Execution, *, only_failed: bool) -> None:
        """Go on with the stage that failed: with what failed in it, or with all of it."""
        stage = execution.pipeline["stages"][execution.stage]["name"]
        with pipeline.changed:
            execution.attempt += 1
            execution.set_status("InProgress")
        done = _succeeded(execution, stage) if only_failed else frozenset()
        execution_changed(execution, "RESUMED")
        self._run_aside(pipeline, execution, done=done)

    def go_on(self, pipeline: Pipeline, execution: Execution) -> None:
        """Let an execution that has begun run from the stage that it is in."""
        execution_changed(execution, "STARTED")
        self._run_aside(pipeline, execution, done=frozenset())

    def _run_aside(self, pipeline: Pipeline, execution: Execution, *, done: frozenset[str]) -> None:
        threading.Thread(
            target=_Run(self._settings, pipeline, execution, done).go, name=THREAD, daemon=True
        ).start()


class _Run:
    """One execution's way through the stages."""

    def __init__(
        self,
        settings: Settings,
        pipeline: Pipeline,
        execution: Execution,
        done: frozenset[str],
    ) -> None:
        self._settings = settings
        self._pipeline = pipeline
        self._execution = execution
        self._done = done
        self._first = execution.attempt == 1
        self._sessions: dict[str, tuple[float, Credentials]] = {}

    def go(self) -> None:
        """Run to the end, or to the failure, or to the stop."""
        execution, rollback = self._execution, None
        stages = execution.pipeline["stages"]
        if execution.is_rollback:
            stages = stages[: execution.stage + 1]
        while execution.stage < len(stages):
            stage = stages[execution.stage]
            if not self._enter(stage["name"]):
                break
            stage_changed(execution, stage["name"], "STARTED" if self._first else "RESUMED")
            status, reason, result = self._pass(stage)
            stage_changed(execution, stage["name"], status.upper())
            rollback = self._leave(stage["name"], status, reason, result)
            if status != "Succeeded":
                break
            self._done, self._first = frozenset(), True
        else:
            with self._pipeline.changed:
                execution.set_status("Succeeded")
                self._pipeline.changed.notify_all()
        execution_changed(execution, execution.status.upper())
        if rollback:
            execution_changed(rollback, "STARTED")
            _Run(self._settings, self._pipeline, rollback, frozenset()).go()

    def _pass(self, stage: Data) -> tuple[str, str, str]:
        """Check, work, retry and check again; status, reason, and what a failure results in.

        Rollbacks ask for no condition: AWS documents none for them, and the alarm that has caused
        one may not be over.
        """
        execution, name = self._execution, stage["name"]
        checks = not execution.is_rollback
        if checks and (found := self._check(stage, BEFORE_ENTRY)):
            return found
        status, reason = self._work(stage)
        on_failure = stage.get("onFailure", {})
        if status == "Failed" and on_failure.get("result") == "RETRY":
            execution.retries[name] = 1
            mode = on_failure.get("retryConfiguration", {}).get("retryMode", "FAILED_ACTIONS")
            only_failed = mode == "FAILED_ACTIONS"
            self._done = _succeeded(execution, name) if only_failed else frozenset()
            status, reason = self._work(stage)
        if status == "Succeeded" and checks and (found := self._check(stage, ON_SUCCESS)):
            return found
        return status, reason, on_failure.get("result", "FAIL") if status == "Failed" else ""

    def _leave(self, stage: str, status: str, reason: str, result: str) -> Execution | None:
        """Free a stage; the rollback that takes it over, if there is one."""
        pipeline, execution = self._pipeline, self._execution
        with pipeline.changed:
            pipeline.inside.pop(stage, None)
            execution.stages[stage] = status
            rollback = None
            if status != "Succeeded":
                execution.set_status(status, reason)
                if result == "ROLLBACK" and not execution.is_rollback:
                    target = last_good(pipeline, stage)
                    rollback = roll_back(pipeline, stage, target) if target else None
            else:
                execution.stage += 1
            pipeline.changed.notify_all()
        return rollback

    def _check(self, stage: Data, kind: str) -> tuple[str, str, str] | None:
        """Evaluate a condition; status, reason and result where it is not met."""
        for condition in conditions(stage, kind):
            runs = [RuleRun(stage["name"], kind, rule) for rule in condition["rules"]]
            with self._pipeline.changed:
                self._execution.rules.extend(runs)
            with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
                list(pool.map(self._evaluate, runs))
            if self._execution.stopping:
                return "Stopped", self._execution.reason, ""
            if failed := [run for run in runs if run.status == "Failed"]:
                reason = f"Rule {failed[0].name}: {failed[0].error['message']}"
                return "Failed", reason, condition["result"]
        return None

    def _evaluate(self, run: RuleRun) -> None:
        try:
            pipelines = self._pipeline_credentials()
            role = run.declaration.get("roleArn")
            work = RuleWork(
                execution=self._execution,
                run=run,
                settings=self._settings,
                credentials=self._assume(role, pipelines) if role else pipelines,
            )
            run.end("Succeeded", summary=evaluate(work))
        except StoppedError:
            run.end("Abandoned")
        except ActionFailedError as error:
            run.end("Failed", error={"code": error.code, "message": str(error)})

    def _enter(self, stage: str) -> bool:
        """Wait for a stage to be free, and take it; False when it is not to be entered any more.

        QUEUED: in the order of the starts. SUPERSEDED: the newest of those who wait goes on.
        """
        pipeline, execution = self._pipeline, self._execution
        with pipeline.changed:
            if pipeline.inside.get(stage) is execution:  # a rollback
                return True
            pipeline.wait(lambda: execution.stopping or self._may_enter(stage))
            if execution.stopping:
                execution.set_status("Stopped", execution.reason)
                pipeline.changed.notify_all()
                return False
            if execution.status == "Superseded":
                return False
            pipeline.inside[stage] = execution
            execution.stages.pop(stage, None)
        return True

    def _may_enter(self, stage: str) -> bool:
        pipeline, execution = self._pipeline, self._execution
        waiting = [
            other
            for other in pipeline.executions
            if other.stage == execution.stage
            and other.status == "InProgress"
            and other not in pipeline.inside.values()
        ]
        if pipeline.declaration.get("executionMode", "SUPERSEDED") == "SUPERSEDED":
            if waiting and waiting[-1] is not execution:
                execution.set_status("Superseded", f"by {waiting[-1].id}")
                return True
        elif waiting and waiting[0] is not execution:
            return False
        return stage not in pipeline.inside and stage not in pipeline.closed

    def _work(self, stage: Data) -> tuple[str, str]:
        """Do the actions of a stage, those of one run order at once; what became of it."""
        for step in _steps(stage):
            todo = [action for action in step if action["name"] not in self._done]
            runs = [self._begin(stage["name"], action) for action in todo]
            with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
                list(pool.map(self._perform, runs))
            if self._execution.stopping:
                return "Stopped", self._execution.reason
            failed = [run for run in runs if run.status == "Failed"]
            if failed:
                return "Failed", f"{failed[0].name}: {failed[0].error['message']}"
        return "Succeeded", ""

    def _begin(self, stage: str, action: Data) -> ActionRun:
        run = ActionRun(stage=stage, declaration=action)
        with self._pipeline.changed:
            self._execution.attempts.append(run)
        action_changed(self._execution, run)
        return run

    def _perform(self, run: ActionRun) -> None:
        try:
            summary = perform(self._work_of(run))
            self._take_variables(run)
            run.end("Succeeded", summary=summary)
        except StoppedError:
            run.end("Abandoned")
        except ActionFailedError as error:
            run.end("Failed", error={"code": error.code, "message": str(error)})
        except Exception as error:  # whatever it is, somebody waits for the answer
            run.end("Failed", error={"code": "InternalError", "message": repr(error)})
        action_changed(self._execution, run)

    def _take_variables(self, run: ActionRun) -> None:
        if is_too_large(run.variables):
            raise ActionFailedError("The output variables are too large", code="ConfigurationError")
        if namespace := run.declaration.get("namespace"):
            self._execution.variables[namespace] = run.variables

    def _work_of(self, run: ActionRun) -> Work:
        pipelines = self._pipeline_credentials()
        role = run.declaration.get("roleArn")
        return Work(
            execution=self._execution,
            run=run,
            settings=self._settings,
            pipeline_credentials=pipelines,
            credentials=self._assume(role, pipelines) if role else pipelines,
        )

    def _pipeline_credentials(self) -> Credentials:
        execution = self._execution
        try:
            session = principal(
                execution.pipeline["roleArn"],
                service=SERVICE,
                source_arn=execution.arn,
                session=f"{execution.id[:8]}",
            )
        except RoleRefusedError as error:
            raise ActionFailedError(str(error), code="PermissionError") from error
        return self._first_of(session.arn, credentials(session))

    def _assume(self, role: str, by: Credentials) -> Credentials:
        sts = client_with(by, "sts", region=self._execution.place[1])
        try:
            answer = sts.assume_role(RoleArn=role, RoleSessionName=self._execution.id[:8])
        except ClientError as error:
            raise failure(error) from error
        found = answer["Credentials"]
        return self._first_of(
            role,
            {
                "aws_access_key_id": found["AccessKeyId"],
                "aws_secret_access_key": found["SecretAccessKey"],
                "aws_session_token": found["SessionToken"],
            },
        )

    def _first_of(self, role: str, found: Credentials) -> Credentials:
        """The first credentials of a role, while they are new: each would need its own clients."""
        now = time.monotonic()
        made, first = self._sessions.setdefault(role, (now, found))
        if now - made < _NEW_SECONDS:
            return first
        self._sessions[role] = now, found
        return found


def _succeeded(execution: Execution, stage: str) -> frozenset[str]:
    runs = execution.runs_of(stage).items()
    return frozenset(name for name, run in runs if run.status == "Succeeded")


def _steps(stage: Data) -> Iterator[list[Data]]:
    """The actions of a stage by their run orders."""

    def order(action: Data) -> int:
        return int(action.get("runOrder", 1))

    for _order, found in groupby(sorted(stage["actions"], key=order), key=order):
        yield list(found)


__all__ = ("SERVICE", "THREAD", "Runner")
