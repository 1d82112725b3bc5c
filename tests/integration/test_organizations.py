# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The second example: deploy accounts from AWS Organizations."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from lab import Lab, Rule
from tests.integration.held import Held
from tests.integration.inventory import Inventory
from tests.integration.playbook import Playbook

TESTING, PRODUCTION = "333333333333", "444444444444"


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    """The inventory of files, from which the organisation was made."""
    return Inventory.copied_to(tmp_path / "inventory", pipelines=True)


@pytest.fixture
def chosen(tmp_path: Path, inventory: Inventory) -> Inventory:
    """The inventory of OUs, with the same pipeline."""
    return Inventory.copied_to(tmp_path / "organizations", pipelines=True, example="organizations")


@pytest.fixture
def organizations(lab: Lab, existing: None) -> Any:
    """AWS Organizations as its management account; the operator may read it."""
    lab.add_organization_reader()
    return lab.client("organizations", lab.organisation.management)


def test_a_closed_account_is_quarantined_and_one_that_left_is_refused(
    playbook: Playbook, held: Held, chosen: Inventory, organizations: Any
) -> None:
    """Talks to the lab. The same organisation as from files; then one account after the other."""
    same = playbook.run(inventory=chosen)

    assert same.code == 0, same.output
    assert same.writes == []
    assert set(same.results.values()) == {"unchanged"}
    assert len(same.results) == 7
    assert "organizations.yml: 3 accounts, read at " in same.output

    organizations.close_account(AccountId=PRODUCTION)
    closed = playbook.run(inventory=chosen)

    assert closed.code == 0, closed.output
    assert closed.results["production"] == "quarantined"
    assert PRODUCTION not in {call.account for call in closed.calls}
    assert not any(PRODUCTION in accounts for accounts in held.granted("eu-west-1"))

    root = organizations.list_roots()["Roots"][0]["Id"]
    (parent,) = organizations.list_parents(ChildId=TESTING)["Parents"]
    organizations.move_account(
        AccountId=TESTING, SourceParentId=parent["Id"], DestinationParentId=root
    )
    chosen.remove_group("pipelines")
    left = playbook.run(inventory=chosen)

    assert left.code != 0
    assert left.writes == []
    assert f"account {TESTING} (granted in us-east-1)" in " ".join(left.reason("build").split())
    assert "An account that left its OU is not removed by that" in left.reason("build")


def test_a_refused_page_ends_an_inventory_with_its_cause(
    lab: Lab, playbook: Playbook, chosen: Inventory, organizations: Any
) -> None:
    """Talks to the lab. As AWX reads an inventory, without any setting of Ansible's."""
    lab.set_faults(
        [
            Rule(
                service="organizations",
                action="ListAccountsForParent",
                error="AccessDeniedException",
                skip=2,
            )
        ]
    )
    done = subprocess.run(
        ["ansible-inventory", "-i", str(chosen.directory), "--list", "--export"],
        cwd=chosen.directory,
        env=playbook.environment("operator"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"ERROR! {chosen.directory / 'organizations.yml'}: the accounts of " in done.stderr
    assert "Allow organizations:ListAccountsForParent" in done.stderr
