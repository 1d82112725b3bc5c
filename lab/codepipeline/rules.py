# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of a stage's conditions, each evaluated with the credentials that AWS would use."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from ..iam.service_roles import client_with
from ..settings import Settings
from .cron import Window
from .executions import Execution, RuleRun
from .work import ActionFailedError, Credentials, StoppedError, failure

BEFORE_ENTRY, ON_SUCCESS = "BEFORE_ENTRY", "ON_SUCCESS"
_POLL = 0.05
_MEMBERS = {BEFORE_ENTRY: "beforeEntry", ON_SUCCESS: "onSuccess"}
# What meets an alarm's rule by default, after a stage that has succeeded and before one begins.
_GOOD_STATES = ("OK", "INSUFFICIENT_DATA")

Data = dict[str, Any]


def conditions(stage: Data, kind: str) -> list[Data]:
    """The conditions of one kind that a stage declares; AWS takes one."""
    return list(stage.get(_MEMBERS[kind], {}).get("conditions", []))


@dataclass(frozen=True, kw_only=True)
class RuleWork:
    """One rule, and all that it needs. credentials: those of its role, or of the pipeline's."""

    execution: Execution
    run: RuleRun
    settings: Settings
    credentials: Credentials

    @property
    def is_overridden(self) -> bool:
        """Whether somebody has overridden its condition."""
        return (self.run.stage, self.run.kind) in self.execution.overridden

    def pause(self) -> None:
        """Wait a little. Raises StoppedError when the execution was stopped meanwhile."""
        threading.Event().wait(_POLL)
        if self.execution.stopping:
            raise StoppedError


def evaluate(work: RuleWork) -> str:
    """Evaluate a rule; a line about it. Raises ActionFailedError or StoppedError."""
    try:
        return _EVALUATE[work.run.declaration["ruleTypeId"]["provider"]](work)
    except ClientError as error:
        raise failure(error) from error


def _alarm(work: RuleWork) -> str:
    """Fails as soon as the alarm is in a bad state, until the wait is over.

    An assumption for conditions on success, of which AWS documents no wait: rules of kind "rule"
    that are held wait. Before entry, AWS waits for a good state instead.
    """
    declaration = work.run.declaration
    given = declaration["configuration"]
    name, waits = given["AlarmName"], "WaitTime" in given
    good = given.get("AlarmStates", ",".join(_GOOD_STATES)).split(",")
    region = declaration.get("region", work.execution.place[1])
    client = client_with(work.credentials, "cloudwatch", region=region)
    while True:
        # Composite alarms are found by who may describe all alarms.
        found = client.describe_alarms(
            AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        alarms = [*found["MetricAlarms"], *found["CompositeAlarms"]]
        if not alarms:
            raise ActionFailedError(f"Alarm {name} does not exist", code="ConfigurationError")
        state, held = alarms[0]["StateValue"], waits and "rule" in work.settings.held
        is_good, before = state in good, work.run.kind == BEFORE_ENTRY
        if work.is_overridden or (is_good and (before or not held)):
            return f"Alarm {name} is in state {state}."
        if not is_good and not (before and held):
            raise ActionFailedError(f"Alarm {name} is in state {state}.", code="JobFailed")
        work.pause()


def _window(work: RuleWork) -> str:
    """Waits until the window opens, by the lab's time."""
    given = work.run.declaration["configuration"]
    window = Window(given["Cron"], given.get("TimeZone", "UTC"))
    while not work.is_overridden:
        now = datetime.fromisoformat(work.settings.time)
        if window.is_open(now):
            return f"{work.settings.time} is in the window."
        work.pause()
    return "Overridden."


_EVALUATE: dict[str, Callable[[RuleWork], str]] = {
    "CloudWatchAlarm": _alarm,
    "DeploymentWindow": _window,
}

__all__ = ("BEFORE_ENTRY", "ON_SUCCESS", "RuleWork", "conditions", "evaluate")
