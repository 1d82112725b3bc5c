# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A part of the organisation at a time: --limit, and what a slice of an AWX job sees."""

from __future__ import annotations

from pathlib import Path

from tests.integration.held import Held, check_complete
from tests.integration.inventory import Inventory
from tests.integration.playbook import Playbook

REGION = "ap-northeast-1"


def test_one_account_of_an_existing_organisation(
    playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. --limit production changes production with the register as it stands."""
    policies = ["arn:aws:iam::aws:policy/AmazonS3FullAccess"]
    inventory.set_group("deploy_accounts", deploy_account_execution_policies=policies)

    run = playbook.run("--limit", "production")

    assert run.code == 0, run.output
    assert run.results == {"production": "updated"}
    assert run.recap.keys() == {"production"}
    assert run.written == {held.deploy("production")}
    parameters = held.parameters(held.deploy("production"))
    assert parameters["ExecutionPolicyArns"] == policies[0]
    check_complete(held, inventory)


def test_a_region_that_is_not_registered_yet_fails_the_account_that_wants_it(
    playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. --limit production comes before the region exists, also in check mode.

    The next run, without a limit, completes everything.
    """
    inventory.add_region(REGION, "production")

    check = playbook.run("--check", "--limit", "production")
    run = playbook.run("--limit", "production")

    assert (check.code, check.failed) == (2, {"production"})
    assert run.code == 2, run.output
    assert run.failed == {"production"}
    assert "incomplete" in run.results["production"]
    assert REGION in run.reason("production")
    assert "without --limit" in run.reason("production")
    assert run.writes == []

    run = playbook.run()
    assert run.code == 0, run.output
    check_complete(held, inventory)


def test_one_account_of_an_organisation_that_does_not_exist(
    playbook: Playbook, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. Without a primary stack there is nothing that production could use."""
    run = playbook.run("--limit", "production")

    assert run.code == 2, run.output
    assert run.failed == {"production"}
    assert run.results == {"production": "NOT REACHED"}
    assert "without --limit" in run.reason("production")
    assert run.writes == []
    assert held.stacks() == {}


def test_a_slice_of_deploy_accounts_knows_all_that_it_needs(
    playbook: Playbook, existing: None, held: Held, inventory: Inventory, tmp_path: Path
) -> None:
    """Talks to the lab. An inventory of two accounts alone; the primary stack tells it the rest."""
    policies = ["arn:aws:iam::aws:policy/AmazonS3FullAccess"]
    inventory.set_group("deploy_accounts", deploy_account_execution_policies=policies)
    slice_ = inventory.slice(tmp_path / "slice", "development", "production")

    run = playbook.run(inventory=slice_)

    assert run.code == 0, run.output
    assert run.results == {"development": "updated", "production": "updated"}
    assert run.written == {held.deploy("development"), held.deploy("production")}
    in_build = [call for call in run.calls if call.account == inventory.build_account_id]
    assert {call.region for call in in_build} == {inventory.primary_region}
    check_complete(held, inventory)

    again = playbook.run(inventory=slice_)
    assert again.code == 0, again.output
    assert again.changed == set()
    assert again.writes == []


def test_a_slice_with_regions_but_no_primary_is_refused(
    playbook: Playbook, existing: None, inventory: Inventory, tmp_path: Path
) -> None:
    """Talks to the lab. Nothing is called: such a slice cannot decide what a region grants."""
    slice_ = inventory.slice(tmp_path / "slice", "eu-west-1", "production")

    run = playbook.run(inventory=slice_)

    assert run.code == 2, run.output
    assert "group primary: no host" in run.output
    assert run.calls == []


def test_a_bad_inventory_fails_before_any_call_also_under_a_limit(
    playbook: Playbook, inventory: Inventory
) -> None:
    """Talks to the lab, which hears nothing: the host that is wrong is not in the limit."""
    inventory.set("testing", account_id=333333333333)

    run = playbook.run("--limit", "production")

    assert run.code == 2, run.output
    message = "account_id is a number, not text. Quote it"
    assert message in " ".join(run.output.split())
    assert str(inventory.directory / "hosts.yml") in run.output
    assert run.calls == []
    assert len(run.plays) == 1
