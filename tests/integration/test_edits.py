# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An edit of the inventory reaches what it is about and nothing else, and check mode shows it."""

from __future__ import annotations

import pytest

from lab import Lab
from tests.integration.held import Held, check_complete
from tests.integration.inventory import Inventory
from tests.integration.playbook import Playbook

CHECK = ("--check", "--diff")
REGION = "ap-northeast-1"


def test_a_new_region_touches_those_who_use_it(
    playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. One stack is created, primary and production are updated, others are not.

    Check mode reports the same and leaves nothing behind.
    """
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

    run = playbook.run()

    assert run.code == 0, run.output
    assert run.changed == check.changed == {REGION, "build", "production"}
    assert run.results == {
        **dict.fromkeys(inventory.hosts, "unchanged"),
        REGION: "created",
        "build": "updated",
        "production": "updated",
    }
    touched = {held.foundation(REGION), held.primary, held.deploy("production")}
    assert run.written == touched == set(run.executions)
    assert set(run.executions.values()) == {1}
    check_complete(held, inventory)
    production = inventory.accounts["production"].account_id
    assert held.granted(REGION) == ({production}, {production})


def test_a_new_account_is_granted_by_its_regions_only(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. Its stack is created and two regions admit it; others are not touched.

    Check mode reports the same and leaves nothing behind.
    """
    lab.add_account("666666666666")
    inventory.add_account("staging", "666666666666", "us-east-1", "eu-west-1")
    before = held.everything()

    check = playbook.run(*CHECK)

    assert check.code == 0, check.output
    assert held.everything() == before

    run = playbook.run()

    assert run.code == 0, run.output
    assert run.changed == check.changed == {"staging", "build", "eu-west-1"}
    assert run.results["staging"] == "created"
    assert run.written == {
        held.deploy("staging"),
        held.primary,
        held.foundation("eu-west-1"),
    }
    assert set(run.executions.values()) == {1}
    check_complete(held, inventory)


def test_a_new_account_is_proven_before_it_is_granted_whatever_the_limit(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. --limit build grants an account that answers, and not one that refuses.

    Neither gets its stack, which is not in the limit.
    """
    lab.add_account("666666666666", "777777777777")
    lab.refuse_access("777777777777")
    inventory.add_account("staging", "666666666666", "us-east-1")
    inventory.add_account("sandbox", "777777777777", "us-east-1")

    run = playbook.run("--limit", "build")

    assert run.code == 0, run.output
    assert run.results == {"build": "updated"}
    assert run.written == {held.primary}
    check_complete(held, inventory, without=["staging", "sandbox"], not_granted=["sandbox"])


def test_an_organisation_without_other_regions(
    playbook: Playbook, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. Everything is in the primary region; the register is empty."""
    for region in inventory.regional:
        inventory.remove(region)
    inventory.remove_group("regional")

    run = playbook.run()

    assert run.code == 0, run.output
    assert run.changed == {"build", "development", "testing", "production"}
    assert held.register() == {}
    check_complete(held, inventory)


def test_an_organisation_without_deploy_accounts(
    playbook: Playbook, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. The foundation stands and admits nobody."""
    for name in inventory.accounts:
        inventory.remove(name)

    run = playbook.run()

    assert run.code == 0, run.output
    assert run.changed == {*inventory.regional, "build"}
    check_complete(held, inventory)


def test_a_quarantined_account_loses_its_grants_and_keeps_its_stack(
    playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. No call goes to the account; every policy that named it forgets it."""
    inventory.set("testing", state="quarantined")
    account_id = inventory.accounts["testing"].account_id
    before = held.stack(held.deploy("testing"))

    run = playbook.run()

    assert run.code == 0, run.output
    assert run.results["testing"] == "quarantined"
    assert run.changed == {"build", "eu-west-1"}
    assert [
        call for call in run.calls if account_id in (call.account, *call.resource.split(":"))
    ] == []
    assert held.stack(held.deploy("testing")) == before
    check_complete(held, inventory)

    inventory.set("testing", state="present")
    run = playbook.run()
    assert run.code == 0, run.output
    assert run.changed == {"build", "eu-west-1"}
    check_complete(held, inventory)


@pytest.mark.parametrize(
    ("gone", "named"),
    [
        ("testing", "account 333333333333 (granted in eu-west-1)"),
        ("eu-west-1", "region eu-west-1 (registered by CrossAccountPrimary)"),
    ],
)
def test_what_vanished_from_the_inventory_is_never_removed(
    playbook: Playbook, existing: None, held: Held, inventory: Inventory, gone: str, named: str
) -> None:
    """Talks to the lab. Phases 1 and 2 refuse and name it; nothing is written at all."""
    before = held.everything()
    inventory.remove(gone)
    # Something that the run would like to do to the foundation.
    inventory.set_group("all", artifact_retention_days=120)

    run = playbook.run()

    assert run.code == 2, run.output
    assert {*inventory.regional, "build"} <= run.failed
    for host in (*inventory.regional, "build"):
        assert named in run.reason(host)
    assert run.writes == []
    assert held.everything() == before
