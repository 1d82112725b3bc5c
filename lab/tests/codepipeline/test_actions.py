# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the lab's pipelines make of an action: its artifacts, parameters, modes and messages.

Everything here talks to a running lab.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab import Lab, LabError, Rule
from lab.tests.world import (
    AWAY,
    BUILD,
    HOME,
    TARGET,
    TEMPLATE,
    World,
    action,
    failed,
    statement,
    template,
    wait_for,
    zipped,
)

Data = dict[str, Any]

PARAMETERS = json.dumps(
    {
        "Parameters": {
            name: {"Type": "String", "Default": "left out"}
            for name in ("Bucket", "Key", "Release", "Revision", "Size", "Stage")
        },
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    }
)


@pytest.fixture
def world(lab: Lab) -> World:
    return World(lab)


def declared(world: World, **configuration: str) -> Data:
    """A pipeline whose change set is made with more configuration."""
    declaration = world.declaration()
    declaration["stages"][1]["actions"][0]["configuration"] |= configuration
    return declaration


def direct(world: World, mode: str) -> Data:
    """A pipeline that deploys without a change set."""
    declaration = world.declaration()
    prepare, _execute = declaration["stages"][1]["actions"]
    prepare["configuration"] |= {"ActionMode": mode}
    del prepare["configuration"]["ChangeSetName"]
    declaration["stages"][1]["actions"] = [prepare]
    return declaration


def deployed(world: World) -> Data:
    """The stack of the release."""
    api = world.lab.client("cloudformation", TARGET, AWAY)
    (found,) = api.describe_stacks(StackName=world.stack)["Stacks"]
    return dict(found)


def upload(world: World, files: dict[str, str]) -> None:
    s3 = world.lab.client("s3", BUILD, HOME)
    s3.put_object(Bucket=world.builds, Key="build.zip", Body=zipped(files))


# Parameters


def test_parameters_come_from_artifacts_configuration_and_variables(world: World) -> None:
    settings = {
        "Parameters": {"Size": "small", "Stage": "of the file"},
        "Tags": {"owner": "somebody"},
    }
    upload(
        world,
        {
            TEMPLATE: PARAMETERS,
            "settings.json": json.dumps(settings),
            "build.json": json.dumps({"Revision": "abc"}),
        },
    )
    overrides = {
        "Bucket": {"Fn::GetArtifactAtt": ["build", "BucketName"]},
        "Key": {"Fn::GetArtifactAtt": ["build", "ObjectKey"]},
        "Release": "#{codepipeline.PipelineExecutionId}",
        "Revision": {"Fn::GetParam": ["build", "build.json", "Revision"]},
        "Stage": "of the action",
    }
    execution = world.create(
        declared(
            world,
            ParameterOverrides=json.dumps(overrides),
            TemplateConfiguration="build::settings.json",
            Capabilities="CAPABILITY_IAM,CAPABILITY_AUTO_EXPAND",
        )
    )
    assert world.ended(execution) == "Succeeded"
    stack = deployed(world)
    found = {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}
    key = found.pop("Key")
    assert found == {
        "Bucket": world.stores[AWAY]["location"],
        "Release": execution,
        "Revision": "abc",
        "Size": "small",
        "Stage": "of the action",
    }
    assert stack["Tags"] == [{"Key": "owner", "Value": "somebody"}]
    assert stack["Capabilities"] == ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
    # The artifact has the same key in both regions, and the key of the store that it is in.
    for region, store in world.stores.items():
        head = world.lab.client("s3", BUILD, region).head_object(Bucket=store["location"], Key=key)
        assert head["SSEKMSKeyId"] == store["encryptionKey"]["id"]


@pytest.mark.parametrize(
    ("configuration", "words"),
    [
        ({"ParameterOverrides": '{"Stage": "#{codepipeline.Id}"}'}, "Variable #{codepipeline.Id}"),
        (
            {"ParameterOverrides": '{"Stage": {"Fn::GetArtifactAtt": ["other", "ObjectKey"]}}'},
            "Artifact other is not an input",
        ),
        (
            {"ParameterOverrides": '{"Stage": {"Fn::GetParam": ["build", "no.json", "Key"]}}'},
            "File no.json does not exist in artifact build",
        ),
        ({"ParameterOverrides": '{"Stage": ["one"]}'}, "parameter Stage is not text"),
        ({"ParameterOverrides": "Stage=one"}, "ParameterOverrides is not JSON"),
        ({"TemplatePath": "build::other.json"}, "File other.json does not exist"),
        ({"TemplatePath": "build::large.json"}, "The template has over 524288 bytes"),
        ({"TemplateConfiguration": f"build::{TEMPLATE}"}, ""),
    ],
)
def test_a_configuration_that_cannot_be_followed_is_reported(
    world: World, configuration: dict[str, str], words: str
) -> None:
    large = json.dumps({"Description": "x" * 524_288})
    upload(world, {TEMPLATE: PARAMETERS, "large.json": large})
    execution = world.create(declared(world, **configuration))
    assert world.ended(execution) == "Failed"
    (one,) = (run for run in world.run(execution).values() if run["status"] == "Failed")
    error = one["output"]["executionResult"]["errorDetails"]
    assert error["code"] == "ConfigurationError"
    assert words in error["message"]


# Variables


def _with_outputs(value: str) -> str:
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Text"}}}
    return json.dumps(
        {
            "Parameters": {"Text": {"Type": "String", "Default": "first"}},
            "Resources": {"Topic": topic},
            "Outputs": {"Text": {"Value": value}},
        }
    )


def _two_stacks(world: World) -> Data:
    """A stack, and one that takes its output."""
    declaration = world.declaration()
    actions = declaration["stages"][1]["actions"]
    actions[-1]["namespace"] = "first"
    for found in copy.deepcopy(actions):
        found["name"] += "-second"
        found["runOrder"] += 10
        found["configuration"]["StackName"] = f"{world.stack}-second"
        found.pop("namespace", None)
        if found["configuration"]["ActionMode"] == "CHANGE_SET_REPLACE":
            found["configuration"]["ParameterOverrides"] = '{"Text": "#{first.Text}"}'
        actions.append(found)
    return declaration


def test_outputs_of_a_stack_are_variables_of_later_actions(world: World) -> None:
    world.upload(_with_outputs("of the first"))
    execution = world.create(_two_stacks(world))
    assert world.ended(execution) == "Succeeded"
    api = world.lab.client("cloudformation", TARGET, AWAY)
    (stack,) = api.describe_stacks(StackName=f"{world.stack}-second")["Stacks"]
    assert stack["Parameters"] == [{"ParameterKey": "Text", "ParameterValue": "of the first"}]
    run = world.run(execution)
    assert run["execute"]["output"]["outputVariables"] == {"Text": "of the first"}
    given = run["prepare-second"]["input"]
    assert given["configuration"]["ParameterOverrides"] == '{"Text": "#{first.Text}"}'
    assert given["resolvedConfiguration"]["ParameterOverrides"] == '{"Text": "of the first"}'
    # An empty change set makes the same variables.
    assert world.ended(world.start()) == "Succeeded"


def test_the_value_of_a_variable_is_inserted_as_it_is(world: World) -> None:
    world.upload(_with_outputs('with "quotes"'))
    execution = world.create(_two_stacks(world))
    assert world.ended(execution) == "Failed"
    assert failed(world.run(execution))[1:] == (
        "prepare-second",
        "ParameterOverrides is not JSON: Expecting ',' delimiter: line 1 column 17 (char 16)",
    )


# Stacks without change sets


def test_a_stack_is_made_changed_and_left_as_it_is(world: World) -> None:
    world.upload(template("one"))
    assert world.ended(world.create(direct(world, "CREATE_UPDATE"))) == "Succeeded"
    assert world.display() == "one"
    world.upload(template("two"))
    assert world.ended(world.start()) == "Succeeded"
    assert world.display() == "two"
    again = world.start()
    assert world.ended(again) == "Succeeded"
    assert deployed(world)["StackStatus"] == "UPDATE_COMPLETE"
    result = world.run(again)["prepare"]["output"]["executionResult"]
    assert result["externalExecutionSummary"] == "No changes."


def test_a_stack_goes_and_one_that_is_gone_is_no_error(world: World) -> None:
    world.upload()
    world.ended(world.create())
    stack_id = deployed(world)["StackId"]
    declaration = direct(world, "DELETE_ONLY")
    del declaration["stages"][1]["actions"][0]["configuration"]["TemplatePath"]
    world.client.update_pipeline(pipeline=declaration)
    for _time in range(2):
        assert world.ended(world.start()) == "Succeeded"
    api = world.lab.client("cloudformation", TARGET, AWAY)
    (found,) = api.describe_stacks(StackName=stack_id)["Stacks"]
    assert found["StackStatus"] == "DELETE_COMPLETE"


# Approvals


def _asking(world: World) -> Data:
    topic = world.lab.client("sns", BUILD, HOME).create_topic(Name=f"approvals-{world.id}")
    declaration = world.declaration(approval=True)
    declaration["stages"][1]["actions"][1]["configuration"] = {
        "NotificationArn": topic["TopicArn"],
        "CustomData": "Look first",
    }
    return declaration


def test_an_approval_is_asked_for_by_the_role_of_the_pipeline(world: World) -> None:
    world.upload()
    execution = world.create(_asking(world))
    world.answer()
    assert world.ended(execution) == "Succeeded"
    (call,) = (
        one for one in world.lab.calls() if one.action == "Publish" and world.id in one.resource
    )
    assert call.principal.startswith(f"arn:aws:sts::{BUILD}:assumed-role/pipeline-{world.id}/")


def test_an_approval_that_cannot_be_asked_for_fails(world: World) -> None:
    world.allow(world.role(BUILD, "pipeline"), statement("sts:AssumeRole", "s3:*", "kms:*"))
    world.upload()
    execution = world.create(_asking(world))
    assert world.ended(execution) == "Failed"
    stage, name, message = failed(world.run(execution))
    assert (stage, name) == ("Deploy", "approve")
    assert "sns:Publish" in message
    assert world.token() == ""


def test_an_approval_that_nobody_gives_expires(world: World) -> None:
    world.upload()
    world.lab.set_approval_seconds(0.3)
    execution = world.create(world.declaration(approval=True))
    assert world.ended(execution) == "Failed"
    assert failed(world.run(execution))[2] == "The approval has expired."


def test_an_approval_waits_as_long_as_it_says_itself(world: World) -> None:
    world.upload()
    world.lab.set_approval_seconds(0)
    declaration = world.declaration(approval=True)
    declaration["stages"][1]["actions"][1]["timeoutInMinutes"] = 5
    execution = world.create(declaration)
    world.answer()
    assert world.ended(execution) == "Succeeded"


def test_actions_of_one_run_order_work_at_once(world: World) -> None:
    world.upload()
    declaration = world.declaration()
    names = {"one", "other"}
    asked = [action(name, "Approval", "Manual") for name in sorted(names)]
    declaration["stages"].insert(1, {"name": "Ask", "actions": asked})
    execution = world.create(declaration)

    def tokens() -> dict[str, str]:
        stage = world.client.get_pipeline_state(name=world.name)["stageStates"][1]
        latest = {
            one["actionName"]: one.get("latestExecution", {}) for one in stage["actionStates"]
        }
        return {name: one["token"] for name, one in latest.items() if "token" in one}

    wait_for(lambda: tokens().keys() == names)
    for name, token in tokens().items():
        assert "prepare" not in world.run(execution)
        world.client.put_approval_result(
            pipelineName=world.name,
            stageName="Ask",
            actionName=name,
            result={"summary": "yes", "status": "Approved"},
            token=token,
        )
    assert world.ended(execution) == "Succeeded"


def test_a_region_has_one_copy_however_many_actions_take_it(world: World) -> None:
    world.upload()
    declaration = world.declaration()
    first, *_later = actions = declaration["stages"][1]["actions"]
    for number in range(3):
        another = copy.deepcopy(first) | {"name": f"prepare-{number}"}
        another["configuration"]["StackName"] = f"{world.stack}-{number}"
        actions.append(another)
    assert world.ended(world.create(declaration)) == "Succeeded"
    store = world.stores[AWAY]["location"]
    copies = [
        call for call in world.lab.calls() if call.resource == store and call.action == "PutObject"
    ]
    assert len(copies) == 1


def test_an_approval_is_no_job(world: World) -> None:
    world.upload()
    execution = world.create(world.declaration(approval=True))
    wait_for(lambda: bool(world.token()))
    job = world.run(execution)["approve"]["actionExecutionId"]
    with pytest.raises(ClientError, match="JobNotFoundException"):
        world.client.put_job_success_result(jobId=job)
    assert world.token()


# Retries, and the end


@pytest.mark.parametrize(("mode", "times"), [("FAILED_ACTIONS", 1), ("ALL_ACTIONS", 2)])
def test_a_retry_does_what_failed_or_all_of_the_stage(world: World, mode: str, times: int) -> None:
    world.upload()
    rule = Rule(service="cloudformation", action="ExecuteChangeSet", error="LimitExceededException")
    world.lab.set_faults([rule])
    execution = world.create()
    assert world.ended(execution) == "Failed"
    assert "LimitExceededException" in failed(world.run(execution))[2]
    world.lab.set_faults([])
    world.client.retry_stage_execution(
        pipelineName=world.name,
        stageName="Deploy",
        pipelineExecutionId=execution,
        retryMode=mode,
    )
    assert world.ended(execution) == "Succeeded"
    runs = world.client.list_action_executions(
        pipelineName=world.name, filter={"pipelineExecutionId": execution}
    )["actionExecutionDetails"]
    assert [one["actionName"] for one in runs].count("prepare") == times


def test_nothing_runs_after_a_reset(world: World, tmp_path: Path) -> None:
    """A state is not saved as long as a thread runs, also one that waits."""
    world.upload()
    world.create(world.declaration(approval=True))
    for _time in range(11):
        world.start()

    def past_the_source() -> int:
        runs = world.client.list_action_executions(pipelineName=world.name)
        found = runs["actionExecutionDetails"]
        return sum(one["actionName"] == "build" and one["status"] == "Succeeded" for one in found)

    # One waits for the approval, and the rest for its stage. None of them would end by itself.
    wait_for(lambda: past_the_source() == 12 and bool(world.token()))
    with pytest.raises(LabError, match="at work: pipeline"):
        world.lab.save(tmp_path / "state", seconds=0)
    world.lab.reset()
    world.lab.save(tmp_path / "state")
    with pytest.raises(ClientError, match="PipelineNotFoundException"):
        world.client.get_pipeline(name=world.name)
