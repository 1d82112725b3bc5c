# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The canary: every path gets an answer of its own, and nothing of it stays."""

from __future__ import annotations

import pytest

from lab import Lab
from tests.integration.held import Held
from tests.integration.inventory import Inventory
from tests.integration.playbook import Playbook

PROVE = "playbooks/prove.yml"
PREFIX = "crossaccount-prove-"


def test_all(lab: Lab, playbook: Playbook, held: Held, existing: None, tmp_path) -> None:
    before = held.stacks()
    run = playbook.run("-e", f"prove_report_path={tmp_path}/report", playbook=PROVE)
    print(run.output)
    print([c for c in run.writes][:100])
    assert run.code == 0, run.output
    assert held.stacks() == before
