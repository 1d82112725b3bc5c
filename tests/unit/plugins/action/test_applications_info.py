# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action that checks the application pipelines. Calls nobody."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.action import applications_info
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils import _action

from tests.fakes.harness import run_action
from tools import sample_pipelines


def checked(*samples: dict[str, Any]) -> dict[str, Any]:
    """Return the task's result."""
    found = sample_pipelines.variables(*samples)
    return run_action(
        applications_info.ActionModule,
        {"organisation": sample_pipelines.organisation(*samples).as_dict()},
        task_vars={"groups": found.groups, "hostvars": found.hostvars},
    )


def test_pipelines_are_data() -> None:
    result = checked(sample_pipelines.hello())

    assert set(result) == {"changed", "applications"}
    [hello] = result["applications"]
    assert (hello["name"], hello["stack_name"]) == ("hello", "hello-pipeline")


def test_what_is_wrong_fails_the_task() -> None:
    data = sample_pipelines.hello()
    data["waves"][0]["environments"][0]["host"] = "staging"

    assert checked(data)["msg"] == (
        "the inventory is not usable:\n  - host hello: pipeline.waves[development]"
        ".environments[staging].host: staging is not a host of deploy_accounts. Add it to the"
        " inventory, or correct the name"
    )


def test_the_pipelines_need_no_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_action, "HAS_BOTOCORE", False)

    assert "failed" not in checked(sample_pipelines.hello())
