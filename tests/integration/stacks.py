# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One small stack on the lab: brought into any state, and converged by the engine alone."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.patience import Patience
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.api import StackApi
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.converge import (
    Converger,
    Outcome,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.model import Desired

from lab import Lab
from tests.integration.waiting import HANGS, wait_until

Data = dict[str, Any]

ACCOUNT, REGION, NAME = "222222222222", "eu-west-1", "Small"
TOPIC, SECOND_TOPIC = "Topic", "SecondTopic"
BUCKET, KEY, ROLE = "Bucket", "Key", "Role"

_TRUST: Data = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
_KEY_POLICY: Data = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
    ],
}
TOPICS: Data = {
    TOPIC: {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "one"}},
    SECOND_TOPIC: {"Type": "AWS::SNS::Topic", "DependsOn": TOPIC},
}
# What may hold data, and is made before the topics.
DATA: Data = {
    BUCKET: {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "small-data"}},
    KEY: {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": _KEY_POLICY}},
}
GUARDED: Data = {
    **DATA,
    ROLE: {
        "Type": "AWS::IAM::Role",
        "Properties": {"RoleName": "Small", "AssumeRolePolicyDocument": _TRUST},
    },
}


def template(*parts: Data, display_name: str = "one") -> str:
    """A template of topics and these resources; the name of the first topic tells versions."""
    resources = json.loads(json.dumps({**{k: v for part in parts for k, v in part.items()}}))
    first = resources | json.loads(json.dumps(TOPICS))
    first[TOPIC]["Properties"]["DisplayName"] = display_name
    if resources:
        first[TOPIC]["DependsOn"] = sorted(resources)
    return json.dumps({"Resources": first})


class SmallStack:
    """The stack, as the root of its account sees it."""

    def __init__(self, lab: Lab) -> None:
        self.client = lab.client("cloudformation", ACCOUNT, REGION)

    # What somebody does to it

    def create(self, body: str, **options: Any) -> None:
        """Create it, and do not wait."""
        self.client.create_stack(
            StackName=NAME,
            TemplateBody=body,
            Capabilities=["CAPABILITY_NAMED_IAM"],
            **options,
        )

    def update(self, body: str, **options: Any) -> None:
        """Update it, and do not wait."""
        self.client.update_stack(
            StackName=NAME,
            TemplateBody=body,
            Capabilities=["CAPABILITY_NAMED_IAM"],
            **options,
        )

    def review(self, body: str) -> str:
        """Leave a change set that would create it; the change set's ARN."""
        return str(
            self.client.create_change_set(
                StackName=NAME, ChangeSetName="left", ChangeSetType="CREATE", TemplateBody=body
            )["Id"]
        )

    def delete(self, *, retaining: tuple[str, ...] = ()) -> None:
        """Delete it, and do not wait."""
        self.client.delete_stack(StackName=NAME, RetainResources=list(retaining))

    def rests(self, status: str) -> None:
        """Wait until nothing runs, and check that it ended in this status."""
        wait_until(lambda: not self.is_busy, f"{NAME} is {status}")
        assert self.status == status, self.events()

    # What the engine does

    def converge(
        self,
        body: str,
        *,
        seconds: float = HANGS,
        allow_replacement: bool = False,
        check_mode: bool = False,
    ) -> Outcome:
        """What an ordinary run does with it. Raises PipelineError."""
        desired = Desired(
            name=NAME,
            template=body,
            parameters={},
            tags={"application": "small"},
            capabilities=("CAPABILITY_NAMED_IAM",),
        )
        return Converger(
            StackApi(self.client),
            desired,
            patience=Patience(seconds, report=lambda line: None),
            allow_replacement=allow_replacement,
            check_mode=check_mode,
        ).run()

    # What AWS holds

    @property
    def status(self) -> str:
        """Its status; empty where there is none."""
        found = [one for one in self.client.describe_stacks()["Stacks"] if self._is_it(one)]
        return str(found[0]["StackStatus"]) if found else ""

    @property
    def is_busy(self) -> bool:
        """Whether an operation is in progress."""
        status = self.status
        return status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"

    @property
    def stack_id(self) -> str:
        """Its id."""
        return str(self.client.describe_stacks(StackName=NAME)["Stacks"][0]["StackId"])

    def events(self) -> list[tuple[str, str, str]]:
        """Its events, newest first: resource, status, reason."""
        return [
            (one["LogicalResourceId"], one["ResourceStatus"], one.get("ResourceStatusReason", ""))
            for one in self.client.describe_stack_events(StackName=NAME)["StackEvents"]
        ]

    def operations(self) -> list[str]:
        """What was begun on it, newest first: CREATE, UPDATE or the like."""
        return [
            status.removesuffix("_IN_PROGRESS")
            for resource, status, _reason in self.events()
            if resource == NAME and status.endswith("_IN_PROGRESS")
        ]

    def resources(self) -> dict[str, str]:
        """The physical ids of what it holds."""
        # The lab shows a resource that was replaced as deleted, by the event of what it replaced.
        desired = self.template()["Resources"] if self.status.startswith("UPDATE_COMPLETE") else ()
        return {
            one["LogicalResourceId"]: one["PhysicalResourceId"]
            for one in self.client.list_stack_resources(StackName=NAME)["StackResourceSummaries"]
            if one.get("PhysicalResourceId")
            and (one["ResourceStatus"] != "DELETE_COMPLETE" or one["LogicalResourceId"] in desired)
        }

    def template(self) -> Data:
        """Its template."""
        body = self.client.get_template(StackName=NAME)["TemplateBody"]
        return json.loads(body) if isinstance(body, str) else dict(body)

    def change_sets(self) -> list[str]:
        """The change sets of it that were not executed."""
        return [
            one["ChangeSetName"]
            for one in self.client.list_change_sets(StackName=NAME)["Summaries"]
            if not one["ExecutionStatus"].startswith("EXECUTE_")
        ]

    def check_is(self, body: str) -> None:
        """Assert that it stands, complete, as this template says."""
        assert self.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
        assert self.template() == json.loads(body)
        assert self.resources().keys() == json.loads(body)["Resources"].keys()
        assert self.change_sets() == []

    @staticmethod
    def _is_it(stack: Data) -> bool:
        return bool(stack["StackName"] == NAME and stack["StackStatus"] != "DELETE_COMPLETE")


__all__ = ("ACCOUNT", "BUCKET", "DATA", "GUARDED", "KEY", "NAME", "REGION", "ROLE",
           "SECOND_TOPIC", "TOPIC", "TOPICS", "SmallStack", "template")  # fmt: skip
