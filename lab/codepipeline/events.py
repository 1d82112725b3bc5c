# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state changes of executions, stages and actions, as CodePipeline reports them to EventBridge.

Fields and states are those of "Monitoring CodePipeline events" in the user guide. Their order: an
action's before its stage's, a stage's before the execution's.
"""

from __future__ import annotations

import time
from typing import Any

from ..events.emit import emit
from .executions import ActionRun, Execution

Data = dict[str, Any]

_ACTION_STATES = {
    "InProgress": "STARTED",
    "Succeeded": "SUCCEEDED",
    "Failed": "FAILED",
    "Abandoned": "ABANDONED",
}


def execution_changed(execution: Execution, state: str) -> None:
    """Report the state of an execution."""
    trigger = execution.trigger
    started: Data = {
        "execution-trigger": {
            "trigger-type": trigger["triggerType"],
            "trigger-detail": trigger["triggerDetail"],
        }
    }
    _send("Pipeline", execution, state, started if state == "STARTED" else {})


def stage_changed(execution: Execution, stage: str, state: str) -> None:
    """Report the state of a stage."""
    _send("Stage", execution, state, {"stage": stage})


def action_changed(execution: Execution, run: ActionRun) -> None:
    """Report the state of an action."""
    action = run.declaration
    result = {
        "external-execution-id": run.external_id,
        "external-execution-summary": run.error.get("message") or run.summary,
        "error-code": run.error.get("code", ""),
    }
    detail = {
        "stage": run.stage,
        "action": run.name,
        "action-execution-id": run.id,
        "region": action.get("region", execution.place[1]),
        "type": action["actionTypeId"],
        "execution-result": {key: value for key, value in result.items() if value},
    }
    _send("Action", execution, _ACTION_STATES[run.status], detail)


def _send(what: str, execution: Execution, state: str, more: Data) -> None:
    started = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(execution.started))
    detail = {
        "pipeline": execution.name,
        "execution-id": execution.id,
        "start-time": started,
        "state": state,
        "version": float(execution.pipeline["version"]),
        "pipeline-execution-attempt": float(execution.attempt),
        **more,
    }
    detail_type = f"CodePipeline {what} Execution State Change"
    emit(execution.place, "aws.codepipeline", detail_type, execution.arn, detail)


__all__ = ("action_changed", "execution_changed", "stage_changed")
