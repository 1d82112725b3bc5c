# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The acceptance run for AWS, on the local organisation."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lab import Lab
from tests.acceptance.__main__ import Acceptance, Step, ansible_playbook, environment_with
from tests.acceptance.accounts import Accounts
from tests.acceptance.record import redact
from tests.commands import run_command
from tests.integration.conftest import plugins
from tests.integration.waiting import HANGS
from tests.integration.warm import Warm
from tools.environment import ROOT


def accept(lab: Lab, directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    organisation = lab.organisation
    return run_command(
        [
            *(sys.executable, "-m", "tests.acceptance", "--pause", "0.1"),
            *("--build", organisation.build, "--directory", str(directory)),
            *("--deploy", organisation.deploy["development"], organisation.deploy["testing"]),
            *arguments,
        ],
        environment={**lab.environment("management"), "ANSIBLE_HOME": str(directory / "ansible")},
        folder=ROOT,
        seconds=HANGS,
    )


def test_the_whole_run_passes_and_leaves_nothing(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Talks to the lab. Access, bootstrap, canary, release, drift, removal: each is recorded."""
    lab.reset(bare=True)
    for name, value in lab.variables("management").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ANSIBLE_HOME", str(tmp_path / "ansible"))
    organisation = lab.organisation
    accounts = Accounts(
        build=organisation.build,
        deploy=(organisation.deploy["development"], organisation.deploy["testing"]),
        regions=("us-east-1", "eu-west-1"),
    )

    with Warm(tmp_path, environment_with({}), plugins("action", "filter")) as warm:

        def play(
            command: Sequence[str], environment: dict[str, str], folder: Path
        ) -> tuple[int, str]:
            assert folder == tmp_path
            return warm.run(command, environment=environment, output=tmp_path / "output")

        code = Acceptance(accounts, tmp_path, pause=0.1, play=play).run()

    assert code == 0, capsys.readouterr().out
    record = (tmp_path / "acceptance.json").read_text(encoding="utf-8")
    steps = json.loads(record)["steps"]
    assert {name for name, step in steps.items() if not step["passed"]} == set()
    assert steps["release"]["status"] == "Succeeded"
    assert re.search(r"\b\d{12}\b", record) is None


def test_a_playbook_of_this_checkout_is_a_process_of_its_own(tmp_path: Path) -> None:
    """As on AWS: the whole run above forks its playbooks."""

    def check(playbook: str) -> tuple[int, str]:
        command = ("ansible-playbook", f"crossaccount.pipeline.{playbook}", "-i", "org,")
        environment = {**environment_with({}), "ANSIBLE_HOME": str(tmp_path)}
        return ansible_playbook((*command, "--syntax-check"), environment, tmp_path)

    code, output = check("access")
    assert code == 0, output
    code, output = check("missing")
    assert code != 0
    assert "crossaccount.pipeline.missing" in output


def test_accounts_that_are_in_use_are_left_alone(lab: Lab, tmp_path: Path) -> None:
    """Talks to the lab. Neither a run nor its cleaning touches what it has not made."""
    lab.reset(bare=True)
    template = {"Resources": {"H": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}
    stacks = lab.client("cloudformation", lab.organisation.build)
    stacks.create_stack(StackName="CrossAccountPrimary", TemplateBody=json.dumps(template))
    lab.clear_calls()

    for arguments in ([], ["--clean"]):
        done = accept(lab, tmp_path, *arguments)
        assert done.returncode == 1, done.stdout

    assert [call for call in lab.calls() if call.write] == []
    record = json.loads((tmp_path / "acceptance.json").read_text(encoding="utf-8"))
    assert "CrossAccountPrimary in build us-east-1" in record["steps"]["empty"]["error"]
    assert list(record["steps"]) == ["empty"]


def test_a_record_has_nothing_that_names_somebody() -> None:
    text = (
        "arn:aws:sts::222222222222:assumed-role/Admin/alice@example.com of 999999999999 in"
        " o-abcdefghij, key 01234567-89ab-cdef-0123-456789abcdef, ASIAABCDEFGHIJKLMNOP,"
        " /home/alice/org"
    )

    expected = (
        "arn:aws:sts::<deploy1>:assumed-role/Admin/<mail> of <account> in <organization>,"
        " key <id>, <key>, <path>"
    )
    assert redact({"text": [text]}, {"222222222222": "deploy1"}) == {"text": [expected]}


class Interrupted(Acceptance):
    """A run of three steps, of which one is interrupted the first time."""

    def __init__(self, directory: Path, done: list[str], *, interrupt: bool) -> None:
        accounts = Accounts(build="111111111111", deploy=("222222222222",), regions=("us-east-1",))
        super().__init__(accounts, directory, pause=0.0)
        self._done, self._interrupt = done, interrupt

    @property
    def steps(self) -> dict[str, Step]:
        return {name: partial(self._work_on, name) for name in ("empty", "access", "prove")}

    @property
    def cleaning(self) -> dict[str, Step]:
        return {name: partial(self._work_on, name) for name in ("teardown", "nothing left")}

    def _work_on(self, name: str) -> dict[str, Any]:
        if name == "access" and self._interrupt:
            raise KeyboardInterrupt
        self._done.append(name)
        return {}


def test_an_interrupted_run_goes_on_and_a_whole_one_begins_again(tmp_path: Path) -> None:
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        Interrupted(tmp_path, done, interrupt=True).run()
    assert done == ["empty"]

    assert Interrupted(tmp_path, done, interrupt=False).run() == 0
    assert done == ["empty", "access", "prove", "teardown", "nothing left"]

    done.clear()
    assert Interrupted(tmp_path, done, interrupt=False).run() == 0
    assert done == ["empty", "access", "prove", "teardown", "nothing left"]
