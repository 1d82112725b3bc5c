# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policies that admit an organization: nothing is replaced, and accounts come and go without them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab import Lab, Pipeline, objects
from tests.integration.held import Data, Held
from tests.integration.inventory import Inventory
from tests.integration.playbook import Playbook

ORGANISATION = "o-lab0000000"
BUILD_ACCOUNT_STACKS = {"build", "eu-west-1", "ap-southeast-2"}


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    """A copy of the inventory that the collection ships, with its pipeline."""
    return Inventory.copied_to(tmp_path / "inventory", pipelines=True)


def release(lab: Lab) -> str:
    """Build, approve, and return how the release ended."""
    pipeline = Pipeline(lab, "hello")
    before = len(pipeline.executions)
    built = lab.build("hello-release", objects())
    assert built["buildStatus"] == "SUCCEEDED", built
    while (status := pipeline.wait(executions=before + 1)) == "InProgress":
        pipeline.approve()
    return status


def conditions(policy: Data) -> list[Data]:
    """Return the conditions of the statements for every principal that allow something."""
    return [
        statement["Condition"]
        for statement in policy["Statement"]
        if statement["Effect"] == "Allow" and statement["Principal"] in ("*", {"AWS": "*"})
    ]


def test_the_grant_mode_is_switched_both_ways_between_releases(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory, tmp_path: Path
) -> None:
    """Talks to the lab. Policies change in place; a release passes in each mode.

    With an organization a new account changes its own stack alone, and a quarantined one is shut
    out of every region.
    """
    accounts, data = inventory.accounts, held.data()
    Pipeline(lab, "hello").wait()

    inventory.set_group("all", grant_mode="organization", organisation_id="o-another000")
    refused = playbook.run()

    assert refused.code == 2, refused.output
    assert refused.written == set()
    assert f"and the build account is in {ORGANISATION}" in refused.output

    inventory.set_group("all", organisation_id=ORGANISATION)
    switched = playbook.run()

    assert switched.code == 0, switched.output
    assert switched.changed >= BUILD_ACCOUNT_STACKS
    assert held.data() == data
    assert held.granted("us-east-1") == (set(), set())
    assert release(lab) == "Succeeded"

    lab.add_account("666666666666")
    inventory.add_account("staging", "666666666666", "us-east-1", "eu-west-1")
    added = playbook.run()

    assert added.code == 0, added.output
    assert added.results["staging"] == "created"
    assert added.written == {held.deploy("staging")}

    inventory.set("staging", state="quarantined")
    quarantined = playbook.run()

    assert quarantined.code == 0, quarantined.output
    assert quarantined.changed == BUILD_ACCOUNT_STACKS
    for region in inventory.regions:
        key, bucket = held.store(region)
        for policy in (held.key_policy(key, region), held.bucket_policy(bucket, region)):
            found = conditions(policy)
            assert found
            for condition in found:
                assert condition["StringEquals"]["aws:PrincipalOrgID"] == ORGANISATION
                out = condition["StringNotEquals"]["aws:PrincipalAccount"]
                assert set(out) == {inventory.build_account_id, "666666666666"}

    # Drift sees who lets it in again, and nothing else.
    key, bucket = held.store("eu-west-1")
    policy = held.bucket_policy(bucket, "eu-west-1")
    for condition in conditions(policy):
        del condition["StringNotEquals"]
    lab.client("s3", inventory.build_account_id, "eu-west-1").put_bucket_policy(
        Bucket=bucket.rpartition(":")[2], Policy=json.dumps(policy)
    )
    drifted = playbook.run("-e", f"drift_report_path={tmp_path}", playbook="drift.yml")

    assert drifted.code != 0
    report = json.loads((tmp_path / "drift-report.json").read_text("utf-8"))
    findings = {(one["kind"], one["host"], one["resource"]) for one in report["findings"]}
    assert findings == {("policy", "eu-west-1", "PipelineBucketPolicy")}

    inventory.remove("staging")
    inventory.set_group("all", grant_mode="accounts")
    back = playbook.run()

    assert back.code == 0, back.output
    assert back.changed == BUILD_ACCOUNT_STACKS
    assert held.data() == data
    assert held.granted("us-east-1")[0] == {account.account_id for account in accounts.values()}
    assert release(lab) == "Succeeded"
