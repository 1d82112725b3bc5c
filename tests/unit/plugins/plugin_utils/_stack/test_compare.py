# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stack found beside the stack desired, on a stub: what is read, and what is told of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.api import StackApi
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.compare import (
    Comparison,
    compare,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.diff import describe
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.model import Desired
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.status import (
    STATUSES,
    Verdict,
)

from tests.fakes.cloudformation import FakeCloudFormation

BUILD, OTHER = "111111111111", "222222222222"
TEMPLATE = """\
Parameters:
  Accounts: {Type: CommaDelimitedList}
  Days: {Type: Number}
  Password: {Type: String, NoEcho: true}
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: !Sub "${AWS::StackName}-bucket"
      VersioningConfiguration: {Status: Enabled}
"""
WANTED = Desired(
    name="One",
    template=TEMPLATE,
    parameters={"Accounts": "111111111111,222222222222", "Days": "365", "Password": "open-sesame"},
    tags={"application": "pipeline", "team": "platform"},
    termination_protection=True,
)
AS_WANTED: dict[str, Any] = {
    "template": TEMPLATE,
    "parameters": WANTED.parameters | {"Password": "****"},
    "tags": WANTED.tags,
    "protected": True,
}
OPERATIONS = {
    Verdict.ABSENT: "create",
    Verdict.REVIEW: "create",
    Verdict.SETTLED: "none",
    Verdict.DISCARD: "repair",
    Verdict.CONTINUE: "repair",
    Verdict.ROLL_BACK: "repair",
    Verdict.BLOCKED: "repair",
}


@pytest.fixture
def aws() -> FakeCloudFormation:
    return FakeCloudFormation()


def compared(aws: FakeCloudFormation, desired: Desired = WANTED) -> Comparison:
    return compare(StackApi(aws.client), desired)


def lines(comparison: Comparison, template: str = TEMPLATE) -> list[tuple[Any, ...]]:
    found = describe(comparison.differences, template)
    return [(one["what"], one["name"], one["before"], one["after"]) for one in found]


def test_an_equal_stack_costs_two_reads(aws: FakeCloudFormation) -> None:
    aws.add(**AS_WANTED)

    comparison = compared(aws)

    assert (comparison.operation, comparison.differences) == ("none", ())
    assert aws.asked == ["DescribeStacks", "GetTemplate"]


@pytest.mark.parametrize("status", [one for one in STATUSES if STATUSES[one] is not Verdict.BUSY])
def test_every_status_has_its_operation_and_nothing_is_written(
    aws: FakeCloudFormation, status: str
) -> None:
    aws.add(status, **AS_WANTED)

    assert compared(aws).operation == OPERATIONS[STATUSES[status]]
    assert aws.writes == []


def test_a_stack_that_does_not_exist_would_be_created(aws: FakeCloudFormation) -> None:
    assert compared(aws) == Comparison(operation="create")


@pytest.mark.parametrize("status", [one for one in STATUSES if STATUSES[one] is Verdict.BUSY])
def test_a_running_operation_is_neither_waited_for_nor_compared(
    aws: FakeCloudFormation, status: str
) -> None:
    aws.add(status, **AS_WANTED)

    assert compared(aws).operation == "wait"
    assert aws.asked == ["DescribeStacks"]


def test_each_difference_is_told_by_itself(aws: FakeCloudFormation) -> None:
    changed = TEMPLATE.replace("Enabled", "Suspended").replace("bucket", "store")
    aws.add(
        template=changed,
        parameters={"Accounts": "111111111111", "Days": "90", "Password": "****"},
        tags={"application": "pipeline", "owner": "me"},
    )

    comparison = compared(aws)

    properties = "Resources.Bucket.Properties"
    assert comparison.operation == "update"
    assert lines(comparison) == [
        (
            "template",
            f"{properties}.BucketName",
            '{\n  "Fn::Sub": "${AWS::StackName}-store"\n}',
            '{\n  "Fn::Sub": "${AWS::StackName}-bucket"\n}',
        ),
        ("template", f"{properties}.VersioningConfiguration.Status", "Suspended", "Enabled"),
        ("parameters", "Accounts", "111111111111", "111111111111\n222222222222"),
        ("parameters", "Days", "90", "365"),
        ("tags", "owner", "me", None),
        ("tags", "team", None, "platform"),
        ("termination_protection", "TerminationProtection", "false", "true"),
    ]


def test_a_secret_is_never_told(aws: FakeCloudFormation) -> None:
    template = TEMPLATE.replace("  Password: {Type: String, NoEcho: true}\n", "")
    parameters = {name: WANTED.parameters[name] for name in ("Accounts", "Days")}
    aws.add(**AS_WANTED | {"template": template, "parameters": parameters})

    assert lines(compared(aws)) == [
        (
            "template",
            "Parameters.Password",
            None,
            '{\n  "NoEcho": true,\n  "Type": "String"\n}',
        ),
        ("parameters", "Password", None, "****"),
    ]


def test_a_stack_policy_is_read_where_one_is_desired(aws: FakeCloudFormation) -> None:
    aws.add(**AS_WANTED)
    policy: dict[str, Any] = {"Statement": []}

    comparison = compared(aws, dataclasses.replace(WANTED, stack_policy=policy))

    assert aws.asked == ["DescribeStacks", "GetStackPolicy", "GetTemplate"]
    assert lines(comparison) == [
        ("stack_policy", "StackPolicy", None, '{\n  "Statement": []\n}'),
    ]


def test_comments_and_layout_are_no_difference(aws: FakeCloudFormation) -> None:
    aws.add(**AS_WANTED | {"template": f"# Another comment\n{TEMPLATE}"})

    assert compared(aws).operation == "none"


def test_a_difference_of_the_template_knows_the_type_of_its_resource(
    aws: FakeCloudFormation,
) -> None:
    aws.add(**AS_WANTED | {"template": TEMPLATE.replace("Enabled", "Suspended")})

    (one,) = describe(compared(aws).differences, TEMPLATE)

    assert one["resource_type"] == "AWS::S3::Bucket"
