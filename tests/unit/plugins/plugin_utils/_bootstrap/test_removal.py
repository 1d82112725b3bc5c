# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stack is removed only when nothing refers to it any more."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.removal import (
    postponed,
    uses_of,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.live import (
    LivePipeline,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.model import (
    Environment,
    Pipeline,
    Wave,
)

from tests.fakes.inventory import PRODUCTION, TESTING, Inventory

REGIONS, ACCOUNTS = ["ap-southeast-2", "eu-west-1"], ["development", "production", "testing"]
FOUNDATION = [*REGIONS, "build", *ACCOUNTS]
EVERYBODY = [*FOUNDATION, "shop"]
SLICE = "postponed: a slice does not see what refers to it. Run with a whole inventory"


@pytest.fixture
def inventory() -> Inventory:
    found = Inventory()
    for name in ACCOUNTS:  # so that either region may be absent
        found.hosts[name]["regions"] = ["us-east-1"]
    found.add_pipeline("shop", development=None)
    return found


# Live pipelines


def live(*accounts: str, **stores: str) -> LivePipeline:
    """Return a live pipeline with our bucket in the primary region, unless *stores* differ."""
    found = {region.replace("_", "-"): bucket for region, bucket in stores.items()}
    return LivePipeline(name="shop", stores=found or {"us-east-1": "ours"}, accounts=accounts)


@pytest.mark.parametrize(
    ("host", "pipeline", "used"),
    [
        ("production", live(TESTING, PRODUCTION), True),
        ("production", live(TESTING), False),
        ("eu-west-1", live(us_east_1="ours", eu_west_1="ours"), True),
        ("eu-west-1", live(PRODUCTION), False),
        ("build", live(), True),
        ("production", live(PRODUCTION, us_east_1="foreign", eu_west_1="ours"), True),
        ("production", live(PRODUCTION, us_east_1="foreign"), False),
        ("build", live(us_east_1="foreign"), False),
    ],
)
def test_a_pipeline_of_ours_uses_its_accounts_its_regions_and_the_primary(
    inventory: Inventory, host: str, pipeline: LivePipeline, used: bool
) -> None:
    uses = uses_of(
        inventory.read().hosts[host], [pipeline], buckets=["ours"], declared={}, registered=[]
    )

    assert uses.blocking == ("shop",) * used
    assert (uses.releasing, uses.holding, uses.waiting) == ((), (), ())


def deployed(account_id: str, *regions: str) -> Pipeline:
    """Return the pipeline shop, which deploys to an account."""
    environment = Environment(host="testing", account_id=account_id, regions=regions)
    return Pipeline(name="shop", waves=(Wave(name="all", environments=(environment,)),))


@pytest.mark.parametrize(
    ("declared", "group"),
    [
        ({"shop": None}, "releasing"),
        ({"shop": deployed(TESTING, "us-east-1")}, "releasing"),
        ({"shop": deployed(TESTING, "us-east-1", "eu-north-1")}, "holding"),
        ({"shop": deployed("555555555555", "us-east-1")}, "holding"),
        ({"another": None}, "blocking"),
        ({}, "waiting"),
    ],
)
def test_a_pipeline_releases_first_unless_it_needs_something_new(
    inventory: Inventory, declared: dict[str, Pipeline | None], group: str
) -> None:
    uses = uses_of(
        inventory.read().hosts["production"],
        [live(TESTING, PRODUCTION)],
        buckets=["ours"],
        declared=declared,
        left_out=["shop"] if group == "waiting" else [],
        registered=["us-east-1"],
    )

    others = dict.fromkeys(("releasing", "holding", "waiting", "blocking"), ())
    assert uses._asdict() == {**others, group: ("shop",)}


# What a removal waits for


def waiting(
    inventory: Inventory,
    settled: Collection[str],
    releasing: Collection[str] = (),
) -> dict[str, str]:
    """Return the hosts that must stay, with the reason, when the run has settled some."""
    organisation = inventory.read()
    reasons = {
        name: postponed(
            host,
            organisation,
            held={},
            releasing=releasing,
            settled=settled.__contains__,
        )
        for name, host in sorted(organisation.hosts.items())
    }
    return {name: reason for name, reason in reasons.items() if reason}


def referring(*names: str) -> str:
    verb = "refers" if len(names) == 1 else "refer"
    return f"postponed: {', '.join(sorted(names))} still {verb} to it. Run again without --limit"


def without(*names: str) -> list[str]:
    return [name for name in FOUNDATION if name not in names]


def make_absent(inventory: Inventory, *names: str) -> None:
    for name in names:
        inventory.hosts[name]["state"] = "absent"


@pytest.mark.parametrize(
    ("absent", "settled", "expected"),
    [
        ([], [], {}),
        (["production"], [*REGIONS, "build"], {}),
        *(
            (["production"], without(*missing), {"production": referring(*missing)})
            for missing in (["build"], ["eu-west-1"], ["ap-southeast-2", "eu-west-1"])
        ),
        (["eu-west-1"], ["build", *ACCOUNTS], {}),
        *(
            (["eu-west-1"], without(*missing), {"eu-west-1": referring(*missing)})
            for missing in (["build"], ["production"], ["build", "development", "testing"])
        ),
        (REGIONS, without(*REGIONS), {}),
        (["eu-west-1", "production"], FOUNDATION, {}),
        (
            ["eu-west-1", "production"],
            ["eu-west-1"],
            {
                "eu-west-1": referring("build", *ACCOUNTS),
                "production": referring("ap-southeast-2", "build"),
            },
        ),
    ],
)
def test_accounts_wait_for_policies_and_regions_for_the_register_and_accounts(
    inventory: Inventory, absent: list[str], settled: list[str], expected: dict[str, str]
) -> None:
    make_absent(inventory, *absent)

    assert waiting(inventory, settled) == expected


@pytest.mark.parametrize("name", ["production", "eu-west-1"])
@pytest.mark.parametrize("released", [True, False])
def test_a_removal_waits_for_the_pipelines_that_stop_using_it(
    inventory: Inventory, name: str, released: bool
) -> None:
    make_absent(inventory, name)
    settled = EVERYBODY if released else FOUNDATION

    found = waiting(inventory, settled, releasing=["shop"])

    assert found == ({} if released else {name: referring("shop")})


def test_a_quarantined_account_holds_no_region_up(inventory: Inventory) -> None:
    make_absent(inventory, "eu-west-1")
    inventory.hosts["production"]["state"] = "quarantined"

    assert waiting(inventory, without("production")) == {}


def test_a_slice_removes_nothing(inventory: Inventory) -> None:
    inventory.remove("shop", *REGIONS, "build")
    make_absent(inventory, *ACCOUNTS)

    assert waiting(inventory, ACCOUNTS) == dict.fromkeys(ACCOUNTS, SLICE)
