# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action host_stack: a role's variables and inputs become the stack of its host."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.template import trust_as_template
from ansible_collections.crossaccount.pipeline.plugins.action import host_stack
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.run import Run

from tests.fakes.bootstrap import World
from tests.fakes.clock import Clock
from tests.fakes.gateway import FakeGateway, Install
from tests.fakes.harness import run_action
from tests.fakes.inventory import BUILD, PRODUCTION, TESTING, Inventory, bucket_arn, entry

HOSTS = {
    "eu-west-1": "regional",
    "build": "primary",
    "testing": "deploy_accounts",
    "shop": "pipelines",
}


@pytest.fixture
def gateway(install: Install, clock: Clock) -> FakeGateway:
    assert clock.pauses == []
    return install(host_stack)


@pytest.fixture
def world(gateway: FakeGateway) -> World:
    """An organisation before its first run, whose accounts the action opens."""
    inventory = Inventory()
    inventory.add_pipeline("shop", testing=None)
    world = World(inventory)
    world.gateway = gateway
    return world


def run(world: World, name: str, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    """Run the action for a host."""
    inventory = world.inventory
    hostvars = {host: {**inventory.shared, **own} for host, own in inventory.hosts.items()}
    more = options.pop("variables", {})
    task_vars = {
        "inventory_hostname": name,
        "groups": {"all": list(inventory.hosts), **inventory.groups},
        "hostvars": hostvars,
        **hostvars[name],
        **more,
    }
    given = {"group": HOSTS[name], "sts_region": "us-east-1", **options}
    return run_action(host_stack.ActionModule, given, task_vars=task_vars, check_mode=check_mode)


class Engine:
    """Stands in for StackRun."""

    options: dict[str, Any]

    def __call__(self, **options: Any) -> Engine:
        places = ("session", "account_id", "region", "patience")
        self.options = {key: value for key, value in options.items() if key not in places}
        return self

    def __getattr__(self, method: str) -> Any:
        stack = {"stack_id": None}
        return lambda _stack: {"operation": "none", "stack": stack, "called": method}


def settled(world: World) -> World:
    """Bootstrap the world and return it."""
    world.run()
    world.calls()
    return world


@pytest.mark.parametrize("name", HOSTS)
def test_the_role_makes_what_the_check_compares_with(world: World, name: str) -> None:
    plan = settled(world).check()
    inputs = Run(plan, {}).inputs(name)
    assert inputs is not None
    given: dict[str, Any] = {
        "primary_outputs" if key == "outputs" else key: value for key, value in inputs.items()
    }

    variables = {"preflight_result": plan}
    if mode := given.pop("grant_mode", ""):
        variables[f"{HOSTS[name]}_grant_mode"] = mode
    result = run(world, name, variables=variables, **given)

    assert (result["changed"], result["operation"], result["run"]) == (False, "none", "this")
    assert world.region(name).writes == []


def test_a_failure_belongs_to_its_run_as_a_result_does(world: World) -> None:
    plan = settled(world).check()
    world.gateway.errors[BUILD] = "refused"

    result = run(world, "build", variables={"preflight_result": plan})

    assert (result["failed"], result["msg"], result["run"]) == (True, "refused", "this")


def test_a_role_on_its_own_takes_the_inventory_and_no_run(world: World) -> None:
    result = run(
        world,
        "shop",
        register=[entry("eu-west-1"), entry("us-east-1")],
        primary_outputs={
            "ApprovalTopicArn": f"arn:aws:sns:us-east-1:{BUILD}:approvals",
            "BuildBucketName": "builds",
            "SyncArtifactsFunctionName": "sync-artifacts",
        },
    )

    assert (result["operation"], result["stack"]["stack_name"]) == ("create", "shop-pipeline")
    assert "run" not in result


def test_a_role_on_its_own_makes_no_pipeline_that_is_to_be_absent(world: World) -> None:
    world.inventory.hosts["shop"]["state"] = "absent"

    assert "pipeline_state: absent" in run(world, "shop")["msg"]


@pytest.mark.parametrize(
    ("variables", "account_id", "expected"),
    [
        ({}, TESTING, "us-east-1"),
        ({"deploy_account_id": PRODUCTION}, PRODUCTION, "us-east-1"),
        (
            {"other": "eu-west-1", "deploy_account_region": trust_as_template("{{ other }}")},
            TESTING,
            "eu-west-1",
        ),
    ],
    ids=["inventory", "variable of the role", "template"],
)
def test_the_variables_of_the_role_go_before_those_of_the_inventory(
    world: World, variables: dict[str, str], account_id: str, expected: str
) -> None:
    result = run(world, "testing", variables=variables, register=[entry("us-east-1")])

    stack = world.gateway.region(account_id, expected).stacks[0]
    assert (stack.name, stack.parameters["BucketArns"]) == (
        "CrossAccountDeploy",
        bucket_arn("us-east-1"),
    )
    assert (result["stack"]["account_id"], result["stack"]["region"]) == (account_id, expected)


@pytest.mark.parametrize(
    ("name", "state", "method", "finds_retained"),
    [
        ("build", "present", "converge", True),
        ("eu-west-1", "compared", "compare", True),
        ("eu-west-1", "absent", "remove", True),
        ("testing", "absent", "remove", False),
    ],
)
def test_settings_reach_the_engine(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    state: str,
    method: str,
    finds_retained: bool,
) -> None:
    engine = Engine()
    monkeypatch.setattr(host_stack, "StackRun", engine)
    variables = {"allow_replacement": "true", "purge_data": "yes", "resources_to_skip": ["Key"]}

    result = run(
        world,
        name,
        state=state,
        check_mode=True,
        variables=variables,
        primary_outputs={"BuildBucketName": "builds"},
    )

    assert result["called"] == method
    assert engine.options == {
        "check_mode": True,
        "allow_replacement": True,
        "resources_to_skip": ["Key"],
        "template_bucket": "builds",
        "find_retained": finds_retained,
        "purge_data": finds_retained,
    }


@pytest.mark.parametrize("check_mode", [True, False])
def test_check_mode_shows_who_may_do_more(world: World, check_mode: bool) -> None:
    result = run(
        settled(world),
        "eu-west-1",
        check_mode=check_mode,
        deploy_account_ids=[TESTING, PRODUCTION, "555555555555"],
    )

    assert result["operation"] == "update"
    assert ("555555555555" in json.dumps(result.get("policies"))) is check_mode


def test_arguments_are_checked_and_not_returned(world: World) -> None:
    with pytest.raises(AnsibleActionFail, match="value of group must be one of"):
        run(world, "build", group="another")
    result = run(world, "eu-west-1", profile="builds", endpoint_url="http://127.0.0.1:9")

    assert world.gateway.opened[-1].profile == "builds"
    assert "127.0.0.1" not in json.dumps(result)
