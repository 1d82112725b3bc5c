# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pipeline as AWS describes it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import LabError
from .lab import Lab

# A release that takes longer hangs, even on a slow machine.
SECONDS = 900.0

_RESTING = ("Succeeded", "Failed", "Stopped", "Superseded", "Cancelled")


@dataclass(frozen=True, kw_only=True)
class Action:
    """One action of a pipeline, in its latest execution.

    status: empty where it was never reached. message: what went wrong.
    """

    stage: str
    name: str
    status: str
    message: str
    token: str


class Pipeline:
    """One pipeline of the build account."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.name = name
        self._lab = lab
        self._client = lab.client("codepipeline", lab.organisation.build)

    @property
    def definition(self) -> dict[str, Any]:
        """What it is made of."""
        found: dict[str, Any] = self._client.get_pipeline(name=self.name)["pipeline"]
        return found

    @property
    def stages(self) -> list[str]:
        """The names of its stages."""
        return [stage["name"] for stage in self.definition["stages"]]

    @property
    def executions(self) -> list[dict[str, Any]]:
        """Its executions, the newest first."""
        pages = self._client.get_paginator("list_pipeline_executions").paginate(
            pipelineName=self.name
        )
        return [summary for page in pages for summary in page["pipelineExecutionSummaries"]]

    @property
    def status(self) -> str:
        """The status of the newest execution; empty where there was none."""
        executions = self.executions
        return str(executions[0]["status"]) if executions else ""

    @property
    def actions(self) -> list[Action]:
        """Its actions, in their order."""
        state = self._client.get_pipeline_state(name=self.name)
        found = []
        for stage in state["stageStates"]:
            for action in stage["actionStates"]:
                latest = action.get("latestExecution", {})
                found.append(
                    Action(
                        stage=stage["stageName"],
                        name=action["actionName"],
                        status=latest.get("status", ""),
                        message=latest.get("errorDetails", {}).get("message", ""),
                        token=latest.get("token", ""),
                    )
                )
        return found

    @property
    def failures(self) -> list[Action]:
        """The actions that failed."""
        return [action for action in self.actions if action.status == "Failed"]

    @property
    def waiting(self) -> Action | None:
        """The approval that it waits for."""
        for action in self.actions:
            if action.status == "InProgress" and action.token:
                return action
        return None

    def start(self) -> None:
        """Start it by call."""
        self._client.start_pipeline_execution(name=self.name)

    def wait(self, *, executions: int = 1, seconds: float = SECONDS) -> str:
        """Wait until it rests, or for an approval, and so many executions began: its status."""

        def rests() -> bool:
            if len(self.executions) < executions:
                return False
            return self.status in _RESTING or self.waiting is not None

        self._wait_until(rests, seconds)
        return self.status

    def approve(self, *, approve: bool = True) -> None:
        """Answer the approval that it waits for."""
        waiting = self.waiting
        if waiting is None:
            raise LabError(f"No approval is waiting.\n{self.description}")
        self._client.put_approval_result(
            pipelineName=self.name,
            stageName=waiting.stage,
            actionName=waiting.name,
            token=waiting.token,
            result={"status": "Approved" if approve else "Rejected", "summary": "a test"},
        )

        def went_on() -> bool:
            now = self.waiting
            return now is None or now.token != waiting.token

        self._wait_until(went_on, SECONDS)

    @property
    def description(self) -> str:
        """Where it stands: a line for each action, and below it what went wrong."""
        lines = [f"{self.name}: {self.status or 'never started'}"]
        stage = ""
        for action in self.actions:
            shown = "" if action.stage == stage else action.stage
            stage = action.stage
            name = action.name.removeprefix(f"{action.stage}-")
            lines.append(f"  {shown:<14}  {action.status or '-':<11}  {name}")
            if action.message:
                lines.append(f"      {action.message}")
        if self.waiting:
            lines.append(f"It waits for an approval in {self.waiting.stage}.")
        return "\n".join(lines)

    def _wait_until(self, condition: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        seen = self._lab.pipeline_progress(self.name)
        while not condition():
            if time.monotonic() > deadline:
                raise LabError(f"Not within {seconds:.0f} s.\n{self.description}")
            seen = self._lab.pipeline_progress(self.name, seen=seen)


__all__ = ("SECONDS", "Action", "Pipeline")
