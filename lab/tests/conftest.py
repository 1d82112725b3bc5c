# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One lab for each test module that wants a running one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import Lab
from lab.settings import APPROVAL_SECONDS, JOB_SECONDS


@pytest.fixture(scope="module")
def running_lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture
def lab(running_lab: Lab) -> Iterator[Lab]:
    """The module's lab, with every switch back where it was afterwards."""
    yield running_lab
    running_lab.set_faults([])
    running_lab.set_resource_faults([])
    running_lab.set_latency(0)
    running_lab.hold()
    running_lab.set_secure_transport(True)
    running_lab.set_change_page(100)
    running_lab.set_artifact_copier("pipeline-role")
    running_lab.set_job_seconds(JOB_SECONDS)
    running_lab.set_approval_seconds(APPROVAL_SECONDS)
    running_lab.set_drift_page(100)
