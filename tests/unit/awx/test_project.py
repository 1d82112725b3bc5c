# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWX is given: an execution environment, a project, job templates. Talks to nobody."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import ansible_collections.amazon.aws as amazon
import botocore.session
import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from jinja2 import Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

from lab.organisation.seed import OPERATOR_POLICIES
from tests.unit.tooling.actions import ROOT, load_yaml

PROJECT = ROOT / "examples" / "awx-project"
ROLE = ROOT / "roles" / "awx"
AMAZON = Path(amazon.__path__[0])

# A line by which AWX takes a file of a project for a playbook.
PLAYBOOK = re.compile(r"^\s*-?\s*(ansible\.builtin\.)?import_playbook:\s*\S", re.MULTILINE)

# Names of the variables that AWX gives to every job, where this role may run too.
OF_AWX = re.compile(
    r"awx_(job|workflow_job|parent_job|inventory|schedule|user|webhook|execution|project)_"
    r"(id|name|email|first_name|last_name|launch_type|template_id|template_name|schedule_id"
    r"|schedule_name|node|revision|scm_branch|.*payload)"
)


def read(path: str) -> Any:
    return load_yaml((ROOT / path).read_text(encoding="utf-8"))


def run(*command: str, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


# The execution environment


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ansible-builder would give to a container engine, made as its file says."""
    folder = tmp_path_factory.mktemp("environment")
    shutil.copy(ROOT / "execution-environment.yml", folder)
    command = ("ansible-galaxy", "collection", "build", "--output-path", str(folder / "build"))
    run(*command, folder=ROOT)
    run("ansible-builder", "create", "--context", "context", folder=folder)
    return folder / "context"


def test_the_execution_environment_holds_the_archive_of_this_version(context: Path) -> None:
    archive = f"crossaccount-pipeline-{read('galaxy.yml')['version']}.tar.gz"

    assert (context / "_build" / "collections" / archive).is_file()
    wanted = load_yaml((context / "_build" / "requirements.yml").read_text(encoding="utf-8"))
    assert wanted == {"collections": [{"name": f"collections/{archive}", "type": "file"}]}


def test_the_execution_environment_has_a_version_of_ansible_that_the_collection_takes() -> None:
    (core,) = read("execution-environment.yml")["dependencies"]["ansible_core"].values()

    assert core == f"ansible-core{read('meta/runtime.yml')['requires_ansible']}"


def test_the_image_gets_boto3_and_nothing_that_needs_an_old_one(
    context: Path, tmp_path: Path
) -> None:
    """What the builder installs for both collections, as execution-environment.yml excludes.

    amazon.aws also names aiobotocore, for event sources. Each of its releases takes a few releases
    of botocore only, so that pip before 26 walks boto3 down for many minutes.
    """
    place = tmp_path / "ansible_collections"
    ours = place / "crossaccount" / "pipeline"
    ours.mkdir(parents=True)
    shutil.copy(ROOT / "galaxy.yml", ours)
    shutil.copytree(ROOT / "meta", ours / "meta")
    theirs = place / "amazon" / "aws"
    theirs.mkdir(parents=True)
    for name in ("MANIFEST.json", "requirements.txt", "bindep.txt"):
        shutil.copy(AMAZON / name, theirs)
    excluded = context / "_build" / "exclude-requirements.txt"
    assert excluded.is_file()

    wanted = tmp_path / "requirements.txt"
    options = ("--exclude-pip-reqs", str(excluded), "--write-pip", str(wanted))
    run("ansible-builder", "introspect", *options, str(tmp_path), folder=tmp_path)

    lines = [line.split("#")[0].strip() for line in wanted.read_text("utf-8").splitlines()]
    names = {re.split("[<>=!~ ]", line)[0] for line in lines}
    assert names == {"boto3", "botocore"}
    assert {"boto3>=1.42.1", "botocore>=1.42.1"} <= set(lines)


# The project


def test_the_project_finds_collections_where_awx_puts_them_and_accepts_no_broken_inventory() -> (
    None
):
    settings = configparser.ConfigParser()
    settings.read(PROJECT / "ansible.cfg")

    assert settings["defaults"]["collections_path"].split(":") == [
        *("/runner/requirements_collections", "~/.ansible/collections"),
        "/usr/share/ansible/collections",
    ]
    assert settings["inventory"].getboolean("any_unparsed_is_failed")


def test_the_project_installs_what_the_collection_says() -> None:
    ours, amazon = read("examples/awx-project/collections/requirements.yml")["collections"]

    galaxy = read("galaxy.yml")
    assert (ours["type"], ours["version"]) == ("git", galaxy["version"])
    assert galaxy["dependencies"] == {amazon["name"]: amazon["version"]}


@pytest.mark.parametrize("path", sorted(PROJECT.glob("*.yml")), ids=lambda path: path.stem)
def test_awx_takes_the_file_for_a_playbook_and_it_names_one_of_ours(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert PLAYBOOK.search(text)
    (play,) = load_yaml(text)
    assert play["ansible.builtin.import_playbook"] == f"crossaccount.pipeline.{path.stem}"
    assert (ROOT / "playbooks" / path.name).is_file()


# Notifications

NOTICE = (
    'example has drifted: 1 finding (1 "policy"). Hosts: production. Report: https://r/page.html'
)
FAILED = {
    "job": {
        "name": "drift (verdict)",
        "status": "failed",
        "artifacts": {"drift_verdict": "{}", "drift_notice": NOTICE},
    },
    "url": "https://awx/#/jobs/playbook/42",
}
WAITING = {
    "approval_node_name": "Fix the drift?",
    "workflow_url": "https://awx/#/jobs/workflow/43",
}


def rendered(kind: str, event: str, sub: str | None, part: str, context: dict[str, Any]) -> str:
    """What AWX sends by a notification of that type."""
    variables = DataLoader().load_from_file(
        str(ROLE / "vars" / "main.yml"), trusted_as_template=True
    )
    templar = Templar(loader=DataLoader(), variables={**variables, "awx_notification_type": kind})
    messages = templar.template(variables["__awx_messages"])[event]
    text = (messages[sub] if sub else messages)[part]
    return ImmutableSandboxedEnvironment().from_string(str(text)).render(context)


def test_a_failed_job_is_reported_with_what_it_found() -> None:
    expected = f"drift (verdict) failed: {NOTICE}. Job: https://awx/#/jobs/playbook/42"

    for kind, part in (("slack", "message"), ("email", "message"), ("email", "body")):
        assert rendered(kind, "error", None, part, FAILED) == expected
    for kind in ("webhook", "awssns"):
        assert json.loads(rendered(kind, "error", None, "body", FAILED)) == {"text": expected}


def test_a_failed_job_that_published_nothing_is_reported_too() -> None:
    job = {"name": "bootstrap", "status": "failed", "artifacts": {}}

    text = rendered("slack", "error", None, "message", {**FAILED, "job": job})

    assert text == "bootstrap failed. Job: https://awx/#/jobs/playbook/42"


def test_an_approval_that_waits_leads_to_the_workflow() -> None:
    start = "Fix the drift? Approve or deny: https://awx/#/jobs/workflow/43 "

    message = rendered("slack", "workflow_approval", "running", "message", WAITING)
    assert message.startswith(start)
    body = rendered("webhook", "workflow_approval", "running", "body", WAITING)
    assert json.loads(body) == {"text": message}


# The documentation


def test_the_set_up_attaches_every_policy_that_one_credential_for_all_jobs_needs() -> None:
    """The policies of the operator that tests/integration/test_slices.py runs every job as."""
    text = (ROOT / "docs" / "awx.md").read_text(encoding="utf-8")
    steps = text.partition("## Set it up")[2].partition("\n## ")[0]

    assert "[set-up A](permissions.md#set-up-a)" in steps
    assert "`operator_remediates: true`" in steps
    role = (ROOT / "playbooks" / "files" / "operator-role.template").read_text(encoding="utf-8")
    for name in (*OPERATOR_POLICIES, "drift", "remediation"):
        assert f"@@ {name}-policy.json @@" in role, name


def test_the_documented_credential_type_gives_jobs_the_keys_of_the_operator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "docs" / "awx.md").read_text(encoding="utf-8")
    block = text.partition("# Injector configuration\n")[2].partition("```")[0]
    injectors = load_yaml(block)
    role = "arn:aws:iam::111111111111:role/CrossAccountOperator"
    inputs = {"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "s", "role_arn": role}
    config = tmp_path / "config"
    config.write_text(Template(injectors["file"]["template"]).render(inputs), encoding="utf-8")
    (variable,) = injectors["env"]
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv(variable, str(config))
    session = botocore.session.Session()

    credentials = session.get_credentials()

    assert credentials is not None
    assert credentials.method == "assume-role"
    profiles = session.full_config["profiles"]
    assert profiles["default"]["role_arn"] == role
    assert profiles["user"]["aws_access_key_id"] == inputs["access_key_id"]


# The role


def test_every_job_template_runs_a_playbook_of_the_project() -> None:
    templates = read("roles/awx/vars/main.yml")["__awx_templates"]

    assert {template["playbook"] for template in templates} == {
        path.name for path in PROJECT.glob("*.yml")
    }


def test_no_variable_of_the_role_has_a_name_that_awx_gives_to_jobs() -> None:
    names = [*read("roles/awx/defaults/main.yml"), "awx_project_url", "awx_environment_image"]

    assert [name for name in names if OF_AWX.fullmatch(name)] == []


def test_the_linter_knows_exactly_the_modules_that_the_role_uses() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in ROLE.glob("tasks/*.yml"))

    assert read(".ansible-lint")["mock_modules"] == sorted(
        set(re.findall(r"^ +(awx\.awx\.\w+):", text, re.MULTILINE))
    )


def test_every_answer_to_a_survey_is_text_and_one_of_its_choices() -> None:
    surveys = [
        value for name, value in read("roles/awx/vars/main.yml").items() if name.endswith("_survey")
    ]
    questions = [question for survey in surveys if survey for question in survey["spec"]]

    assert questions
    for question in questions:
        assert isinstance(question["default"], str), question
        assert question["default"] in question.get("choices", [question["default"]]), question


def test_what_a_survey_asks_for_is_read_as_what_it_is() -> None:
    """`'false'` is true to Ansible unless a playbook says `| bool`, or an action's spec does."""
    playbooks = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "playbooks").rglob("*.yml")
    )

    for variable in ("allow_replacement", "fail_on_drift"):
        for use in re.findall(rf"\b{variable} \|[^}}]*", playbooks):
            assert "| bool" in use, use
