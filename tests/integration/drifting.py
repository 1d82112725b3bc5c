# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bootstrapped organisation, looked at by drift runs that report into a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.integration.held import Held
from tests.integration.inventory import Inventory
from tests.integration.playbook import Playbook, Run
from tests.integration.tampering import Tamperer
from tests.lab.lab import Lab, Setup

Report = dict[str, Any]


class Organisation:
    """An organisation, bootstrapped from the inventory as it is shipped."""

    def __init__(self, lab: Lab, folder: Path, *, setup: Setup = "management") -> None:
        self.lab = lab
        self.inventory = Inventory.copied_to(folder / "inventory")
        if setup == "management":
            self.inventory.set_group("all", access_role_name="OrganizationAccountAccessRole")
        self.held = Held(lab, self.inventory)
        self.tamperer = Tamperer(lab, self.held)
        self._playbook = Playbook(lab, self.inventory, home=folder / "ansible")
        self._report = folder / "report"
        self._setup = setup
        self.bootstrap()

    def bootstrap(self) -> None:
        """Run the bootstrap to its good end."""
        run = self._playbook.run(setup=self._setup)
        assert run.code == 0, run.output

    def everything(self) -> Report:
        """All that a run could change, but for what detection itself notes of a stack."""
        found = self.held.everything()
        for stack in found["stacks"].values():
            stack.pop("DriftInformation")
        return found

    def look(self, *arguments: str, setup: Setup | None = None) -> tuple[Run, Report]:
        """A drift run, and the report that it wrote."""
        path = self._report / "drift-report.json"
        path.unlink(missing_ok=True)
        run = self._playbook.run(
            "-e",
            f"drift_report_path={self._report}",
            *arguments,
            playbook="drift.yml",
            setup=setup or self._setup,
        )
        assert path.exists(), run.output
        return run, json.loads(path.read_text(encoding="utf-8"))


__all__ = ("Organisation", "Report")
