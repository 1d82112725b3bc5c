# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The register: a region enters with what was read in this run, and none is lost by a failure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.register import (
    read_register,
    wanted_register,
)

from tests.fakes.inventory import (
    BUILD,
    Inventory,
    entry,
    key_arn,
    no_stack,
    primary_stack,
    regional_stack,
)

BOTH = ["ap-southeast-2", "eu-west-1"]
NOTHING = {"name": "build", "region": "us-east-1", "exists": False}


def unknown(region: str) -> dict[str, str]:
    """The entry of a region that only an earlier phase will make."""
    return {
        "region": region,
        "key_arn": f"arn:aws:kms:{region}:{BUILD}:key/known-after-apply",
        "bucket_arn": "arn:aws:s3:::known-after-apply",
    }


def inventory_without(region: str) -> Inventory:
    """An inventory in which a region is to be absent."""
    inventory = Inventory()
    inventory.hosts[region]["state"] = "absent"
    for host in inventory.hosts.values():
        host["regions"] = [one for one in host.get("regions", ()) if one != region]
    return inventory


def wanted(*stacks: dict[str, Any], pending: Sequence[str] = ()) -> list[dict[str, str]]:
    return wanted_register(Inventory().read(), stacks, pending=pending)


def read(primary: dict[str, Any], **options: Any) -> dict[str, Any]:
    return read_register(Inventory().read(), primary, **options)


def changed(region: str) -> dict[str, Any]:
    """A region's stack with another key than the register knows."""
    stack = regional_stack(region)
    stack["outputs"]["KeyArn"] = key_arn(region, "new")
    return stack


# What it should hold


def test_the_register_holds_every_region_that_was_read_in_their_order() -> None:
    assert wanted(
        primary_stack(), regional_stack("eu-west-1"), regional_stack("ap-southeast-2")
    ) == [entry("ap-southeast-2"), entry("eu-west-1")]


def test_the_primary_region_is_not_in_it() -> None:
    assert wanted(primary_stack()) == []


def test_what_was_read_goes_before_what_is_registered() -> None:
    assert wanted(primary_stack(registered=BOTH), changed("eu-west-1")) == [
        entry("ap-southeast-2"),
        entry("eu-west-1", "new"),
    ]


def test_of_two_readings_the_later_counts() -> None:
    assert wanted(primary_stack(), regional_stack("eu-west-1"), changed("eu-west-1")) == [
        entry("eu-west-1", "new")
    ]


@pytest.mark.parametrize(
    "unreadable",
    [
        no_stack(regional_stack("eu-west-1"), error="Rate exceeded"),
        no_stack(regional_stack("eu-west-1")),
        changed("eu-west-1") | {"status": "UPDATE_IN_PROGRESS"},
        changed("eu-west-1") | {"status": "UPDATE_ROLLBACK_FAILED"},
        changed("eu-west-1") | {"outputs": {"KeyArn": "arn:only"}},
    ],
    ids=["error", "none", "busy", "stuck", "no outputs"],
)
def test_a_region_that_could_not_be_read_keeps_its_place(unreadable: dict[str, Any]) -> None:
    assert wanted(primary_stack(registered=BOTH), unreadable) == [
        entry("ap-southeast-2"),
        entry("eu-west-1"),
    ]
    assert wanted(primary_stack(), unreadable) == []


def test_a_reading_that_failed_does_not_hide_the_one_before() -> None:
    failed = no_stack(regional_stack("eu-west-1"), error="Rate exceeded")

    assert wanted(primary_stack(), changed("eu-west-1"), failed) == [entry("eu-west-1", "new")]


@pytest.mark.parametrize(
    "status", ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED", "UPDATE_FAILED"]
)
def test_a_region_keeps_its_place_also_where_the_primary_does_not_stand_still(
    status: str,
) -> None:
    primary = primary_stack(registered=BOTH, status=status)

    assert wanted(primary, regional_stack("ap-southeast-2")) == [
        entry("ap-southeast-2"),
        entry("eu-west-1"),
    ]


def test_check_mode_fills_in_what_an_earlier_phase_would_make() -> None:
    assert wanted(NOTHING, pending=BOTH) == [unknown("ap-southeast-2"), unknown("eu-west-1")]


def test_check_mode_fills_in_nothing_that_this_run_does_not_make() -> None:
    assert wanted(NOTHING, pending=["build", "eu-west-1"]) == [unknown("eu-west-1")]


def test_check_mode_fills_in_nothing_that_is_known() -> None:
    assert wanted(
        primary_stack(registered=["eu-west-1"]), regional_stack("ap-southeast-2"), pending=BOTH
    ) == [entry("ap-southeast-2"), entry("eu-west-1")]


@pytest.mark.parametrize("pending", [[], ["eu-west-1"]], ids=["run", "check mode"])
@pytest.mark.parametrize(
    "regional",
    [
        regional_stack("eu-west-1"),
        no_stack(regional_stack("eu-west-1")),
        no_stack(regional_stack("eu-west-1"), error="Rate exceeded"),
    ],
    ids=["stands", "gone", "error"],
)
@pytest.mark.parametrize("registered", [BOTH, ["ap-southeast-2"]])
def test_a_region_that_is_to_be_absent_leaves(
    registered: list[str], regional: dict[str, Any], pending: list[str]
) -> None:
    organisation = inventory_without("eu-west-1").read()
    stacks = [primary_stack(registered=registered), regional]

    assert wanted_register(organisation, stacks, pending=pending) == [entry("ap-southeast-2")]


def test_a_teardown_registers_nothing() -> None:
    organisation = Inventory().read().all_absent()
    stacks = [primary_stack(registered=BOTH), *map(regional_stack, BOTH)]

    assert wanted_register(organisation, stacks, pending=BOTH) == []


# What it holds


UNKNOWN_OUTPUTS = {
    "BuildBucketName": "known-after-apply",
    "SyncArtifactsFunctionName": "known-after-apply",
    "ApprovalTopicArn": f"arn:aws:sns:us-east-1:{BUILD}:known-after-apply",
}


def test_check_mode_fills_in_what_the_primary_does_not_tell_yet() -> None:
    primary = primary_stack(outputs={"BuildBucketName": "builds"})

    outputs = read(primary, pending=["build"])["outputs"]

    assert outputs == UNKNOWN_OUTPUTS | {"BuildBucketName": "builds"}


def test_the_register_is_read_with_the_primary_region() -> None:
    assert read(primary_stack(registered=BOTH)) == {
        "regions": {region: entry(region) for region in (*BOTH, "us-east-1")},
        "outputs": primary_stack()["outputs"],
        "problem": None,
    }


def test_a_region_that_is_not_registered_is_not_in_it() -> None:
    assert read(primary_stack(registered=["eu-west-1"]))["regions"].keys() == {
        "eu-west-1",
        "us-east-1",
    }


def test_a_primary_without_outputs_has_no_entry_of_its_own() -> None:
    assert read(primary_stack(registered=BOTH, outputs={}))["regions"].keys() == set(BOTH)


@pytest.mark.parametrize("pending", [[], ["build"]])
def test_a_primary_that_failed_has_no_register(pending: list[str]) -> None:
    found = read(primary_stack(registered=BOTH), failure="it broke", pending=pending)

    assert found == {
        "regions": {},
        "outputs": {},
        "problem": "the primary stack failed in this run",
    }


@pytest.mark.parametrize("pending", [[], ["build"]])
def test_a_primary_that_cannot_be_read_has_no_register(pending: list[str]) -> None:
    found = read(no_stack(primary_stack(), error="Rate exceeded"), pending=pending)

    assert found == {
        "regions": {},
        "outputs": {},
        "problem": "the register cannot be read. Rate exceeded",
    }


@pytest.mark.parametrize("pending", [[], BOTH])
def test_no_primary_is_told_with_its_cure(pending: list[str]) -> None:
    assert read(NOTHING, pending=pending) == {
        "regions": {},
        "outputs": {},
        "problem": ("there is no primary stack yet. Run the bootstrap without --limit first"),
    }


@pytest.mark.parametrize(
    "status", ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED", "ROLLBACK_COMPLETE"]
)
def test_a_primary_that_does_not_stand_still_is_told(status: str) -> None:
    assert read(primary_stack(registered=BOTH, status=status)) == {
        "regions": {},
        "outputs": {},
        "problem": (
            f"the primary stack is {status}, so its register is not settled. Run the bootstrap"
            " without --limit, or wait for the other run"
        ),
    }


def test_check_mode_reads_an_empty_organisation() -> None:
    assert read(NOTHING, pending=["build", *BOTH]) == {
        "regions": {region: unknown(region) for region in (*BOTH, "us-east-1")},
        "outputs": UNKNOWN_OUTPUTS,
        "problem": None,
    }


def test_check_mode_reads_what_there_is() -> None:
    assert read(primary_stack(registered=["eu-west-1"]), pending=BOTH) == {
        "regions": {
            "ap-southeast-2": unknown("ap-southeast-2"),
            "eu-west-1": entry("eu-west-1"),
            "us-east-1": entry("us-east-1"),
        },
        "outputs": primary_stack()["outputs"],
        "problem": None,
    }
