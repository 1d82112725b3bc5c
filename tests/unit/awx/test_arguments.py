# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every task of the role awx gives options that awx.awx has, of the right type.

The options are those of awx.awx 24.6.1 itself, which `python -m tools.awx_collection` brings;
without a network there is none, and these tests are skipped. Talks to nobody.
"""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest

from tests.awx.specs import COLLECTION, Module, problems, read
from tests.unit.tooling.actions import ROOT, Task, load_yaml, tasks_of
from tools.awx_collection import collections_path, requirement

TASKS = [
    task
    for path in sorted((ROOT / "roles" / "awx" / "tasks").glob("*.yml"))
    for task in tasks_of(load_yaml(path.read_text(encoding="utf-8")), path.name, COLLECTION)
]
NODE = "workflow_job_template_node: {identifier: a, workflow_job_template: b"
MODULES = sorted({task.module for task in TASKS})


@pytest.fixture(scope="module")
def collection() -> Path:
    """The folder with awx.awx in it."""
    path = collections_path()
    if path is None:
        pytest.skip("awx.awx is not here: `python -m tools.awx_collection` needs a network")
    return path


@pytest.fixture(scope="module")
def modules(collection: Path) -> dict[str, Module]:
    return read(collection, *MODULES)


def test_the_collection_is_the_one_of_the_awx_that_was_measured(collection: Path) -> None:
    manifest = collection / "ansible_collections" / "awx" / "awx" / "MANIFEST.json"

    information = json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]
    assert (information["namespace"], information["name"]) == ("awx", "awx")
    assert information["version"] == "24.6.1"


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.where)
def test_the_arguments_of_the_task_are_right(task: Task, modules: dict[str, Module]) -> None:
    assert problems(task, modules) == []


def test_the_linter_knows_exactly_the_modules_that_the_role_uses() -> None:
    settings = load_yaml((ROOT / ".ansible-lint").read_text(encoding="utf-8"))

    assert settings["mock_modules"] == [f"{COLLECTION}.{name}" for name in MODULES]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("job_template: {name: a, fork: 50}", "no option fork"),
        ("job_template: {name: a, forks: many}", "'forks' is of type str"),
        ("job_template: {name: a, job_type: test}", "value of job_type must be one of: run, check"),
        ("job_template: {name: a, ask_variables_on_launch: maybe}", "ask_variables_on_launch"),
        ("job_template: {forks: 50}", "option name is required"),
        ("project: {name: a, scm_type: hg}", "value of scm_type must be one of"),
        ("inventory: {name: a}", "option organization is required"),
        ("organization: {name: a, galaxy_credentials: {a: b}}", "galaxy_credentials"),
        (
            f"{NODE}, unified_job_template: c, approval_node: {{}}}}",
            "mutually exclusive: unified_job_template|approval_node",
        ),
        (
            f"{NODE}}}",
            "state is present but any of the following are missing",
        ),
        ("schedules: {name: a}", "awx.awx.schedules does not exist"),
    ],
)
def test_what_is_wrong_with_a_task_is_found(
    text: str, told: str, modules: dict[str, Module]
) -> None:
    (task,) = tasks_of(load_yaml(f"- {COLLECTION}.{text}"), "sample", COLLECTION)

    (problem,) = problems(task, modules)
    assert told in problem


def test_the_lock_names_one_release_of_the_package_with_its_hashes() -> None:
    lock = """
    ansible-core==2.19.1 \\
        --hash=sha256:11
    ansible==12.3.0 \\
        --hash=sha256:22 \\
        --hash=sha256:33
    boto3==1.42.1 \\
        --hash=sha256:44
    """

    assert requirement(textwrap.dedent(lock)).split() == [
        *("ansible==12.3.0", "\\", "--hash=sha256:22", "\\", "--hash=sha256:33")
    ]
