# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each role called on its own desires the same stack as the bootstrap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.held import Held
from tests.integration.inventory import Inventory
from tests.integration.playbook import Playbook


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    """A copy of the inventory that the collection ships, with its pipeline."""
    return Inventory.copied_to(tmp_path / "inventory", pipelines=True)


def play(role: str, host: str, **variables: Any) -> dict[str, Any]:
    """A play of one role."""
    return {
        "name": f"The role {role} alone",
        "hosts": host,
        "gather_facts": False,
        "connection": "local",
        "module_defaults": {
            "group/crossaccount.pipeline.aws": {"access_role_name": "{{ access_role_name }}"}
        },
        "tasks": [
            {
                "name": "Call it",
                "ansible.builtin.import_role": {"name": f"crossaccount.pipeline.{role}"},
                "vars": variables,
            }
        ],
    }


def test_a_role_on_its_own_changes_nothing_after_the_bootstrap(
    playbook: Playbook, existing: None, held: Held, inventory: Inventory, tmp_path: Path
) -> None:
    """Talks to the lab. With what the other stacks give, written out as a user would."""
    granted = {
        region: [one.account_id for one in inventory.accounts.values() if region in one.regions]
        for region in inventory.regions
    }
    entries = {
        region: {
            "region": region,
            "key_arn": outputs["KeyArn"],
            "bucket_arn": outputs["PipelineBucketArn"],
            "asset_bucket_arn": outputs["AssetBucketArn"],
        }
        for region in inventory.regions
        for outputs in [held.outputs(held.foundation(region))]
    }
    primary_outputs = held.outputs(held.primary)
    plays = [
        play("regional", "eu-west-1", regional_deploy_account_ids=granted["eu-west-1"]),
        play(
            "primary",
            "build",
            primary_account_id="{{ build_account_id }}",
            primary_deploy_account_ids=granted[inventory.primary_region],
            primary_register=[entries[region] for region in inventory.regional],
        ),
        play(
            "deploy_account",
            "production",
            deploy_account_register=[
                entries[region] for region in inventory.accounts["production"].regions
            ],
        ),
        play(
            "pipeline",
            "hello",
            pipeline_register=list(entries.values()),
            pipeline_primary_outputs=primary_outputs,
        ),
    ]
    file = tmp_path / "roles.yml"
    file.write_text(yaml.safe_dump(plays, sort_keys=False), encoding="utf-8")

    run = playbook.run(playbook=str(file))

    assert run.code == 0, run.output
    assert run.recap.keys() == {"eu-west-1", "build", "production", "hello"}
    assert run.changed == set(), run.output
    assert run.writes == []
