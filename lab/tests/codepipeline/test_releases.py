# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CodePipeline of the lab: what it takes, how it runs, and where a missing permission stops it.

Everything here talks to a running lab.
"""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab import Lab
from lab.tests.world import (
    BUILD,
    HOME,
    TARGET,
    World,
    action,
    failed,
    statement,
    template,
    wait_for,
    zipped,
)

Data = dict[str, Any]


@pytest.fixture
def world(lab: Lab) -> World:
    return World(lab)


# A release


def test_a_release_travels_into_another_account_and_region(world: World) -> None:
    world.upload(template("one"))
    execution = world.create()
    assert world.ended(execution) == "Succeeded"
    assert world.display() == "one"
    callers = {
        call.principal.split("/")[1].rpartition("-")[0]
        for call in world.lab.calls()
        if call.action in ("CreateChangeSet", "ExecuteChangeSet") and call.resource == world.stack
    }
    assert callers == {"deploy"}


def test_a_new_pipeline_starts_by_itself_and_fails_without_a_build(world: World) -> None:
    execution = world.create()
    assert world.ended(execution) == "Failed"
    assert world.execution(execution)["trigger"]["triggerType"] == "CreatePipeline"
    stage, name, message = failed(world.run(execution))
    assert (stage, name) == ("Source", "build")
    assert "does not exist" in message


def test_a_release_without_a_change_succeeds(world: World) -> None:
    world.upload()
    world.ended(world.create())
    again = world.start()
    assert world.ended(again) == "Succeeded"
    summaries = {
        name: one["output"]["executionResult"]["externalExecutionSummary"]
        for name, one in world.run(again).items()
    }
    assert summaries["prepare"] == summaries["execute"] == "No changes."


def test_a_version_can_be_pinned(world: World) -> None:
    old = world.upload(template("old"))
    world.upload(template("new"))
    world.ended(world.create())
    assert world.display() == "new"
    revision = {
        "actionName": "build",
        "revisionType": "S3_OBJECT_VERSION_ID",
        "revisionValue": old,
    }
    assert world.ended(world.start(sourceRevisions=[revision])) == "Succeeded"
    assert world.display() == "old"


def test_an_object_and_its_version_are_chosen_where_the_action_allows_it(world: World) -> None:
    world.upload(template("newest"))
    chosen = world.upload(template("chosen"), key="another.zip")
    world.upload(template("later"), key="another.zip")
    declaration = world.declaration()
    world.ended(world.create(declaration))
    revisions = [
        {"actionName": "build", "revisionType": kind, "revisionValue": value}
        for kind, value in (("S3_OBJECT_KEY", "another.zip"), ("S3_OBJECT_VERSION_ID", chosen))
    ]
    with pytest.raises(ClientError, match="S3_OBJECT_KEY"):
        world.start(sourceRevisions=revisions)
    source = declaration["stages"][0]["actions"][0]
    source["configuration"]["AllowOverrideForS3ObjectKey"] = "true"
    world.client.update_pipeline(pipeline=declaration)
    assert world.ended(world.start(sourceRevisions=revisions)) == "Succeeded"
    assert world.display() == "chosen"


def test_the_same_token_starts_once(world: World) -> None:
    world.upload()
    world.ended(world.create())
    assert world.start(clientRequestToken="one") == world.start(clientRequestToken="one")
    assert len(world.executions()) == 2


def test_a_failed_stack_fails_the_action_with_its_reason(world: World) -> None:
    world.allow(world.role(TARGET, "stacks"), statement("sns:GetTopicAttributes"))
    world.upload()
    execution = world.create()
    assert world.ended(execution) == "Failed"
    stage, name, message = failed(world.run(execution))
    assert (stage, name) == ("Deploy", "execute")
    assert "ROLLBACK_COMPLETE" in message
    assert "sns:CreateTopic" in message


# Approvals, and executions that meet


def test_an_approval_holds_the_stage_until_it_is_given(world: World) -> None:
    world.upload(template("first"))
    first = world.create(world.declaration(approval=True))
    wait_for(lambda: bool(world.token()))
    world.upload(template("second"))
    second = world.start()
    wait_for(lambda: world.run(second).get("build", {}).get("status") == "Succeeded")
    assert "prepare" not in world.run(second)
    world.answer()
    assert world.ended(first) == "Succeeded"
    assert world.display() == "first"
    world.answer()
    assert world.ended(second) == "Succeeded"
    assert world.display() == "second"


def test_a_newer_release_supersedes_one_that_waits(world: World) -> None:
    world.upload()
    first = world.create(world.declaration(approval=True, mode="SUPERSEDED"))
    wait_for(lambda: bool(world.token()))
    second = world.start()
    wait_for(lambda: world.run(second).get("build", {}).get("status") == "Succeeded")
    third = world.start()
    assert world.ended(second) == "Superseded"
    world.answer()
    assert world.ended(first) == "Succeeded"
    world.answer()
    assert world.ended(third) == "Succeeded"


def test_a_rejection_stops_the_release(world: World) -> None:
    world.upload()
    execution = world.create(world.declaration(approval=True))
    world.answer("Rejected")
    assert world.ended(execution) == "Failed"
    assert failed(world.run(execution))[2] == "Rejected: as we said"
    assert "execute" not in world.run(execution)


def test_a_token_is_good_once(world: World) -> None:
    world.upload()
    execution = world.create(world.declaration(approval=True))
    wait_for(lambda: bool(world.token()))
    token = world.token()
    world.answer()
    with pytest.raises(ClientError, match=r"ActionNotFound|ApprovalAlreadyCompleted"):
        world.client.put_approval_result(
            pipelineName=world.name,
            stageName="Deploy",
            actionName="approve",
            result={"summary": "again", "status": "Approved"},
            token=token,
        )
    assert world.ended(execution) == "Succeeded"


def test_a_stopped_release_goes_no_further(world: World) -> None:
    world.upload()
    execution = world.create(world.declaration(approval=True))
    wait_for(lambda: bool(world.token()))
    world.client.stop_pipeline_execution(
        pipelineName=world.name, pipelineExecutionId=execution, abandon=True, reason="a mistake"
    )
    assert world.ended(execution) == "Stopped"
    assert world.run(execution)["approve"]["status"] == "Abandoned"
    assert "execute" not in world.run(execution)


def test_a_closed_transition_is_not_passed(world: World) -> None:
    world.upload()
    world.ended(world.create())
    where = {"pipelineName": world.name, "stageName": "Deploy", "transitionType": "Inbound"}
    world.client.disable_stage_transition(**where, reason="freeze")
    execution = world.start()
    wait_for(lambda: world.run(execution).get("build", {}).get("status") == "Succeeded")
    assert "prepare" not in world.run(execution)
    world.client.enable_stage_transition(**where)
    assert world.ended(execution) == "Succeeded"


# Retries, and who copies


def test_a_repaired_stage_is_retried_from_what_failed(world: World) -> None:
    world.allow(world.role(TARGET, "deploy"), statement("s3:*", "kms:*", "cloudformation:*"))
    world.upload()
    execution = world.create()
    world.ended(execution)
    world.allow(
        world.role(TARGET, "deploy"), statement("s3:*", "kms:*", "cloudformation:*", "iam:PassRole")
    )
    with pytest.raises(ClientError, match="StageNotRetryable"):
        world.client.retry_stage_execution(
            pipelineName=world.name,
            stageName="Source",
            pipelineExecutionId=execution,
            retryMode="FAILED_ACTIONS",
        )
    world.client.retry_stage_execution(
        pipelineName=world.name,
        stageName="Deploy",
        pipelineExecutionId=execution,
        retryMode="FAILED_ACTIONS",
    )
    assert world.ended(execution) == "Succeeded"


def test_who_copies_between_regions_is_an_assumption_that_can_be_changed(world: World) -> None:
    home = world.stores[HOME]
    only_home = [f"arn:aws:s3:::{world.builds}*", f"arn:aws:s3:::{home['location']}*"]
    world.allow(
        world.role(BUILD, "pipeline"),
        statement("sts:AssumeRole", "kms:*"),
        statement("s3:*", resource=only_home),
    )
    world.upload()
    execution = world.create()
    assert world.ended(execution) == "Failed"
    assert "s3:PutObject" in failed(world.run(execution))[2]
    world.lab.set_artifact_copier("service")
    assert world.ended(world.start()) == "Succeeded"


# Functions

_ANSWERS = """
import boto3
def handler(event, context):
    job = event["CodePipeline.job"]
    client = boto3.client("codepipeline")
    words = job["data"]["actionConfiguration"]["configuration"]["UserParameters"]
    location = job["data"]["inputArtifacts"][0]["location"]["s3Location"]
    if words == "fail":
        details = {"type": "JobFailed", "message": f"no {location['bucketName']}"}
        client.put_job_failure_result(jobId=job["id"], failureDetails=details)
    elif words == "twice" and "continuationToken" not in job["data"]:
        client.put_job_success_result(jobId=job["id"], continuationToken="1")
    elif words != "silent":
        client.put_job_success_result(jobId=job["id"], executionDetails={"summary": words})
"""


def _invoking(world: World, words: str) -> Data:
    role = world.role(BUILD, "function")
    world.make_role(role, {"Service": "lambda.amazonaws.com"}, "codepipeline:PutJob*")
    name = f"function-{world.id}"
    world.lab.client("lambda", BUILD, HOME).create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=role,
        Code={"ZipFile": zipped({"index.py": _ANSWERS})},
    )
    world.allow(
        world.role(BUILD, "pipeline"),
        statement("sts:AssumeRole", "s3:*", "kms:*", "lambda:InvokeFunction"),
    )
    invoke = action(
        "invoke",
        "Invoke",
        "Lambda",
        configuration={"FunctionName": name, "UserParameters": words},
        inputArtifacts=[{"name": "build"}],
    )
    declaration = world.declaration()
    declaration["stages"].insert(1, {"name": "Invoke", "actions": [invoke]})
    return declaration


@pytest.mark.parametrize("words", ["done", "twice"])
def test_a_function_reports_its_job(world: World, words: str) -> None:
    world.upload()
    execution = world.create(_invoking(world, words))
    assert world.ended(execution) == "Succeeded"
    result = world.run(execution)["invoke"]["output"]["executionResult"]
    assert result["externalExecutionSummary"] == words


def test_a_function_that_fails_stops_the_release(world: World) -> None:
    world.upload()
    execution = world.create(_invoking(world, "fail"))
    assert world.ended(execution) == "Failed"
    expected = ("Invoke", "invoke", f"no {world.stores[HOME]['location']}")
    assert failed(world.run(execution)) == expected


def test_a_function_that_reports_nothing_is_not_waited_for_without_end(world: World) -> None:
    world.upload()
    world.lab.set_job_seconds(0.3)
    execution = world.create(_invoking(world, "silent"))
    assert world.ended(execution) == "Failed"
    assert "failed to return a result" in failed(world.run(execution))[2]


def test_a_function_needs_permission_to_report(world: World) -> None:
    world.upload()
    declaration = _invoking(world, "done")
    world.allow(world.role(BUILD, "function"), statement("codepipeline:GetPipeline"))
    execution = world.create(declaration)

    def reports() -> list[str]:
        role = f"/function-{world.id}/"
        calls = (call for call in world.lab.calls() if role in call.principal)
        return [call.error for call in calls if call.action == "PutJobSuccessResult"]

    wait_for(lambda: bool(reports()))
    assert set(reports()) == {"AccessDeniedException"}
    assert world.run(execution)["invoke"]["status"] == "InProgress"


# The end


def test_a_pipeline_that_is_deleted_stops_what_runs_in_it(world: World) -> None:
    world.upload()
    world.create(world.declaration(approval=True))
    wait_for(lambda: bool(world.token()))
    world.client.delete_pipeline(name=world.name)
    with pytest.raises(ClientError, match="PipelineNotFoundException"):
        world.client.get_pipeline(name=world.name)
    # Under the same name another begins at its beginning.
    execution = world.create()
    assert world.ended(execution) == "Succeeded"
    assert world.executions() == [execution]


def test_tags_and_versions_are_stored(world: World) -> None:
    world.client.create_pipeline(
        pipeline=world.declaration(), tags=[{"key": "one", "value": "tag"}]
    )
    found = world.client.get_pipeline(name=world.name)
    arn = found["metadata"]["pipelineArn"]
    assert world.client.list_tags_for_resource(resourceArn=arn)["tags"] == [
        {"key": "one", "value": "tag"}
    ]
    changed = world.client.update_pipeline(pipeline=found["pipeline"])
    assert changed["pipeline"]["version"] == 2
