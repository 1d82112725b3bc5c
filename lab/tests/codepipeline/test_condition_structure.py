# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Conditions of stages that CodePipeline refuses, and the windows that it understands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from lab.codepipeline.condition_structure import condition_problems
from lab.codepipeline.cron import Window

Data = dict[str, Any]


def rule(provider: str, **configuration: str) -> Data:
    kind = {"category": "Rule", "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": "check", "ruleTypeId": kind, "configuration": configuration}


def window(cron: str = "* * 9-16 ? * MON-FRI *", zone: str = "Europe/Berlin") -> Data:
    return rule("DeploymentWindow", Cron=cron, TimeZone=zone)


def condition(result: str, *rules: Data) -> Data:
    return {"conditions": [{"result": result, "rules": list(rules)}]}


def _skip(stage: Data) -> None:
    stage["beforeEntry"] = condition("SKIP", window())


def _entry_rollback(stage: Data) -> None:
    stage["beforeEntry"] = condition("ROLLBACK", window())


def _bad_cron(stage: Data) -> None:
    stage["beforeEntry"] = condition("FAIL", window("* * 9-24 ? * MON-FRI *"))


def _two_days(stage: Data) -> None:
    stage["beforeEntry"] = condition("FAIL", window("* * 9 * * MON *"))


def _zone(stage: Data) -> None:
    stage["beforeEntry"] = condition("FAIL", window(zone="Europe/Nowhere"))


def _no_alarm(stage: Data) -> None:
    stage["onSuccess"] = condition("FAIL", rule("CloudWatchAlarm"))


def _six_rules(stage: Data) -> None:
    rules = [{**window(), "name": f"check-{number}"} for number in range(6)]
    stage["onSuccess"] = condition("FAIL", *rules)


def _same_name(stage: Data) -> None:
    stage["onSuccess"] = condition("FAIL", window(), window())


def _retry_mode(stage: Data) -> None:
    retry = {"retryMode": "ALL_ACTIONS"}
    stage["onFailure"] = {"result": "ROLLBACK", "retryConfiguration": retry}


def _two_conditions(stage: Data) -> None:
    (found,) = condition("FAIL", window())["conditions"]
    stage["onSuccess"] = {"conditions": [found, found]}


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_skip, "cannot have the result SKIP"),
        (_entry_rollback, "wrong result ROLLBACK"),
        (_bad_cron, "not within 0-23 of hours"),
        (_two_days, "Either day-of-month or day-of-week"),
        (_zone, "Time zone 'Europe/Nowhere'"),
        (_no_alarm, "missing required configuration 'AlarmName'"),
        (_six_rules, "has 6 rules. There must be 1 to 5"),
        (_two_conditions, "more than one condition"),
        (_same_name, "more than one rule check"),
        (_retry_mode, "belongs to the result RETRY"),
    ],
)
def test_a_wrong_condition_is_refused(spoil: Callable[[Data], None], words: str) -> None:
    stage: Data = {"name": "Deploy"}
    spoil(stage)
    (found,) = condition_problems({"pipelineType": "V2", "stages": [{"name": "Source"}, stage]})
    assert words in found


def test_a_source_stage_is_not_rolled_back() -> None:
    stages = [{"name": "Source", "onFailure": {"result": "ROLLBACK"}}]
    (found,) = condition_problems({"pipelineType": "V2", "stages": stages})
    assert "a source stage cannot be rolled back" in found


@pytest.mark.parametrize(
    ("cron", "zone", "now", "is_open"),
    [
        ("* * 9-16 ? * MON-FRI *", "Europe/Berlin", "2026-01-05T08:00:00+00:00", True),
        ("* * 9-16 ? * MON-FRI *", "Europe/Berlin", "2026-01-05T07:59:59+00:00", False),
        ("* * 9-16 ? * MON-FRI *", "UTC", "2026-01-05T17:00:00+00:00", False),
        ("* * 9-16 ? * MON-FRI *", "UTC", "2026-01-04T12:00:00+00:00", False),
        ("* * 9 ? * SUN,SAT", "UTC-03:00", "2026-01-04T12:30:00+00:00", True),
        ("* 0/30 * 1 * ? *", "UTC", "2026-01-01T12:30:00+00:00", True),
        ("* 0/30 * 1 * ? *", "UTC", "2026-01-01T12:31:00+00:00", False),
    ],
)
def test_a_window_is_open_at_the_times_of_its_expression(
    cron: str, zone: str, now: str, is_open: bool
) -> None:
    assert Window(cron, zone).is_open(datetime.fromisoformat(now)) is is_open
