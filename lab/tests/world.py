# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small pipeline over two accounts and two regions, with roles made by hand."""

from __future__ import annotations

import copy
import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable, Iterable
from typing import Any

from lab import Lab

Data = dict[str, Any]

BUILD, TARGET = "111111111111", "222222222222"
HOME, AWAY = "us-east-1", "eu-west-1"
TEMPLATE = "template.json"
_SECONDS = 20.0
_OVER = ("Succeeded", "Failed", "Stopped", "Superseded")


def statement(*actions: str, resource: Any = "*", **more: Any) -> Data:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def document(*statements: Data) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def zipped(files: dict[str, str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return data.getvalue()


def template(display: str = "one") -> str:
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": display}}
    return json.dumps({"Resources": {"Topic": topic}})


def action(name: str, category: str, provider: str, **more: Any) -> Data:
    kind = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": name, "actionTypeId": kind, **more}


class World:
    """Everything that a release needs, each part under names of its own."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.id = uuid.uuid4().hex[:8]
        self.name = f"pipeline-{self.id}"
        self.stack = f"app-{self.id}"
        self.builds = f"builds-{self.id}"
        self.client = lab.client("codepipeline", BUILD, HOME)
        self._make_roles()
        self.stores = {region: self._make_store(region) for region in (HOME, AWAY)}
        s3 = lab.client("s3", BUILD, HOME)
        s3.create_bucket(Bucket=self.builds)
        s3.put_bucket_versioning(Bucket=self.builds, VersioningConfiguration={"Status": "Enabled"})

    def role(self, account: str, kind: str) -> str:
        return f"arn:aws:iam::{account}:role/{kind}-{self.id}"

    def _make_roles(self) -> None:
        pipeline, service = self.role(BUILD, "pipeline"), "codepipeline.amazonaws.com"
        self.make_role(pipeline, {"Service": service}, "sts:AssumeRole", "s3:*", "kms:*", "sns:*")
        deploy = self.role(TARGET, "deploy")
        wanted = ("s3:*", "kms:*", "cloudformation:*", "iam:PassRole")
        self.make_role(deploy, {"AWS": f"arn:aws:iam::{BUILD}:root"}, *wanted)
        stacks = self.role(TARGET, "stacks")
        self.make_role(stacks, {"Service": "cloudformation.amazonaws.com"}, "sns:*")

    def make_role(self, arn: str, trusts: Data, *actions: str) -> None:
        account, name = arn.split(":")[4], arn.rpartition("/")[2]
        trust = {"Effect": "Allow", "Principal": trusts, "Action": "sts:AssumeRole"}
        iam = self.lab.client("iam", account)
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))
        self.allow(arn, statement(*actions))

    def allow(self, arn: str, *statements: Data) -> None:
        """Let a role do that, and no more."""
        account, name = arn.split(":")[4], arn.rpartition("/")[2]
        self.lab.client("iam", account).put_role_policy(
            RoleName=name, PolicyName="policy", PolicyDocument=document(*statements)
        )

    def trust(self, arn: str, principal: Data) -> None:
        account, name = arn.split(":")[4], arn.rpartition("/")[2]
        trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        self.lab.client("iam", account).update_assume_role_policy(
            RoleName=name, PolicyDocument=document(trust)
        )

    def _make_store(self, region: str) -> Data:
        name = f"store-{region}-{self.id}"
        s3 = self.lab.client("s3", BUILD, region)
        where = (
            {} if region == HOME else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        )
        s3.create_bucket(Bucket=name, **where)
        key = self.lab.client("kms", BUILD, region).create_key()["KeyMetadata"]["Arn"]
        store = {"type": "S3", "location": name, "encryptionKey": {"id": key, "type": "KMS"}}
        self.open_store(store, [BUILD, TARGET], [BUILD, TARGET])
        return store

    def open_store(self, store: Data, of_bucket: list[str], of_key: list[str]) -> None:
        """Let accounts use the bucket, and the key."""
        region = store["encryptionKey"]["id"].split(":")[3]
        arn = f"arn:aws:s3:::{store['location']}"
        self.lab.client("s3", BUILD, region).put_bucket_policy(
            Bucket=store["location"],
            Policy=document(
                statement("s3:*", resource=[arn, f"{arn}/*"], Principal={"AWS": of_bucket})
            ),
        )
        self.lab.client("kms", BUILD, region).put_key_policy(
            KeyId=store["encryptionKey"]["id"],
            PolicyName="default",
            Policy=document(statement("kms:*", Principal={"AWS": of_key})),
        )

    def declaration(self, *, approval: bool = False, mode: str = "QUEUED") -> Data:
        replace = self._deploy("prepare", 1, "CHANGE_SET_REPLACE")
        replace["configuration"] |= {
            "RoleArn": self.role(TARGET, "stacks"),
            "TemplatePath": f"build::{TEMPLATE}",
        }
        replace["inputArtifacts"] = [{"name": "build"}]
        approve = [action("approve", "Approval", "Manual", runOrder=2)] if approval else []
        return {
            "name": self.name,
            "roleArn": self.role(BUILD, "pipeline"),
            "pipelineType": "V2",
            "executionMode": mode,
            "artifactStores": copy.deepcopy(self.stores),
            "stages": [
                {"name": "Source", "actions": [self.source()]},
                {
                    "name": "Deploy",
                    "actions": [
                        replace, *approve, self._deploy("execute", 3, "CHANGE_SET_EXECUTE")
                    ],
                },
            ],
        }  # fmt: skip

    def source(self) -> Data:
        return action(
            "build",
            "Source",
            "S3",
            configuration={
                "S3Bucket": self.builds,
                "S3ObjectKey": "build.zip",
                "PollForSourceChanges": "false",
            },
            outputArtifacts=[{"name": "build"}],
        )

    def _deploy(self, name: str, order: int, mode: str) -> Data:
        return action(
            name,
            "Deploy",
            "CloudFormation",
            runOrder=order,
            region=AWAY,
            roleArn=self.role(TARGET, "deploy"),
            configuration={
                "ActionMode": mode,
                "StackName": self.stack,
                "ChangeSetName": "release",
            },
        )

    def upload(self, text: str = "", key: str = "build.zip") -> str:
        """Upload a build; its version."""
        s3 = self.lab.client("s3", BUILD, HOME)
        body = zipped({TEMPLATE: text or template()})
        return str(s3.put_object(Bucket=self.builds, Key=key, Body=body)["VersionId"])

    def create(self, declaration: Data | None = None) -> str:
        """Make the pipeline, which starts it; the execution's id."""
        self.client.create_pipeline(pipeline=declaration or self.declaration())
        return self.executions()[0]

    def start(self, **more: Any) -> str:
        answer = self.client.start_pipeline_execution(name=self.name, **more)
        return str(answer["pipelineExecutionId"])

    def executions(self) -> list[str]:
        """The ids of all executions, newest first."""
        found = self.client.list_pipeline_executions(pipelineName=self.name)
        return [one["pipelineExecutionId"] for one in found["pipelineExecutionSummaries"]]

    def execution(self, execution_id: str) -> Data:
        answer = self.client.get_pipeline_execution(
            pipelineName=self.name, pipelineExecutionId=execution_id
        )
        return dict(answer["pipelineExecution"])

    def ended(self, execution_id: str) -> str:
        """Wait for the end of an execution; its status."""
        self._wait_for(lambda: self.execution(execution_id)["status"] in _OVER)
        return str(self.execution(execution_id)["status"])

    def run(self, execution_id: str) -> dict[str, Data]:
        """What became of each action of an execution, the last attempt at it."""
        found = self.client.list_action_executions(
            pipelineName=self.name, filter={"pipelineExecutionId": execution_id}
        )["actionExecutionDetails"]
        return {one["actionName"]: one for one in reversed(found)}

    def token(self) -> str:
        """The token of the approval that waits; empty when none does."""
        state = self.client.get_pipeline_state(name=self.name)
        return next(
            (
                one["latestExecution"]["token"]
                for stage in state["stageStates"]
                for one in stage["actionStates"]
                if "token" in one.get("latestExecution", {})
            ),
            "",
        )

    def answer(self, status: str = "Approved", client: Any = None) -> None:
        """Wait for the question, and answer it."""
        self._wait_for(lambda: bool(self.token()))
        (client or self.client).put_approval_result(
            pipelineName=self.name,
            stageName="Deploy",
            actionName="approve",
            result={"summary": "as we said", "status": status},
            token=self.token(),
        )

    def _wait_for(self, true: Callable[[], bool]) -> None:
        """Look at each change of the pipeline, until it is true."""
        deadline = time.monotonic() + _SECONDS
        seen = self.lab.pipeline_progress(self.name)
        while not true():
            assert time.monotonic() < deadline, "it did not happen in time"
            seen = self.lab.pipeline_progress(self.name, seen=seen)

    def display(self) -> str:
        """What the deployed stack holds."""
        stacks = self.lab.client("cloudformation", TARGET, AWAY)
        (resource,) = stacks.describe_stack_resources(StackName=self.stack)["StackResources"]
        topic = self.lab.client("sns", TARGET, AWAY).get_topic_attributes(
            TopicArn=resource["PhysicalResourceId"]
        )
        return str(topic["Attributes"]["DisplayName"])


def failed(run: dict[str, Data]) -> tuple[str, str, str]:
    """The stage, the action and the message of the action that failed."""
    (one,) = (one for one in run.values() if one["status"] == "Failed")
    details = one["output"]["executionResult"]["errorDetails"]
    return one["stageName"], one["actionName"], details["message"]


def wait_for(true: Callable[[], bool], *, seconds: float = _SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def names(found: Iterable[Data]) -> set[str]:
    return {one["name"] for one in found}


__all__ = (
    "AWAY",
    "BUILD",
    "HOME",
    "TARGET",
    "World",
    "action",
    "document",
    "failed",
    "names",
    "statement",
    "template",
    "wait_for",
    "zipped",
)
