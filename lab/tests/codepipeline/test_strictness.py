# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pipelines as resources of stacks.

MiniStack alone accepts what each test expects to be refused or different: see lab/README.md.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab import Lab
from lab.tests.release_templates import (
    ACCOUNT,
    CAPABILITIES,
    CONNECTION,
    STAGES,
    create,
    pipeline,
    role,
)
from lab.tests.stacks import (
    Stacks,
    eventually,
    reasons,
)


@pytest.fixture
def account() -> str:
    return ACCOUNT


def test_a_pipeline_is_made_updated_and_deleted(lab: Lab, stacks: Stacks, name: str) -> None:
    template = {"Role": role("codepipeline"), "Pipeline": pipeline(name)}
    body = json.dumps(
        {
            "Resources": template,
            "Outputs": {
                "Name": {"Value": {"Ref": "Pipeline"}},
                "Version": {"Value": {"Fn::GetAtt": ["Pipeline", "Version"]}},
            },
        }
    )
    tags = [{"Key": "one", "Value": "tag"}]
    assert stacks.create(body, Capabilities=CAPABILITIES, Tags=tags) == "CREATE_COMPLETE"
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stacks.describe()["Outputs"]}
    assert outputs == {"Name": name, "Version": "1"}
    client = lab.client("codepipeline", ACCOUNT)
    found = client.get_pipeline(name=name)
    action = found["pipeline"]["stages"][0]["actions"][0]
    assert action["configuration"]["PollForSourceChanges"] == "false"
    assert action["runOrder"] == 1
    arn = found["metadata"]["pipelineArn"]
    tagged = client.list_tags_for_resource(resourceArn=arn)["tags"]
    assert {"key": "one", "value": "tag"} in tagged
    changed = json.loads(body)
    changed["Resources"]["Pipeline"]["Properties"]["ExecutionMode"] = "QUEUED"
    stacks.change_set("change", "UPDATE", json.dumps(changed), Tags=tags)
    assert stacks.execute("change") == "UPDATE_COMPLETE", reasons(stacks)
    assert client.get_pipeline(name=name)["pipeline"]["version"] == 2
    stacks.name = str(stacks.describe()["StackId"])
    stacks.api.delete_stack(StackName=stacks.name)
    assert stacks.wait() == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="PipelineNotFoundException"):
        client.get_pipeline(name=name)


def test_another_name_is_another_pipeline(lab: Lab, stacks: Stacks, name: str) -> None:
    made = {"Role": role("codepipeline"), "Pipeline": pipeline(name)}
    assert create(stacks, made) == "CREATE_COMPLETE"
    stacks.change_set("rename", "UPDATE", {**made, "Pipeline": pipeline(f"{name}-2")})
    described = stacks.api.describe_change_set(StackName=stacks.name, ChangeSetName="rename")
    assert described["Changes"][0]["ResourceChange"]["Replacement"] == "True"
    assert stacks.execute("rename") == "UPDATE_COMPLETE"
    names = [
        one["name"] for one in lab.client("codepipeline", ACCOUNT).list_pipelines()["pipelines"]
    ]
    assert f"{name}-2" in names
    assert name not in names


def test_a_pipeline_s_name_that_is_taken_fails_the_stack(stacks: Stacks, name: str) -> None:
    made = {"Role": role("codepipeline"), "Pipeline": pipeline(name)}
    assert create(stacks, made) == "CREATE_COMPLETE"
    second = Stacks(stacks.api, f"{stacks.name}-2")
    assert create(second, made) == "ROLLBACK_COMPLETE"
    assert "already exists" in reasons(second)


def test_a_property_that_a_pipeline_does_not_have_is_refused(stacks: Stacks, name: str) -> None:
    made = {"Role": role("codepipeline"), "Pipeline": pipeline(name, Stores=[])}
    assert create(stacks, made) == "ROLLBACK_COMPLETE"
    assert "extraneous key [Stores]" in reasons(stacks)


# Drift


def test_a_pipeline_that_was_changed_has_drifted(lab: Lab, stacks: Stacks, name: str) -> None:
    made = {"Role": role("codepipeline"), "Pipeline": pipeline(name, ExecutionMode="QUEUED")}
    tags = [{"Key": "one", "Value": "tag"}]
    assert create(stacks, made, Tags=tags) == "CREATE_COMPLETE"
    assert drift(stacks)["StackResourceDriftStatus"] == "IN_SYNC"
    client = lab.client("codepipeline", ACCOUNT)
    found = client.get_pipeline(name=name)["pipeline"]
    found["stages"][0]["actions"][0]["configuration"]["S3Bucket"] = "another"
    client.update_pipeline(pipeline={**found, "executionMode": "SUPERSEDED"})
    drifted = drift(stacks)
    assert drifted["StackResourceDriftStatus"] == "MODIFIED"
    differences = {
        one["PropertyPath"]: one["ActualValue"] for one in drifted["PropertyDifferences"]
    }
    assert differences == {
        "/ExecutionMode": "SUPERSEDED",
        "/Stages/0/Actions/0/Configuration/S3Bucket": "another",
    }
    client.delete_pipeline(name=name)
    assert drift(stacks)["StackResourceDriftStatus"] == "DELETED"


def test_a_trigger_that_was_changed_has_drifted(lab: Lab, stacks: Stacks, name: str) -> None:
    source = {
        "Name": "Source",
        "ActionTypeId": {
            "Category": "Source",
            "Owner": "AWS",
            "Provider": "CodeStarSourceConnection",
            "Version": "1",
        },
        "Configuration": {
            "ConnectionArn": CONNECTION,
            "FullRepositoryId": "example/hello",
            "BranchName": "main",
            "DetectChanges": False,
        },
        "OutputArtifacts": [{"Name": "source"}],
    }
    trigger = {
        "ProviderType": "CodeStarSourceConnection",
        "GitConfiguration": {
            "SourceActionName": "Source",
            "Push": [{"Branches": {"Includes": ["main"]}}],
        },
    }
    stages = [{"Name": "Source", "Actions": [source]}, STAGES[1]]
    made = {
        "Role": role("codepipeline"),
        "Pipeline": pipeline(name, Stages=stages, Triggers=[trigger]),
    }
    assert create(stacks, made) == "CREATE_COMPLETE", reasons(stacks)
    assert drift(stacks)["StackResourceDriftStatus"] == "IN_SYNC"
    client = lab.client("codepipeline", ACCOUNT)
    found = client.get_pipeline(name=name)["pipeline"]
    found["triggers"][0]["gitConfiguration"]["push"][0]["branches"]["includes"] = ["other"]
    client.update_pipeline(pipeline=found)
    [difference] = drift(stacks)["PropertyDifferences"]
    assert difference["PropertyPath"] == "/Triggers/0/GitConfiguration/Push/0/Branches/Includes/0"
    assert difference["ActualValue"] == "other"


def drifts(stacks: Stacks) -> list[dict[str, Any]]:
    api = stacks.api
    detection = api.detect_stack_drift(StackName=stacks.name)["StackDriftDetectionId"]
    eventually(
        lambda: (
            api.describe_stack_drift_detection_status(StackDriftDetectionId=detection)[
                "DetectionStatus"
            ]
            == "DETECTION_COMPLETE"
        )
    )
    found: list[dict[str, Any]] = api.describe_stack_resource_drifts(StackName=stacks.name)[
        "StackResourceDrifts"
    ]
    return found


def drift(stacks: Stacks) -> dict[str, Any]:
    """The pipeline's."""
    return next(one for one in drifts(stacks) if one["LogicalResourceId"] == "Pipeline")
