# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What jobs of AWX find and do when each sees its own hosts only, and what is made of it together.

Talks to the lab. The jobs are imitated as ansible-runner starts them, in the thin project of
examples/ with the collection as its archive installs it; a slice's inventory holds every n-th of
the sorted hosts.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from lab import Lab
from tests.awx.jobs import Data, Job, Stored, run_job, warm_jobs
from tests.integration.conftest import plugins
from tests.integration.drifting import Organisation
from tests.integration.held import check_complete
from tests.integration.states import States
from tests.integration.tampering import KINDS
from tests.integration.warm import Warm

# With these the organisation has five deploy accounts, which three slices divide into 2, 2 and 1.
SLICES = 2
# One that each part of a run has to find: in a region, the primary, an account, and nobody's.
TAMPERED = ("bucket policy", "timeout", "trust changed", "unknown stack")
S3_ONLY = ["arn:aws:iam::aws:policy/AmazonS3FullAccess"]


class Jobs:
    """Runs jobs on one organisation, each with the next number."""

    def __init__(
        self, organisation: Organisation, warm: Warm, collections: Path, folder: Path
    ) -> None:
        self.organisation = organisation
        self._warm = warm
        self.folder = folder
        self._numbers = itertools.count(100)
        self._environment = {
            **organisation.lab.environment("operator"),
            # What AWX has installed from the project's requirements for the job.
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
        }

    def run(self, playbook: str, inventory: Stored, **options: Any) -> Job:
        """Run one."""
        number = next(self._numbers)
        return run_job(
            self.folder,
            playbook,
            number=number,
            inventory=inventory,
            warm=self._warm,
            environment=self._environment,
            **options,
        )

    def sliced(self, playbook: str, inventory: Stored, **options: Any) -> list[Job]:
        """Run one as slices, one after the other."""
        return [
            self.run(playbook, inventory, hosts=hosts, **options)
            for hosts in inventory.slices(SLICES)
        ]

    # The inventories and the nodes that the role awx makes; an inventory is updated once

    @cached_property
    def everything(self) -> Stored:
        """The inventory of everything."""
        return Stored(self.organisation.inventory.directory)

    @cached_property
    def accounts(self) -> Stored:
        """The inventory of the deploy accounts, which is what is sliced."""
        return Stored(self.organisation.inventory.directory, limit="deploy_accounts")

    def looked(self) -> tuple[Job, list[Job]]:
        """The jobs of the workflow that look: that of the foundation, and the slices."""
        variables = {"drift_report_path": ""}
        foundation = self.run(
            "drift.yml",
            self.everything,
            variables={**variables, "drift_hosts": "primary:regional:pipelines"},
        )
        return foundation, self.sliced("drift.yml", self.accounts, variables=variables)

    def after(self, *jobs: Job) -> Data:
        """What a job that follows those in a workflow gets of them, as extra variables."""
        published: Data = {}
        for job in jobs:
            assert not published.keys() & job.artifacts.keys(), "two jobs publish under one name"
            published |= job.artifacts
        return published

    def verdict(self, *jobs: Job) -> Job:
        """The job that collects what those have published."""
        return self.run("drift_collect.yml", self.everything, given=self.after(*jobs))

    def remediable(self, *jobs: Job) -> Job:
        """The job between a failed verdict and the approval."""
        return self.run("drift_remediable.yml", self.everything, given=self.after(*jobs))


@pytest.fixture(scope="module")
def job_process(
    installed_collections: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Warm]:
    """Ansible and the plugins of the installed collection, imported once."""
    environment = {"ANSIBLE_COLLECTIONS_PATH": str(installed_collections)}
    folder = tmp_path_factory.mktemp("jobs")
    with warm_jobs(folder, environment, plugins("action", "filter")) as warm:
        yield warm


@pytest.fixture
def jobs(
    lab: Lab,
    states: States,
    installed_collections: Path,
    tmp_path: Path,
    warm: Warm,
    job_process: Warm,
) -> Jobs:
    """Jobs on a bootstrapped organisation."""
    organisation = Organisation(lab, states, tmp_path, warm, pipelines=True)
    return Jobs(organisation, job_process, installed_collections, tmp_path)


@pytest.fixture
def tampered(jobs: Jobs) -> None:
    """Let four things be changed by hand."""
    for kind in TAMPERED:
        KINDS[kind][0](jobs.organisation.tamperer)


def test_slices_have_every_nth_host(jobs: Jobs) -> None:
    assert jobs.accounts.slices(SLICES) == [["development", "testing"], ["production"]]


def test_the_verdict_is_clean_when_every_part_is(jobs: Jobs) -> None:
    """No job leaves a file; a slice that published nothing makes the verdict incomplete."""
    foundation, slices = jobs.looked()

    for job in (foundation, *slices):
        assert job.code == 0, job.output
    verdict = jobs.verdict(foundation, *slices)
    assert verdict.code == 0, verdict.output
    summary = verdict.summary
    assert (summary["verdict"], summary["complete"]) == ("clean", True)
    assert summary["reports"] == 1 + SLICES
    assert set(summary["hosts"]) == jobs.organisation.inventory.hosts
    assert set(summary["stacks"]) == {"clean"}
    assert list(jobs.folder.rglob("drift-report*")) == []

    verdict = jobs.verdict(foundation, *slices[1:])
    assert verdict.code != 0
    summary = verdict.summary
    assert (summary["verdict"], summary["complete"]) == ("incomplete", False)
    assert summary["missing"] == ["development", "testing"]
    assert "development, testing" in verdict.output
    assert "Not checked by any part: development, testing" in verdict.artifacts["drift_notice"]
    # Nobody is asked to fix what was not checked.
    asked = jobs.remediable(foundation, *slices[1:], verdict)
    assert asked.code != 0
    assert "not everything was checked" in " ".join(asked.output.split())


@pytest.mark.usefixtures("tampered")
def test_the_workflow_finds_what_one_run_finds_and_remediates_it(jobs: Jobs) -> None:
    """All but the stack that nobody knows, which stays, and fails the job."""
    whole = jobs.run("drift.yml", jobs.everything, variables={"drift_report_path": ""})
    foundation, slices = jobs.looked()
    verdict = jobs.verdict(foundation, *slices)

    expected = whole.summary
    summary = verdict.summary
    same = ("verdict", "complete", "hosts", "stacks", "findings", "ignored", "unchecked")
    assert {key: summary[key] for key in same} == {key: expected[key] for key in same}
    assert expected["verdict"] == "drifted"
    assert summary["findings"].keys() == {"orphaned", "drifted", "policy"}
    # Only the slice that holds the account fails, and the verdict does; all published before.
    assert [bool(job.code) for job in (whole, foundation, *slices, verdict)] == [
        *(True, True),
        *(True, False),
        True,
    ]

    asked = jobs.remediable(foundation, *slices, verdict)
    assert asked.code == 0, asked.output

    last = jobs.run(
        "drift.yml",
        jobs.everything,
        variables={"drift_report_path": "", "remediate": True},
        given=jobs.after(foundation, *slices, verdict),
    )
    summary = last.summary
    assert summary["findings"] == {"orphaned": 1}, last.output
    assert summary["complete"] is True
    assert last.code == 0, last.output


@pytest.mark.usefixtures("tampered")
def test_what_is_found_need_not_fail_a_slice(jobs: Jobs) -> None:
    """With what a survey answers, which is text."""
    (hosts,) = [part for part in jobs.accounts.slices(SLICES) if "testing" in part]

    job = jobs.run(
        "drift.yml",
        jobs.accounts,
        hosts=hosts,
        variables={"drift_report_path": ""},
        given={"fail_on_drift": "false"},
    )

    assert job.code == 0, job.output
    assert job.summary["verdict"] == "drifted"


def test_the_deploy_accounts_are_bootstrapped_in_slices(jobs: Jobs) -> None:
    """Phase 3 with nothing in sight but its own hosts; afterwards all is as one run leaves it."""
    organisation = jobs.organisation
    organisation.inventory.set_group("deploy_accounts", deploy_account_execution_policies=S3_ONLY)

    done = jobs.sliced("bootstrap.yml", jobs.accounts)

    for job in done:
        assert job.code == 0, job.output
    check_complete(organisation.held, organisation.inventory)
    for name in organisation.inventory.accounts:
        parameters = organisation.held.parameters(organisation.held.deploy(name))
        assert parameters["ExecutionPolicyArns"] == S3_ONLY[0]

    again = organisation.playbook.run()
    assert again.code == 0, again.output
    assert again.writes == []
