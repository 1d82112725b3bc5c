# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists of stacks that are read once. Talks to stand-ins that answer through botocore's clients."""

from __future__ import annotations

from typing import cast

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.gateway import Gateway
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.listing import Listings

from tests.fakes.gateway import FakeGateway
from tests.fakes.service import refuse

HOME = {"account_id": "111111111111", "region": "us-east-1"}
AWAY = HOME | {"region": "eu-west-1"}


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway({})


def listings_of(gateway: FakeGateway) -> Listings:
    """Return the lists of the accounts that *gateway* opens."""
    return Listings(cast("Gateway", gateway))


def test_each_region_is_listed_once(gateway: FakeGateway) -> None:
    home = gateway.region(HOME["account_id"], HOME["region"])
    home.add(name="One")
    home.add(name="Two")
    listings = listings_of(gateway)

    assert sorted(listings.of(HOME)) == ["One", "Two"]
    found = listings.find(HOME, "Two")
    assert found is not None
    assert found.name == "Two"
    assert listings.find(HOME, "Three") is None
    assert listings.of(AWAY) == {}
    assert home.asked == ["DescribeStacks"]


def test_a_stack_is_read_by_its_name_where_nobody_may_list(gateway: FakeGateway) -> None:
    home = gateway.region(HOME["account_id"], HOME["region"])
    home.add(name="One")
    home.before("DescribeStacks", refuse("AccessDenied", "not allowed"))
    listings = listings_of(gateway)

    found = listings.find(HOME, "One")

    assert found is not None
    with pytest.raises(PipelineError, match="not allowed"):
        listings.of(HOME)
    assert home.asked == ["DescribeStacks", "DescribeStacks"]


def test_an_account_that_cannot_be_opened_has_no_stacks(gateway: FakeGateway) -> None:
    gateway.errors[HOME["account_id"]] = "it is closed"

    with pytest.raises(PipelineError, match="it is closed"):
        listings_of(gateway).find(HOME, "One")
