# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What jobs of AWX find and do when each sees its own hosts only, and what is made of it together.

Talks to the lab. The jobs are imitated by ansible-runner, in the thin project of examples/ with the
collection as its archive installs it; a slice's inventory holds every n-th of the sorted hosts.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import Lab
from tests.awx.jobs import Data, Job, Stored, run_job
from tests.integration.drifting import Organisation
from tests.integration.held import check_complete
from tests.integration.tampering import KINDS

# With these the organisation has five deploy accounts, which three slices divide into 2, 2 and 1.
MORE = {"quality": "666666666666", "staging": "777777777777"}
SLICES = 3
# One that each part of a run has to find: in a region, the primary, an account, and nobody's.
TAMPERED = ("bucket policy", "timeout", "trust changed", "unknown stack")
S3_ONLY = ["arn:aws:iam::aws:policy/AmazonS3FullAccess"]


class Jobs:
    """Runs jobs on one organisation, each with the next number."""

    def __init__(self, organisation: Organisation, collections: Path, folder: Path) -> None:
        self.organisation = organisation
        self._folder = folder
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
            self._folder,
            playbook,
            number=number,
            inventory=inventory,
            environment=self._environment,
            **options,
        )

    def sliced(self, playbook: str, inventory: Stored, **options: Any) -> list[Job]:
        """Run one as slices, one after the other."""
        return [
            self.run(playbook, inventory, hosts=hosts, **options)
            for hosts in inventory.slices(SLICES)
        ]

    # The inventories and the nodes that the role awx makes

    @property
    def everything(self) -> Stored:
        """The inventory of everything."""
        return Stored(self.organisation.inventory.directory)

    @property
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
        return self.run("drift_collect.yml", self.everything, variables=self.after(*jobs))


@pytest.fixture(scope="module")
def jobs(
    running_lab: Lab, installed_collections: Path, tmp_path_factory: pytest.TempPathFactory
) -> Jobs:
    """Jobs on an organisation of five deploy accounts that stands."""
    running_lab.reset()
    folder = tmp_path_factory.mktemp("slices")
    organisation = Organisation(running_lab, folder)
    running_lab.add_account(*MORE.values())
    for name, account_id in MORE.items():
        organisation.inventory.add_account(name, account_id, "us-east-1")
    organisation.bootstrap()
    return Jobs(organisation, installed_collections, folder)


@pytest.fixture
def tampered(jobs: Jobs) -> Iterator[None]:
    """Let four things be changed by hand, and put them back."""
    undo = [KINDS[kind][0](jobs.organisation.tamperer) for kind in TAMPERED]
    yield
    for one in reversed(undo):
        one()


def test_slices_have_every_nth_host(jobs: Jobs) -> None:
    assert jobs.accounts.slices(SLICES) == [
        ["development", "staging"],
        ["production", "testing"],
        ["quality"],
    ]


def test_all_is_well_in_every_part_and_in_the_verdict(jobs: Jobs) -> None:
    foundation, slices = jobs.looked()

    for job in (foundation, *slices):
        assert job.code == 0, job.output
    judged = jobs.verdict(foundation, *slices)
    assert judged.code == 0, judged.output
    summary = judged.artifacts["drift_verdict"]
    assert (summary["verdict"], summary["complete"]) == ("clean", True)
    assert summary["reports"] == 1 + SLICES
    assert set(summary["hosts"]) == jobs.organisation.inventory.hosts
    # Those of the hosts and of the applications.
    assert set(summary["stacks"]) == {"clean"}


@pytest.mark.usefixtures("tampered")
def test_the_verdict_on_slices_is_that_of_one_run(jobs: Jobs) -> None:
    whole = jobs.run("drift.yml", jobs.everything, variables={"drift_report_path": ""})
    foundation, slices = jobs.looked()
    judged = jobs.verdict(foundation, *slices)

    (expected,) = whole.artifacts.values()
    summary = judged.artifacts["drift_verdict"]
    same = ("verdict", "complete", "hosts", "stacks", "findings", "ignored", "unchecked")
    assert {key: summary[key] for key in same} == {key: expected[key] for key in same}
    assert sorted(summary["told"]) == sorted(expected["told"])
    assert expected["verdict"] == "drifted"
    # Only the slice that holds the account fails, and the verdict does; all published before.
    assert [bool(job.code) for job in (whole, foundation, *slices, judged)] == [
        *(True, True),
        *(False, True, False),
        True,
    ]
    assert "not as the inventory says" in judged.output


@pytest.mark.usefixtures("tampered")
def test_what_is_found_may_be_told_without_failing(jobs: Jobs) -> None:
    """With what a survey answers, which is text."""
    (hosts,) = [part for part in jobs.accounts.slices(SLICES) if "testing" in part]
    variables = {"fail_on_drift": "false", "drift_report_path": ""}

    job = jobs.run("drift.yml", jobs.accounts, hosts=hosts, variables=variables)

    assert job.code == 0, job.output
    (summary,) = job.artifacts.values()
    assert summary["verdict"] == "drifted"


@pytest.mark.usefixtures("tampered")
def test_what_the_workflow_found_is_put_right_by_its_last_job(jobs: Jobs) -> None:
    """All but the stack that nobody knows, which stays, and fails the job."""
    foundation, slices = jobs.looked()
    judged = jobs.verdict(foundation, *slices)
    before = jobs.after(foundation, *slices, judged)
    assert before["drift_verdict"]["findings"].keys() == {"orphaned", "drifted", "policy"}

    last = jobs.run(
        "drift.yml",
        jobs.everything,
        variables={"drift_report_path": "", "remediate": True, **before},
    )

    (summary,) = last.artifacts.values()
    assert summary["findings"] == {"orphaned": 1}, last.output
    assert summary["complete"] is True
    assert last.code != 0


def test_a_slice_that_published_nothing_makes_the_verdict_incomplete(jobs: Jobs) -> None:
    foundation, slices = jobs.looked()

    judged = jobs.verdict(foundation, *slices[1:])

    assert judged.code != 0
    summary = judged.artifacts["drift_verdict"]
    assert (summary["verdict"], summary["complete"]) == ("incomplete", False)
    assert summary["missing"] == ["development", "staging"]
    assert "nobody looked at development, staging" in judged.output


def test_a_job_leaves_no_file(jobs: Jobs, tmp_path: Path) -> None:
    """The report of a job would be gone with it, so that its template asks for none."""
    (hosts, *_others) = jobs.accounts.slices(SLICES)

    job = run_job(
        tmp_path,
        "drift.yml",
        number=1,
        inventory=jobs.accounts,
        environment=jobs._environment,
        hosts=hosts,
        variables={"drift_report_path": ""},
    )

    assert job.code == 0, job.output
    assert [path.name for path in (tmp_path / "job-1").rglob("drift-report*")] == []


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

    again = jobs.run("bootstrap.yml", jobs.everything)
    assert again.code == 0, again.output
    assert f"{len(organisation.inventory.hosts)} unchanged" in again.output
