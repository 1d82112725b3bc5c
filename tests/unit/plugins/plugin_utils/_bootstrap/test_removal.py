# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stack goes only when everything that refers to it has let go of it in this run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.removal import (
    postponed,
)

from tests.fakes.inventory import Inventory

REGIONS, ACCOUNTS = ["ap-southeast-2", "eu-west-1"], ["development", "production", "testing"]
EVERYBODY = [*REGIONS, "build", *ACCOUNTS]
SLICE = "postponed: a slice does not see what refers to it"


@pytest.fixture
def inventory() -> Inventory:
    found = Inventory()
    for name in ACCOUNTS:  # so that either region may go
        found.hosts[name]["regions"] = ["us-east-1"]
    return found


def holding(*names: str) -> str:
    return f"postponed: {', '.join(names)} did not let go of it yet"


def without(*names: str) -> list[str]:
    return [name for name in EVERYBODY if name not in names]


def waiting(
    inventory: Inventory,
    done: Iterable[str] | None = None,
    *,
    gone: Iterable[str] = (),
    teardown: bool = False,
    result: Any = None,
    recorded: dict[str, Any] | None = None,
) -> dict[str, str]:
    """Return who has to wait when the hosts of *done* were converged, or removed, in this run.

    :param done: None means everybody.
    :param recorded: what was recorded of applications at the primary.
    """
    organisation = inventory.read()
    if teardown:
        organisation = organisation.all_absent()
    variables = {
        "regional": "regional_result",
        "primary": "primary_result",
        "deploy_accounts": "deploy_account_result",
    }
    converged = {"operation": "none", "stack": {}}
    hostvars = {
        name: {variables[host.group]: converged if done is None or name in done else result}
        for name, host in organisation.hosts.items()
    }
    if recorded:
        hostvars["build"] |= recorded
    return postponed(organisation, {"gone": list(gone)}, hostvars)


def absent(inventory: Inventory, *names: str) -> None:
    for name in names:
        inventory.hosts[name]["state"] = "absent"


@pytest.mark.parametrize("done", [EVERYBODY, []], ids=["done", "not done"])
def test_nobody_waits_where_nobody_is_to_go(inventory: Inventory, done: list[str]) -> None:
    assert waiting(inventory, done) == {}


# An account


def test_an_account_goes_when_every_region_has_let_go(inventory: Inventory) -> None:
    absent(inventory, "production")

    assert waiting(inventory, [*REGIONS, "build"]) == {}


@pytest.mark.parametrize(
    "missing",
    [["build"], ["eu-west-1"], ["ap-southeast-2", "eu-west-1"], ["ap-southeast-2", "build"]],
)
def test_an_account_waits_for_every_region(inventory: Inventory, missing: list[str]) -> None:
    absent(inventory, "production")

    assert waiting(inventory, without(*missing)) == {"production": holding(*missing)}


def test_an_account_waits_for_no_region_that_is_gone(inventory: Inventory) -> None:
    absent(inventory, "production", "eu-west-1")

    assert waiting(inventory, without("eu-west-1"), gone=["eu-west-1"]) == {}


def test_an_account_waits_for_a_region_that_is_to_go_and_still_grants(
    inventory: Inventory,
) -> None:
    absent(inventory, "production", "eu-west-1")

    assert waiting(inventory, without("eu-west-1")) == {"production": holding("eu-west-1")}


# A region


def test_a_region_goes_when_the_register_and_every_account_have_let_go(
    inventory: Inventory,
) -> None:
    absent(inventory, "eu-west-1")

    assert waiting(inventory, ["build", *ACCOUNTS]) == {}


@pytest.mark.parametrize(
    "missing", [["build"], ["production"], ["build", "development", "testing"]]
)
def test_a_region_waits_for_the_register_and_for_every_account(
    inventory: Inventory, missing: list[str]
) -> None:
    absent(inventory, "eu-west-1")

    assert waiting(inventory, without(*missing)) == {"eu-west-1": holding(*missing)}


def test_a_region_waits_for_no_quarantined_account(inventory: Inventory) -> None:
    absent(inventory, "eu-west-1")
    inventory.hosts["production"]["state"] = "quarantined"

    assert waiting(inventory, without("production")) == {}


@pytest.mark.parametrize("removed", [True, False])
def test_a_region_waits_for_an_account_that_is_to_go_as_well(
    inventory: Inventory, removed: bool
) -> None:
    absent(inventory, "eu-west-1", "production")

    assert waiting(inventory, EVERYBODY if removed else without("production")) == (
        {} if removed else {"eu-west-1": holding("production")}
    )


def test_two_regions_do_not_wait_for_each_other(inventory: Inventory) -> None:
    absent(inventory, *REGIONS)

    assert waiting(inventory, without(*REGIONS)) == {}


@pytest.mark.parametrize("done", [[], ACCOUNTS, EVERYBODY])
def test_a_region_that_is_gone_waits_for_nobody(inventory: Inventory, done: list[str]) -> None:
    absent(inventory, "eu-west-1")

    assert waiting(inventory, done, gone=["eu-west-1"]) == {}


def test_a_region_that_is_gone_waits_for_nobody_in_a_teardown(inventory: Inventory) -> None:
    assert waiting(inventory, ACCOUNTS, gone=["eu-west-1"], teardown=True) == {
        "ap-southeast-2": holding("build")
    }


def test_everybody_who_waits_is_told(inventory: Inventory) -> None:
    absent(inventory, "production", "eu-west-1")

    assert waiting(inventory, ["eu-west-1"]) == {
        "eu-west-1": holding("build", "development", "production", "testing"),
        "production": holding("ap-southeast-2", "build"),
    }


@pytest.mark.parametrize(
    "result", [None, {}, {"skipped": True}, {"failed": True, "changed": False, "msg": "it broke"}]
)
def test_only_what_was_done_in_this_run_counts(inventory: Inventory, result: Any) -> None:
    absent(inventory, "eu-west-1")

    assert waiting(inventory, without("testing"), result=result) == {
        "eu-west-1": holding("testing")
    }


@pytest.mark.parametrize("operation", ["none", "create", "update", "repair", "delete"])
def test_whatever_was_done_counts(inventory: Inventory, operation: str) -> None:
    absent(inventory, "eu-west-1")

    assert waiting(inventory, [], result={"operation": operation, "stack": {}}) == {}


def test_a_limit_leaves_out_who_has_not_let_go(inventory: Inventory) -> None:
    absent(inventory, "eu-west-1")

    assert waiting(inventory, ["eu-west-1"]) == {
        "eu-west-1": holding("build", "development", "production", "testing")
    }


# A slice


@pytest.mark.parametrize("teardown", [False, True])
def test_nothing_goes_in_a_slice(inventory: Inventory, teardown: bool) -> None:
    inventory.remove(*REGIONS, "build")
    absent(inventory, *ACCOUNTS)

    assert waiting(inventory, teardown=teardown) == dict.fromkeys(ACCOUNTS, SLICE)


def test_nobody_waits_in_a_slice_where_nobody_is_to_go(inventory: Inventory) -> None:
    inventory.remove(*REGIONS, "build")
    inventory.hosts["production"]["state"] = "quarantined"

    assert waiting(inventory, []) == {}


# A teardown


TEARDOWN: list[tuple[list[str], dict[str, str]]] = [
    ([], {"build": holding(*ACCOUNTS)} | dict.fromkeys(REGIONS, holding("build", *ACCOUNTS))),
    (
        ["development", "testing"],
        {"build": holding("production")} | dict.fromkeys(REGIONS, holding("build", "production")),
    ),
    (ACCOUNTS, dict.fromkeys(REGIONS, holding("build"))),
    ([*ACCOUNTS, "build"], {}),
    (EVERYBODY, {}),
]


@pytest.mark.parametrize(
    ("done", "expected"), TEARDOWN, ids=["begin", "one missing", "accounts", "primary", "end"]
)
def test_a_teardown_removes_accounts_then_the_primary_then_the_regions(
    inventory: Inventory, done: list[str], expected: dict[str, str]
) -> None:
    assert waiting(inventory, done, teardown=True) == expected


def test_a_teardown_waits_for_no_quarantined_account_and_leaves_it_alone(
    inventory: Inventory,
) -> None:
    inventory.hosts["production"]["state"] = "quarantined"

    assert waiting(inventory, ["development", "testing"], teardown=True) == dict.fromkeys(
        REGIONS, holding("build")
    )


def test_a_teardown_of_regions_alone_goes_on(inventory: Inventory) -> None:
    inventory.remove(*ACCOUNTS)

    assert waiting(inventory, [], teardown=True) == dict.fromkeys(REGIONS, holding("build"))


RECORDED = {
    "bootstrap_application_failures": {"shop": "it broke"},
    "bootstrap_application_problems": {"hello": "not reached"},
}


def test_a_teardown_stops_at_a_pipeline_that_still_stands(inventory: Inventory) -> None:
    waits = "postponed: the pipelines of hello, shop still stand"

    assert waiting(inventory, teardown=True, recorded=RECORDED) == dict.fromkeys(EVERYBODY, waits)


def test_pipelines_that_failed_hold_nobody_where_the_foundation_stays(inventory: Inventory) -> None:
    absent(inventory, "production")

    assert waiting(inventory, recorded=RECORDED) == {}
