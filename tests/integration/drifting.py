# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bootstrapped organisation, checked and remediated by drift runs that report to a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lab import Lab, Setup, operator_policy
from tests.integration.held import Held
from tests.integration.inventory import Inventory
from tests.integration.playbook import Playbook, Run
from tests.integration.states import States
from tests.integration.tampering import Tamperer
from tests.integration.warm import Warm

Report = dict[str, Any]


class Organisation:
    """An organisation, bootstrapped by the operator from the inventory as it is shipped.

    Drift runs look as a role that may only read. They remediate as the operator, who is given the
    policies for that. pipelines: with the pipelines of the inventory too.
    """

    def __init__(
        self, lab: Lab, states: States, folder: Path, warm: Warm, *, pipelines: bool = False
    ) -> None:
        self.lab = lab
        self.inventory = Inventory.copied_to(folder / "inventory", pipelines=pipelines)
        self.held = Held(lab, self.inventory)
        self.tamperer = Tamperer(lab, self.held)
        self.playbook = Playbook(lab, self.inventory, home=folder / "ansible", warm=warm)
        self._report = folder / "report"
        states.restore(lab, "drift-pipelines" if pipelines else "drift", self._make)

    def _make(self) -> None:
        self.lab.reset()
        self.lab.add_drift_operator()
        for policy in ("drift", "remediation"):
            self._give_operator(policy)
        self.bootstrap()

    def bootstrap(self) -> None:
        """Run the bootstrap, which succeeds."""
        run = self.playbook.run()
        assert run.code == 0, run.output

    def everything(self) -> Report:
        """All that a run could change, without what detection itself records on a stack."""
        found = self.held.everything()
        for stack in found["stacks"].values():
            stack.pop("DriftInformation")
        return found

    def look(self, *arguments: str) -> tuple[Run, Report]:
        """Run a drift run that only reads; return it and the report that it wrote."""
        organisation = self.lab.organisation
        names = (
            f"access_role_name={organisation.drift.access_role}",
            # The parameter of the deploy accounts' stacks is still the operator's.
            f"deploy_account_access_role_name={organisation.operator.access_role}",
        )
        return self._run("drift", "-e", names[0], "-e", names[1], *arguments)

    def remediate(self, *arguments: str) -> tuple[Run, Report]:
        """Run a drift run that remediates; return it and its last report, empty without one."""
        return self._run("operator", "-e", "remediate=true", *arguments)

    def _run(self, setup: Setup, *arguments: str) -> tuple[Run, Report]:
        path = self._report / "drift-report.json"
        # The report of an earlier run, which no run may leave there.
        path.parent.mkdir(exist_ok=True)
        path.write_text("of an earlier run", encoding="utf-8")
        given = ("-e", f"drift_report_path={self._report}", *arguments)
        run = self.playbook.run(*given, playbook="drift.yml", setup=setup)
        return run, json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def _give_operator(self, policy: str) -> None:
        organisation = self.lab.organisation
        self.lab.client("iam", organisation.build).put_role_policy(
            RoleName=organisation.operator.operator_role,
            PolicyName=policy,
            PolicyDocument=operator_policy(organisation, policy),
        )


__all__ = ("Organisation", "Report")
