# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bootstraps an organisation for tests of what stands afterwards."""

from __future__ import annotations

from pathlib import Path

from lab import Lab
from tests.commands import run_command
from tools.environment import ROOT


def bootstrap(lab: Lab, inventory: Path) -> None:
    """Run the bootstrap of this checkout on an inventory."""
    done = run_command(
        ["ansible-playbook", str(ROOT / "bootstrap.yml"), "-i", str(inventory)],
        environment=lab.environment(),
        folder=ROOT,
    )
    assert done.returncode == 0, done.stdout


__all__ = ("bootstrap",)
