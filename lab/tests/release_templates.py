# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stacks of projects, pipelines and rules, each with a role of its own."""

from __future__ import annotations

import json
from typing import Any

from lab import Lab
from lab.clients import Clients
from lab.tests.stacks import (
    Stacks,
    eventually,
)

ACCOUNT = "111111111111"
REGION = "us-east-1"
CONNECTION = f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/one"
CAPABILITIES = ["CAPABILITY_NAMED_IAM"]
STAGES = [
    {
        "Name": "Source",
        "Actions": [
            {
                "Name": "application",
                "ActionTypeId": {
                    "Category": "Source",
                    "Owner": "AWS",
                    "Provider": "S3",
                    "Version": "1",
                },
                "Configuration": {
                    "S3Bucket": "a-bucket",
                    "S3ObjectKey": "application.zip",
                    "PollForSourceChanges": False,
                },
                "OutputArtifacts": [{"Name": "application"}],
                "RunOrder": "1",
            }
        ],
    },
    {
        "Name": "Approval",
        "Actions": [
            {
                "Name": "Approve",
                "ActionTypeId": {
                    "Category": "Approval",
                    "Owner": "AWS",
                    "Provider": "Manual",
                    "Version": "1",
                },
            }
        ],
    },
]


def statement(action: str | list[str], resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def role(service: str, *statements: dict[str, Any], source_arn: str = "") -> dict[str, Any]:
    """A role that a service may assume, for one resource if its ARN is given."""
    trust: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    if source_arn:
        trust["Condition"] = {"ArnEquals": {"aws:SourceArn": source_arn}}
    policy = {"PolicyName": "own", "PolicyDocument": {"Statement": list(statements)}}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [policy] if statements else [],
        },
    }


def project(name: str, **properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::CodeBuild::Project",
        "Properties": {
            "Name": name,
            "ServiceRole": {"Fn::GetAtt": ["Role", "Arn"]},
            "Source": {"Type": "GITHUB", "Location": "https://github.com/example/hello.git"},
            "Artifacts": {"Type": "NO_ARTIFACTS"},
            "Environment": {
                "Type": "LINUX_CONTAINER",
                "Image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
                "ComputeType": "BUILD_GENERAL1_SMALL",
            },
            **properties,
        },
    }


def pipeline(name: str, **properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::CodePipeline::Pipeline",
        "Properties": {
            "Name": name,
            "PipelineType": "V2",
            "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
            "ArtifactStores": [
                {"Region": REGION, "ArtifactStore": {"Type": "S3", "Location": "a-store"}}
            ],
            "Stages": STAGES,
            **properties,
        },
    }


def uploaded(name: str, bucket: str, **more: Any) -> dict[str, Any]:
    """An artifact of a project."""
    where = {"Type": "S3", "Location": bucket, "Path": "hello", "Name": name, "Packaging": "ZIP"}
    return {**where, **more}


LOGS = statement(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"])
BUILD_ROLE = role("codebuild", LOGS)


def with_project(name: str, role_: dict[str, Any] | None = None, **properties: Any) -> Any:
    return {"Role": role_ or BUILD_ROLE, "Project": project(name, **properties)}


def create(stacks: Stacks, template: dict[str, Any], **more: Any) -> str:
    return stacks.create(template, Capabilities=CAPABILITIES, **more)


def failure(build: dict[str, Any]) -> str:
    """The phase in which a build failed, and why."""
    for phase in build["phases"]:
        if phase.get("phaseStatus") == "FAILED":
            return f"{phase['phaseType']}: {phase['contexts'][0]['message']}"
    return ""


class Events:
    """The events that match a pattern, by way of a queue."""

    def __init__(self, lab: Lab, name: str, pattern: dict[str, Any]) -> None:
        self.sqs, events = lab.client("sqs", ACCOUNT), lab.client("events", ACCOUNT)
        self.queue = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
        policy = {"Statement": [{**statement("sqs:SendMessage"), "Principal": "*"}]}
        self.sqs.set_queue_attributes(
            QueueUrl=self.queue, Attributes={"Policy": json.dumps(policy)}
        )
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])

    def next(self) -> dict[str, Any]:
        """The detail of an event that was not read yet."""
        messages = eventually(
            lambda: self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=1).get(
                "Messages"
            )
        )
        handle = messages[0]["ReceiptHandle"]
        self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=handle)
        detail: dict[str, Any] = json.loads(messages[0]["Body"])["detail"]
        return detail


def bucket(lab: Lab, name: str) -> str:
    """A bucket that has versions, and sends events of its objects."""
    s3 = lab.client("s3", ACCOUNT)
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(
        Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    return name


def somebody(lab: Lab, name: str, *statements: dict[str, Any]) -> Any:
    """CloudFormation as a role of that name, with these permissions."""
    iam = lab.client("iam", ACCOUNT)
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "sts:AssumeRole",
    }
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy)
    clients = Clients(lab.url)
    credentials = clients.assume(ACCOUNT, name, REGION)
    return clients.client("cloudformation", region=REGION, credentials=credentials)


def rule(name: str, **target: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "Name": name,
            "EventPattern": {"source": ["aws.s3"]},
            "Targets": [
                {
                    "Id": "Pipeline",
                    "Arn": f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{name}",
                    **target,
                }
            ],
        },
    }
