# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the stages of a wave have beside actions."""

from __future__ import annotations

from typing import Any

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.model import Pipeline
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.conditions import (
    own_alarms,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.stages import (
    compose_stages,
)

from tools import sample_pipelines

Data = dict[str, Any]


def rule(name: str, provider: str, **configuration: str) -> Data:
    kind = {"Category": "Rule", "Owner": "AWS", "Provider": provider, "Version": "1"}
    return {"Name": name, "RuleTypeId": kind, "Configuration": configuration}


def around(stages: list[Data], name: str) -> Data:
    """Return what a stage has beside its actions."""
    [found] = [stage for stage in stages if stage["Name"] == name]
    return {key: value for key, value in found.items() if key not in ("Actions", "Name")}


def test_each_wave_has_its_conditions() -> None:
    stages = compose_stages(sample_pipelines.pipeline("watched"), sample_pipelines.foundation())
    retry = {"Result": "RETRY", "RetryConfiguration": {"RetryMode": "ALL_ACTIONS"}}
    assert around(stages, "development") == {"OnFailure": retry}
    alarm = rule("alarm-1", "CloudWatchAlarm", AlarmName="hello errors", WaitTime="10")
    assert around(stages, "testing") == {
        "OnSuccess": {"Conditions": [{"Result": "FAIL", "Rules": [alarm]}]}
    }
    assert around(stages, "production-approve") == {}
    production = around(stages, "production")
    assert production["OnFailure"] == {"Result": "ROLLBACK"}
    [condition] = production["BeforeEntry"]["Conditions"]
    given = {"Cron": "* * 9-15 ? * MON,TUE,WED,THU *", "TimeZone": "Europe/Berlin"}
    assert condition == {"Result": "FAIL", "Rules": [rule("window", "DeploymentWindow", **given)]}
    [condition] = production["OnSuccess"]["Conditions"]
    assert condition["Result"] == "ROLLBACK"
    assert [found["Region"] for found in condition["Rules"]] == sample_pipelines.REGIONS[:3]
    assert {found["RoleArn"] for found in condition["Rules"]} == {
        "arn:aws:iam::444444444444:role/CrossAccountCodePipeline"
    }


def test_alarms_of_the_build_account_are_read_by_the_pipeline() -> None:
    foundation = sample_pipelines.foundation()
    [statement] = own_alarms(sample_pipelines.pipeline("watched"), foundation).pipeline_statements
    assert statement["Action"] == "cloudwatch:DescribeAlarms"
    assert not own_alarms(sample_pipelines.pipeline("hello"), foundation).pipeline_statements


def test_a_pipeline_keeps_its_conditions_as_data() -> None:
    pipeline = sample_pipelines.pipeline("watched")
    assert Pipeline.from_dict(pipeline.as_dict()) == pipeline
