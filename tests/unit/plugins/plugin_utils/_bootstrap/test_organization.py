# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policies that admit an organization: who changes when accounts come, go and are quarantined."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.run import Run

from tests.fakes.bootstrap import World
from tests.fakes.inventory import BUILD, PRODUCTION, TESTING, Inventory
from tests.fakes.organizations import ORGANIZATION
from tests.fakes.service import refuse

NEW = "555555555555"
POLICIES = {"regional": ["ap-southeast-2", "eu-west-1"], "primary": ["build"]}


def make(*, mode: str = "organization") -> World:
    """Return the organisation after its first run, with a pipeline to a host and to a group."""
    inventory = Inventory()
    inventory.shared |= {"grant_mode": mode, "organisation_id": ORGANIZATION}
    inventory.add_pipeline("shop", testing=["us-east-1"])
    inventory.groups["live"] = ["production"]
    waves = inventory.hosts["shop"]["pipeline"]["waves"]
    waves += [{"name": "live", "environments": [{"group": "live"}]}]
    world = World(inventory)
    world.run()
    world.calls()
    return world


@pytest.fixture
def world() -> World:
    return make()


def parameters(world: World, name: str) -> dict[str, Any]:
    stack = world.stack(name)
    assert stack is not None
    return stack.parameters


def excluded(world: World) -> set[str]:
    """Return who is excluded, which is the same in every region."""
    (found,) = {
        parameters(world, name)["ExcludedAccountIds"]
        for name in ("build", "eu-west-1", "ap-southeast-2")
    }
    return set(found.split(","))


def test_a_new_account_changes_its_own_stack_alone(world: World) -> None:
    world.inventory.add_account("new", NEW, ("us-east-1", "eu-west-1"))

    course = world.run()

    assert (course.phases, course.shortfalls) == ({"deploy_accounts": ["new"]}, {})
    assert set(course.plan["grants"]["us-east-1"]) == set()


@pytest.mark.parametrize(
    ("before", "after"), [("accounts", "organization"), ("organization", "accounts")]
)
def test_switching_changes_the_policies_alone(before: str, after: str) -> None:
    world = make(mode=before)
    world.inventory.shared["grant_mode"] = after

    course = world.run()

    assert (course.phases, course.shortfalls) == (POLICIES, {})
    assert {result["operation"] for result in course.results.values()} == {"update"}
    assert parameters(world, "eu-west-1")["GrantMode"] == after


def test_switched_back_policies_name_the_accounts_that_answer(world: World) -> None:
    world.inventory.shared["grant_mode"] = "accounts"
    world.gateway.errors[PRODUCTION] = "refused"

    course = world.run()

    assert list(course.shortfalls) == ["production"]
    assert parameters(world, "eu-west-1")["DeployAccountIds"] == TESTING


def test_a_quarantined_account_is_out_until_it_is_admitted_again(world: World) -> None:
    inventory = world.inventory
    inventory.add_account("new", NEW)
    world.run()
    assert excluded(world) == {BUILD}

    inventory.hosts["new"]["state"] = "quarantined"
    course = world.run()
    assert (course.phases, course.shortfalls) == (POLICIES, {})
    assert excluded(world) == {BUILD, NEW}

    # Without its host it stays out, and nothing changes.
    inventory.remove("new")
    assert world.run().phases == {}

    inventory.shared["readmit_accounts"] = [NEW]
    assert world.run().phases == POLICIES
    assert excluded(world) == {BUILD}


def test_the_build_account_is_admitted_in_the_regions_where_it_is_a_deploy_account(
    world: World,
) -> None:
    world.inventory.add_account("tools", BUILD, ("eu-west-1",))

    course = world.run()

    assert course.phases == {"regional": ["eu-west-1"], "deploy_accounts": ["tools"]}
    found = {name: parameters(world, name)["ExcludedAccountIds"] for name in POLICIES["regional"]}
    assert found == {"eu-west-1": "", "ap-southeast-2": BUILD}


def test_an_absent_account_loses_its_roles_and_no_policy_changes(world: World) -> None:
    world.inventory.add_account("new", NEW)
    world.run()
    world.inventory.hosts["new"]["state"] = "absent"

    course = world.run()

    assert (course.phases, course.shortfalls) == ({"deploy_accounts": ["new"]}, {})
    assert world.stack("new") is None


def test_an_absent_region_admits_nobody_before_it_goes(world: World) -> None:
    world.inventory.retire("ap-southeast-2")

    course = world.run()

    assert course.shortfalls == {}
    assert course.phases["regional"] == ["ap-southeast-2"]
    inputs = Run(course.plan, {}).inputs("ap-southeast-2")
    assert inputs is not None
    assert inputs["grant_mode"] == "accounts"
    assert course.phases["deploy_accounts"] == ["production"]
    assert world.stack("ap-southeast-2") is None


def test_a_pipeline_does_not_lose_an_account_that_has_left_the_inventory(world: World) -> None:
    """A group names nobody, and no policy does."""
    world.inventory.add_account("canary", NEW)
    world.inventory.groups["live"].append("canary")
    world.run()
    world.inventory.groups["live"].remove("canary")
    world.inventory.remove("canary")

    course = world.run()

    assert course.phases == {}
    assert course.shortfalls == {
        "shop": (
            f"the inventory no longer has account {NEW} (wave live). A missing host removes nothing:"
            " bring it back (a closed account gets state: quarantined)"
        )
    }


def test_roles_reach_a_region_while_a_pipeline_uses_it_and_no_others_get_it(world: World) -> None:
    inventory = world.inventory
    inventory.remove("shop")
    inventory.add_pipeline("shop", testing=["us-east-1", "eu-west-1"])
    world.run()
    inventory.add_account("new", NEW)
    inventory.retire("eu-west-1")
    inventory.remove("shop")
    inventory.add_pipeline("shop", new=None)

    course = world.run()

    assert course.shortfalls["eu-west-1"].startswith("postponed: pipelines that also need")
    assert "eu-west-1" in parameters(world, "testing")["KeyArns"]
    assert "eu-west-1" not in parameters(world, "development")["KeyArns"]
    assert parameters(world, "eu-west-1")["GrantMode"] == "organization"
    assert world.run().shortfalls == {}
    assert "eu-west-1" not in parameters(world, "testing")["KeyArns"]


def test_another_organization_than_the_build_account_is_in_stops_every_host(world: World) -> None:
    """Its policies would admit nobody. One of the foundation that stands costs no call."""
    world.inventory.shared["organisation_id"] = "o-another000"

    course = world.run()

    assert course.phases == {}
    assert set(course.shortfalls) >= {*POLICIES["regional"], "build", "development", "production"}
    assert course.shortfalls["eu-west-1"] == (
        f"organisation_id is o-another000, and the build account is in {ORGANIZATION}, so policies"
        " would admit no other account. Correct organisation_id"
    )
    assert world.calls().count("DescribeOrganization") == 1


def test_an_organization_that_the_primary_stack_has_is_not_asked_for(world: World) -> None:
    world.inventory.add_account("new", NEW)

    assert world.run().phases == {"deploy_accounts": ["new"]}
    assert "DescribeOrganization" not in world.calls()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "the build account is in no organization"),
        (
            refuse("AccessDeniedException", "You may not"),
            "cannot be compared with the build account's organization",
        ),
    ],
)
def test_an_organization_that_cannot_be_compared_stops_the_first_run(
    answer: Any, reason: str
) -> None:
    inventory = Inventory()
    inventory.shared["organisation_id"] = ORGANIZATION
    world = World(inventory)
    if answer:
        world.gateway.organizations.before("DescribeOrganization", answer)
    else:
        world.gateway.organizations.is_used = False

    course = world.run()

    assert course.phases == {}
    assert reason in course.shortfalls["build"]
    assert [stack for stack in map(world.stack, inventory.hosts) if stack] == []
