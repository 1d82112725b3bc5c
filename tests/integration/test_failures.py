# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What fails fails alone, is reported at the end, and the next run completes it."""

from __future__ import annotations

from pathlib import Path

from lab import Lab, Rule
from tests.integration.held import Held, check_complete
from tests.integration.inventory import Inventory
from tests.integration.playbook import FULL_NAME, Playbook

REFUSED = "The lab refuses this change set."


def refuse_change_sets(lab: Lab, *, account: str, region: str = "") -> None:
    """Let CloudFormation take no change set in an account, or in one of its regions."""
    lab.set_faults(
        [
            Rule(
                service="cloudformation",
                action="CreateChangeSet",
                account=account,
                region=region,
                error="AccessDenied",
                message=REFUSED,
            )
        ]
    )


def test_the_only_region_fails(
    lab: Lab, playbook: Playbook, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. All hosts of phase 1 fail, and yet phases 2 and 3 and the summary come."""
    inventory.remove("ap-southeast-2")
    refuse_change_sets(lab, account=inventory.build_account_id, region="eu-west-1")

    run = playbook.run()

    assert run.code == 2, run.output
    assert run.results == {
        "eu-west-1": "FAILED",
        "build": "created",
        "development": "created",
        "testing": "created, incomplete",
        "production": "created, incomplete",
    }
    assert run.failed == {"eu-west-1", "testing", "production"}
    assert REFUSED in run.reason("eu-west-1")
    assert "eu-west-1" in run.reason("testing")
    check_complete(held, inventory, without=["eu-west-1"])

    lab.set_faults([])
    run = playbook.run()
    assert run.code == 0, run.output
    assert run.changed == {"eu-west-1", "build", "testing", "production"}
    check_complete(held, inventory)


def test_the_primary_fails(lab: Lab, playbook: Playbook, held: Held, inventory: Inventory) -> None:
    """Talks to the lab. The regions are made, the deploy accounts are not reached."""
    refuse_change_sets(lab, account=inventory.build_account_id, region=inventory.primary_region)

    run = playbook.run()

    assert run.code == 2, run.output
    assert run.results == {
        "ap-southeast-2": "created",
        "eu-west-1": "created",
        "build": "FAILED",
        **dict.fromkeys(inventory.accounts, "NOT REACHED"),
    }
    assert run.failed == {"build", *inventory.accounts}
    assert REFUSED in run.reason("build")
    assert "the primary build failed in this run" in run.reason("production")
    assert held.stacks().keys() == {held.foundation(region) for region in inventory.regional}
    assert [call for call in run.writes if call.account != inventory.build_account_id] == []

    lab.set_faults([])
    run = playbook.run()
    assert run.code == 0, run.output
    assert run.changed == {"build", *inventory.accounts}
    check_complete(held, inventory)


def test_the_primary_fails_where_everything_stands(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. A register that could not be brought up to date is not used."""
    inventory.set_group("all", stack_tags={"application": "pipelines"})
    refuse_change_sets(lab, account=inventory.build_account_id, region=inventory.primary_region)

    run = playbook.run()

    assert run.code == 2, run.output
    assert run.changed == set(inventory.regional)
    assert run.failed == {"build", *inventory.accounts}
    assert {run.results[name] for name in inventory.accounts} == {"NOT REACHED"}
    assert [call for call in run.writes if call.account != inventory.build_account_id] == []
    check_complete(held, inventory)


def test_every_deploy_account_fails(
    playbook: Playbook,
    held: Held,
    inventory: Inventory,
    changed_collection: Path,
    tmp_path: Path,
) -> None:
    """Talks to the lab. Their template trusts a role that does not exist.

    Each stack rolls back and says why, the summary comes, and the next run puts new stacks in the
    place of the failed ones.
    """
    template = changed_collection / "roles" / "deploy_account" / "files" / "deploy_account.template"
    text = template.read_text(encoding="utf-8")
    root = "iam::${BuildAccountId}:root"
    assert root in text
    template.write_text(text.replace(root, "iam::${BuildAccountId}:role/NoSuchRole"), "utf-8")
    collections = changed_collection.parents[2]

    run = playbook.run(
        playbook=FULL_NAME,
        folder=tmp_path,
        variables={"ANSIBLE_COLLECTIONS_PATH": str(collections)},
    )

    assert run.code == 2, run.output
    assert run.results == {
        **dict.fromkeys((*inventory.regional, "build"), "created"),
        **dict.fromkeys(inventory.accounts, "FAILED"),
    }
    assert run.failed == set(inventory.accounts)
    for name in inventory.accounts:
        assert "CodePipelineRole (AWS::IAM::Role) CREATE_FAILED" in run.reason(name)
        assert "role/NoSuchRole" in run.reason(name)
        assert held.status(held.deploy(name)) == "ROLLBACK_COMPLETE"

    check = playbook.run("--check", "--diff")
    assert check.code == 0, check.output
    assert check.changed == set(inventory.accounts)
    assert check.results["production"] == "to repair"
    assert check.writes == []

    run = playbook.run()
    assert run.code == 0, run.output
    assert run.changed == set(inventory.accounts)
    check_complete(held, inventory)


def test_one_deploy_account_fails_alone(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. An update that CloudFormation refuses in one account only."""
    inventory.set_group("all", stack_tags={"application": "pipelines"})
    account_id = inventory.accounts["testing"].account_id
    refuse_change_sets(lab, account=account_id)

    run = playbook.run()

    assert run.code == 2, run.output
    assert run.failed == {"testing"}
    assert run.changed == inventory.hosts - {"testing"}
    assert REFUSED in run.reason("testing")
    assert held.tags(held.deploy("testing"))["application"] != "pipelines"
    check_complete(held, inventory)


def test_a_region_that_cannot_be_read_keeps_its_place(
    lab: Lab,
    playbook: Playbook,
    existing: None,
    held: Held,
    inventory: Inventory,
    hasty: dict[str, str],
) -> None:
    """Talks to the lab. A region that throttles is not a region without a stack.

    It fails alone, nothing changes, the register keeps its values.
    """
    before = held.everything()
    lab.set_faults(
        [
            Rule(
                service="cloudformation",
                action="Describe*",
                account=inventory.build_account_id,
                region="eu-west-1",
                error="Throttling",
                message="Not now.",
            )
        ]
    )

    run = playbook.run(variables=hasty)

    assert run.code == 2, run.output
    assert run.failed == {"eu-west-1"}
    assert "Throttling" in run.reason("eu-west-1")
    assert run.changed == set()
    assert run.writes == []
    assert held.everything() == before
    assert {run.results[host] for host in inventory.hosts - {"eu-west-1"}} == {"unchanged"}
