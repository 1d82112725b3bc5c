# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drift run looks at the pipelines of applications like at the foundation. Talks to the lab."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab import Lab
from tests.integration.inventory import Inventory
from tests.integration.playbook import Playbook, Run

Report = dict[str, Any]
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
ROLE = "OrganizationAccountAccessRole"


class Drift:
    """Drift runs as an administrator, on an organisation with an application."""

    def __init__(self, playbook: Playbook, inventory: Inventory, folder: Path) -> None:
        self._playbook = playbook
        self._folder = folder
        self.inventory = inventory
        inventory.set_group("all", access_role_name=ROLE)

    def bootstrap(self) -> None:
        """Run the bootstrap to its good end."""
        run = self._playbook.run(setup="management")
        assert run.code == 0, run.output

    def look(self, *arguments: str) -> tuple[Run, Report]:
        """Run it, and return the report too."""
        run = self._playbook.run(
            *("-e", f"drift_report_path={self._folder}", *arguments),
            playbook="drift.yml",
            setup="management",
        )
        text = (self._folder / "drift-report.json").read_text(encoding="utf-8")
        return run, json.loads(text)


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    """A copy of the inventory that the collection ships, with its application."""
    return Inventory.copied_to(tmp_path / "inventory", applications=True)


@pytest.fixture
def drift(lab: Lab, playbook: Playbook, inventory: Inventory, tmp_path: Path) -> Drift:
    """Drift runs on a bootstrapped organisation."""
    drift = Drift(playbook, inventory, tmp_path / "report")
    drift.bootstrap()
    return drift


def found(report: Report) -> set[tuple[str, str, str, str]]:
    """What counts: kind, host, stack and property."""
    return {(one["kind"], one["host"], one["stack"], one["property"]) for one in report["findings"]}


def state_of(report: Report, stack: str) -> str:
    """The state of a stack of the primary host."""
    (state,) = [one["state"] for one in report["hosts"] if one["stack"] == stack]
    return str(state)


def test_the_pipeline_of_an_application_is_looked_at(drift: Drift, lab: Lab) -> None:
    run, clean = drift.look()
    assert run.code == 0, run.output
    assert state_of(clean, "hello-pipeline") == "clean"
    assert "- application pipelines: 1 clean\n" in run.output
    assert run.writes == []

    (application,) = drift.inventory.variables("primary")["pipelines"]
    drift.inventory.set_group("primary", pipelines=[{**application, "execution_mode": "PARALLEL"}])
    run, outdated = drift.look()
    assert run.code == 2, run.output
    assert run.failed == {"build"}
    assert state_of(outdated, "hello-pipeline") == "outdated"
    assert {one[:3] for one in found(outdated)} == {("outdated", "build", "hello-pipeline")}

    drift.inventory.set_group("primary", pipelines=[])
    run, orphaned = drift.look()
    assert run.code == 2, run.output
    assert found(orphaned) == {("orphaned", "", "hello-pipeline", "")}

    drift.inventory.set_group("primary", pipelines=[application])
    iam = lab.client("iam", drift.inventory.build_account_id)
    iam.put_role_policy(
        RoleName="hello-pipeline",
        PolicyName="ByHand",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [EVERYTHING]}),
    )
    cloudformation = lab.client("cloudformation", drift.inventory.build_account_id)
    cloudformation.update_stack(
        StackName="hello-pipeline",
        UsePreviousTemplate=True,
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Tags=[],
        Parameters=[
            {"ParameterKey": one["ParameterKey"], "UsePreviousValue": True}
            for one in cloudformation.describe_stacks(StackName="hello-pipeline")["Stacks"][0][
                "Parameters"
            ]
        ],
    )
    run, remediated = drift.look("-e", "remediate=true")
    assert run.code == 0, run.output
    assert state_of(remediated, "hello-pipeline") == "clean"
    assert iam.list_role_policies(RoleName="hello-pipeline")["PolicyNames"].count("ByHand") == 0


def test_a_missing_pipeline_and_a_register_that_nobody_can_rely_on(drift: Drift, lab: Lab) -> None:
    account_id = drift.inventory.build_account_id
    lab.client("cloudformation", account_id).delete_stack(StackName="hello-pipeline")
    run, report = drift.look()
    assert run.code == 2, run.output
    assert found(report) == {("missing", "build", "hello-pipeline", "")}

    lab.set_stack_status(
        account_id, drift.inventory.primary_region, "CrossAccountPrimary", "UPDATE_ROLLBACK_FAILED"
    )
    run, report = drift.look()
    assert run.code == 2, run.output
    states = {one["stack"]: one["state"] for one in report["hosts"]}
    assert states == {
        "CrossAccountPrimary": "stuck",
        "CrossAccountRegional": "clean",
        # Compared with the register, which is not settled.
        "CrossAccountDeploy": "error",
        "hello-pipeline": "missing",
    }
