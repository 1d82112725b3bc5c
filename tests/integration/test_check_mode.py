# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check mode on an empty organisation shows what the real run will do and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.held import Held
from tests.integration.inventory import Inventory
from tests.integration.playbook import Playbook

CHECK = ("--check", "--diff")


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    """A copy of the inventory that the collection ships, with its pipeline."""
    return Inventory.copied_to(tmp_path / "inventory", pipelines=True)


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
