# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The template that a comparison and an inspection share belongs to the detection that runs.

Talks to stand-ins that answer through real clients of botocore.
"""

from __future__ import annotations

from typing import cast

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.gateway import Gateway
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.run import (
    Fleet,
    begin_inspections,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.listing import Listings

from tests.fakes.clock import Clock
from tests.fakes.drift import FakeDrift
from tests.fakes.gateway import FakeGateway

BUILD = "111111111111"
OLD, NEW = "Resources: {}\n", "# new\nResources: {}\n"


@pytest.fixture
def region() -> FakeDrift:
    """A region that detects drift."""
    return FakeDrift()


def begin(region: FakeDrift, *names: str) -> Fleet:
    """Begin to inspect these stacks."""
    fake = FakeGateway({})
    fake.regions[BUILD, "us-east-1"] = region
    gateway = cast("Gateway", fake)
    return begin_inspections(
        [
            {"name": name, "account_id": BUILD, "region": "us-east-1", "stack_name": name}
            for name in names
        ],
        gateway,
        policies=True,
        listings=Listings(gateway),
    )


def finish(fleet: Fleet) -> list[str | None]:
    """Follow the inspections to their ends; return their errors."""
    return [stack["error"] for stack in fleet.finish(Clock().patience()).stacks]


def test_it_is_read_once_while_the_detection_runs(region: FakeDrift) -> None:
    region.add(template=OLD)

    fleet = begin(region, "One")

    assert fleet.template("One") == OLD
    assert finish(fleet) == [None]
    reads = ["DescribeStacks", "DetectStackDrift", "GetTemplate"]
    assert [call for call in region.asked if call in reads] == reads


@pytest.mark.parametrize("taken", ["by an operation", "by a detection"])
def test_one_from_before_a_detection_is_not_used(region: FakeDrift, taken: str) -> None:
    stack = region.add(template=OLD)
    if taken == "by an operation":
        stack.status, stack.coming = "UPDATE_IN_PROGRESS", ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]
    else:
        region.busy["One"] = 1

    fleet = begin(region, "One")

    assert fleet.template("One") is None
    stack.template = NEW
    assert finish(fleet) == [None]
    assert region.asked.count("GetTemplate") == 1
    assert region.asked.index("GetTemplate") > region.asked.index("DetectStackDrift")


def test_a_stack_that_waits_for_its_turn_has_none(region: FakeDrift) -> None:
    names = [f"Stack{number}" for number in range(11)]
    for name in names:
        region.add(name=name)

    fleet = begin(region, *names)

    assert [fleet.template(name) for name in names].count(None) == 1
    assert finish(fleet) == [None] * 11
    assert region.asked.count("GetTemplate") == 11


def test_a_missing_stack_has_none(region: FakeDrift) -> None:
    fleet = begin(region, "One")

    assert fleet.template("One") is None
    assert fleet.template("Another") is None
    assert region.asked == ["DescribeStacks"]
