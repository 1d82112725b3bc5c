# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ways into the accounts: each set-up, and accounts that do not let us in."""

from __future__ import annotations

import json

from lab import Lab
from tests.integration.held import Held, check_complete
from tests.integration.inventory import Inventory
from tests.integration.playbook import Playbook


def use_profiles(inventory: Inventory) -> None:
    """Give every host the profile of its account, as the lab names them."""
    for group in ("regional", "primary"):
        inventory.set_group(group, aws_profile="build")
    inventory.set_group("deploy_accounts", aws_profile="{{ inventory_hostname }}")


def test_the_management_account_with_the_role_that_organizations_makes(
    lab: Lab, playbook: Playbook, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab as an administrator of the management account.

    The build account is assumed like the others, and the default access role is enough.
    """
    shared = inventory.variables("all")
    del shared["access_role_name"]
    inventory.replace_group("all", shared)

    run = playbook.run(setup="management")

    assert run.code == 0, run.output
    assert run.changed == inventory.hosts
    check_complete(held, inventory)
    role = f"assumed-role/{lab.organisation.management_access.access_role}/"
    assert all(role in call.principal for call in run.calls if call.service == "cloudformation")
    assert {call.account for call in run.calls if call.service == "sts"} == {
        lab.organisation.management
    }

    # The workers of all phases share what the check got.
    asked = [call.action if call.service == "sts" else "" for call in run.calls]
    assert asked.count("GetCallerIdentity") == 1
    assert asked.count("AssumeRole") == len({"build", *inventory.accounts})


def test_a_profile_for_every_account(playbook: Playbook, held: Held, inventory: Inventory) -> None:
    """Talks to the lab with a config file of profiles, one for each account."""
    use_profiles(inventory)

    run = playbook.run(setup="profiles")

    assert run.code == 0, run.output
    assert run.changed == inventory.hosts
    check_complete(held, inventory)


def test_a_role_of_ones_own_for_one_host(
    lab: Lab, playbook: Playbook, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. role_arn of a host goes before the access role, with its own session."""
    account_id = inventory.accounts["testing"].account_id
    iam = lab.client("iam", account_id)
    access = iam.get_role(RoleName=lab.organisation.operator.access_role)["Role"]
    trust = access["AssumeRolePolicyDocument"]
    trust["Statement"][0]["Condition"]["StringEquals"] = {"sts:ExternalId": "crossaccount"}
    iam.update_assume_role_policy(RoleName=access["RoleName"], PolicyDocument=json.dumps(trust))
    inventory.set(
        "testing",
        role_arn=access["Arn"],
        external_id="crossaccount",
        session_name="release-42",
        session_duration=900,
        source_identity="alice",
        session_tags={"team": "platform"},
    )
    inventory.set_group("all", access_role_name="NoSuchRole")
    for name in ("development", "production"):
        role = f"arn:aws:iam::{inventory.accounts[name].account_id}:role/CrossAccountAccess"
        inventory.set(name, role_arn=role)

    run = playbook.run()

    assert run.code == 0, run.output
    check_complete(held, inventory)
    sessions = {call.principal for call in run.calls if call.account == account_id}
    assert sessions == {f"arn:aws:sts::{account_id}:assumed-role/{access['RoleName']}/release-42"}


def test_a_profile_of_another_account_fails_its_host_before_any_write(
    playbook: Playbook, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. testing's profile reaches production: both are named, the others finish."""
    use_profiles(inventory)
    inventory.set("testing", aws_profile="production")
    testing, production = (
        inventory.accounts[name].account_id for name in ("testing", "production")
    )

    run = playbook.run(setup="profiles")

    assert run.code == 2, run.output
    assert run.failed == {"testing"}
    assert testing in run.reason("testing")
    assert production in run.reason("testing")
    assert run.changed == inventory.hosts - {"testing"}
    assert [call for call in run.writes if call.account == testing] == []
    check_complete(held, inventory, without=["testing"], not_granted=["testing"])


def test_credentials_of_another_account_as_the_build_account(
    playbook: Playbook, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. The build account's own profile is wrong: nothing at all is written."""
    use_profiles(inventory)
    for group in ("regional", "primary"):
        inventory.set_group(group, aws_profile="production")

    run = playbook.run(setup="profiles")

    assert run.code == 2, run.output
    assert run.failed == inventory.hosts
    assert inventory.build_account_id in run.reason("build")
    assert inventory.accounts["production"].account_id in run.reason("build")
    assert run.writes == []
    assert held.stacks() == {}


def test_a_new_account_that_refuses_is_left_out_and_granted_when_it_answers(
    lab: Lab, playbook: Playbook, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. On a fresh organisation testing fails alone; repaired, it is completed."""
    account_id = inventory.accounts["testing"].account_id
    lab.refuse_access(account_id)

    run = playbook.run()

    assert run.code == 2, run.output
    assert run.failed == {"testing"}
    assert run.results["testing"] == "FAILED"
    assert f"arn:aws:iam::{account_id}:role/CrossAccountAccess" in run.reason("testing")
    assert run.changed == inventory.hosts - {"testing"}
    check_complete(held, inventory, without=["testing"], not_granted=["testing"])

    lab.allow_access(account_id)
    run = playbook.run()
    assert run.code == 0, run.output
    assert run.changed == {"testing", "build", "eu-west-1"}
    check_complete(held, inventory)


def test_an_account_that_refuses_keeps_its_grants(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. What stands stays granted, also when something else is to be done."""
    lab.refuse_access(inventory.accounts["testing"].account_id)
    inventory.set_group("all", artifact_retention_days=120)

    run = playbook.run()

    assert run.code == 2, run.output
    assert run.failed == {"testing"}
    assert run.changed == {*inventory.regional, "build"}
    check_complete(held, inventory)
