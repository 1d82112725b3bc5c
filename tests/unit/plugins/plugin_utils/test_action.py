# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every action does with its arguments, and what it refuses before anything is called."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest
from ansible.errors import AnsibleActionFail
from ansible.utils.display import Display
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils import _action
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._action import PipelineAction
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws import patience
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import (
    OrphanedWorker,
    PipelineError,
)

from tests.fakes.harness import run_action


class Echo(PipelineAction):
    """Shows what an action is given."""

    argument_spec: ClassVar[dict[str, dict[str, Any]]] = {
        "name": {"type": "str", "required": True},
        "count": {"type": "int", "default": 1},
    }

    def act(self) -> dict[str, Any]:
        """Return it."""
        return {"changed": False, "given": self.options, "host": self.task_vars.get("host")}


class Silent(Echo):
    """Calls nobody."""

    calls_aws = False


def failing(error: BaseException) -> type[PipelineAction]:
    class Failing(Echo):
        def act(self) -> dict[str, Any]:
            raise error

    return Failing


def test_arguments_are_validated_and_completed() -> None:
    assert run_action(Echo, {"name": 7, "count": "3"}, task_vars={"host": "one"}) == {
        "changed": False,
        "given": {"name": "7", "count": 3},
        "host": "one",
    }
    assert run_action(Echo, {"name": "one"})["given"] == {"name": "one", "count": 1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "missing required arguments: name"),
        ({"name": "one", "count": "many"}, "argument 'count' is of type"),
        ({"name": "one", "colour": "red"}, "colour. Supported parameters include: count, name."),
    ],
)
def test_arguments_that_are_wrong_fail_the_task(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(AnsibleActionFail) as caught:
        run_action(Echo, arguments)

    assert message in str(caught.value)


@pytest.mark.parametrize("check_mode", [False, True])
def test_an_expected_error_is_a_failed_result_and_nothing_else(check_mode: bool) -> None:
    error = PipelineError("it broke", cure="Mend it")

    assert run_action(failing(error), {"name": "secret"}, check_mode=check_mode) == {
        "failed": True,
        "changed": False,
        "msg": "it broke. Mend it",
    }


def test_a_worker_without_its_parent_stops() -> None:
    with pytest.raises(OrphanedWorker):
        run_action(failing(OrphanedWorker("gone")), {"name": "one"})


def test_a_bug_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        run_action(failing(ZeroDivisionError()), {"name": "one"})


def test_an_action_that_does_nothing_is_a_bug() -> None:
    with pytest.raises(NotImplementedError):
        run_action(PipelineAction, {})


@pytest.mark.parametrize("action", [Echo, Silent])
def test_become_is_refused(action: type[PipelineAction]) -> None:
    assert run_action(action, {"name": "one"}, become=True) == {
        "failed": True,
        "changed": False,
        "msg": "become does not apply to AWS calls. Remove it",
    }


@pytest.mark.parametrize(
    ("variable", "option"),
    [
        ("AWS_PROFILE", "profile"),
        ("AWS_DEFAULT_PROFILE", "profile"),
        ("AWS_REGION", "region"),
        ("AWS_DEFAULT_REGION", "region"),
        ("AWS_ROLE_ARN", "role_arn"),
        ("AWS_ENDPOINT_URL", "endpoint_url"),
        ("AWS_ACCESS_KEY_ID", "profile or role_arn"),
        ("AWS_CA_BUNDLE", "profile or role_arn"),
    ],
)
@pytest.mark.parametrize("above", [0, 1])
def test_settings_of_aws_in_the_environment_of_a_task_are_refused(
    variable: str, option: str, above: int
) -> None:
    environment = [{"PATH": "/bin"}] * above + [{"HOME": "/", variable: "secret"}]

    assert run_action(Echo, {"name": "one"}, environment=environment) == {
        "failed": True,
        "changed": False,
        "msg": (
            f"environment: {variable} has no effect here, because actions run inside"
            f" ansible-playbook. Use the option {option}, or set it before ansible-playbook starts"
        ),
    }


@pytest.mark.parametrize(
    "environment", [None, [], [{}], [{"PATH": "/bin", "MY_AWS_PROFILE": "x"}], ["{{ variable }}"]]
)
def test_another_environment_is_none_of_its_business(environment: Any) -> None:
    assert "failed" not in run_action(Echo, {"name": "one"}, environment=environment)


def test_a_missing_botocore_is_reported_by_whoever_needs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_action, "HAS_BOTOCORE", False)

    assert run_action(Echo, {"name": "one"}) == {
        "failed": True,
        "changed": False,
        "msg": (
            "the Python libraries botocore and boto3 are missing where ansible-playbook runs."
            " Install boto3 there"
        ),
    }
    assert "failed" not in run_action(Silent, {"name": "one"})


ACTIONS = sorted(
    path.stem for path in (Path(__file__).resolve().parents[4] / "plugins" / "action").glob("*.py")
)
# Runs in an interpreter of its own, where these modules can be made to be missing.
WITHOUT = """
import importlib, json, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("boto3", "botocore"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
from tests.fakes.harness import run_action
COLLECTION = "ansible_collections.crossaccount.pipeline"
told = {}
for name in sys.argv[1:]:
    action = importlib.import_module(f"{COLLECTION}.plugins.action.{name}")
    if action.ActionModule.calls_aws:
        told[name] = run_action(action.ActionModule, {})["msg"]
print(json.dumps(told))
"""


def test_every_action_can_be_imported_without_botocore() -> None:
    root = Path(__file__).resolve().parents[4]
    found = subprocess.run(
        [sys.executable, "-c", WITHOUT, *ACTIONS],
        check=True,
        capture_output=True,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )

    told = json.loads(found.stdout)
    assert sorted(told) == [
        "access_preflight",
        "access_stacks",
        "host_stack",
        "preflight",
        "prove",
        "recover",
        "stack",
        "stack_drift",
        "stack_drift_info",
        "stack_outputs_info",
    ]
    assert all(message.startswith("the Python libraries botocore") for message in told.values())


class Waiting(PipelineAction):
    """An action that waits for something."""

    argument_spec: ClassVar[dict[str, dict[str, Any]]] = {
        "wait_timeout": {"type": "float", "default": 0.0}
    }

    def act(self) -> dict[str, Any]:
        """Wait for ever."""
        for _poll in self.patience(self.options["wait_timeout"], host=self.host).polls(
            lambda: "One creating"
        ):
            pass
        return {}


def test_a_wait_ends_after_the_time_of_the_task() -> None:
    result = run_action(Waiting, {}, task_vars={"inventory_hostname": "production"})

    assert result["msg"].startswith("gave up after 0 s: One creating. ")


def test_a_wait_reports_on_the_screen_for_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    monkeypatch.setattr(Display, "display", lambda _self, line, **_more: lines.append(line))
    monkeypatch.setattr(patience, "_FIRST_REPORT", 0.0)

    run_action(Waiting, {"wait_timeout": 0.01}, task_vars={"inventory_hostname": "production"})

    assert lines == ["  production: One creating for 0 s"]
