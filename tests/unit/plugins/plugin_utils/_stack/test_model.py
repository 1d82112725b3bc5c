# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a stack is compared with: values as CloudFormation keeps them, and every difference."""

from __future__ import annotations

import dataclasses
import datetime
import json
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.diff import (
    difference_text,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.model import (
    Desired,
    Difference,
    Found,
    differences,
    parameter_value,
)

TEMPLATE = """\
Parameters:
  Days: {Type: Number, Default: 365}
  Accounts: {Type: CommaDelimitedList, Default: ''}
  Password: {Type: String, NoEcho: true}
Resources:
  Topic: {Type: AWS::SNS::Topic}
"""
POLICY = {"Statement": [{"Effect": "Deny", "Action": "Update:Delete", "Principal": "*"}]}

WANTED = Desired(
    name="CrossAccountRegional",
    template=TEMPLATE,
    parameters={"Days": "365", "Accounts": "222222222222", "Password": "open sesame"},
    tags={"application": "pipeline"},
)
FOUND = Found(
    stack_id="arn:aws:cloudformation:eu-west-1:111111111111:stack/CrossAccountRegional/1",
    name="CrossAccountRegional",
    status="CREATE_COMPLETE",
    parameters={"Days": "365", "Accounts": "222222222222", "Password": "****"},
    tags={"application": "pipeline"},
    outputs={},
)


def what_differs(
    desired: Desired = WANTED,
    found: Found = FOUND,
    template: str | dict[str, Any] = TEMPLATE,
    policy: dict[str, Any] | None = None,
) -> list[Difference]:
    return differences(desired, found, found_template=template, found_policy=policy)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("text", "text"),
        ("", ""),
        ("a,b", "a,b"),
        (365, "365"),
        (1.5, "1.5"),
        (True, "true"),
        (False, "false"),
        ([], ""),
        (["b", "a"], "b,a"),
        (("a", 1, True), "a,1,true"),
        ("x" * 4_096, "x" * 4_096),
    ],
)
def test_a_parameter_is_the_text_that_cloudformation_keeps(value: object, text: str) -> None:
    assert parameter_value("Name", value) == text


USE = "Use text, a number, a boolean or a list of them"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (["a", "b,c"], "parameter Name: an item of its list contains a comma"),
        ([["a", "b"]], "parameter Name: an item of its list contains a comma"),
        (
            {"a": 1},
            f"parameter Name: its value is a mapping. {USE}",
        ),
        (
            [{"a": 1}],
            f"parameter Name: its value is a mapping. {USE}",
        ),
        (
            None,
            f"parameter Name: its value is null. {USE}",
        ),
        ("x" * 4_097, "parameter Name: its value has 4097 bytes, and CloudFormation allows 4096"),
        (
            "\u00e9" * 2_049,
            "parameter Name: its value has 4098 bytes, and CloudFormation allows 4096",
        ),
        (
            ["222222222222"] * 316,
            "parameter Name: its value has 4107 bytes, and CloudFormation allows 4096",
        ),
    ],
)
def test_what_no_parameter_can_hold_is_refused(value: object, message: str) -> None:
    with pytest.raises(PipelineError) as caught:
        parameter_value("Name", value)

    assert str(caught.value) == message


def test_a_description_becomes_plain_data() -> None:
    found = Found.from_description(
        {
            "StackId": "arn:1",
            "StackName": "One",
            "StackStatus": "UPDATE_ROLLBACK_COMPLETE",
            "StackStatusReason": "The following resource(s) failed",
            "Parameters": [{"ParameterKey": "Days", "ParameterValue": "365"}],
            "Tags": [{"Key": "application", "Value": "pipeline"}],
            "Outputs": [{"OutputKey": "KeyArn", "OutputValue": "arn:key"}],
            "EnableTerminationProtection": True,
            "LastUpdatedTime": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        }
    )

    assert found == Found(
        stack_id="arn:1",
        name="One",
        status="UPDATE_ROLLBACK_COMPLETE",
        status_reason="The following resource(s) failed",
        parameters={"Days": "365"},
        tags={"application": "pipeline"},
        outputs={"KeyArn": "arn:key"},
        termination_protection=True,
        updated="2026-01-01 00:00:00+00:00",
    )


def test_a_json_template_is_shown_as_text() -> None:
    other = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}

    (difference,) = what_differs(template=other)

    assert difference_text(difference, {})[0] == json.dumps(other, indent=2)


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({"Days": "90", "Accounts": "222222222222", "Password": "x"}, id="a value"),
        pytest.param({"Days": "365", "Accounts": "", "Password": "x"}, id="an emptied list"),
    ],
)
def test_another_parameter_differs(parameters: dict[str, str]) -> None:
    desired = dataclasses.replace(WANTED, parameters=parameters)

    assert what_differs(desired) == [
        Difference(what="parameters", before=FOUND.parameters, after=parameters)
    ]


def test_a_parameter_that_the_stack_does_not_have_yet_differs() -> None:
    found = dataclasses.replace(FOUND, parameters={"Days": "365", "Password": "****"})

    (difference,) = what_differs(found=found)

    assert difference.what == "parameters"


@pytest.mark.parametrize(
    ("found_days", "differs"),
    [pytest.param("365", [], id="at its default"), pytest.param("90", ["parameters"], id="not")],
)
def test_a_parameter_left_out_is_wanted_at_the_default(found_days: str, differs: list[str]) -> None:
    desired = dataclasses.replace(WANTED, parameters={"Accounts": "222222222222", "Password": "x"})
    found = dataclasses.replace(FOUND, parameters={**FOUND.parameters, "Days": found_days})

    assert [one.what for one in what_differs(desired, found)] == differs


def test_a_secret_is_never_seen_to_differ() -> None:
    desired = dataclasses.replace(
        WANTED, parameters={**WANTED.parameters, "Password": "something else"}
    )

    assert what_differs(desired) == []


@pytest.mark.parametrize(
    ("wanted_policy", "found_policy", "differs"),
    [
        pytest.param(None, None, False, id="none desired, none found"),
        pytest.param(None, POLICY, False, id="none desired leaves what there is"),
        pytest.param(POLICY, POLICY, False, id="the same"),
        pytest.param(POLICY, None, True, id="missing"),
        pytest.param(POLICY, {"Statement": []}, True, id="another"),
    ],
)
def test_a_stack_policy_differs_where_one_is_desired(
    wanted_policy: dict[str, Any] | None, found_policy: dict[str, Any] | None, differs: bool
) -> None:
    desired = dataclasses.replace(WANTED, stack_policy=wanted_policy)

    expected = [Difference(what="stack_policy", before=found_policy, after=wanted_policy)]
    assert what_differs(desired, policy=found_policy) == (expected if differs else [])
