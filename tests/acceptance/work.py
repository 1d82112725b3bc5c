# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an acceptance run does besides the playbooks: a release, tampering, what AWS holds."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from tests.acceptance.accounts import NAME, Accounts, Sessions

_STACK = f"{NAME}-topic"
_TEMPLATE = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
_ROLE, _POLICY = "CrossAccountCodePipeline", "ByHand"
# Everything that a run makes, by the names of its stacks.
_OURS = ("CrossAccount", NAME)


class Failed(Exception):
    """The run is not as it should be; the message says what."""


class Work:
    """Works as the administrator of each account. seconds: the longest wait."""

    def __init__(
        self, accounts: Accounts, sessions: Sessions, *, pause: float, seconds: float
    ) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._pause = pause
        self._seconds = seconds

    def upload(self) -> str:
        """Upload a release as the uploader; return the version of the object."""
        cloudformation = self._build("cloudformation")
        [stack] = cloudformation.describe_stacks(StackName=f"{NAME}-pipeline")["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        bucket, _slash, prefix = outputs["UploadLocation"].removeprefix("s3://").partition("/")
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("topic.template", json.dumps(_TEMPLATE))
        uploader = self._sessions.in_build(outputs["UploaderRoleArn"])
        answer = uploader.client("s3", self._sessions.region).put_object(
            Bucket=bucket, Key=f"{prefix.rstrip('/')}/application.zip", Body=archive.getvalue()
        )
        return str(answer["VersionId"])

    def release(self) -> dict[str, Any]:
        """Upload, approve where somebody is asked, and wait for the end."""
        pipelines = self._build("codepipeline")
        before = {entry["pipelineExecutionId"] for entry in self._executions(pipelines)}
        self.upload()

        def ended() -> dict[str, Any] | None:
            found = [
                entry
                for entry in self._executions(pipelines)
                if entry["pipelineExecutionId"] not in before
                and entry.get("trigger", {}).get("triggerType") != "CreatePipeline"
            ]
            if not found:
                return None
            self._approve(pipelines)
            return found[0] if found[0]["status"] in ("Succeeded", "Failed", "Stopped") else None

        execution = self._wait(ended, "the release")
        actions = pipelines.list_action_executions(
            pipelineName=NAME, filter={"pipelineExecutionId": execution["pipelineExecutionId"]}
        )["actionExecutionDetails"]
        result = {
            "status": execution["status"],
            "trigger": execution.get("trigger", {}).get("triggerType", ""),
            "actions": [
                {
                    "stage": action["stageName"],
                    "action": action["actionName"],
                    "status": action["status"],
                    "message": str(action.get("output", {}).get("executionResult", {})),
                }
                for action in actions
            ],
        }
        if execution["status"] != "Succeeded":
            raise Failed(f"the release ended as {execution['status']}: {result['actions']}")
        return result

    def tamper(self) -> dict[str, Any]:
        """Do what a drift run must find: a role gets a policy, a key is no longer rotated."""
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        self._iam().put_role_policy(
            RoleName=_ROLE,
            PolicyName=_POLICY,
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [everything]}),
        )
        kms, key_id = self._key()
        kms.disable_key_rotation(KeyId=key_id)
        return {}

    def check_reverted(self) -> None:
        """Raise Failed if any of it is left."""
        if _POLICY in self._iam().list_role_policies(RoleName=_ROLE)["PolicyNames"]:
            raise Failed(f"{_ROLE} still has the policy {_POLICY}")
        kms, key_id = self._key()
        if not kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"]:
            raise Failed("the key is still not rotated")

    def observe(self) -> dict[str, Any]:
        """Return what only AWS can show of what a bootstrap made."""
        kms, key_id = self._key()
        tags = kms.list_resource_tags(KeyId=key_id)["Tags"]
        role = self._iam().get_role(RoleName=_ROLE)["Role"]
        return {
            "tags_of_a_key": sorted(tag["TagKey"] for tag in tags),
            "tags_of_a_role": sorted(tag["Key"] for tag in role.get("Tags", [])),
        }

    def remove_releases(self) -> dict[str, Any]:
        """Delete the stacks that pipelines made, with the role that made them."""
        gone = []
        for client, host, region in self._places("cloudformation"):
            try:
                client.describe_stacks(StackName=_STACK)
            except ClientError as error:
                if "does not exist" not in str(error):
                    raise
                continue
            client.delete_stack(StackName=_STACK)
            client.get_waiter("stack_delete_complete").wait(
                StackName=_STACK, WaiterConfig={"Delay": self._pause, "MaxAttempts": 360}
            )
            gone.append(f"{host} {region}")
        return {"removed": gone}

    def left(self) -> list[str]:
        """Return the stacks of a run that are there."""
        return [
            f"{stack['StackName']} in {host} {region}: {stack['StackStatus']}"
            for client, host, region in self._places("cloudformation")
            for stack in client.get_paginator("describe_stacks")
            .paginate()
            .build_full_result()["Stacks"]
            if stack["StackName"].startswith(_OURS) and stack["StackStatus"] != "DELETE_COMPLETE"
        ]

    def _places(self, service: str) -> list[tuple[Any, str, str]]:
        sessions = {host: self._sessions.installer(host) for host in self._accounts.hosts}
        return [
            (session.client(service, region), host, region)
            for host, session in sessions.items()
            for region in self._accounts.regions
        ]

    def _approve(self, pipelines: Any) -> None:
        for stage in pipelines.get_pipeline_state(name=NAME)["stageStates"]:
            for action in stage["actionStates"]:
                latest = action.get("latestExecution", {})
                if latest.get("status") == "InProgress" and "token" in latest:
                    pipelines.put_approval_result(
                        pipelineName=NAME,
                        stageName=stage["stageName"],
                        actionName=action["actionName"],
                        token=latest["token"],
                        result={"summary": "acceptance", "status": "Approved"},
                    )

    def _executions(self, pipelines: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = pipelines.list_pipeline_executions(pipelineName=NAME)[
            "pipelineExecutionSummaries"
        ]
        return found

    def _build(self, service: str) -> Any:
        return self._sessions.installer("build").client(service, self._sessions.region)

    def _iam(self) -> Any:
        return self._sessions.installer("deploy1").client("iam", self._sessions.region)

    def _key(self) -> tuple[Any, str]:
        """Return KMS and the key of the last region."""
        region = self._accounts.regions[-1]
        alias = (
            "CrossAccountPrimary" if len(self._accounts.regions) == 1 else "CrossAccountRegional"
        )
        kms = self._sessions.installer("build").client("kms", region)
        return kms, kms.describe_key(KeyId=f"alias/{alias}")["KeyMetadata"]["KeyId"]

    def _wait(self, ended: Callable[[], Any], what: str) -> Any:
        deadline = time.monotonic() + self._seconds
        while time.monotonic() < deadline:
            if found := ended():
                return found
            time.sleep(self._pause)
        raise Failed(f"{what} did not end in {self._seconds:.0f} s")


__all__ = ("Failed", "Work")
