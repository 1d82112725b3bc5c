# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drift run checks pipelines like every other host. The tests talk to the lab."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import Lab
from tests.integration.drifting import Organisation, Report
from tests.integration.states import States
from tests.integration.warm import Warm

HELLO = "hello"


@pytest.fixture
def organisation(lab: Lab, states: States, tmp_path: Path, warm: Warm) -> Organisation:
    """An organisation with a pipeline."""
    return Organisation(lab, states, tmp_path, warm, pipelines=True)


def found(report: Report) -> set[tuple[str, str, str]]:
    """Kind, host and stack of each finding."""
    return {(one["kind"], one["host"], one["stack"]) for one in report["findings"]}


def test_a_pipeline_that_its_data_no_longer_describes_is_outdated(
    organisation: Organisation,
) -> None:
    pipeline = organisation.inventory.pipeline(HELLO)
    organisation.inventory.declare(HELLO, {**pipeline, "execution_mode": "SUPERSEDED"})

    run, report = organisation.look("--limit", HELLO)

    assert run.code == 2, run.output
    assert run.failed == {HELLO}
    assert found(report) == {("outdated", HELLO, "hello-pipeline")}
    assert run.writes == []


def test_a_pipeline_without_a_host_is_orphaned(organisation: Organisation) -> None:
    organisation.inventory.remove(HELLO)

    run, report = organisation.look()

    assert run.code == 2, run.output
    assert found(report) == {("orphaned", "", "hello-pipeline")}


def test_a_missing_pipeline_and_a_register_that_nobody_can_rely_on(
    organisation: Organisation,
) -> None:
    lab, primary = organisation.lab, organisation.held.primary
    lab.client("cloudformation", primary.account_id).delete_stack(StackName="hello-pipeline")
    lab.set_stack_status(primary.account_id, primary.region, primary.name, "UPDATE_ROLLBACK_FAILED")

    run, report = organisation.look()

    assert run.code == 2, run.output
    states = {one["stack"]: one["state"] for one in report["hosts"]}
    assert states == {
        "CrossAccountPrimary": "stuck",
        "CrossAccountRegional": "clean",
        # Compared with the register, which is not settled.
        "CrossAccountDeploy": "error",
        "hello-pipeline": "missing",
    }
