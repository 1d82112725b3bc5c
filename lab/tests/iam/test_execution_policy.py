# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The execution policy that is shipped is enough for what it covers."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from lab import Lab
from lab.tests.stacks import Stacks, delete, reasons, statements, update

NAME = "execution"
MANAGED = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
# What examples and statements promise: a function with its log and its role, and a topic.
RESOURCES: dict[str, Any] = {
    "Function": {
        "Type": "AWS::Lambda::Function",
        "DependsOn": "Log",
        "Properties": {
            "FunctionName": NAME,
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": {"ZipFile": "def handler(event, context): pass"},
            "Tags": [{"Key": "team", "Value": "one"}],
        },
    },
    "Log": {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {"LogGroupName": f"/aws/lambda/{NAME}", "RetentionInDays": 30},
    },
    "Role": {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "Path": "/application/",
            "Description": "one",
            "ManagedPolicyArns": [MANAGED],
            "AssumeRolePolicyDocument": statements(
                {"Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ),
        },
    },
    "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "one"}},
}


def changed() -> dict[str, Any]:
    """The resources with another trust, retention, description, tag and code."""
    found = copy.deepcopy(RESOURCES)
    trust = found["Role"]["Properties"]["AssumeRolePolicyDocument"]
    trust["Statement"][0]["Condition"] = {"StringEquals": {"aws:SourceAccount": "222222222222"}}
    found["Role"]["Properties"]["Description"] = "two"
    found["Log"]["Properties"]["RetentionInDays"] = 90
    found["Topic"]["Properties"]["DisplayName"] = "two"
    found["Function"]["Properties"]["Code"]["ZipFile"] = "def handler(event, context): return 2"
    found["Function"]["Properties"]["Tags"] = [{"Key": "team", "Value": "two"}]
    return found


@pytest.fixture
def role(lab: Lab, account: str) -> str:
    """A role of CloudFormation with the policy alone."""
    iam = lab.client("iam", account)
    trust = statements(
        {"Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"}
    )
    made = iam.create_role(RoleName="Stacks", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    iam.attach_role_policy(
        RoleName="Stacks", PolicyArn=f"arn:aws:iam::{account}:policy/CrossAccountExecution"
    )
    return str(made["Arn"])


def test_a_stack_is_created_changed_and_deleted(stacks: Stacks, role: str) -> None:
    options = {"RoleARN": role, "Capabilities": ["CAPABILITY_IAM"]}
    assert stacks.create(RESOURCES, **options) == "CREATE_COMPLETE", reasons(stacks)
    assert update(stacks, changed()) == "UPDATE_COMPLETE", reasons(stacks)
    assert delete(stacks) == "DELETE_COMPLETE", reasons(stacks)
