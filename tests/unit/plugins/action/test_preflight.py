# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action preflight: Ansible's variables go in, a plan or every problem comes out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible import constants, context
from ansible.template import trust_as_template
from ansible_collections.crossaccount.pipeline.plugins.action import preflight
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws import batch

from tests.fakes.bootstrap import World
from tests.fakes.drift import FakeDrift
from tests.fakes.gateway import FakeGateway
from tests.fakes.harness import run_action
from tests.fakes.inventory import BUILD

SECRET = "open-sesame-4711"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """An organisation after its first run; the action opens its accounts."""
    world = World()
    world.gateway.make_region = FakeDrift
    world.run()

    def gateway(**options: Any) -> FakeGateway:
        world.gateway.options = options
        return world.gateway

    monkeypatch.setattr(batch, "Gateway", gateway)
    world.gateway.opened.clear()
    return world


def run(
    world: World, *play_hosts: str, tags: tuple[str, ...] = ("all",), **options: Any
) -> dict[str, Any]:
    """Run the action in a play of *play_hosts*, by default of all."""
    sources = options.pop("ansible_inventory_sources", [])
    more = {"check_mode": options.pop("check_mode", False), "tags": options.pop("inherited", ())}
    inventory = world.inventory
    task_vars = {
        "groups": {"all": list(inventory.hosts), **inventory.groups},
        "hostvars": {name: {**inventory.shared, **own} for name, own in inventory.hosts.items()},
        "ansible_play_hosts_all": list(play_hosts or inventory.hosts),
        "ansible_run_tags": list(tags),
        "ansible_skip_tags": [],
        "ansible_inventory_sources": sources,
    }
    return run_action(preflight.ActionModule, options, task_vars=task_vars, **more)


def test_the_result_is_the_plan_of_the_whole_play(world: World) -> None:
    result = run(world, endpoint_url="http://127.0.0.1:9")

    assert result["changed"] is False
    assert result["hosts"] == sorted(world.inventory.hosts)
    assert {stack["operation"] for stack in result["stacks"].values()} == {"none"}
    assert world.gateway.options == {
        "sts_region": "us-east-1",
        "endpoint_url": "http://127.0.0.1:9",
        "caller_account_id": None,
        "run_directory": Path(constants.DEFAULT_LOCAL_TMP),
    }
    assert json.loads(json.dumps(result)) == result
    assert run(world)["run"] != result["run"]


def test_an_inspection_adds_what_was_changed_and_reads_nothing_twice(world: World) -> None:
    account = world.inventory.hosts["testing"]["account_id"]
    other = world.gateway.region(account, "us-east-1")
    other.add(name="Left", tags={"crossaccount:group": "deploy_accounts"})
    for region in world.gateway.regions.values():
        region.calls.clear()

    result = run(world, inspect=True, wait_timeout=60)

    drift = result["drift"]
    assert [stack["name"] for stack in drift["stacks"]] == result["hosts"]
    assert [stack["error"] for stack in drift["stacks"]] == [None] * len(result["hosts"])
    assert [finding["stack"] for finding in drift["orphans"]] == ["Left"]
    assert {stack["operation"] for stack in result["stacks"].values()} == {"none"}
    asked = [name for region in world.gateway.regions.values() for name in region.asked]
    assert asked.count("DescribeStacks") == len(world.gateway.regions)
    assert asked.count("GetTemplate") == asked.count("DetectStackDrift") == len(result["hosts"])
    assert json.loads(json.dumps(result)) == result


@pytest.mark.parametrize(
    ("play_hosts", "tags", "expected"),
    [
        (("testing", "build"), ("all",), ["build", "testing"]),
        ((), ("regional",), ["ap-southeast-2", "eu-west-1"]),
    ],
)
def test_a_limit_and_tags_choose_the_hosts(
    world: World, play_hosts: tuple[str, ...], tags: tuple[str, ...], expected: list[str]
) -> None:
    assert run(world, *play_hosts, tags=tags)["hosts"] == expected


@pytest.mark.parametrize(
    ("limit", "pattern", "message"),
    [
        ("testing,nobody,none*", None, "--limit: no host of the inventory matches nobody, none*"),
        ("deploy_accounts:!tests", None, "--limit: no host of the inventory matches tests"),
        (None, "primary:region", "drift_hosts: no host of the inventory matches region"),
        ("production,pipelines,prod*,~dev.*,regional[0]", "primary:regional:pipelines", None),
    ],
)
def test_a_part_of_a_pattern_that_matches_no_host_is_refused(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    limit: str | None,
    pattern: str | None,
    message: str | None,
) -> None:
    monkeypatch.setattr(context, "CLIARGS", {"subset": limit})

    result = run(world, "production", pattern=pattern)

    assert str(result.get("msg", "")).startswith(message or "")
    assert bool(result.get("failed")) is (message is not None)
    assert bool(world.gateway.opened) is (message is None)


def test_the_hosts_of_a_retry_file_are_a_limit(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "failed").write_text("production\nnobody\n")
    monkeypatch.setattr(context, "CLIARGS", {"subset": f"@{tmp_path}/failed"})

    assert "matches nobody." in run(world, "production")["msg"]


def test_a_slice_lacks_hosts_of_the_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.inventory.remove("build", "eu-west-1", "ap-southeast-2", "testing")
    monkeypatch.setattr(context, "CLIARGS", {"subset": "production,testing"})

    assert run(world, "production")["hosts"] == ["production"]


def test_a_tag_of_the_whole_playbook_chooses_every_group(world: World) -> None:
    result = run(world, tags=("nightly",), inherited=("always", "nightly"))

    assert result["hosts"] == sorted(world.inventory.hosts)


def test_a_teardown_in_check_mode_plans_every_removal(world: World) -> None:
    result = run(world, teardown=True, check_mode=True)

    assert result["check_mode"] is True
    assert {result["stacks"][name]["operation"] for name in ("build", "testing")} == {"delete"}


def test_every_problem_of_the_inventory_fails_the_task_before_a_call(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.inventory.hosts["testing"]["account_id"] = 333333333333
    world.inventory.hosts["production"]["regions"] = ["eu-north-1"]

    result = run(world, "build")

    assert (result["failed"], result["changed"]) == (True, False)
    # Ansible shows a message twice.
    assert result["msg"] == "the inventory is not usable: 2 errors"
    assert capsys.readouterr().out.count("  - host") == 2
    assert world.gateway.opened == []


def test_templates_are_evaluated_and_secrets_are_not_returned(world: World) -> None:
    template = trust_as_template("{{ build }}")
    world.inventory.shared |= {"build": BUILD, "build_account_id": template, "token": SECRET}

    result = run(world)

    assert result["organisation"]["build_account_id"] == BUILD
    assert SECRET not in json.dumps(result)


def test_accounts_of_an_organization_must_all_be_there(world: World, tmp_path: Path) -> None:
    source = tmp_path / "organizations.yml"
    source.write_text("plugin: crossaccount.pipeline.organizations")
    missing = run(world, ansible_inventory_sources=[str(tmp_path)])
    assert missing["msg"] == "accounts of the organization are missing: 1 error"
    mark = {
        "source": str(source),
        "organization": "o-example000",
        "accounts": 3,
        "read": "2026-11-27T04:00:00+00:00",
        "cached": False,
    }
    for name in world.inventory.groups["deploy_accounts"]:
        world.inventory.hosts[name]["organizations_inventory"] = mark
    assert run(world, ansible_inventory_sources=[str(tmp_path)])["readings"] == [mark]
    world.inventory.shared["accounts_from"] = "organizations"
    assert run(world)["readings"] == [mark]
    mark["accounts"] = 4
    assert run(world)["msg"] == "accounts of the organization are missing: 1 error"
