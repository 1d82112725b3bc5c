# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Conditions of stages, retries and rollbacks of the lab's pipelines.

Everything here talks to a running lab.
"""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab import Lab, Rule
from lab.tests.world import (
    BUILD,
    HOME,
    TARGET,
    World,
    failed,
    statement,
    template,
    wait_for,
)

Data = dict[str, Any]

WEEKDAYS = "* * 9-16 ? * MON-FRI *"
MONDAY_MORNING = "2026-01-05T09:30:00+01:00"
MONDAY_NIGHT = "2026-01-05T23:30:00+01:00"


@pytest.fixture
def world(lab: Lab) -> World:
    return World(lab)


def rule(provider: str, **more: Any) -> Data:
    kind = {"category": "Rule", "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": "check", "ruleTypeId": kind, **more}


def window(cron: str = WEEKDAYS, zone: str = "Europe/Berlin") -> Data:
    return rule("DeploymentWindow", configuration={"Cron": cron, "TimeZone": zone})


def alarmed(world: World, account: str = BUILD, region: str = HOME, **more: Any) -> Data:
    """A rule with an alarm of its own, whose state is OK."""
    world.lab.client("cloudwatch", account, region).put_metric_alarm(
        AlarmName=world.name,
        Namespace="App",
        MetricName="Errors",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        Period=60,
        Statistic="Sum",
        Threshold=0,
    )
    set_alarm(world, "OK", account, region)
    given = {"AlarmName": world.name, "WaitTime": "10"}
    return rule("CloudWatchAlarm", configuration=given, region=region, **more)


def set_alarm(world: World, state: str, account: str = BUILD, region: str = HOME) -> None:
    world.lab.client("cloudwatch", account, region).set_alarm_state(
        AlarmName=world.name, StateValue=state, StateReason="a test"
    )


def declared(world: World, **stage: Any) -> Data:
    """A pipeline whose stage Deploy has more than actions."""
    declaration = world.declaration()
    declaration["stages"][1] |= stage
    return declaration


def condition(result: str, *rules: Data) -> Data:
    return {"conditions": [{"result": result, "rules": list(rules)}]}


def may_describe_alarms(world: World, account: str = BUILD, kind: str = "pipeline") -> None:
    more = ["sts:AssumeRole"] if kind == "pipeline" else ["cloudformation:*", "iam:PassRole"]
    world.allow(
        world.role(account, kind), statement("s3:*", "kms:*", "cloudwatch:DescribeAlarms", *more)
    )


def fault() -> Rule:
    """The first change set is not executed."""
    return Rule(service="cloudformation", action="ExecuteChangeSet", error="AccessDenied", count=1)


def rules_of(world: World, execution: str) -> dict[str, Data]:
    found = world.client.list_rule_executions(
        pipelineName=world.name, filter={"pipelineExecutionId": execution}
    )["ruleExecutionDetails"]
    return {item["ruleName"]: item for item in found}


def message(found: Data) -> str:
    return str(found["output"]["executionResult"]["errorDetails"]["message"])


def stage_status(world: World) -> str:
    stage = world.client.get_pipeline_state(name=world.name)["stageStates"][1]
    return str(stage["latestExecution"]["status"])


# Windows


def test_a_stage_is_entered_when_its_window_opens(world: World) -> None:
    world.lab.set_time(MONDAY_NIGHT)
    world.upload()
    execution = world.create(declared(world, beforeEntry=condition("FAIL", window())))
    wait_for(lambda: "check" in rules_of(world, execution))
    assert "prepare" not in world.run(execution)
    world.lab.set_time(MONDAY_MORNING)
    assert world.ended(execution) == "Succeeded"


def test_a_closed_window_can_be_overridden(world: World) -> None:
    world.lab.set_time(MONDAY_NIGHT)
    world.upload()
    execution = world.create(declared(world, beforeEntry=condition("FAIL", window())))
    wait_for(lambda: "check" in rules_of(world, execution))
    request = {
        "pipelineName": world.name,
        "stageName": "Deploy",
        "pipelineExecutionId": execution,
        "conditionType": "BEFORE_ENTRY",
    }
    world.client.override_stage_condition(**request)
    assert world.ended(execution) == "Succeeded"
    stage = world.client.get_pipeline_state(name=world.name)["stageStates"][1]
    assert stage["beforeEntryConditionState"]["latestExecution"]["status"] == "Overridden"
    with pytest.raises(ClientError, match="ConditionNotOverridable"):
        world.client.override_stage_condition(**request)


def test_a_release_that_waits_for_its_window_can_be_stopped(world: World) -> None:
    world.lab.set_time(MONDAY_NIGHT)
    world.upload()
    execution = world.create(declared(world, beforeEntry=condition("FAIL", window())))
    wait_for(lambda: "check" in rules_of(world, execution))
    world.client.stop_pipeline_execution(pipelineName=world.name, pipelineExecutionId=execution)
    assert world.ended(execution) == "Stopped"


# Alarms


def test_an_alarm_during_the_wait_fails_the_stage(world: World) -> None:
    may_describe_alarms(world)
    world.lab.hold("rule")
    world.upload()
    alarm = alarmed(world)
    execution = world.create(declared(world, onSuccess=condition("FAIL", alarm)))
    wait_for(lambda: rules_of(world, execution).get("check", {}).get("status") == "InProgress")
    set_alarm(world, "ALARM")
    assert world.ended(execution) == "Failed"
    assert stage_status(world) == "Failed"
    assert "is in state ALARM" in message(rules_of(world, execution)["check"])


def test_a_wait_without_an_alarm_ends_well(world: World) -> None:
    may_describe_alarms(world)
    world.lab.hold("rule")
    world.upload()
    execution = world.create(declared(world, onSuccess=condition("FAIL", alarmed(world))))
    wait_for(lambda: rules_of(world, execution).get("check", {}).get("status") == "InProgress")
    world.lab.hold()
    assert world.ended(execution) == "Succeeded"


def test_alarms_are_described_by_the_role_of_the_pipeline(world: World) -> None:
    world.upload()
    execution = world.create(declared(world, onSuccess=condition("FAIL", alarmed(world))))
    assert world.ended(execution) == "Failed"
    found = message(rules_of(world, execution)["check"])
    assert "cloudwatch:DescribeAlarms" in found


def test_alarms_of_another_account_are_described_by_its_role(world: World) -> None:
    role = world.role(TARGET, "deploy")
    alarm = alarmed(world, TARGET, roleArn=role)
    world.upload()
    execution = world.create(declared(world, onSuccess=condition("FAIL", alarm)))
    assert world.ended(execution) == "Failed"
    assert "deploy-" in message(rules_of(world, execution)["check"])
    may_describe_alarms(world, TARGET, "deploy")
    assert world.ended(world.start()) == "Succeeded"


def test_an_alarm_that_does_not_exist_fails_its_rule(world: World) -> None:
    may_describe_alarms(world)
    world.upload()
    missing = rule("CloudWatchAlarm", configuration={"AlarmName": "missing"})
    execution = world.create(declared(world, onSuccess=condition("FAIL", missing)))
    assert world.ended(execution) == "Failed"
    assert message(rules_of(world, execution)["check"]) == "Alarm missing does not exist"


# Rollbacks


def test_an_alarm_rolls_back_to_the_release_before(world: World) -> None:
    may_describe_alarms(world)
    world.upload(template("good"))
    stage = {
        "onSuccess": condition("ROLLBACK", alarmed(world)),
        "onFailure": {"result": "ROLLBACK"},
    }
    first = world.create(declared(world, **stage))
    assert world.ended(first) == "Succeeded"
    set_alarm(world, "ALARM")
    world.upload(template("bad"))
    second = world.start()
    assert world.ended(second) == "Failed"
    wait_for(lambda: len(world.executions()) == 3)
    rollback = world.executions()[0]
    assert world.ended(rollback) == "Succeeded"
    found = world.execution(rollback)
    assert found["executionType"] == "ROLLBACK"
    assert found["rollbackMetadata"]["rollbackTargetPipelineExecutionId"] == first
    assert found["trigger"]["triggerType"] == "AutomatedRollback"
    assert world.display() == "good"


def test_a_failed_stage_is_rolled_back(world: World) -> None:
    world.upload(template("good"))
    first = world.create(declared(world, onFailure={"result": "ROLLBACK"}))
    world.ended(first)
    world.lab.set_faults([fault()])
    world.upload(template("bad"))
    assert world.ended(world.start()) == "Failed"
    wait_for(lambda: len(world.executions()) == 3)
    assert world.ended(world.executions()[0]) == "Succeeded"
    assert world.display() == "good"


def test_the_first_release_has_nothing_to_go_back_to(world: World) -> None:
    world.allow(world.role(TARGET, "deploy"), statement("s3:*", "kms:*"))
    world.upload()
    execution = world.create(declared(world, onFailure={"result": "ROLLBACK"}))
    assert world.ended(execution) == "Failed"
    assert world.executions() == [execution]


def test_a_stage_is_rolled_back_by_call(world: World) -> None:
    world.upload(template("one"))
    first = world.create()
    world.ended(first)
    world.upload(template("two"))
    world.ended(world.start())
    rollback = roll_back(world, first)
    assert world.ended(rollback) == "Succeeded"
    assert world.display() == "one"
    assert world.execution(rollback)["trigger"]["triggerType"] == "ManualRollback"
    assert list(world.run(rollback)) == ["prepare", "execute"]
    with pytest.raises(ClientError, match=r"UnableToRollbackStage.*is a rollback"):
        roll_back(world, rollback)


def test_a_target_of_another_version_of_the_pipeline_is_refused(world: World) -> None:
    world.upload()
    first = world.create()
    world.ended(first)
    world.client.update_pipeline(pipeline=world.declaration())
    with pytest.raises(ClientError, match=r"UnableToRollbackStage.*started in version 1"):
        roll_back(world, first)


@pytest.mark.parametrize(
    ("stage", "words"), [("Source", "source stage"), ("Deploy", "did not succeed")]
)
def test_what_cannot_be_rolled_back_is_refused(world: World, stage: str, words: str) -> None:
    execution = world.create()
    world.ended(execution)
    with pytest.raises(ClientError, match=rf"UnableToRollbackStage.*{words}"):
        roll_back(world, execution, stage)


def roll_back(world: World, target: str, stage: str = "Deploy") -> str:
    answer = world.client.rollback_stage(
        pipelineName=world.name, stageName=stage, targetPipelineExecutionId=target
    )
    return str(answer["pipelineExecutionId"])


# Retries


@pytest.mark.parametrize(("mode", "times"), [("ALL_ACTIONS", 2), ("FAILED_ACTIONS", 1)])
def test_a_failed_stage_is_retried_once(world: World, mode: str, times: int) -> None:
    world.upload()
    fault = Rule(
        service="cloudformation", action="ExecuteChangeSet", error="LimitExceeded", count=1
    )
    world.lab.set_faults([fault])
    on_failure = {"result": "RETRY", "retryConfiguration": {"retryMode": mode}}
    execution = world.create(declared(world, onFailure=on_failure))
    assert world.ended(execution) == "Succeeded"
    names = [
        item["actionName"]
        for item in world.client.list_action_executions(
            pipelineName=world.name, filter={"pipelineExecutionId": execution}
        )["actionExecutionDetails"]
    ]
    assert names.count("prepare") == times
    assert names.count("execute") == 2


def test_a_stage_that_fails_twice_has_failed(world: World) -> None:
    world.allow(world.role(TARGET, "deploy"), statement("s3:*", "kms:*"))
    world.upload()
    execution = world.create(declared(world, onFailure={"result": "RETRY"}))
    assert world.ended(execution) == "Failed"
    assert failed(world.run(execution))[1] == "prepare"
