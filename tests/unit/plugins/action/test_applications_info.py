# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action that checks the application pipelines. Calls nobody."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.action import applications_info
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils import _action
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    Organisation,
)

from tests.fakes.harness import run_action
from tests.fakes.inventory import Inventory
from tools import sample_pipelines


def checked(*pipelines: Any, organisation: Organisation | None = None) -> dict[str, Any]:
    """Return the task's result."""
    of = organisation or Inventory().read()
    return run_action(
        applications_info.ActionModule,
        {"pipelines": list(pipelines), "organisation": of.as_data()},
        task_vars={},
    )


def test_applications_are_told_as_data() -> None:
    result = checked(sample_pipelines.hello(), {"name": "old", "state": "absent"})

    assert set(result) == {"changed", "applications"}
    assert result["changed"] is False
    hello, old = result["applications"]
    assert (hello["name"], hello["state"], hello["stack_name"]) == (
        "hello",
        "present",
        "hello-pipeline",
    )
    assert hello["waves"][2]["environments"][0] == {
        "host": "production",
        "account_id": "444444444444",
        "regions": ["us-east-1", "eu-west-1", "ap-southeast-2"],
        "parameters": {},
    }
    assert (old["name"], old["state"], old["stack_name"], old["source"]) == (
        "old",
        "absent",
        "old-pipeline",
        None,
    )


def test_what_is_wrong_fails_the_task() -> None:
    data = sample_pipelines.hello()
    data["waves"][0]["environments"][0]["host"] = "staging"

    assert checked(data) == {
        "failed": True,
        "changed": False,
        "msg": (
            "pipelines is not usable:\n  - pipeline hello:"
            " waves[development].environments[staging].host: staging is no host of deploy_accounts."
            " Add it to the inventory, or correct the name"
        ),
    }


def test_without_pipelines_there_are_no_applications() -> None:
    assert run_action(
        applications_info.ActionModule,
        {"organisation": Inventory().read().as_data()},
        task_vars={},
    ) == {"changed": False, "applications": []}


def test_a_slice_builds_no_pipelines() -> None:
    inventory = Inventory()
    inventory.remove("build", "eu-west-1", "ap-southeast-2")
    data = sample_pipelines.hello()
    data["waves"][0]["environments"][0]["host"] = "out of sight"

    assert checked(data, organisation=inventory.read())["applications"] == []


def test_the_pipelines_need_no_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_action, "HAS_BOTOCORE", False)

    assert "failed" not in checked(sample_pipelines.hello())
