# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stack as a test handles it: begun, watched until it is at rest, looked at."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

# Much longer than anything takes, also on a slow machine.
SECONDS = 60.0
TOPIC = {"Type": "AWS::SNS::Topic"}


class Stacks:
    """One stack, by its name or its id, seen through a CloudFormation client."""

    def __init__(self, api: Any, name: str) -> None:
        self.api = api
        self.name = name

    def create(self, template: str | dict[str, Any], **more: Any) -> str:
        self.api.create_stack(StackName=self.name, TemplateBody=text(template), **more)
        return self.wait()

    def change_set(self, name: str, kind: str, template: str | dict[str, Any], **more: Any) -> Any:
        return self.api.create_change_set(
            StackName=self.name,
            ChangeSetName=name,
            ChangeSetType=kind,
            TemplateBody=text(template),
            Capabilities=["CAPABILITY_NAMED_IAM"],
            **more,
        )

    def execute(self, name: str) -> str:
        self.api.execute_change_set(StackName=self.name, ChangeSetName=name)
        return self.wait()

    def describe(self) -> Any:
        return self.api.describe_stacks(StackName=self.name)["Stacks"][0]

    def status(self) -> str:
        return str(self.describe()["StackStatus"])

    def wait(self) -> str:
        return self.watch()[-1]

    def watch(self) -> list[str]:
        """The statuses seen until the stack is at rest."""
        seen = [self.status()]
        deadline = time.monotonic() + SECONDS
        while seen[-1].endswith("_IN_PROGRESS") and time.monotonic() < deadline:
            time.sleep(0.01)
            status = self.status()
            if status != seen[-1]:
                seen.append(status)
        return seen

    def events(self) -> list[tuple[str, str]]:
        events = self.api.describe_stack_events(StackName=self.name)["StackEvents"]
        return [(event["LogicalResourceId"], event["ResourceStatus"]) for event in events][::-1]

    def physical_id(self, logical_id: str) -> str:
        detail = self.api.describe_stack_resource(
            StackName=self.name, LogicalResourceId=logical_id
        )["StackResourceDetail"]
        return str(detail["PhysicalResourceId"])


def text(template: str | dict[str, Any]) -> str:
    return template if isinstance(template, str) else json.dumps({"Resources": template})


def parameters(**values: str) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


def refused(call: Callable[[], object]) -> str:
    """The message that a call is refused with."""
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


def statements(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **part} for part in parts]}


def key_policy(principal: str, *actions: str) -> dict[str, Any]:
    return statements({"Principal": {"AWS": principal}, "Action": list(actions), "Resource": "*"})


def another(stacks: Stacks) -> Stacks:
    return Stacks(stacks.api, f"{stacks.name}-2")


def topic(text_: str, **more: Any) -> dict[str, Any]:
    return {**TOPIC, "Properties": {"DisplayName": text_}, **more}


def reasons(stacks: Stacks, *statuses: str) -> str:
    """Why resources, or the stack, came into one of the statuses; by default, a failed one."""
    events = stacks.api.describe_stack_events(StackName=stacks.name)["StackEvents"]
    return " ".join(
        event.get("ResourceStatusReason", "")
        for event in events
        if event["ResourceStatus"] in statuses
        or (not statuses and event["ResourceStatus"].endswith("_FAILED"))
    )


def shown(stacks: Stacks) -> dict[str, str]:
    """The resources that ListStackResources shows, with their status."""
    listed = stacks.api.list_stack_resources(StackName=stacks.name)["StackResourceSummaries"]
    return {item["LogicalResourceId"]: item["ResourceStatus"] for item in listed}


def update(stacks: Stacks, template: str | dict[str, Any], **more: Any) -> str:
    name = f"update-{time.monotonic_ns()}"
    stacks.change_set(name, "UPDATE", template)
    stacks.api.execute_change_set(StackName=stacks.name, ChangeSetName=name, **more)
    return stacks.wait()


def delete(stacks: Stacks, **more: Any) -> str:
    """Delete the stack, and look at it by its id from then on."""
    stack_id = str(stacks.describe()["StackId"])
    stacks.api.delete_stack(StackName=stack_id, **more)
    stacks.name = stack_id
    deadline = time.monotonic() + SECONDS
    while stacks.status() != "DELETE_COMPLETE" and time.monotonic() < deadline:
        if stacks.status() == "DELETE_FAILED" and "RetainResources" not in more:
            break
        time.sleep(0.01)
    return stacks.status()


DENIED = ("AccessDenied", "AccessDeniedException", "KMSAccessDenied", "403")


def allowed(call: Callable[[], object]) -> bool:
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] not in DENIED:
            raise
        return False
    return True


def eventually(find: Callable[[], Any]) -> Any:
    """What is found, once something is."""
    deadline = time.monotonic() + SECONDS
    while not (found := find()):
        assert time.monotonic() < deadline, "it was not found"
        time.sleep(0.01)
    return found
