# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The register: a region enters with outputs read in this run, and no failure removes any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.register import (
    Register,
    Stack,
    desired_register,
    read_register,
    register_of,
    register_parameters,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.model import Found

from tests.fakes.inventory import (
    BUILD,
    PRIMARY_OUTPUTS,
    Inventory,
    entry,
    key_arn,
    primary_stack,
    regional_outputs,
    regional_stack,
)

BOTH = ["ap-southeast-2", "eu-west-1"]
NEW_KEY = {**regional_outputs("eu-west-1"), "KeyArn": key_arn("eu-west-1", "new")}
UNKNOWN_OUTPUTS = {
    "BuildBucketName": "known-after-apply",
    "SyncArtifactsFunctionName": "known-after-apply",
    "ApprovalTopicArn": f"arn:aws:sns:us-east-1:{BUILD}:known-after-apply",
}


def unknown(region: str) -> dict[str, str]:
    """Return the entry of a region that only an earlier phase will make."""
    return {
        "region": region,
        "key_arn": f"arn:aws:kms:{region}:{BUILD}:key/known-after-apply",
        "bucket_arn": "arn:aws:s3:::known-after-apply",
        "asset_bucket_arn": "arn:aws:s3:::known-after-apply",
    }


def stack(found: Found) -> Stack:
    return Stack(status=found.status, outputs=found.outputs, parameters=found.parameters)


def stacks(
    primary: Found | None = None, *regions: str, **regional: Found | None
) -> dict[str, Stack]:
    """Return stacks by host; of *regions* as they are after a run."""
    found = {"build": primary, **{region: regional_stack(region) for region in regions}}
    found |= {name.replace("_", "-"): given for name, given in regional.items()}
    return {name: stack(given) for name, given in found.items() if given is not None}


def desired(given: dict[str, Stack], *pending: str) -> list[Any]:
    return list(desired_register(Inventory().read(), given, pending=pending))


# What it should hold


@pytest.mark.parametrize(
    ("given", "pending", "expected"),
    [
        (stacks(primary_stack(), *BOTH), [], [entry(region) for region in BOTH]),
        (
            stacks(
                primary_stack(registered=BOTH),
                eu_west_1=regional_stack("eu-west-1", outputs=NEW_KEY),
            ),
            [],
            [entry("ap-southeast-2"), entry("eu-west-1", "new")],
        ),
        (stacks(), BOTH, [unknown(region) for region in BOTH]),
        (stacks(), ["build", "eu-west-1"], [unknown("eu-west-1")]),
        (
            stacks(primary_stack(registered=["eu-west-1"]), "ap-southeast-2"),
            BOTH,
            [entry(region) for region in BOTH],
        ),
    ],
)
def test_the_register_holds_what_was_read_in_this_run(
    given: dict[str, Stack], pending: Sequence[str], expected: list[Any]
) -> None:
    assert desired(given, *pending) == expected


@pytest.mark.parametrize(
    "unreadable",
    [
        None,
        regional_stack("eu-west-1", outputs=NEW_KEY, status="UPDATE_IN_PROGRESS"),
        regional_stack("eu-west-1", outputs=NEW_KEY, status="UPDATE_ROLLBACK_FAILED"),
        regional_stack("eu-west-1", outputs={"KeyArn": "arn:only"}),
    ],
)
@pytest.mark.parametrize("status", ["UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_FAILED"])
def test_a_region_that_cannot_be_read_stays_registered_and_does_not_enter(
    unreadable: Found | None, status: str
) -> None:
    registered = primary_stack(registered=BOTH, status=status)

    assert desired(stacks(registered, eu_west_1=unreadable)) == [entry(region) for region in BOTH]
    assert desired(stacks(primary_stack(status=status), eu_west_1=unreadable)) == []


def test_an_earlier_versions_stacks_enter_without_asset_buckets() -> None:
    primary = primary_stack(registered=BOTH)
    del primary.parameters["RegionAssetBucketArns"]
    old = regional_outputs("eu-west-1")
    del old["AssetBucketArn"]
    without = [{**entry(region), "asset_bucket_arn": ""} for region in BOTH]

    found = desired(stacks(primary, eu_west_1=regional_stack("eu-west-1", outputs=old)))

    assert found == without
    # They are written so that the lists stay parallel, and read again.
    written = {name: ",".join(value) for name, value in register_parameters(found).items()}
    assert desired(stacks(primary_stack(parameters=written))) == without


@pytest.mark.parametrize(
    "edited", ["Regions", "RegionKeyArns", "RegionBucketArns", "RegionAssetBucketArns"]
)
def test_of_a_register_edited_by_hand_nothing_is_taken_over(edited: str) -> None:
    primary = primary_stack(registered=BOTH)
    primary.parameters[edited] += ",another"

    assert desired(stacks(primary, "eu-west-1")) == [entry("eu-west-1")]


@pytest.mark.parametrize("held", [[], ["eu-west-1"]])
def test_an_absent_region_leaves_once_no_pipeline_uses_it(held: list[str]) -> None:
    inventory = Inventory()
    inventory.retire("eu-west-1")
    given = stacks(primary_stack(registered=BOTH), *BOTH)

    found = desired_register(inventory.read(), given, pending=["eu-west-1"], held=held)

    assert [entered["region"] for entered in found] == ["ap-southeast-2", *held]


def test_a_teardown_registers_nothing() -> None:
    given = stacks(primary_stack(registered=BOTH), *BOTH)

    assert desired_register(Inventory().read().all_absent(), given, pending=BOTH) == []


# What it holds


def read(primary: Found | None, **options: Any) -> Register:
    return read_register(Inventory().read(), stack(primary) if primary else None, **options)


@pytest.mark.parametrize(
    ("primary", "pending", "regions", "outputs"),
    [
        (
            primary_stack(registered=["eu-west-1"]),
            [],
            [entry("eu-west-1"), entry("us-east-1")],
            PRIMARY_OUTPUTS,
        ),
        (primary_stack(registered=["eu-west-1"], outputs={}), [], [entry("eu-west-1")], {}),
        (
            None,
            ["build", *BOTH],
            [unknown(region) for region in (*BOTH, "us-east-1")],
            UNKNOWN_OUTPUTS,
        ),
        (
            primary_stack(registered=["eu-west-1"]),
            BOTH,
            [unknown("ap-southeast-2"), entry("eu-west-1"), entry("us-east-1")],
            PRIMARY_OUTPUTS,
        ),
        (
            primary_stack(status="UPDATE_ROLLBACK_FAILED"),
            ["build"],
            [entry("us-east-1")],
            PRIMARY_OUTPUTS,
        ),
        (
            primary_stack(outputs={"BuildBucketName": "builds"}),
            ["build"],
            [unknown("us-east-1")],
            {**UNKNOWN_OUTPUTS, "BuildBucketName": "builds"},
        ),
    ],
)
def test_the_register_is_read_with_the_primary_region(
    primary: Found | None, pending: list[str], regions: list[Any], outputs: dict[str, str]
) -> None:
    assert read(primary, pending=pending) == {
        "regions": {known["region"]: known for known in regions},
        "outputs": outputs,
        "problem": None,
    }


NO_PRIMARY = "there is no primary stack yet. Run the bootstrap without --limit first"
UNSETTLED = (
    "the primary stack is {}, so its register is not settled. Run the bootstrap without --limit,"
    " or wait for the other run"
)


@pytest.mark.parametrize(
    ("primary", "options", "problem"),
    [
        (primary_stack(), {"failure": "it broke"}, "it broke"),
        (primary_stack(), {"failure": "it broke", "pending": ["build"]}, "it broke"),
        (None, {}, NO_PRIMARY),
        (None, {"pending": BOTH}, NO_PRIMARY),
        (primary_stack(status="ROLLBACK_COMPLETE"), {}, NO_PRIMARY),
        *(
            (primary_stack(status=status), {}, UNSETTLED.format(status))
            for status in ("UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED")
        ),
    ],
)
def test_a_register_that_cannot_be_relied_on_holds_nothing_but_the_problem(
    primary: Found | None, options: dict[str, Any], problem: str
) -> None:
    assert read(primary, **options) == {"regions": {}, "outputs": {}, "problem": problem}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"exists": False}, NO_PRIMARY),
        ({"error": "Rate exceeded"}, "the register cannot be read. Rate exceeded"),
        ({"status": "UPDATE_IN_PROGRESS"}, UNSETTLED.format("UPDATE_IN_PROGRESS")),
    ],
)
def test_a_playbook_without_a_register_fails(given: dict[str, Any], message: str) -> None:
    with pytest.raises(PipelineError) as failure:
        register_of({"region": "us-east-1", **given})
    assert str(failure.value) == message


def test_a_playbook_reads_the_register_from_a_stack() -> None:
    given = {"region": "us-east-1", **stack(primary_stack(registered=BOTH))}

    assert register_of(given) == [entry(region) for region in (*BOTH, "us-east-1")]
