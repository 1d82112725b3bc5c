# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook awx.yml makes what it says, and a second run changes nothing.

Runs the modules of awx.awx themselves, against tests/awx/controller.py, which stands in for AWX;
and against an AWX where CONTROLLER_HOST, CONTROLLER_OAUTH_TOKEN and AWX_PROJECT_URL (a repository
laid out as examples/awx-project, which that AWX can read) are set. Otherwise those are skipped.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.awx.api import Api, Item
from tests.awx.controller import TOKEN, Controller, serve
from tests.integration.inventory import ROOT
from tests.integration.warm import Warm
from tools.awx_collection import collections_path
from tools.environment import COLLECTIONS

WORKFLOW = "nightly drift"
# What another organisation of the same AWX may have too.
SHARED_NAMES = {
    "credentials": "crossaccount-pipeline hub",
    "execution_environments": "crossaccount-pipeline",
    "inventories": "crossaccount-pipeline",
    "notification_templates": "crossaccount-pipeline",
    "projects": "crossaccount-pipeline",
    "job_templates": "drift",
    "workflow_job_templates": WORKFLOW,
}
SECRET = "not-to-be-seen-anywhere"
# What the role calls most; they run in the worker, by tests/awx/actions.
MODULES = ("job_template", "schedule", "workflow_job_template_node")
PACKAGE = "ansible_collections.awx.awx.plugins.modules"
PROJECT = "https://git.example.com/platform/pipelines.git"

Variables = dict[str, Any]


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    """Ansible and the modules of awx.awx, imported once."""
    collections = collections_path()
    if collections is None:
        pytest.skip("awx.awx is not here: `python -m tools.awx_collection` needs a network")
    environment = {
        **os.environ,
        "ANSIBLE_HOME": str(tmp_path_factory.mktemp("ansible")),
        "ANSIBLE_COLLECTIONS_PATH": f"{COLLECTIONS}:{collections}",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_ACTION_PLUGINS": str(ROOT / "tests" / "awx" / "actions"),
    }
    modules = ("ansible.module_utils.testing", *(f"{PACKAGE}.{name}" for name in MODULES))
    with Warm(ROOT, environment, modules) as warm:
        yield warm


@dataclass(kw_only=True)
class Run:
    """A run that has ended."""

    code: int
    output: str
    changed: int


@dataclass(kw_only=True)
class Awx:
    """One AWX, and the playbook to run on it. controller: what stands in for it, if that does."""

    api: Api
    warm: Warm
    folder: Path
    variables: Variables
    controller: Controller | None = None

    def run(self, **variables: Any) -> Run:
        """Run the playbook."""
        given = {**self.variables, **variables}
        code, output = self.warm.run(
            ("ansible-playbook", "playbooks/awx.yml", "-i", "localhost,", "-e", json.dumps(given)),
            environment={**os.environ, **self.api.environment()},
            output=self.folder / "output",
        )
        changed = re.search(r"changed=(\d+)", output)
        return Run(code=code, output=output, changed=int(changed[1]) if changed else 0)


@pytest.fixture(scope="module", params=["imitation", "server"])
def awx(
    request: pytest.FixtureRequest, warm: Warm, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Awx]:
    """An AWX to which the playbook was applied once."""
    folder = tmp_path_factory.mktemp("awx")
    organisation = f"crossaccount test {uuid.uuid4().hex[:8]}"
    variables = {
        "awx_organisation": organisation,
        "awx_environment_image": "registry.example.com/crossaccount-pipeline:0.1.0",
        "awx_aws_access_key_id": "AKIAIOSFODNN7EXAMPLE",
        "awx_aws_secret_access_key": SECRET,
        "awx_notification_type": "webhook",
        "awx_notification_configuration": {
            "url": "https://hooks.example.com/awx",
            "http_method": "POST",
            "headers": {},
            "disable_ssl_verification": False,
            "username": "",
            "password": "",
        },
    }
    if request.param == "server":
        names = ("CONTROLLER_HOST", "CONTROLLER_OAUTH_TOKEN", "AWX_PROJECT_URL")
        if not all(os.environ.get(name) for name in names):
            pytest.skip(f"no AWX to ask: {', '.join(names)} are not all set")
        host, token, project = (os.environ[name] for name in names)
        api = Api(url=host, token=token, organisation=organisation)
        variables["awx_project_url"] = project
        awx = Awx(api=api, warm=warm, folder=folder, variables=variables)
        try:
            first = awx.run()
            assert first.code == 0, first.output
            yield awx
        finally:
            api.remove()
        return
    with serve() as controller:
        controller.add_organisation("another team", SHARED_NAMES)
        api = Api(url=controller.url, token=TOKEN, organisation=organisation)
        variables["awx_project_url"] = PROJECT
        awx = Awx(api=api, warm=warm, folder=folder, variables=variables, controller=controller)
        first = awx.run()
        assert first.code == 0, first.output
        assert SECRET not in first.output
        yield awx


# Jobs that do not call AWS.
OFFLINE = ("drift (verdict)", "drift (remediable)")


def template(awx: Awx, name: str) -> Item:
    return awx.api.one("job_templates", name)


def test_a_second_run_changes_nothing(awx: Awx) -> None:
    if awx.controller:
        awx.controller.writes.clear()

    again = awx.run()

    assert again.code == 0, again.output
    assert again.changed == 0, again.output
    if awx.controller:
        assert awx.controller.writes == []


def test_the_organisation_can_install_collections(awx: Awx) -> None:
    assert awx.api.galaxy_credentials() == ["Ansible Galaxy"]


def test_the_project_and_its_jobs_use_the_execution_environment(awx: Awx) -> None:
    environment = awx.api.one("execution_environments", awx.api.organisation)

    project = awx.api.one("projects", "crossaccount-pipeline")
    assert project["default_environment"] == environment["id"]
    assert project["scm_update_on_launch"] is True
    for job in awx.api.all("job_templates"):
        assert job["execution_environment"] == environment["id"], job["name"]


def test_the_inventories_are_what_the_project_says_and_nothing_else(awx: Awx) -> None:
    limits = {}
    for inventory in awx.api.all("inventories"):
        source = awx.api.one("inventory_sources", f"{inventory['name']} source")
        limits[inventory["name"]] = source["limit"]
        assert source["inventory"] == inventory["id"]
        assert (source["source"], source["source_path"]) == ("scm", "inventories/org")
        for option in ("overwrite", "overwrite_vars", "update_on_launch"):
            assert source[option] is True, option

    assert limits == {
        "crossaccount-pipeline": "",
        "crossaccount-pipeline deploy accounts": "deploy_accounts",
    }


@pytest.mark.parametrize(
    ("name", "playbook", "expected"),
    [
        ("bootstrap", "bootstrap.yml", {"job_type": "run", "diff_mode": False, "extra_vars": {}}),
        ("bootstrap (check)", "bootstrap.yml", {"job_type": "check", "diff_mode": True}),
        ("pipelines", "pipelines.yml", {"survey_enabled": False}),
        ("drift", "drift.yml", {"survey_enabled": True, "job_slice_count": 1}),
        (
            "drift (foundation)",
            "drift.yml",
            {"extra_vars": {"drift_report_path": "", "drift_hosts": "primary:regional:pipelines"}},
        ),
        ("drift (deploy accounts)", "drift.yml", {"job_slice_count": 4}),
        ("drift (verdict)", "drift_collect.yml", {"job_slice_count": 1}),
        ("drift (remediable)", "drift_remediable.yml", {"job_slice_count": 1}),
        ("remediate", "drift.yml", {"extra_vars": {"drift_report_path": "", "remediate": True}}),
    ],
)
def test_a_job_template(awx: Awx, name: str, playbook: str, expected: Item) -> None:
    found = template(awx, name)

    assert found["playbook"] == playbook
    assert found["forks"] == 50
    assert found["timeout"] > 0
    for option in ("allow_simultaneous", "ask_limit_on_launch", "ask_variables_on_launch"):
        assert found[option] is False, option
    shown = {**found, "extra_vars": json.loads(found["extra_vars"])}
    assert {key: shown[key] for key in expected} == expected
    # One credential of AWS, as AWX takes no second; none where AWS is not called.
    hub = [] if name in OFFLINE else ["crossaccount-pipeline hub"]
    assert awx.api.attached(found, "credentials") == hub


def test_only_the_sliced_template_has_the_inventory_that_can_be_sliced(awx: Awx) -> None:
    accounts = awx.api.one("inventories", "crossaccount-pipeline deploy accounts")

    users = {
        one["name"]
        for one in awx.api.all("job_templates")
        if one["inventory"] == accounts["id"] or one["job_slice_count"] > 1
    }
    assert users == {"drift (deploy accounts)"}


def test_what_is_found_is_told_once(awx: Awx) -> None:
    told = {
        one["name"]: awx.api.attached(one, "notification_templates_error")
        for one in awx.api.all("job_templates")
    }

    notification = ["crossaccount-pipeline"]
    assert told == {
        "bootstrap": notification,
        "bootstrap (check)": [],
        "pipelines": notification,
        "drift": notification,
        "drift (foundation)": [],
        "drift (deploy accounts)": [],
        "drift (verdict)": notification,
        "drift (remediable)": [],
        "remediate": notification,
    }
    workflow = awx.api.one("workflow_job_templates", WORKFLOW)
    assert awx.api.attached(workflow, "notification_templates_approvals") == notification


def edges(awx: Awx) -> set[tuple[str, str, str]]:
    """The edges of the workflow."""
    return {
        (identifier, kind, target)
        for identifier, node in awx.api.nodes(WORKFLOW).items()
        for kind in ("always", "success", "failure")
        for target in awx.api.attached(node, f"{kind}_nodes")
    }


LOOKING = {("foundation", "always", "verdict"), ("accounts", "always", "verdict")}
# What was not checked completely fails the node in between, and nobody is asked.
PUTTING_RIGHT = {
    ("verdict", "failure", "remediable"),
    ("remediable", "success", "approval"),
    ("approval", "success", "remediation"),
}


def test_the_workflow_looks_then_judges_then_asks_then_puts_right(awx: Awx) -> None:
    assert edges(awx) == LOOKING | PUTTING_RIGHT

    nodes = awx.api.nodes(WORKFLOW)
    runs = {
        identifier: awx.api.related(node, "unified_job_template")["name"]
        for identifier, node in nodes.items()
    }
    assert runs == {
        "foundation": "drift (foundation)",
        "accounts": "drift (deploy accounts)",
        "verdict": "drift (verdict)",
        "remediable": "drift (remediable)",
        "approval": "Fix the drift?",
        "remediation": "remediate",
    }
    assert awx.api.related(nodes["approval"], "unified_job_template")["timeout"] == 72000
    # With it, a node that one of two parents does not lead to would not run.
    assert not any(node.get("all_parents_must_converge") for node in nodes.values())
    assert awx.api.one("workflow_job_templates", WORKFLOW)["allow_simultaneous"] is False


def test_the_workflow_runs_every_night(awx: Awx) -> None:
    (schedule,) = awx.api.schedules(awx.api.one("workflow_job_templates", WORKFLOW))

    assert schedule["rrule"] == "DTSTART;TZID=UTC:20260101T030000 RRULE:FREQ=DAILY;INTERVAL=1"
    assert schedule["enabled"] is True


def test_what_is_chosen_differently_is_changed(awx: Awx) -> None:
    """Other numbers, no remediation, and a schedule with an answer to a survey.

    The last test that looks at what the first run made.
    """
    weekly = {
        "name": "every Monday",
        "template": "drift",
        "rrule": "DTSTART;TZID=UTC:20260105T050000 RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO",
        "variables": {"fail_on_drift": "false"},
    }

    role = {"access_role_name": "CrossAccountDriftAccess"}

    changed = awx.run(
        awx_slices=2,
        awx_forks=20,
        awx_remediation=False,
        awx_schedules=[weekly],
        awx_drift_variables=role,
    )

    assert changed.code == 0, changed.output
    assert edges(awx) == LOOKING
    assert set(awx.api.nodes(WORKFLOW)) == {"foundation", "accounts", "verdict"}
    assert template(awx, "drift (deploy accounts)")["job_slice_count"] == 2
    for name in ("drift", "drift (foundation)", "drift (deploy accounts)"):
        found = template(awx, name)
        assert found["forks"] == 20
        assert role.items() <= json.loads(found["extra_vars"]).items()
    assert "access_role_name" not in json.loads(template(awx, "remediate")["extra_vars"])
    (schedule,) = awx.api.schedules(template(awx, "drift"))
    assert schedule["extra_data"] == {"fail_on_drift": "false"}


REFUSED: dict[str, Variables] = {
    "awx_slices 10 is not between 1 and 9": {"awx_slices": 10},
    "These names must differ": {"awx_drift_template": "bootstrap"},
    "schedule odd: AWX does not accept DTSTART:20260101T030000": {
        "awx_schedules": [{"name": "odd", "rrule": "DTSTART:20260101T030000 RRULE:FREQ=DAILY"}]
    },
}


def test_what_cannot_work_is_refused_before_awx_is_asked(tmp_path: Path) -> None:
    """One run, in which the role's first tasks fail once for each."""
    checks = [
        {
            "block": [
                {
                    "ansible.builtin.include_role": {
                        "name": "crossaccount.pipeline.awx",
                        "tasks_from": "assert.yml",
                    },
                    "vars": variables,
                }
            ],
            "rescue": [{"ansible.builtin.debug": {"msg": "{{ ansible_failed_result | to_json }}"}}],
        }
        for variables in REFUSED.values()
    ]
    playbook = tmp_path / "refused.yml"
    playbook.write_text(
        json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": checks}])
    )

    done = subprocess.run(
        ("ansible-playbook", str(playbook), "-i", "localhost,"),
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    output = " ".join(done.stdout.split())
    assert done.returncode == 0, done.stdout
    for message in REFUSED:
        assert message in output
