# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""access.yml: from accounts that have the management account's role only, to a bootstrap."""

from __future__ import annotations

import json

import pytest

from lab import FILES, Lab
from lab.clients import Clients
from tests.integration.inventory import Inventory
from tests.integration.playbook import Playbook, Run
from tests.integration.states import States

ADMINISTRATOR = "OrganizationAccountAccessRole"
OF_ACCOUNTS = ("CrossAccountAccess", "CrossAccountDriftAccess", "CrossAccountExecution")
OF_BUILD = ("CrossAccountDrift", "CrossAccountOperator")


@pytest.fixture(autouse=True)
def principals(inventory: Inventory) -> None:
    """The administrator of the build account may become the operator."""
    arn = f"arn:aws:iam::{inventory.build_account_id}:role/{ADMINISTRATOR}"
    inventory.set_group("all", operator_principals=[arn])


@pytest.fixture
def installed(lab: Lab, states: States, playbook: Playbook, principals: None) -> None:
    """An organisation in which access.yml has run, and nothing else."""

    def install() -> None:
        lab.reset(bare=True)
        run = access(playbook)
        assert run.code == 0, run.output

    states.restore(lab, "access", install)


def access(playbook: Playbook, *arguments: str) -> Run:
    return playbook.run(*arguments, setup="management", playbook="playbooks/access.yml")


def operator(lab: Lab, role: str = "CrossAccountOperator") -> dict[str, str]:
    """Credentials of a role in the build account, as one of its principals gets them."""
    build = lab.organisation.build
    administrator = lab.variables("management")
    first = {
        name.lower(): administrator[name]
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    }
    for name in (ADMINISTRATOR, role):
        sts = Clients(lab.url).client("sts", region="us-east-1", credentials=first)
        answer = sts.assume_role(
            RoleArn=f"arn:aws:iam::{build}:role/{name}", RoleSessionName="test"
        )["Credentials"]
        first = {
            "aws_access_key_id": answer["AccessKeyId"],
            "aws_secret_access_key": answer["SecretAccessKey"],
            "aws_session_token": answer["SessionToken"],
        }
    return {name.upper(): value for name, value in first.items()}


def done(run: Run) -> dict[tuple[str, str], str]:
    """The result of each stack, by host and name."""
    return {(row["host"], row["stack_name"]): row["result"] for row in run.summary["stacks"]}


def stacks_of(lab: Lab, account_id: str) -> set[str]:
    found = lab.client("cloudformation", account_id).describe_stacks()["Stacks"]
    return {stack["StackName"] for stack in found}


def test_from_the_management_account_to_a_bootstrap(
    lab: Lab, playbook: Playbook, inventory: Inventory, installed: None
) -> None:
    """Talks to the lab. What access.yml makes is enough, and a second run calls no write."""
    for account in inventory.accounts.values():
        assert stacks_of(lab, account.account_id) == {*OF_ACCOUNTS}
    assert stacks_of(lab, inventory.build_account_id) == {*OF_BUILD}

    again = access(playbook)
    assert again.code == 0, again.output
    assert again.writes == []
    assert set(done(again).values()) == {"unchanged"}

    run = playbook.run(setup="management", variables=operator(lab))
    assert run.code == 0, run.output
    assert run.changed == inventory.hosts
    assert "earlier version" not in run.output
    principals = {
        call.principal for call in run.calls if call.account != inventory.build_account_id
    }
    assert all("assumed-role/CrossAccountAccess/" in principal for principal in principals)

    drift = playbook.run(
        *("-e", "access_role_name=CrossAccountDriftAccess"),
        *("-e", "deploy_account_access_role_name=CrossAccountAccess"),
        *("-e", "drift_report_path="),
        setup="management",
        playbook="drift.yml",
        variables=operator(lab, "CrossAccountDrift"),
    )
    assert drift.code == 0, drift.output


def test_who_is_no_principal_is_no_operator(lab: Lab, installed: None) -> None:
    """Talks to the lab. The account's own root may assume nothing: it is not listed."""
    build = lab.organisation.build
    sts = lab.client("sts", build)
    for role in ("CrossAccountOperator", "CrossAccountDrift"):
        with pytest.raises(sts.exceptions.ClientError, match="AccessDenied"):
            sts.assume_role(RoleArn=f"arn:aws:iam::{build}:role/{role}", RoleSessionName="test")


def test_an_outdated_role_is_reported_and_updated(
    lab: Lab, playbook: Playbook, inventory: Inventory, installed: None
) -> None:
    """Talks to the lab. The check of a bootstrap names it, with the command that updates it."""
    production = inventory.accounts["production"].account_id
    stacks = lab.client("cloudformation", production)
    text = (FILES / "access-role.template").read_text(encoding="utf-8")
    head, _version = text.split("  Version:\n    Description: Of this template\n")
    (found,) = stacks.describe_stacks(StackName="CrossAccountAccess")["Stacks"]
    stacks.update_stack(
        StackName="CrossAccountAccess",
        TemplateBody=head,
        Parameters=found["Parameters"],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    stacks.get_waiter("stack_update_complete").wait(
        StackName="CrossAccountAccess", WaiterConfig={"Delay": 0.1}
    )

    check = playbook.run("--check", setup="management", variables=operator(lab))
    assert check.code == 0, check.output
    assert "CrossAccountAccess: no version, now 1 (1 account: production)" in check.output
    assert check.output.count("crossaccount.pipeline.access") == 1

    run = access(playbook)
    assert run.code == 0, run.output
    changed = {place for place, result in done(run).items() if result != "unchanged"}
    assert changed == {("production", "CrossAccountAccess")}
    assert done(run)["production", "CrossAccountAccess"] == "updated"


def test_removal_of_an_account_and_of_all(
    lab: Lab, playbook: Playbook, inventory: Inventory, installed: None
) -> None:
    """Talks to the lab. Roles that something still needs to be removed stay, alone."""
    testing, production = (
        inventory.accounts[name].account_id for name in ("testing", "production")
    )
    lab.client("cloudformation", production).create_stack(
        StackName="CrossAccountDeploy",
        TemplateBody=json.dumps(
            {"Resources": {"Topic": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}
        ),
    )
    for name in ("testing", "production"):
        inventory.set(name, state="absent")

    run = access(playbook)
    assert run.code == 2, run.output
    assert run.failed == {"production"}
    assert "CrossAccountDeploy in us-east-1" in run.reason("production")
    assert stacks_of(lab, testing) == set()
    assert stacks_of(lab, production) == {*OF_ACCOUNTS, "CrossAccountDeploy"}

    lab.client("cloudformation", production).delete_stack(StackName="CrossAccountDeploy")
    unconfirmed = access(playbook, "-e", "remove_access=true")
    assert unconfirmed.code == 2
    assert unconfirmed.writes == []

    run = access(playbook, "-e", "remove_access=true", "-e", "confirm=org")
    assert run.code == 0, run.output
    assert set(done(run).values()) == {"absent", "removed"}
    for account_id in (inventory.build_account_id, production, testing):
        assert stacks_of(lab, account_id) == set()


def test_stacks_that_were_made_by_hand_and_an_account_that_refuses(
    lab: Lab, playbook: Playbook, inventory: Inventory
) -> None:
    """Talks to the lab. Their names are variables; who refuses fails alone, and comes later."""
    inventory.set_group(
        "all",
        access_stack_name="AccessRole",
        execution_stack_name="ExecutionPolicy",
        operator_role_name="Operator",
    )
    development = inventory.accounts["development"].account_id
    lab.refuse_access(development)

    run = access(playbook)
    assert run.code == 2, run.output
    assert run.failed == {"development"}
    assert ADMINISTRATOR in run.reason("development")
    results = done(run)
    assert results["production", "AccessRole"] == "updated"
    assert results["production", "ExecutionPolicy"] == "updated"
    assert results["production", "CrossAccountDriftAccess"] == "created"

    lab.allow_access(development)
    run = access(playbook)
    assert run.code == 0, run.output
    changed = {host for (host, _stack), result in done(run).items() if result != "unchanged"}
    assert changed == {"development"}

    run = playbook.run(setup="management", variables=operator(lab, "Operator"))
    assert run.code == 0, run.output
    assert run.changed == inventory.hosts
