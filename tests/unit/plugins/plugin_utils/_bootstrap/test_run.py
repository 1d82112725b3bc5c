# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole runs: which hosts each play has work for, and what is left undone at the end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.run import Run
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.summary import (
    summarise,
)

from tests.fakes.bootstrap import Course, World
from tests.fakes.inventory import BUILD, PRODUCTION, TESTING, Inventory

NEW = "555555555555"
REGIONS, ACCOUNTS = ["ap-southeast-2", "eu-west-1"], ["development", "production", "testing"]
EVERYTHING = {
    "regional": REGIONS,
    "primary": ["build"],
    "deploy_accounts": ACCOUNTS,
    "pipelines": ["shop"],
}
UNREGISTERED = (
    "nothing can be deployed to {} yet: not in the register. Run the bootstrap again, without"
    " --limit, once its region is complete"
)
NO_PRIMARY = "there is no primary stack yet. Run the bootstrap without --limit first"
HELD = (
    "postponed: pipelines that also need something new stop using it at the end of this run: shop."
    " Run again"
)


def referring(*names: str) -> str:
    verb = "refers" if len(names) == 1 else "refer"
    return f"postponed: {', '.join(names)} still {verb} to it. Run again without --limit"


@pytest.fixture
def empty() -> World:
    """Accounts before the first run; the pipeline deploys to two of them."""
    inventory = Inventory()
    inventory.add_pipeline("shop", production=None, testing=None)
    return World(inventory)


@pytest.fixture
def world(empty: World) -> World:
    """The organisation after its first run."""
    assert empty.run().phases == EVERYTHING
    return empty


def deploy_to(world: World, *accounts: str) -> None:
    """Let the pipeline deploy to other accounts only."""
    world.inventory.remove("shop")
    world.inventory.add_pipeline("shop", **dict.fromkeys(accounts))


# What has work


def test_a_second_run_has_no_work(world: World) -> None:
    course = world.run()

    assert (course.phases, course.shortfalls) == ({}, {})


def test_a_new_account_concerns_its_regions_and_the_primary(world: World) -> None:
    world.inventory.add_account("new", NEW, ("us-east-1", "eu-west-1"))

    course = world.run()

    assert course.phases == {
        "regional": ["eu-west-1"],
        "primary": ["build"],
        "deploy_accounts": ["new"],
    }
    assert course.shortfalls == {}


def test_a_new_region_reaches_register_accounts_and_pipelines_in_one_run(world: World) -> None:
    add_region(world)

    course = world.run()

    assert course.phases == {
        "regional": ["eu-north-1"],
        "primary": ["build"],
        "deploy_accounts": ["production"],
        "pipelines": ["shop"],
    }
    assert (course.shortfalls, world.run().phases) == ({}, {})


def test_a_limit_and_tags_leave_the_other_hosts_alone(world: World) -> None:
    world.inventory.shared["stack_tags"] = {"team": "platform"}

    assert world.run("testing").phases == {"deploy_accounts": ["testing"]}
    assert world.run(tags=["primary"]).phases == {"primary": ["build"]}


def test_a_slice_makes_its_accounts_from_the_register(world: World) -> None:
    world.inventory.shared["stack_tags"] = {"team": "platform"}
    world.inventory.remove("shop", "build", *REGIONS, "testing")

    course = world.run()

    assert course.phases == {"deploy_accounts": ["development", "production"]}
    assert course.shortfalls == {}


def test_a_quarantined_account_loses_its_grants_and_is_not_touched(world: World) -> None:
    world.inventory.hosts["production"]["state"] = "quarantined"
    deploy_to(world, "testing")
    before = len(world.gateway.opened)

    course = world.run()

    assert course.phases == {"regional": REGIONS, "primary": ["build"], "pipelines": ["shop"]}
    assert course.shortfalls == {}
    assert PRODUCTION not in {account.account_id for account in world.gateway.opened[before:]}


def add_region(world: World) -> None:
    world.inventory.add("regional", "eu-north-1")
    world.inventory.hosts["production"]["regions"].append("eu-north-1")


def remove_account(world: World) -> None:
    deploy_to(world, "testing")
    world.inventory.hosts["production"]["state"] = "absent"


def move_to_a_new_account(world: World) -> None:
    deploy_to(world, "new")
    world.inventory.add_account("new", NEW)
    world.inventory.hosts["production"]["state"] = "absent"


@pytest.mark.parametrize(
    "change",
    [
        lambda world: (world.gateway.regions.clear(), world.gateway.roles.clear()),
        lambda world: world.inventory.shared.update(stack_tags={"team": "platform"}),
        lambda world: world.inventory.add_account("new", NEW, ("us-east-1", "eu-west-1")),
        lambda world: world.inventory.retire("eu-west-1"),
        add_region,
        remove_account,
        move_to_a_new_account,
    ],
)
def test_check_mode_previews_what_the_run_does(
    world: World, change: Callable[[World], object]
) -> None:
    change(world)
    world.calls()

    preview = world.run(check_mode=True)

    assert {call[:3] for call in world.calls()} <= {"Des", "Get", "Lis"}
    course = world.run()
    assert (preview.phases, preview.shortfalls) == (course.phases, course.shortfalls)
    assert course.phases


# Failures


def test_a_region_that_fails_costs_only_what_needs_it(empty: World) -> None:
    course = empty.run(failing=["eu-west-1"])

    assert course.phases == {key: EVERYTHING[key] for key in list(EVERYTHING)[:3]}
    assert course.shortfalls == {
        "eu-west-1": "it broke",
        **dict.fromkeys(["production", "shop", "testing"], UNREGISTERED.format("eu-west-1")),
    }
    course = empty.run()
    assert course.phases == {
        "regional": ["eu-west-1"],
        "primary": ["build"],
        "deploy_accounts": ["production", "testing"],
        "pipelines": ["shop"],
    }
    assert course.shortfalls == {}


def test_a_region_that_fails_later_stays_in_the_register(world: World) -> None:
    world.inventory.shared["stack_tags"] = {"team": "platform"}

    course = world.run(failing=["eu-west-1"])

    assert course.phases == EVERYTHING
    assert course.shortfalls == {"eu-west-1": "it broke"}


@pytest.mark.parametrize("first", [True, False])
def test_nothing_is_built_on_a_primary_that_failed(empty: World, first: bool) -> None:
    if not first:
        empty.run()
        empty.inventory.shared["stack_tags"] = {"team": "platform"}

    course = empty.run(failing=["build"])

    assert course.phases == {"regional": REGIONS, "primary": ["build"]}
    assert course.shortfalls == {
        "build": "it broke",
        **dict.fromkeys([*ACCOUNTS, "shop"], "the primary build failed in this run"),
    }


def test_an_account_that_fails_stops_no_other_host(empty: World) -> None:
    course = empty.run(failing=["production"])

    # A pipeline that was just created for it is there, and not complete.
    reason = "it deploys to production, which failed in this run"
    expected = {"production": "it broke", "shop": reason}
    assert (course.phases, course.shortfalls) == (EVERYTHING, expected)
    assert {row.host.name: row.result for row in summarise(course.run)}["shop"] == (
        "created, incomplete"
    )
    # One that was there already is unchanged.
    empty.run()
    empty.gateway.errors[PRODUCTION] = "refused"
    assert empty.run().shortfalls == {"production": "refused"}


def test_accounts_and_pipelines_cannot_begin_without_a_primary(empty: World) -> None:
    course = empty.run("production", "shop")

    assert course.phases == {}
    assert course.shortfalls == dict.fromkeys(["production", "shop"], NO_PRIMARY)


def test_a_host_whose_phase_never_came_is_not_complete(world: World) -> None:
    world.inventory.shared["stack_tags"] = {"team": "platform"}
    plan = world.check("testing")

    assert Run(plan, {}).shortfall("testing") == "an earlier phase ended the run"


# Removals


def test_an_account_is_removed_after_every_policy_that_named_it(world: World) -> None:
    remove_account(world)

    course = world.run()

    assert list(course.phases) == ["releasing", "regional", "primary", "deploy_accounts"]
    assert course.phases["deploy_accounts"] == ["production"]
    assert (course.shortfalls, world.stack("production")) == ({}, None)
    assert world.run().phases == {}


def test_a_region_whose_stack_goes_already_is_not_made_again(world: World) -> None:
    world.inventory.retire("eu-west-1")
    stack = world.stack("eu-west-1")
    assert stack
    stack.status = "DELETE_IN_PROGRESS"

    course = world.run()

    assert "regional" not in course.phases
    assert course.phases["retired"] == ["eu-west-1"]


def test_a_pipeline_that_cannot_release_at_first_does_when_the_register_is_settled(
    world: World,
) -> None:
    remove_account(world)
    primary = world.stack("build")
    assert primary
    primary.status = "UPDATE_ROLLBACK_FAILED"

    course = world.run()

    assert "releasing" not in course.phases
    assert course.phases["deploy_accounts"] == ["development", "testing"]
    assert course.phases["pipelines"] == ["shop"]
    assert course.shortfalls == {
        "production": "postponed: pipelines used it until the end of this run: shop. Run again"
    }
    assert world.run().shortfalls == {}


@pytest.mark.parametrize("name", ["production", "eu-west-1"])
def test_what_a_pipeline_failed_to_release_keeps_all_that_it_uses(world: World, name: str) -> None:
    if name == "production":
        remove_account(world)
    else:
        world.inventory.retire(name)

    def parameters() -> list[dict[str, str]]:
        stacks = [world.stack(host) for host in ("build", *REGIONS, *ACCOUNTS)]
        return [dict(stack.parameters) for stack in stacks if stack]

    before = parameters()
    course = world.run(failing=["shop"])

    assert parameters() == before
    assert course.shortfalls["shop"] == "it broke"
    assert "shop" in course.shortfalls[name]
    assert (world.run().shortfalls, world.stack(name)) == ({}, None)


def test_a_region_is_removed_last_and_grants_nobody_before(world: World) -> None:
    world.inventory.retire("eu-west-1")

    course = world.run()

    assert course.phases == {
        "releasing": ["shop"],
        "regional": ["eu-west-1"],
        "primary": ["build"],
        "deploy_accounts": ["production", "testing"],
        "retired": ["eu-west-1"],
    }
    assert (course.shortfalls, world.stack("eu-west-1")) == ({}, None)
    # What it left behind is looked for as long as the host is in the inventory.
    assert world.run().phases == {"retired": ["eu-west-1"]}


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "CREATE_FAILED", "DELETE_FAILED"])
def test_an_absent_region_that_can_only_be_deleted_is_not_made_first(
    world: World, status: str
) -> None:
    world.inventory.retire("eu-west-1")
    stack = world.stack("eu-west-1")
    assert stack
    stack.status = status

    course = world.run()

    assert "regional" not in course.phases
    assert course.phases["retired"] == ["eu-west-1"]


def test_a_limit_postpones_a_removal(world: World) -> None:
    world.inventory.retire("eu-west-1")
    deploy_to(world, "testing")
    world.run("shop", playbook="pipelines")

    course = world.run("eu-west-1", "build")

    assert course.phases == {"regional": ["eu-west-1"], "primary": ["build"]}
    assert course.shortfalls == {"eu-west-1": referring(*ACCOUNTS)}


def test_a_limit_to_an_absent_host_leaves_what_its_pipeline_still_uses(world: World) -> None:
    world.inventory.retire("eu-west-1")
    deploy_to(world, "testing")

    course = world.run("eu-west-1")

    assert course.phases == {}
    assert course.shortfalls == {
        "eu-west-1": "postponed: pipelines that this run leaves out still use it: shop."
        " Run again without --limit"
    }


def test_a_removal_waits_for_a_host_that_failed(world: World) -> None:
    world.inventory.retire("eu-west-1")

    course = world.run(failing=["testing"])

    assert "retired" not in course.phases
    assert course.shortfalls == {"eu-west-1": referring("testing"), "testing": "it broke"}


def test_a_slice_postpones_a_removal(world: World) -> None:
    world.inventory.remove("shop", "build", *REGIONS, "testing")
    world.inventory.hosts["production"]["state"] = "absent"

    course = world.run()

    assert course.phases == {}
    assert course.shortfalls["production"].startswith("postponed: a slice does not see")


def test_a_pipeline_that_moves_to_a_new_account_holds_the_old_one_for_a_run(world: World) -> None:
    move_to_a_new_account(world)

    course = world.run()

    assert course.phases == {
        "primary": ["build"],
        "deploy_accounts": ["new"],
        "pipelines": ["shop"],
    }
    assert course.shortfalls == {"production": HELD}
    course = world.run()
    assert course.phases == {
        "regional": REGIONS,
        "primary": ["build"],
        "deploy_accounts": ["production"],
    }
    assert course.shortfalls == {}


def test_a_region_stays_registered_while_a_pipeline_uses_it(world: World) -> None:
    world.inventory.add_account("new", NEW)
    world.inventory.retire("eu-west-1")
    deploy_to(world, "new")

    course = world.run()

    assert course.shortfalls["eu-west-1"] == HELD
    primary = world.stack("build")
    assert primary
    assert primary.parameters["Regions"] == "ap-southeast-2,eu-west-1"
    # The roles keep what the pipeline deploys with until it has changed.
    account = world.stack("testing")
    assert account
    assert "eu-west-1" in account.parameters["KeyArns"]
    assert world.run().shortfalls == {}
    assert primary.parameters["Regions"] == "ap-southeast-2"
    assert "eu-west-1" not in account.parameters["KeyArns"]


@pytest.mark.parametrize("absent", [False, True])
def test_the_pipelines_playbook_also_releases_and_removes(world: World, absent: bool) -> None:
    world.inventory.hosts["production"]["state"] = "absent"
    deploy_to(world, "testing")
    if absent:
        world.inventory.hosts["shop"]["state"] = "absent"

    course = world.run(playbook="pipelines")

    assert (list(course.phases.values()), course.shortfalls) == ([["shop"]], {})
    assert (world.stack("shop") is None) is absent


# Teardown


def left(world: World) -> set[str]:
    return {name for region in world.gateway.regions.values() for name in region.left}


def test_a_teardown_removes_everything_in_reverse(world: World) -> None:
    world.inventory.hosts["testing"]["state"] = "quarantined"

    course = world.run(playbook="teardown")

    assert course.phases == {
        "releasing": ["shop"],
        "deploy_accounts": ["development", "production"],
        "primary": ["build"],
        "retired": REGIONS,
    }
    assert course.shortfalls == {}
    assert left(world) == set(world.gateway.region(TESTING, "us-east-1").left)


@pytest.mark.parametrize(
    ("failing", "phases"),
    [
        ("shop", ["releasing"]),
        ("production", ["releasing", "deploy_accounts"]),
        ("build", ["releasing", "deploy_accounts", "primary"]),
    ],
)
def test_a_teardown_stops_at_what_still_refers_to_the_rest(
    world: World, failing: str, phases: list[str]
) -> None:
    course = world.run(playbook="teardown", failing=[failing])

    assert list(course.phases) == phases
    assert course.shortfalls[failing] == "it broke"
    assert course.shortfalls["eu-west-1"].startswith("postponed: ")


def test_a_teardown_goes_on_where_it_stopped(world: World) -> None:
    world.run(playbook="teardown", failing=["build"])

    course: Course = world.run(playbook="teardown")

    assert course.phases == {"primary": ["build"], "retired": REGIONS}
    assert (course.shortfalls, left(world)) == ({}, set())
    assert world.gateway.pipelines_of(BUILD, "us-east-1").pipelines == {}
