# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action that reports a drift run: what it reads, writes and returns. Calls nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.utils.display import Display
from ansible_collections.crossaccount.pipeline.plugins.action import drift_report

from tests.fakes.harness import run_action
from tests.unit.report.sample import compared, drift_of, organisation

WHOLE = organisation(("development",), ())
HOSTS = sorted(WHOLE.hosts)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is displayed, warnings too."""
    lines: list[str] = []
    monkeypatch.setattr(Display, "display", lambda self, text, **more: lines.append(text))
    monkeypatch.setattr(Display, "warning", lambda self, text, **more: lines.append(text))
    return lines


def report(variables: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    registered = {"primary_result": compared(), "deploy_account_result": compared()}
    arguments = {
        "organisation": WHOLE.as_data(),
        "plan": {"failures": {}},
        "stacks": [drift_of(host) for host in WHOLE.hosts.values()],
        **more,
    }
    return run_action(
        drift_report.ActionModule,
        arguments,
        task_vars={
            "hostvars": {name: {**registered, **(variables or {})} for name in HOSTS},
            "ansible_play_hosts_all": HOSTS,
        },
    )


def test_a_clean_run_fails_nobody_and_writes_nothing_without_a_path(shown: list[str]) -> None:
    result = report(name="example")

    assert (result["changed"], result["verdict"], result["complete"]) == (False, "clean", True)
    assert (result["failures"], result["files"], result["drifted"]) == ({}, [], {})
    assert result["summary"]["stacks"] == {"clean": 2}
    assert shown[0].startswith("\n# Drift: example is clean\n")


def test_three_files_are_written_and_hold_the_same(shown: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "new" / "report"

    result = report(path=str(folder), started="2026-11-24T03:00:00Z")

    names = ["drift-report.json", "drift-report.md", "drift-report.html"]
    assert result["files"] == [str(folder / name) for name in names]
    data = json.loads((folder / names[0]).read_text("utf-8"))
    assert data["started"] == "2026-11-24T03:00:00Z"
    assert f"\n{(folder / names[1]).read_text('utf-8')}" == shown[0]
    assert json.dumps(data["hosts"]) in (folder / names[2]).read_text("utf-8")


def test_a_disc_that_takes_nothing_costs_the_files_and_not_the_verdict(
    shown: list[str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()

    result = report(path=str(tmp_path / "file" / "report"))

    assert (result["verdict"], result["files"]) == ("clean", [])
    assert shown[-1].startswith(f"the drift report cannot be written to {tmp_path}/file/report: ")


@pytest.mark.parametrize(("fail_on_drift", "failed"), [(True, HOSTS), (False, [])])
def test_findings_fail_hosts_unless_they_are_not_to(
    shown: list[str], fail_on_drift: bool, failed: list[str]
) -> None:
    tag = compared(("tags", "team", None, "platform"))
    variables = {"primary_result": tag, "deploy_account_result": tag}

    result = report(variables, fail_on_drift=fail_on_drift)

    assert (result["verdict"], sorted(result["failures"])) == ("drifted", failed)


def test_applications_are_read_from_what_the_primary_recorded(shown: list[str]) -> None:
    applications: list[dict[str, Any]] = [
        {"name": name, "state": "present", "stack_name": f"{name}-pipeline", "waves": []}
        for name in ("hello", "orders")
    ]

    result = report(
        {
            "drift_application_results": {"hello": compared()},
            "drift_application_failures": {"orders": "Rate exceeded"},
        },
        applications=applications,
        stacks=[
            *(drift_of(host) for host in WHOLE.hosts.values()),
            *(drift_of(WHOLE.primary, stack=one["stack_name"]) for one in applications),
        ],
    )

    assert result["summary"]["stacks"] == {"error": 1, "clean": 3}
    assert result["failures"] == {"build": "orders-pipeline: Rate exceeded"}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"started": "yesterday"}, "started: yesterday is not a time in ISO 8601"),
        (
            {"ignore": [{"stack": "One"}]},
            "drift_ignore has errors:\n  - entry 1: reason is missing. Write why this may differ",
        ),
    ],
)
def test_what_cannot_be_used_fails_the_task(
    shown: list[str], more: dict[str, Any], message: str
) -> None:
    result = report(**more)

    assert (result["failed"], result["msg"]) == (True, message)
