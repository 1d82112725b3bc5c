# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Service control policies. MiniStack alone stores them, and nothing is denied."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab import Lab
from lab.tests.roles import ACCOUNT, Caller

MANAGEMENT = "555555555555"
DENY = {"Effect": "Deny", "Action": "sns:*", "Resource": "*"}


@pytest.fixture
def policy(lab: Lab) -> Iterator[Any]:
    """A policy that denies topics, and Organizations to attach it with."""
    api = lab.client("organizations", MANAGEMENT)
    (root,) = api.list_roots()["Roots"]
    if not root["PolicyTypes"]:
        api.enable_policy_type(RootId=root["Id"], PolicyType="SERVICE_CONTROL_POLICY")
    made = api.create_policy(
        Content=json.dumps({"Version": "2012-10-17", "Statement": [DENY]}),
        Description="",
        Name="topics",
        Type="SERVICE_CONTROL_POLICY",
    )["Policy"]["PolicySummary"]
    yield api, made
    api.delete_policy(PolicyId=made["Id"])


@pytest.mark.parametrize("target", [ACCOUNT, "r-lab0"])
def test_a_policy_of_the_organization_denies(caller: Caller, policy: Any, target: str) -> None:
    caller.may("sns:*", "s3:*")
    api, made = policy
    topics = caller.client("sns")
    topics.list_topics()
    api.attach_policy(PolicyId=made["Id"], TargetId=target)
    try:
        words = f"with an explicit deny in a service control policy: {made['Arn']}"
        with pytest.raises(ClientError, match=words):
            topics.list_topics()
        caller.client("s3").list_buckets()
    finally:
        api.detach_policy(PolicyId=made["Id"], TargetId=target)
    topics.list_topics()


def test_stacks_are_denied_what_their_caller_is(lab: Lab, caller: Caller, policy: Any) -> None:
    caller.may("cloudformation:*", "sns:*")
    api, made = policy
    api.attach_policy(PolicyId=made["Id"], TargetId=ACCOUNT)
    stacks = caller.client("cloudformation")
    body = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    stacks.create_stack(StackName="denied", TemplateBody=body, OnFailure="DO_NOTHING")
    waiter = lab.client("cloudformation", ACCOUNT).get_waiter("stack_create_complete")
    with pytest.raises(Exception, match="CREATE_FAILED"):
        waiter.wait(StackName="denied", WaiterConfig={"Delay": 0.05})
    events = stacks.describe_stack_events(StackName="denied")["StackEvents"]
    api.detach_policy(PolicyId=made["Id"], TargetId=ACCOUNT)
    assert any(
        "service control policy" in event.get("ResourceStatusReason", "") for event in events
    )
