# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shipped inventory, bootstrapped with its pipelines in a lab, and its policies."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from lab import Lab
from tests.policy.foundation import Foundation
from tests.policy.operator import Operator
from tests.policy.organisation import INVENTORY, pipelines, read_foundation
from tests.policy.release import Release
from tools.environment import ROOT


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """An organisation that was bootstrapped once, for every test here."""
    with Lab() as lab:
        done = subprocess.run(
            ["ansible-playbook", str(ROOT / "bootstrap.yml"), "-i", str(INVENTORY)],
            cwd=ROOT,
            env=lab.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        yield lab


@pytest.fixture(scope="session")
def foundation(lab: Lab) -> Foundation:
    """The foundation, with the policies of everything in it and of those who deploy it."""
    organisation = lab.organisation
    names = organisation.operator
    roles = [(organisation.build, names.operator_role)]
    roles += [(account, names.access_role) for account in organisation.deploy.values()]
    return read_foundation(lab.client, INVENTORY, roles=roles)


@pytest.fixture(scope="session")
def release(lab: Lab, foundation: Foundation) -> Release:
    """The release of the sample application."""
    (stack,) = pipelines(foundation)
    return Release(lab.client, foundation.export, stack)


@pytest.fixture(scope="session")
def operator(lab: Lab, foundation: Foundation) -> Operator:
    """Who deployed all of it."""
    names = lab.organisation.operator
    return Operator(foundation, name=names.operator_role, access_role=names.access_role)
