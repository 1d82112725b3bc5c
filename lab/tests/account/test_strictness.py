# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opt-in regions of an account. MiniStack alone has every region on for everybody."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from lab import Lab
from lab.tests.roles import ACCOUNT, Caller

OPT_IN = "eu-south-1"


def test_a_region_that_is_off_refuses_the_accounts_credentials(lab: Lab, caller: Caller) -> None:
    caller.may("cloudformation:*", "account:GetRegionOptStatus")
    regions = lab.client("account", ACCOUNT)
    there = caller.clients.client("cloudformation", region=OPT_IN, credentials=caller.credentials)
    there.describe_stacks()
    regions.disable_region(RegionName=OPT_IN)
    asked = caller.client("account")
    assert asked.get_region_opt_status(RegionName=OPT_IN)["RegionOptStatus"] == "DISABLED"
    with pytest.raises(ClientError, match="security token included in the request is invalid"):
        there.describe_stacks()
    caller.client("cloudformation").describe_stacks()
    regions.enable_region(RegionName=OPT_IN)
    there.describe_stacks()


def test_a_region_of_everybody_stays_on(lab: Lab) -> None:
    with pytest.raises(ClientError, match="enabled by default"):
        lab.client("account", ACCOUNT).disable_region(RegionName="eu-west-1")


def test_the_state_of_a_region_is_asked_with_a_permission(caller: Caller) -> None:
    caller.may("cloudformation:*")
    with pytest.raises(ClientError, match="account:GetRegionOptStatus"):
        caller.client("account").get_region_opt_status(RegionName=OPT_IN)
