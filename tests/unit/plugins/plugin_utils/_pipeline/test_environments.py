# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environments that name a group of the inventory."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.model import (
    Environment,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.rules import (
    read_pipelines,
)

from tests.fakes.inventory import PRODUCTION, TESTING, Inventory


@pytest.fixture
def inventory() -> Inventory:
    found = Inventory()
    found.add_pipeline("shop", development=None)
    found.groups["live"] = ["testing", "production"]
    return found


def read(inventory: Inventory, **environment: Any) -> list[Environment]:
    """Return the environments of a pipeline that has one more."""
    places = inventory.hosts["shop"]["pipeline"]["waves"][0]["environments"]
    places.append(environment)
    variables = inventory.variables()
    pipelines = read_pipelines(variables, inventory.read(), variables.problems)
    variables.problems.raise_any()
    return pipelines["shop"].environments[1:]


def test_a_group_stands_for_each_of_its_hosts(inventory: Inventory) -> None:
    found = read(inventory, group="live", parameters={"Size": "large"})

    assert [(place.host, place.account_id, place.group) for place in found] == [
        ("production", PRODUCTION, "live"),
        ("testing", TESTING, "live"),
    ]
    assert [place.regions for place in found] == [
        tuple(inventory.hosts[place.host]["regions"]) for place in found
    ]
    assert [place.parameters for place in found] == [{"Size": "large"}] * 2


@pytest.mark.parametrize("state", ["absent", "quarantined"])
def test_hosts_that_are_not_present_are_left_out(inventory: Inventory, state: str) -> None:
    inventory.hosts["production"]["state"] = state

    assert [place.host for place in read(inventory, group="live")] == ["testing"]


def test_a_quarantine_of_the_whole_group_stops_no_run(inventory: Inventory) -> None:
    for name in ("production", "testing"):
        inventory.hosts[name]["state"] = "quarantined"

    assert [place.host for place in read(inventory, group="live")] == ["production", "testing"]


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"group": "alive"}, "[alive].group: no group is called alive. Did you mean live?"),
        ({"group": "other"}, "no group is called other. Add it to the inventory, below"),
        (
            {"group": "all"},
            "[all].group: all has hosts that are not in deploy_accounts: ap-southeast-2, build",
        ),
        ({"group": "live", "host": "development"}, "host and group are both set. Remove one"),
        ({}, "environments[2]: neither host nor group is set. Set one of them"),
        ({"group": "gone"}, "gone has no host that is present. Add one, or remove the group"),
        (
            {"group": "deploy_accounts"},
            "development in us-east-1 is already in wave all. A release reaches it once",
        ),
        (
            {"group": "live", "regions": ["ap-southeast-2"]},
            "[live].regions: region ap-southeast-2 is not in regions of host testing",
        ),
    ],
)
def test_a_group_that_cannot_be_deployed_to_is_refused(
    inventory: Inventory, environment: dict[str, Any], message: str
) -> None:
    inventory.groups["gone"] = []
    with pytest.raises(PipelineError) as caught:
        read(inventory, **environment)
    assert message in str(caught.value)
