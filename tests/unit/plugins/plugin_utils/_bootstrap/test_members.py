# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A group of the inventory grows: which pipelines would deploy to whom, and who has to agree."""

from __future__ import annotations

import pytest

from tests.fakes.bootstrap import World
from tests.fakes.inventory import Inventory

NEW = "555555555555"


@pytest.fixture
def world() -> World:
    """A pipeline that deploys to a group with one host, in a wave with an approval."""
    inventory = Inventory()
    inventory.add_pipeline("shop", testing=None)
    inventory.groups["live"] = ["production"]
    waves = inventory.hosts["shop"]["pipeline"]["waves"]
    waves += [{"name": "live", "approval": True, "environments": [{"group": "live"}]}]
    world = World(inventory)
    world.run()
    world.calls()
    return world


def grow(world: World, name: str = "canary") -> None:
    world.inventory.add_account(name, NEW)
    world.inventory.groups["live"].append(name)


def test_a_group_that_did_not_grow_costs_one_read(world: World) -> None:
    plan = world.check("shop")

    assert plan["failures"] == {}
    assert plan["new_members"] == {}
    assert world.calls().count("GetPipeline") == 1


def test_a_new_member_of_a_wave_with_an_approval_stops_its_pipeline_alone(world: World) -> None:
    grow(world)

    course = world.run()

    assert course.shortfalls == {
        "shop": (
            "wave live, which has an approval, would also deploy to canary, new in group live. Set"
            " accept_new_members for this run if that is meant"
        )
    }
    assert course.results["canary"]["operation"] == "create"


def test_a_new_member_is_deployed_to_where_that_is_meant(world: World) -> None:
    grow(world)
    world.inventory.shared["accept_new_members"] = "true"

    course = world.run()

    assert course.shortfalls == {}
    assert course.plan["new_members"] == {
        "shop": [{"wave": "live", "group": "live", "host": "canary", "asks": True}]
    }
    assert world.check()["new_members"] == {}


def test_a_new_member_of_a_wave_without_an_approval_needs_no_word(world: World) -> None:
    world.inventory.hosts["shop"]["pipeline"]["waves"][1].pop("approval")
    grow(world)

    course = world.run(check_mode=True)

    assert course.shortfalls == {}
    assert [member["host"] for member in course.plan["new_members"]["shop"]] == ["canary"]


def test_an_account_that_comes_from_another_wave_is_new_there(world: World) -> None:
    world.inventory.hosts["shop"]["pipeline"]["waves"][0]["environments"] = [
        {"host": "development"}
    ]
    world.inventory.groups["live"].append("testing")

    assert "deploy to testing, new in group live" in world.check()["failures"]["shop"]


@pytest.mark.parametrize(
    "environments", [[{"host": "production"}, {"host": "canary"}], [{"group": "all_live"}]]
)
def test_what_is_written_into_the_pipeline_is_meant(
    world: World, environments: list[dict[str, str]]
) -> None:
    """By its name, or in a wave that is new."""
    grow(world)
    world.inventory.groups["all_live"] = ["production", "canary"]
    wave = world.inventory.hosts["shop"]["pipeline"]["waves"][1]
    wave["environments"] = environments
    if "group" in environments[0]:
        wave["name"] = "everywhere"

    assert world.check()["failures"] == {}


def test_a_pipeline_that_is_new_asks_nobody(world: World) -> None:
    grow(world)
    pipeline = dict(world.inventory.hosts["shop"]["pipeline"])
    pipeline["stacks"] = [{**pipeline["stacks"][0], "name": "till"}]
    world.inventory.add("pipelines", "till", pipeline=pipeline)

    assert world.check("till")["failures"] == {}
