# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stack found beside the stack desired, on a stub: what is read, and what is told of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
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
from tests.fakes.service import FakeService

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


# Parameters whose value is the name of one in Parameter Store


class FakeSsm(FakeService):
    """Parameter Store: values by name, with a version where it is asked for."""

    def __init__(self, **values: str) -> None:
        super().__init__("ssm")
        self.values = {f"/{name}": value for name, value in values.items()}

    def _get_parameters(self, Names: list[str]) -> dict[str, Any]:  # noqa: N803
        assert len(Names) <= 10
        there = [name for name in Names if name.partition(":")[0] in self.values]
        return {
            "Parameters": [
                {
                    "Name": name.partition(":")[0],
                    "Selector": "".join(name.partition(":")[1:]),
                    "Value": self.values[name.partition(":")[0]],
                }
                for name in there
            ],
            "InvalidParameters": [name for name in Names if name not in there],
        }


STORED = Desired(
    name="One",
    template="Parameters: {Image: {Type: 'AWS::SSM::Parameter::Value<String>'}}",
    parameters={"Image": "/image:3"},
    tags={},
)


def compare_stored(ssm: FakeSsm, desired: Desired = STORED) -> Comparison:
    aws = FakeCloudFormation()
    aws.add(
        template=STORED.template, parameters={"Image": "/image:3"}, resolved={"Image": "image-1"}
    )
    return compare(StackApi(aws.client, open_ssm=lambda: ssm.clients["ssm"]), desired)


@pytest.mark.parametrize(("value", "operation"), [("image-1", "none"), ("image-2", "update")])
def test_a_stored_parameter_is_compared_by_what_it_stands_for(value: str, operation: str) -> None:
    comparison = compare_stored(FakeSsm(image=value))

    assert comparison.operation == operation
    assert [(item.before, item.after) for item in comparison.differences] == (
        []
        if operation == "none"
        else [({"Image": "/image:3 (image-1)"}, {"Image": "/image:3 (image-2)"})]
    )


def test_another_name_is_shown_as_the_inventory_has_it() -> None:
    desired = dataclasses.replace(STORED, parameters={"Image": "/other"})

    (difference,) = compare_stored(FakeSsm(image="image-2"), desired).differences

    assert (difference.before, difference.after) == ({"Image": "/image:3"}, {"Image": "/other"})


def test_a_stored_parameter_that_is_gone_is_an_error() -> None:
    with pytest.raises(PipelineError, match=r"^the SSM parameters /image:3 do not exist$"):
        compare_stored(FakeSsm())


def test_parameter_store_is_read_in_requests_of_ten() -> None:
    ssm = FakeSsm(**{f"name{number}": str(number) for number in range(23)})
    api = StackApi(FakeCloudFormation().client, open_ssm=lambda: ssm.clients["ssm"])

    found = api.stored_values([f"/name{number}" for number in range(23)])

    assert found["/name22"] == "22"
    assert ssm.asked == ["GetParameters"] * 3
