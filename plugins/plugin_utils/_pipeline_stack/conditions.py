# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When the stages of a wave begin, what they are checked by, what their failure leads to. Pure.

No condition skips: it would jump over the wave.
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterator

from .._pipeline.conditions import RETRY, ROLLBACK, Alarm, Window
from .._pipeline.model import Environment, Pipeline, Wave
from .._pipeline.problem import Problem
from .foundation import Foundation
from .part import Data, Part
from .roles import allow
from .stage import Stage

_PREPARES, _EXECUTES = "CHANGE_SET_REPLACE", "CHANGE_SET_EXECUTE"


def conditioned(stages: t.Sequence[Stage], foundation: Foundation, wave: Wave) -> list[Stage]:
    """Return the stages of *wave* with what it says of failure, alarms and window."""
    found = [{**stage, **_around(stage, wave)} for stage in stages]
    if wave.alarms:
        result = "ROLLBACK" if wave.on_failure == ROLLBACK else "FAIL"
        rules = [
            _alarm(number, *watched, foundation)
            for number, watched in enumerate(wave.watched, start=1)
        ]
        found[-1]["OnSuccess"] = _condition(result, rules)
    return found


def _around(stage: Stage, wave: Wave) -> Data:
    """Return what *stage* has in addition to actions, if it deploys."""
    if not _deploys(stage):
        return {}
    found: Data = {}
    if wave.window:
        found["BeforeEntry"] = _condition("FAIL", [_window(wave.window)])
    if wave.on_failure == RETRY:
        # A failed execution uses up its change set, so the whole stage is repeated.
        retry = {"RetryMode": "ALL_ACTIONS"}
        found["OnFailure"] = {"Result": "RETRY", "RetryConfiguration": retry}
    elif wave.on_failure == ROLLBACK:
        found["OnFailure"] = {"Result": "ROLLBACK"}
    return found


def _deploys(stage: Stage) -> bool:
    return any(action["ActionTypeId"]["Category"] == "Deploy" for action in stage["Actions"])


def _condition(result: str, rules: list[Data]) -> Data:
    return {"Conditions": [{"Result": result, "Rules": rules}]}


def _rule(name: str, provider: str, configuration: Data) -> Data:
    return {
        "Name": name,
        "RuleTypeId": {"Category": "Rule", "Owner": "AWS", "Provider": provider, "Version": "1"},
        "Configuration": configuration,
    }


def _window(window: Window) -> Data:
    given = {"Cron": window.cron, "TimeZone": window.timezone}
    return _rule("window", "DeploymentWindow", given)


def _alarm(
    number: int, alarm: Alarm, environment: Environment | None, region: str, foundation: Foundation
) -> Data:
    # Without AlarmStates, OK and INSUFFICIENT_DATA are good after a stage that has succeeded.
    given = {"AlarmName": alarm.name, "WaitTime": str(alarm.wait)}
    rule = _rule(f"alarm-{number}", "CloudWatchAlarm", given)
    if region:
        rule["Region"] = region
    if environment:
        rule["RoleArn"] = foundation.role_arn(
            environment.account_id, foundation.codepipeline_role_name
        )
    return rule


def own_alarms(pipeline: Pipeline, _foundation: Foundation) -> Part:
    """Return what the pipeline's role needs to read alarms of the build account."""
    if not any(place is None for wave in pipeline.waves for _alarm, place, _region in wave.watched):
        return Part()
    # Composite alarms are found only by who may describe all.
    return Part(pipeline_statements=(allow("ReadAlarms", "cloudwatch:DescribeAlarms", "*"),))


def split_problems(wave: Wave, stages: t.Sequence[Stage]) -> Iterator[Problem]:
    """Yield why *wave* cannot be retried or rolled back in *stages*, its own."""
    deploying = [stage for stage in stages if _deploys(stage)]
    where, cure = (
        f"waves[{wave.name}].on_failure",
        "Raise max_actions_per_stage, or divide the wave",
    )
    # Tests in a stage of their own would fail without the deployments going back.
    if wave.on_failure == ROLLBACK and deploying != [stages[-1]]:
        yield (
            where,
            f"the wave has {len(stages)} stages, and a rollback undoes one of them",
            cure,
        )
    if wave.on_failure == RETRY and any(_modes(stage) == {_EXECUTES} for stage in deploying):
        yield (
            where,
            "a stage would execute the change sets of another again, and they are used up",
            cure,
        )


def _modes(stage: Stage) -> set[str]:
    modes = {action.get("Configuration", {}).get("ActionMode") for action in stage["Actions"]}
    return modes & {_PREPARES, _EXECUTES}


__all__ = ("conditioned", "own_alarms", "split_problems")
