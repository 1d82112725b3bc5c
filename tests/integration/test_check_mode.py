# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check mode says what the real run will do, and leaves nothing behind."""

from __future__ import annotations

from lab import Lab
from tests.integration.held import Held, check_complete
from tests.integration.inventory import Inventory
from tests.integration.playbook import Playbook

CHECK = ("--check", "--diff")
REGION = "ap-northeast-1"


def test_an_empty_organisation_shows_all_that_would_be_made(
    playbook: Playbook, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. Every stack, what is in it, and what is known only after an earlier phase.

    Afterwards not a stack, change set, bucket, key or role is left.
    """
    before = held.everything()

    run = playbook.run(*CHECK)

    assert run.code == 0, run.output
    assert run.changed == inventory.hosts
    assert run.results == dict.fromkeys(inventory.hosts, "to create")
    for resource in ("Key (AWS::KMS::Key)", "BuildBucket (AWS::S3::Bucket)"):
        assert f"+Add {resource}" in run.output
    assert "+Add CodePipelineRole (AWS::IAM::Role)" in run.output
    assert "known-after-apply" in run.output
    assert run.executions.total() == 0
    assert held.everything() == before
    assert held.stacks() == {}


def test_check_and_the_real_run_agree(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. A region to add to a standing organisation: the same hosts change."""
    inventory.add_region(REGION, "production")
    before = held.everything()

    check = playbook.run(*CHECK)

    assert check.code == 0, check.output
    assert held.everything() == before
    assert check.results == {
        **dict.fromkeys(inventory.hosts, "unchanged"),
        REGION: "to create",
        "build": "to update",
        "production": "to update",
    }

    run = playbook.run("--diff")
    assert run.code == 0, run.output
    assert run.changed == check.changed == {REGION, "build", "production"}
    check_complete(held, inventory)

    again = playbook.run(*CHECK)
    assert again.code == 0, again.output
    assert again.changed == set()
    assert again.writes == []


def test_check_of_a_new_account_agrees_with_the_real_run(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. An account to add and a tag to change."""
    lab.add_account("666666666666")
    inventory.add_account("staging", "666666666666", "us-east-1", "eu-west-1")
    before = held.everything()

    check = playbook.run(*CHECK)

    assert check.code == 0, check.output
    assert held.everything() == before
    run = playbook.run()
    assert run.code == 0, run.output
    assert run.changed == check.changed == {"staging", "build", "eu-west-1"}


def test_check_with_a_limit_refuses_what_the_real_run_refuses(
    playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. production wants a region that this run, limited to it, does not make."""
    inventory.add_region(REGION, "production")
    before = held.everything()

    check = playbook.run(*CHECK, "--limit", "production")

    run = playbook.run("--limit", "production")
    assert (check.code, check.failed) == (run.code, run.failed) == (2, {"production"})
    assert check.changed == run.changed
    assert held.everything() == before
