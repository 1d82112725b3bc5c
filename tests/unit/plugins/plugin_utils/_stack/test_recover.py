# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deleting first deployments that failed, and nothing else."""

from __future__ import annotations

import json

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.api import StackApi
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.recover import (
    Recovery,
    delete_with_role,
    plan_recovery,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.status import (
    STATUSES,
    Verdict,
)

from tests.fakes.clock import Clock
from tests.fakes.cloudformation import FakeCloudFormation, event

ROLE = "CrossAccountCloudFormation"
ROLE_ARN = f"arn:aws:iam::111111111111:role/{ROLE}"
FAILED = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"}
AT_REST = [
    status for status, verdict in STATUSES.items() if verdict not in (Verdict.ABSENT, Verdict.BUSY)
]


@pytest.fixture
def aws() -> FakeCloudFormation:
    return FakeCloudFormation()


def plan(aws: FakeCloudFormation) -> Recovery:
    return plan_recovery(StackApi(aws.client), "One", role_name=ROLE, patience=Clock().patience())


@pytest.mark.parametrize("status", AT_REST)
def test_only_what_was_never_complete_is_deleted(aws: FakeCloudFormation, status: str) -> None:
    aws.add(status, role_arn=ROLE_ARN)

    assert (not plan(aws).refusal) is (status in FAILED)
    assert aws.writes == []


@pytest.mark.parametrize(
    ("role_arn", "protected", "refusal"),
    [
        ("", False, f"no pipeline deployed it: its role is not {ROLE}"),
        (ROLE_ARN.replace("Cross", "Other"), False, "no pipeline deployed it"),
        (ROLE_ARN, True, "it has termination protection"),
    ],
)
def test_stacks_of_others_are_left_alone(
    aws: FakeCloudFormation, role_arn: str, protected: bool, refusal: str
) -> None:
    aws.add("ROLLBACK_COMPLETE", role_arn=role_arn, protected=protected)

    assert refusal in plan(aws).refusal


def test_what_the_deletion_retains_is_found(aws: FakeCloudFormation) -> None:
    policies = {"Table": "Retain", "Store": "RetainExceptOnCreate", "Topic": "Delete"}
    aws.add(
        "ROLLBACK_FAILED",
        role_arn=ROLE_ARN,
        template=json.dumps(
            {"Resources": {name: {"DeletionPolicy": policy} for name, policy in policies.items()}}
        ),
        resources=[
            {
                "LogicalResourceId": name,
                "ResourceType": "AWS::Any::Thing",
                "ResourceStatus": "CREATE_COMPLETE",
                "PhysicalResourceId": f"{name}-1",
            }
            for name in policies
        ],
    )

    assert plan(aws).retained == ("Table (Table-1)", "Store (Store-1)")


def test_it_is_deleted_with_the_role_that_made_it(aws: FakeCloudFormation) -> None:
    stack = aws.add("ROLLBACK_COMPLETE", role_arn=ROLE_ARN)
    found = plan(aws).found
    assert found is not None

    delete_with_role(StackApi(aws.client), found, role_name=ROLE, patience=Clock().patience())

    assert aws.left == {}
    [request] = [request for operation, request in aws.calls if operation == "DeleteStack"]
    assert request == {"StackName": stack.stack_id, "RoleARN": ROLE_ARN}


def test_a_deletion_that_fails_is_reported(aws: FakeCloudFormation) -> None:
    stack = aws.add("ROLLBACK_COMPLETE", role_arn=ROLE_ARN)
    aws.endings["delete"] = ["DELETE_IN_PROGRESS", "DELETE_FAILED"]
    aws.stories["delete"] = [
        event("DELETE_FAILED", "Bucket", "AWS::S3::Bucket", "not empty"),
        event("DELETE_IN_PROGRESS"),
    ]
    found = plan(aws).found
    assert found is not None

    with pytest.raises(PipelineError, match=r"DELETE_FAILED.*not empty"):
        delete_with_role(StackApi(aws.client), found, role_name=ROLE, patience=Clock().patience())
    assert aws.left == {stack.name: "DELETE_FAILED"}
