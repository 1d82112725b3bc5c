# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check before the first write: only reads, errors as data, and everything compared."""

from __future__ import annotations

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError

from tests.fakes.bootstrap import World
from tests.fakes.inventory import BUILD, DEVELOPMENT, PRODUCTION, TESTING, Inventory
from tests.fakes.service import refuse

NEW = "555555555555"
REGIONS, ACCOUNTS = ["ap-southeast-2", "eu-west-1"], ["development", "production", "testing"]
GRANTS = {
    "ap-southeast-2": [PRODUCTION],
    "eu-west-1": [TESTING, PRODUCTION],
    "us-east-1": [DEVELOPMENT, TESTING, PRODUCTION],
}
THROTTLED = "An error occurred (Throttling) when calling the {} operation: Rate exceeded"


@pytest.fixture
def world() -> World:
    """The organisation after its first run."""
    inventory = Inventory()
    inventory.add_pipeline("shop", production=None, testing=None)
    world = World(inventory)
    world.run()
    world.calls()
    return world


# What is called


def test_an_unchanged_organisation_costs_a_read_a_region_and_two_a_host(world: World) -> None:
    plan = world.check()

    assert plan["failures"] == {}
    assert {stack["operation"] for stack in plan["stacks"].values()} == {"none"}
    # Regions of the build account are listed whole; accounts answer for themselves.
    assert world.calls() == [
        *["DescribeStacks"] * 6,
        "GetPipelineState",
        *["GetTemplate"] * 7,
    ]


def test_a_limit_reads_its_hosts_and_the_register(world: World) -> None:
    world.check("testing")

    assert world.calls() == ["DescribeStacks"] * 2 + ["GetPipelineState", "GetTemplate"]
    assert world.region("build").asked == []


def test_an_inventory_that_breaks_rules_costs_no_call_and_every_problem_is_listed(
    world: World,
) -> None:
    hosts = world.inventory.hosts
    hosts["production"]["account_id"] = 444444444444
    hosts["shop"]["pipeline"]["waves"][0]["environments"][0]["host"] = "prod"
    hosts["testing"]["deploy_account_wait_timeout"] = "long"
    world.gateway.opened.clear()

    with pytest.raises(PipelineError, match=r"^the inventory is not usable:") as failure:
        world.check("build")

    assert str(failure.value).count("\n  - ") == 3
    assert world.gateway.opened == []


@pytest.mark.parametrize(("hosts", "tags"), [(["elsewhere"], []), ([], ["another"])])
def test_a_run_without_hosts_is_an_error(world: World, hosts: list[str], tags: list[str]) -> None:
    with pytest.raises(PipelineError, match=r"^no host of the inventory takes part in this run"):
        world.check(*hosts, tags=tags)


# Live pipelines


@pytest.mark.parametrize(
    ("name", "state", "read"),
    [
        ("production", "present", False),
        ("production", "quarantined", False),
        ("shop", "absent", False),
        ("production", "absent", True),
    ],
)
def test_live_pipelines_are_read_only_when_a_host_they_may_use_is_absent(
    world: World, name: str, state: str, read: bool
) -> None:
    environments = world.inventory.hosts["shop"]["pipeline"]["waves"][0]["environments"]
    del environments[0]
    world.inventory.hosts[name]["state"] = state

    plan = world.check()

    assert ("ListPipelines" in world.calls()) is read
    assert plan["releasing"] == ["shop"] * read


def test_a_first_deployment_that_failed_is_found(world: World) -> None:
    live = world.gateway.pipelines_of(BUILD, "us-east-1")
    live.failed["shop"] = [
        "production-eu-west-1-shop-execute",
        "production-ap-southeast-2-shop-execute",
        "testing-eu-west-1-shop-prepare",
    ]
    world.gateway.region(PRODUCTION, "eu-west-1").add("ROLLBACK_COMPLETE", name="shop")
    world.gateway.region(PRODUCTION, "ap-southeast-2").add("UPDATE_ROLLBACK_COMPLETE", name="shop")
    plan = world.check()

    assert plan["blocked"] == [
        {
            "account_id": PRODUCTION,
            "region": "eu-west-1",
            "stack_name": "shop",
            "host": "production",
            "pipeline": "shop",
            "status": "ROLLBACK_COMPLETE",
        }
    ]


def test_nothing_goes_on_when_live_pipelines_cannot_be_read(world: World) -> None:
    world.inventory.retire("eu-west-1")
    world.gateway.pipelines_of(BUILD, "us-east-1").before(
        "ListPipelines", refuse("AccessDenied", "no")
    )

    with pytest.raises(PipelineError, match=r"^the live pipelines cannot be read, which may use"):
        world.check()


@pytest.mark.parametrize("allow_replacement", [False, True])
def test_pipelines_that_the_run_does_not_change_block_a_removal(
    world: World, allow_replacement: bool
) -> None:
    world.inventory.shared["allow_replacement"] = allow_replacement
    world.inventory.retire("eu-west-1")
    live = world.gateway.pipelines_of(BUILD, "us-east-1")
    live.add("till", {"us-east-1": "pipeline-us-east-1", "eu-west-1": "pipeline-eu-west-1"})
    live.add("foreign", {"us-east-1": "another-bucket", "eu-west-1": "another-bucket"})

    plan = world.check()

    assert plan["failures"] == dict.fromkeys(
        ["ap-southeast-2", "build", "eu-west-1"],
        "eu-west-1 should be absent, but pipelines still use it: till. Remove it from their waves,"
        " or remove these pipelines first. Nothing was written",
    )


def test_everything_that_is_blocked_is_reported_together(world: World) -> None:
    world.gateway.pipelines_of(BUILD, "us-east-1").add(
        "till", {"us-east-1": "pipeline-us-east-1"}, [f"arn:aws:iam::{TESTING}:role/One"]
    )

    failures = world.check(teardown=True)["failures"]

    assert failures == dict.fromkeys(
        [*world.inventory.hosts],
        "build should be absent, but pipelines still use it: till; testing should be absent, but"
        " pipelines still use it: till. Remove it from their waves, or remove these pipelines"
        " first. Nothing was written",
    )


# Errors


def test_a_region_that_cannot_be_read_fails_alone(world: World) -> None:
    world.region("eu-west-1").before("DescribeStacks", refuse("Throttling", "Rate exceeded"))

    course = world.run()

    reason = f"Failed to list the stacks: {THROTTLED.format('DescribeStacks')}"
    assert (course.phases, course.shortfalls) == ({}, {"eu-west-1": reason})


def test_nothing_is_removed_while_the_primary_region_cannot_be_read(world: World) -> None:
    world.inventory.retire("eu-west-1")
    world.region("build").before("DescribeStacks", refuse("Throttling", "Rate exceeded"))

    course = world.run()

    # Its live pipelines may use the region: nobody loses access.
    assert course.phases == {}
    assert course.shortfalls["eu-west-1"] == course.shortfalls["build"]


def test_without_the_primary_region_only_the_regions_go_on(world: World) -> None:
    world.inventory.shared["stack_tags"] = {"team": "platform"}
    world.region("build").before("DescribeStacks", refuse("Throttling", "Rate exceeded"))

    course = world.run()

    reason = f"Failed to list the stacks: {THROTTLED.format('DescribeStacks')}"
    assert course.phases == {"regional": REGIONS}
    assert course.shortfalls["build"] == course.shortfalls["shop"] == reason
    assert set(course.shortfalls) == {"build", "shop", *ACCOUNTS}


@pytest.mark.parametrize("is_new", [False, True])
def test_an_account_that_does_not_answer_fails_alone(world: World, is_new: bool) -> None:
    name, account_id = ("new", NEW) if is_new else ("production", PRODUCTION)
    world.inventory.add_account("new", NEW)
    world.gateway.errors[account_id] = "refused"

    course = world.run()

    assert course.shortfalls == {name: "refused"}
    # Who is granted stays granted; who is new is granted only with an answer.
    granted = sorted([*GRANTS["us-east-1"], *([] if is_new else [NEW])])
    assert course.plan["grants"] == {**GRANTS, "us-east-1": granted}


def test_a_stack_that_cannot_be_compared_takes_part_all_the_same(world: World) -> None:
    world.region("testing").before("GetTemplate", refuse("Throttling", "Rate exceeded"))

    course = world.run()

    state = course.plan["stacks"]["testing"]
    assert (state["operation"], state["error"]) == ("unknown", None)
    assert THROTTLED.format("GetTemplate") in str(state["reason"])
    assert (course.phases, course.shortfalls) == ({"deploy_accounts": ["testing"]}, {})


def test_what_cloudformation_would_not_take_fails_its_host_before_a_write(world: World) -> None:
    world.inventory.hosts["testing"]["deploy_account_execution_policies"] = [
        f"arn:aws:iam::aws:policy/{number}{'x' * 1000}" for number in range(4)
    ]

    course = world.run()

    assert course.phases == {}
    assert course.shortfalls == {
        "testing": "parameter ExecutionPolicyArns: its value has 4103 bytes, and CloudFormation"
        " allows 4096"
    }


def test_a_vanished_host_stops_the_foundation_and_what_needs_it(world: World) -> None:
    world.inventory.remove("shop", "production")
    world.inventory.shared["stack_tags"] = {"team": "platform"}

    course = world.run()

    assert course.phases == {}
    assert course.shortfalls["testing"] == "the primary build failed in this run"
    assert course.shortfalls["eu-west-1"] == course.shortfalls["build"]
    assert course.shortfalls["build"].startswith(
        f"the inventory no longer has account {PRODUCTION} (granted in ap-southeast-2), "
    )
    assert world.run("testing").phases == {"deploy_accounts": ["testing"]}
    # Its own failure goes before the refusal.
    world.region("eu-west-1").before("DescribeStacks", refuse("Throttling", "Rate exceeded"))
    assert world.check()["failures"]["eu-west-1"].startswith("Failed to list the stacks")


@pytest.mark.parametrize("allowed", [False, True])
def test_renamed_roles_need_the_permission_of_the_user(world: World, allowed: bool) -> None:
    world.inventory.shared |= {"codepipeline_role_name": "Another", "allow_replacement": allowed}

    failures = world.check()["failures"]

    assert sorted(failures) == ([] if allowed else ["ap-southeast-2", "build", "eu-west-1"])


# What is found


@pytest.mark.parametrize(
    ("status", "operation"),
    [
        ("UPDATE_IN_PROGRESS", "wait"),
        ("ROLLBACK_COMPLETE", "repair"),
        ("DELETE_COMPLETE", "create"),
    ],
)
def test_a_stack_that_is_not_settled_is_not_compared(
    world: World, status: str, operation: str
) -> None:
    stack = world.stack("development")
    assert stack
    stack.status = status

    found = {name: state["operation"] for name, state in world.check()["stacks"].items()}

    assert found.pop("development") == operation
    assert set(found.values()) == {"none"}


def test_a_stack_with_our_tag_and_no_host_is_an_orphan(world: World) -> None:
    world.region("eu-west-1").add(name="Old", tags={"crossaccount:group": "regional"})
    world.region("shop").add(name="lost-pipeline", tags={"crossaccount:group": "pipelines"})
    world.region("eu-west-1").add(name="Foreign")
    world.inventory.hosts["shop"]["state"] = "absent"

    assert world.check()["orphans"] == [
        {"account_id": BUILD, "region": "eu-west-1", "stack_name": "Old", "granted": []},
        {"account_id": BUILD, "region": "us-east-1", "stack_name": "lost-pipeline", "granted": []},
    ]
    world.inventory.remove("shop", "build", *REGIONS)
    assert world.check()["orphans"] == []


# The foundation that stands


def move_home(world: World) -> None:
    """Swap the primary region with a regional one."""
    world.inventory.shared["primary_region"] = "eu-west-1"
    world.inventory.remove("eu-west-1")
    world.inventory.add("regional", "us-east-1")


@pytest.mark.parametrize("check_mode", [False, True])
def test_another_home_region_is_refused_before_the_first_write(
    world: World, check_mode: bool
) -> None:
    move_home(world)

    course = world.run(check_mode=check_mode)

    assert course.phases == {}
    assert course.shortfalls["build"] == (
        "the primary stack is CrossAccountPrimary in us-east-1, and this would create a second"
        " foundation with CrossAccountPrimary in eu-west-1. Set primary_region and"
        " primary_stack_name back. Nothing was written. Set allow_replacement for this run if that"
        " is meant"
    )
    assert course.shortfalls["us-east-1"] == course.shortfalls["build"]
    assert course.shortfalls["testing"] == "the primary build failed in this run"
    # A limit leaves the primary out of the summary, but not its reason.
    limited = world.run("testing", check_mode=check_mode)
    assert limited.phases == {}
    assert limited.shortfalls["testing"].startswith(
        "build is refused: eu-west-1 is a regional region, by its stack CrossAccountRegional, and"
    )


@pytest.mark.parametrize(("left", "refused"), [(3, True), (2, False), (0, False)])
def test_a_home_region_that_nothing_was_in_is_refused_by_the_roles_of_the_accounts(
    world: World, left: int, refused: bool
) -> None:
    world.inventory.remove("shop", *REGIONS)
    world.inventory.shared["primary_region"] = "eu-north-1"
    for number, name in enumerate(ACCOUNTS):
        world.inventory.hosts[name]["regions"] = ["eu-north-1"]
        if number >= left:
            world.gateway.roles_of(world.inventory.hosts[name]["account_id"]).names.clear()

    course = world.run(check_mode=True)

    reason = "development, production, testing already have the role CrossAccountCodePipeline of"
    assert bool(course.shortfalls) is refused
    assert course.shortfalls.get("build", reason).startswith(reason)
    assert bool(course.phases) is not refused


def test_another_home_region_is_taken_where_that_is_meant(world: World) -> None:
    move_home(world)
    world.inventory.shared["allow_replacement"] = True

    plan = world.check()

    assert plan["failures"] == {}
    # What stands is in use, so nobody should delete it.
    accounts = [DEVELOPMENT, TESTING, PRODUCTION]
    assert {orphan["stack_name"]: orphan["granted"] for orphan in plan["orphans"]} == {
        "CrossAccountPrimary": accounts,
        "CrossAccountRegional": [TESTING, PRODUCTION],
        "shop-pipeline": [],
    }


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS", "DELETE_COMPLETE"])
def test_what_never_became_a_foundation_does_not_fix_the_home_region(
    world: World, status: str
) -> None:
    for host in ("build", "eu-west-1"):
        stack = world.stack(host)
        assert stack
        stack.status = status
    world.gateway.roles.clear()
    move_home(world)

    assert world.check()["failures"] == {}


@pytest.mark.parametrize("check_mode", [False, True])
def test_another_build_account_is_refused_before_the_first_write(
    world: World, check_mode: bool
) -> None:
    world.inventory.shared["build_account_id"] = DEVELOPMENT
    world.inventory.hosts["development"]["account_id"] = BUILD

    course = world.run(check_mode=check_mode)

    reason = (
        f"production, testing belong to the build account {BUILD}, and build_account_id is"
        f" {DEVELOPMENT}."
        " Correct build_account_id, or account_id of the host. Nothing was written. Set"
        " allow_replacement for this run if that is meant"
    )
    assert course.phases == {}
    assert course.shortfalls["production"] == course.shortfalls["build"] == reason
    assert course.shortfalls["testing"] == reason
    assert course.plan["orphans"] == []
    assert sorted(world.check("testing", check_mode=check_mode)["failures"]) == [
        "ap-southeast-2",
        "build",
        "eu-west-1",
        "testing",
    ]


@pytest.mark.parametrize("allowed", ["build", "testing", "all"])
def test_an_account_changes_its_build_account_where_that_is_meant(
    world: World, allowed: str
) -> None:
    stack = world.stack("testing")
    assert stack
    stack.parameters["BuildAccountId"] = "999999999999"
    variables = world.inventory.shared if allowed == "all" else world.inventory.hosts[allowed]
    variables["allow_replacement"] = True

    assert world.run().phases == {"deploy_accounts": ["testing"]}


def test_a_slice_refuses_an_account_of_another_build_account(world: World) -> None:
    stack = world.stack("testing")
    assert stack
    stack.parameters["BuildAccountId"] = "999999999999"
    world.inventory.shared["stack_tags"] = {"team": "platform"}
    world.inventory.remove("shop", "build", *REGIONS)

    course = world.run()

    assert course.phases == {"deploy_accounts": ["development", "production"]}
    assert set(course.shortfalls) == {"testing"}
