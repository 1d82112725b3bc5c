# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many stacks read at once: arguments, order, errors as data."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.action import stack_outputs_info

from tests.fakes.gateway import FakeGateway, Install
from tests.fakes.harness import run_action
from tests.fakes.service import refuse

BUILD, DEPLOY, OTHER = "111111111111", "222222222222", "333333333333"


@pytest.fixture
def stacks(install: Install) -> FakeGateway:
    return install(stack_outputs_info)


def read(targets: Any, **options: Any) -> dict[str, Any]:
    given = {"targets": targets, "sts_region": "us-east-1", **options}
    return run_action(stack_outputs_info.ActionModule, given)


def target(account_id: str, region: str = "us-east-1", **more: Any) -> dict[str, Any]:
    return {"account_id": account_id, "region": region, "stack_name": "One", **more}


def test_each_stack_is_told_or_why_it_could_not_be_read(stacks: FakeGateway) -> None:
    found = stacks.region(DEPLOY, "eu-west-1").add(
        "UPDATE_COMPLETE",
        outputs={"KeyArn": "arn:key"},
        parameters={"Days": "365"},
        tags={"application": "pipeline"},
    )
    stacks.errors[OTHER] = "refused"
    stacks.region(BUILD, "eu-west-1").before(
        "DescribeStacks", refuse("Throttling", "Rate exceeded")
    )

    result = read(
        [
            target(DEPLOY, "eu-west-1", name="development"),
            target(DEPLOY),
            target(OTHER, name="testing"),
            target(BUILD, "eu-west-1"),
        ]
    )

    assert result == {
        "changed": False,
        "caller_account_id": BUILD,
        "tagged": [],
        "stacks": [
            {
                "name": "development",
                "account_id": DEPLOY,
                "region": "eu-west-1",
                "stack_name": "One",
                "exists": True,
                "stack_id": found.stack_id,
                "status": "UPDATE_COMPLETE",
                "outputs": {"KeyArn": "arn:key"},
                "parameters": {"Days": "365"},
                "tags": {"application": "pipeline"},
            },
            {
                "name": "One",
                "account_id": DEPLOY,
                "region": "us-east-1",
                "stack_name": "One",
                "exists": False,
            },
            {
                "name": "testing",
                "account_id": OTHER,
                "region": "us-east-1",
                "stack_name": "One",
                "error": "refused",
            },
            {
                "name": "One",
                "account_id": BUILD,
                "region": "eu-west-1",
                "stack_name": "One",
                "error": (
                    "Failed to describe the stack: An error occurred (Throttling) when calling the"
                    " DescribeStacks operation: Rate exceeded"
                ),
            },
        ],
    }


TAG = "crossaccount:group"


@pytest.mark.parametrize("page_size", [100, 1])
def test_stacks_that_carry_the_tag_are_told_beside_the_targets(
    stacks: FakeGateway, page_size: int
) -> None:
    region = stacks.region(BUILD, "eu-west-1")
    region.page_size = page_size
    region.add("UPDATE_COMPLETE", "Old", tags={TAG: "regional"})
    region.add("UPDATE_COMPLETE", "One", tags={TAG: "regional"}, outputs={"KeyArn": "arn:key"})
    region.add("UPDATE_COMPLETE", "Foreign", tags={"application": TAG})
    region.add("DELETE_COMPLETE", "Gone", tags={TAG: "regional"})
    region.add("ROLLBACK_COMPLETE", "Older", tags={TAG: ""})
    stacks.region(BUILD, "us-east-1").add("UPDATE_COMPLETE", "Third", tags={TAG: "primary"})
    stacks.errors[OTHER] = "refused"

    result = read(
        [target(BUILD, "eu-west-1", name="eu-west-1"), target(BUILD), target(OTHER)], tag=TAG
    )

    assert result["tagged"] == [
        {"account_id": BUILD, "region": region, "stack_name": name, "value": value}
        for region, name, value in (
            ("eu-west-1", "Old", "regional"),
            ("eu-west-1", "Older", ""),
            ("us-east-1", "Third", "primary"),
        )
    ]
    assert [one.get("outputs", one.get("error")) for one in result["stacks"]] == [
        {"KeyArn": "arn:key"},
        None,
        "refused",
    ]
    assert [one.get("exists") for one in result["stacks"]] == [True, False, None]
    assert not any("tagged" in one for one in result["stacks"])


def test_a_list_of_stacks_that_cannot_be_read_is_an_error_of_its_target(
    stacks: FakeGateway,
) -> None:
    stacks.region(BUILD, "us-east-1").before("DescribeStacks", refuse("AccessDenied", "no"))

    result = read([target(BUILD), target(DEPLOY)], tag=TAG)

    assert [one.get("error") for one in result["stacks"]] == [
        (
            "Failed to list the stacks: An error occurred (AccessDenied) when calling the"
            " DescribeStacks operation: no"
        ),
        None,
    ]
    assert result["tagged"] == []
