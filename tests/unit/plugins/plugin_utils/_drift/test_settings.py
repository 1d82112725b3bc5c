# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings that stop or change a release. Talks to stand-ins that answer through botocore."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.detection import (
    ResourceDrift,
    findings_of,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.finding import Resource
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.policies import (
    PolicyDrift,
    read_policies,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.settings import (
    LiveSettings,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._policy.live import (
    LivePolicies,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._policy.resolver import Deployed
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.severity import severity

from tests.fakes.drift import difference, drift
from tests.fakes.policies import FakePolicies

ACCOUNT, REGION = "111111111111", "us-east-1"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/one-role"
BOUNDARY = "arn:aws:iam::aws:policy/PowerUserAccess"
TRUST = {"Version": "2012-10-17", "Statement": []}
PIPELINE, PROJECT = "AWS::CodePipeline::Pipeline", "AWS::CodeBuild::Project"
Data = dict[str, Any]

APPROVAL = {"Category": "Approval", "Owner": "AWS", "Provider": "Manual", "Version": "1"}
SOURCE = {"Category": "Source", "Owner": "AWS", "Provider": "S3", "Version": "1"}
TEMPLATE: Data = {
    "Resources": {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
        "Function": {"Type": "AWS::Lambda::Function"},
        "Pipeline": {
            "Type": PIPELINE,
            "Properties": {
                "Name": "one-pipeline",
                "PipelineType": "V2",
                "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                "ArtifactStores": [
                    {"Region": REGION, "ArtifactStore": {"Type": "S3", "Location": "bucket"}}
                ],
                "Stages": [
                    {
                        "Name": "source",
                        "Actions": [
                            {
                                "Name": "take",
                                "ActionTypeId": SOURCE,
                                "Configuration": {"PollForSourceChanges": False},
                                "OutputArtifacts": [{"Name": "application"}],
                            }
                        ],
                    },
                    {
                        "Name": "production",
                        "Actions": [{"Name": "approve", "ActionTypeId": APPROVAL, "RunOrder": 1}],
                    },
                ],
                "Tags": [{"Key": "own", "Value": "tag"}],
            },
        },
        "Project": {
            "Type": PROJECT,
            "Properties": {
                "Name": "one-project",
                "ServiceRole": {"Fn::GetAtt": ["Role", "Arn"]},
                "ConcurrentBuildLimit": 1,
                "Source": {
                    "Type": "GITHUB",
                    "Location": "https://github.com/example/hello",
                    "BuildSpec": "buildspec.yml",
                    "Auth": {"Type": "OAUTH"},
                },
                "Triggers": {
                    "Webhook": True,
                    "FilterGroups": [[{"Type": "EVENT", "Pattern": "PUSH"}]],
                },
                "Environment": {
                    "Type": "LINUX_CONTAINER",
                    "Image": "image",
                    "ComputeType": "BUILD_GENERAL1_SMALL",
                    "PrivilegedMode": False,
                    "EnvironmentVariables": [{"Name": "STAGE", "Value": "release"}],
                },
                "Artifacts": {"Type": "NO_ARTIFACTS"},
            },
        },
    }
}


def in_sync() -> FakePolicies:
    """What AWS holds after the stack was made, with all that it adds by itself."""
    aws = FakePolicies()
    aws.add_role("one-role", TRUST)
    aws.settings["one-role"] = {"MaxSessionDuration": 3600}
    aws.functions["one-function"] = None
    aws.pipelines["one-pipeline"] = {
        "name": "one-pipeline",
        "version": 3,
        "pipelineType": "V2",
        "executionMode": "SUPERSEDED",
        "roleArn": ROLE_ARN,
        "artifactStores": {REGION: {"type": "S3", "location": "bucket"}},
        "stages": [
            {
                "name": "source",
                "actions": [
                    {
                        "name": "take",
                        "actionTypeId": _members(SOURCE),
                        "runOrder": 1,
                        "region": REGION,
                        "configuration": {"PollForSourceChanges": "false"},
                        "inputArtifacts": [],
                        "outputArtifacts": [{"name": "application"}],
                    }
                ],
            },
            {
                "name": "production",
                "actions": [{"name": "approve", "actionTypeId": _members(APPROVAL), "runOrder": 1}],
            },
        ],
    }
    aws.projects["one-project"] = {
        "name": "one-project",
        "arn": f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/one-project",
        "serviceRole": ROLE_ARN,
        "concurrentBuildLimit": 1,
        "timeoutInMinutes": 60,
        "cache": {"type": "NO_CACHE"},
        "badge": {"badgeEnabled": False},
        "projectVisibility": "PRIVATE",
        "secondarySources": [],
        "source": {
            "type": "GITHUB",
            "location": "https://github.com/example/hello",
            "buildspec": "buildspec.yml",
            "insecureSsl": False,
        },
        "webhook": {
            "url": "https://api.github.com/",
            "filterGroups": [
                [{"type": "EVENT", "pattern": "PUSH", "excludeMatchedPattern": False}]
            ],
        },
        "environment": {
            "type": "LINUX_CONTAINER",
            "image": "image",
            "computeType": "BUILD_GENERAL1_SMALL",
            "privilegedMode": False,
            "imagePullCredentialsType": "CODEBUILD",
            "environmentVariables": [{"name": "STAGE", "value": "release", "type": "PLAINTEXT"}],
        },
        "artifacts": {"type": "NO_ARTIFACTS"},
    }
    return aws


def _members(properties: Data) -> Data:
    return {name[0].lower() + name[1:]: value for name, value in properties.items()}


def read(aws: FakePolicies, template: Data | None = None) -> PolicyDrift:
    template = TEMPLATE if template is None else template
    resources = [
        Resource(logical_id=name, resource_type=entry["Type"], physical_id=f"one-{name.lower()}")
        for name, entry in template["Resources"].items()
    ]
    deployed = Deployed(
        stack_id=f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/One/1",
        template=template,
        parameters={},
        resources=resources,
    )
    session = aws.session
    return read_policies(
        deployed, LivePolicies(session, REGION, ACCOUNT), LiveSettings(session, REGION)
    )


def test_what_aws_made_of_the_template_is_as_expected() -> None:
    found = read(in_sync()).evaluate([])

    assert (found.findings, found.unchecked) == ((), ())


def test_a_stack_takes_one_call_for_its_projects_and_two_for_a_pipeline() -> None:
    aws = in_sync()
    read(aws)

    services = ("GetPipeline", "GetPipelineState", "BatchGetProjects", "GetFunction")
    assert [call for call in aws.asked if call in services] == [
        "GetFunction",
        "GetPipeline",
        "GetPipelineState",
        "BatchGetProjects",
    ]


def _stage(aws: FakePolicies, index: int) -> Data:
    stage: Data = aws.pipelines["one-pipeline"]["stages"][index]
    return stage


def _project(aws: FakePolicies) -> Data:
    return aws.projects["one-project"]


CHANGED: dict[str, tuple[Callable[[FakePolicies], Any], str, str, str]] = {
    "boundary added": (
        lambda aws: aws.settings["one-role"].update(
            PermissionsBoundary={"PermissionsBoundaryArn": BOUNDARY}
        ),
        "Role", "PermissionsBoundary", "drift",
    ),
    "shorter session": (
        lambda aws: aws.settings["one-role"].update(MaxSessionDuration=7200),
        "Role", "MaxSessionDuration", "drift",
    ),
    "no concurrency": (
        lambda aws: aws.concurrency.update({"one-function": 0}),
        "Function", "ReservedConcurrentExecutions", "drift",
    ),
    "approval removed": (
        lambda aws: _stage(aws, 1)["actions"].clear(),
        "Pipeline", "Stages.production.Actions.approve", "danger",
    ),
    "polls": (
        lambda aws: _stage(aws, 0)["actions"][0]["configuration"].update(
            PollForSourceChanges="true"
        ),
        "Pipeline", "Stages.source.Actions.take.Configuration.PollForSourceChanges", "danger",
    ),
    "stages in another order": (
        lambda aws: aws.pipelines["one-pipeline"]["stages"].reverse(),
        "Pipeline", "Stages", "danger",
    ),
    "another trigger": (
        lambda aws: aws.pipelines["one-pipeline"].update(
            triggers=[{"providerType": "CodeStarSourceConnection"}]
        ),
        "Pipeline", "Triggers", "danger",
    ),
    "another repository": (
        lambda aws: _project(aws)["source"].update(location="https://github.com/other/hello"),
        "Project", "Source.Location", "danger",
    ),
    "one more source": (
        lambda aws: _project(aws).update(secondarySources=[{"type": "S3"}]),
        "Project", "SecondarySources", "danger",
    ),
    "one more variable": (
        lambda aws: _project(aws)["environment"]["environmentVariables"].append(
            {"name": "TOKEN", "value": "secret", "type": "PLAINTEXT"}
        ),
        "Project", "Environment.EnvironmentVariables.TOKEN", "danger",
    ),
    "no webhook": (
        lambda aws: _project(aws).pop("webhook"), "Project", "Triggers", "danger",
    ),
    "every branch": (
        lambda aws: _project(aws)["webhook"]["filterGroups"].append([]),
        "Project", "Triggers.FilterGroups", "danger",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGED)
def test_a_changed_setting_is_found_and_put_back(name: str) -> None:
    change, resource, prop, expected_severity = CHANGED[name]
    aws = in_sync()
    change(aws)
    found = read(aws)

    [finding] = found.evaluate([]).findings

    assert (finding.kind, finding.resource.logical_id, finding.property) == (
        "drifted",
        resource,
        prop,
    )
    entry = {
        "kind": "drifted",
        "resource_type": finding.resource.resource_type,
        "property": finding.property,
        "difference": finding.difference,
        "expected": finding.expected,
        "actual": finding.actual,
    }
    assert severity(entry) == expected_severity
    assert "secret" not in finding.actual + finding.message
    for repair in found.repairs(()):
        repair.put()
    assert read(aws).evaluate([]).findings == ()


def test_a_closed_stage_is_found_with_the_reason_and_stays_closed() -> None:
    aws = in_sync()
    aws.closed["one-pipeline"] = {"production": "incident"}
    found = read(aws)

    [finding] = found.evaluate([]).findings

    assert finding.property == "DisableInboundStageTransitions.production"
    assert finding.message.startswith(
        f"Pipeline ({PIPELINE}): the transition into stage production is disabled (incident)."
        " To enable it: aws codepipeline enable-stage-transition --pipeline-name one-pipeline"
    )
    assert found.repairs(()) == []


def test_what_is_gone_is_found() -> None:
    aws = in_sync()
    aws.projects.clear()

    [finding] = read(aws).evaluate([]).findings

    assert (finding.kind, finding.message) == ("drifted", f"Project ({PROJECT}) was deleted")


def test_the_pipeline_is_reported_as_it_was_read_and_its_tags_as_cloudformation_reads_them() -> (
    None
):
    """CloudFormation names stages by their number, and may be wrong."""
    drifted = ResourceDrift.from_description(
        drift(
            "Pipeline",
            PIPELINE,
            "MODIFIED",
            difference("/Stages/0/Actions/0/Configuration", "{}", "null", "REMOVE"),
            difference("/Tags/0", "own", "null", "REMOVE"),
        )
    )

    found = read(in_sync()).evaluate([drifted], findings=findings_of(drifted))

    assert [finding.property for finding in found.findings] == ["Tags.0"]


def test_a_property_that_the_api_does_not_have_is_unchecked() -> None:
    template = {"Resources": {**TEMPLATE["Resources"]}}
    template["Resources"]["Project"] = {
        "Type": PROJECT,
        "Properties": {**TEMPLATE["Resources"]["Project"]["Properties"], "Visibility": "PRIVATE"},
    }

    [unchecked] = read(in_sync(), template).evaluate([]).unchecked

    assert unchecked.resource.logical_id == "Project"
    assert unchecked.why == "its policy cannot be compared: property Visibility is not known here"
