# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The actions that show and report: what they read, show, write and return. Call nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible import constants, context
from ansible.module_utils.common.collections import ImmutableDict
from ansible.utils.display import Display
from ansible_collections.crossaccount.pipeline.plugins.action import (
    bootstrap_summary,
    drift_report,
    drift_summary,
    drift_verdict,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report import terminal

from tests.fakes.data import FakeData
from tests.fakes.gateway import Install
from tests.fakes.harness import run_action
from tests.fakes.service import refuse
from tests.unit.report.sample import compared, drift_of, organisation

Data = dict[str, Any]

WHOLE = organisation(("development",), (), ("hello",))
TAG = ("tags", "team", None, "platform")


class HostVars(dict[str, Data]):
    """Ansible's hostvars."""

    def raw_get(self, host_name: str) -> Data:
        """Return the variables of a host."""
        return self[host_name]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str | None]]:
    """What is displayed, with its colour; warnings too."""
    lines: list[tuple[str, str | None]] = []

    def display(_self: Display, text: str, color: str | None = None, **_more: Any) -> None:
        lines.append((text, color))

    monkeypatch.setattr(Display, "display", display)
    monkeypatch.setattr(Display, "warning", lambda _self, text, **_more: lines.append((text, "")))
    return lines


def plan(**more: Any) -> Data:
    """A plan in which every stack is as desired."""
    state = {"exists": True, "status": "CREATE_COMPLETE", "outputs": {}, "parameters": {}}
    return {
        "run": "1",
        "started": "2026-11-24T03:00:00Z",
        "organisation": WHOLE.as_dict(),
        "pipelines": {},
        "check_mode": False,
        "caller_account_id": None,
        "hosts": sorted(WHOLE.hosts),
        "stacks": {
            name: {**state, **compared(), "inputs": None, "error": None, "reason": None}
            for name in WHOLE.hosts
        },
        "grants": {},
        "failures": {},
        "quarantined": [],
        "gone": [],
        "held": {},
        "releasing": [],
        "orphans": [],
        "access_stacks": [],
        "outdated_roles": [],
        "blocked": [],
        "readings": [],
        **more,
    }


def variables(given: Data | None, **registered: Any) -> Data:
    """What Ansible gives a task after the check."""
    hostvars = HostVars({name: {} for name in WHOLE.hosts})
    hostvars["build"] = {"preflight_result": given, **registered} if given else {}
    return {"hostvars": hostvars}


def test_the_summary_is_shown_in_colour_and_names_who_must_fail(
    shown: list[tuple[str, str | None]],
) -> None:
    result = run_action(
        bootstrap_summary.ActionModule,
        {"name": "org"},
        task_vars=variables(plan(failures=dict.fromkeys(WHOLE.hosts, "refused"))),
    )

    assert result["results"] == dict.fromkeys(["build", "development", "hello"], "FAILED")
    assert result["failures"] == dict.fromkeys(["build", "development", "hello"], "refused")
    assert result["failed_hosts"] == ["build", "development", "hello"]
    assert [text for text, _colour in shown] == result["text"]
    assert ("  FAILED: build, development, hello", constants.COLOR_ERROR) in shown


@pytest.mark.parametrize(
    "action", [bootstrap_summary, drift_summary], ids=["bootstrap_summary", "drift_summary"]
)
def test_without_what_came_before_there_is_nothing_to_show(
    shown: list[tuple[str, str | None]], action: Any
) -> None:
    result = run_action(action.ActionModule, {}, task_vars=variables(None))

    assert result["failed"]
    assert shown == []


# drift_report and drift_summary


def report(given: Data | None = None, **more: Any) -> Data:
    arguments = {"stacks": [drift_of(host) for host in WHOLE.hosts.values()], **more}
    return run_action(
        drift_report.ActionModule, arguments, task_vars=variables(given or readable())
    )


def readable(**differences: tuple[str, str, str | None, str | None]) -> Data:
    """A plan with a register that everything is in."""
    given = plan()
    given["stacks"]["build"] |= {
        "outputs": {"KeyArn": "arn:key", "PipelineBucketArn": "arn:bucket"},
    }
    given["organisation"]["hosts"]["development"]["regions"] = ["us-east-1"]
    del given["organisation"]["hosts"]["hello"]
    given["hosts"].remove("hello")
    for name, difference in differences.items():
        given["stacks"][name] |= compared(difference)
    return given


def test_a_clean_run_fails_nobody_and_writes_nothing_without_a_path(
    shown: list[tuple[str, str | None]],
) -> None:
    result = report(name="example")

    assert (result["changed"], result["verdict"], result["complete"]) == (False, "clean", True)
    assert (result["failures"], result["files"], result["drifted"]) == ({}, [], {})
    assert result["summary"]["stacks"] == {"clean": 2}
    assert result["text"][1].startswith("  example is clean: 2 stacks (primary, 1 account), ")
    assert shown == []


def test_the_report_is_shown_by_drift_summary(shown: list[tuple[str, str | None]]) -> None:
    found = report(readable(build=TAG), name="example")

    result = run_action(
        drift_summary.ActionModule, {}, task_vars=variables(plan(), drift_report_result=found)
    )

    assert [text for text, _colour in shown] == result["text"] == found["text"]
    assert {colour for text, colour in shown if "Tags.team is missing" in text} == {
        constants.COLOR_CHANGED
    }


def test_three_files_are_written_and_hold_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    result = report(path=str(tmp_path / "new" / "report"))

    names = ["drift-report.json", "drift-report.md", "drift-report.html"]
    assert result["files"] == [f"new/report/{name}" for name in names]
    data = json.loads(Path(result["files"][0]).read_text("utf-8"))
    assert data["started"] == "2026-11-24T03:00:00Z"
    assert Path(result["files"][1]).read_text("utf-8").startswith("# Drift: the organisation is")
    assert json.dumps(data["hosts"]) in Path(result["files"][2]).read_text("utf-8")
    assert "  Report: new/report/drift-report.html" in result["text"]


def test_a_disk_that_takes_nothing_costs_the_files_and_not_the_verdict(
    shown: list[tuple[str, str | None]], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()

    result = report(path=str(tmp_path / "file" / "report"))

    assert (result["verdict"], result["files"]) == ("clean", [])
    assert shown[0][0].startswith(f"the drift report cannot be written to {tmp_path}/file/report: ")


def test_a_run_begins_without_the_report_of_an_earlier_one(tmp_path: Path) -> None:
    report(path=str(tmp_path))
    (tmp_path / "notes").touch()

    result = report(begin=True, path=str(tmp_path), ignore=[{"stack": "One"}])

    assert result["msg"].startswith("drift_ignore is not usable")
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]
    assert report(begin=True) == report(begin=True, path=str(tmp_path)) == {"changed": False}


def test_an_earlier_report_that_stays_fails_the_run(tmp_path: Path) -> None:
    (tmp_path / "drift-report.json").mkdir()

    result = report(begin=True, path=str(tmp_path))

    assert result["msg"].startswith(f"the earlier drift report in {tmp_path} cannot be removed: ")


def uploading(install: Install, job: int | None = None, **upload: str) -> tuple[Data, FakeData]:
    """Run with a bucket in the build account."""
    gateway = install(drift_report)
    given = readable()
    build = given["organisation"]["build_account_id"]
    arguments = {
        "stacks": [drift_of(host) for host in WHOLE.hosts.values()],
        "upload": {"bucket": "reports", "prefix": "drift/", **upload},
        "sts_region": "us-east-1",
    }
    known = {"awx_job_id": job} if job else {}
    result = run_action(
        drift_report.ActionModule, arguments, task_vars={**variables(given), **known}
    )
    return result, gateway.data_of(build, "us-east-1")


def test_the_page_and_the_json_are_uploaded_and_the_summary_has_the_link(install: Install) -> None:
    result, s3 = uploading(install, 1042, url="https://reports.example.com/")

    folder = "drift/2026-11-24T030000Z-1042"
    assert set(s3.objects) == {
        ("reports", f"{folder}/drift-report.{suffix}") for suffix in ("json", "html")
    }
    build = WHOLE.build_account_id
    assert {request["ExpectedBucketOwner"] for request in s3.objects.values()} == {build}
    link = f"https://reports.example.com/{folder}/drift-report.html"
    assert result["summary"]["links"] == [link]
    assert result["notice"].endswith(f". Report: {link}")
    assert f"  Report: {link}" in result["text"]


def test_a_link_leads_to_the_console_by_default(install: Install) -> None:
    result, _s3 = uploading(install)

    (link,) = result["summary"]["links"]
    assert link == (
        "https://us-east-1.console.aws.amazon.com/s3/object/reports?region=us-east-1"
        "&prefix=drift/2026-11-24T030000Z/drift-report.html"
    )


def test_a_bucket_that_takes_nothing_costs_the_link_and_not_the_verdict(
    install: Install, shown: list[tuple[str, str | None]]
) -> None:
    gateway = install(drift_report)
    s3 = gateway.data_of(WHOLE.build_account_id, "us-east-1")
    s3.before("PutObject", refuse("AccessDenied", "no"))

    arguments = {"bucket": "reports"}
    result = report(upload=arguments, sts_region="us-east-1")

    assert (result["verdict"], result["summary"]["links"]) == ("clean", [])
    assert shown[0][0].startswith("the drift report is not in bucket reports: Failed to upload ")


@pytest.mark.parametrize(
    ("fail_on_drift", "failed"), [(True, ["build", "development"]), (False, [])]
)
def test_findings_fail_hosts_unless_they_should_not(fail_on_drift: bool, failed: list[str]) -> None:
    result = report(readable(build=TAG, development=TAG), fail_on_drift=fail_on_drift)

    assert (result["verdict"], sorted(result["failures"])) == ("drifted", failed)


def test_an_account_with_a_region_that_is_not_registered_is_not_clean() -> None:
    given = readable()
    given["stacks"]["build"]["outputs"] = {}

    result = report(given)

    assert "nothing can be deployed to us-east-1 yet" in result["failures"]["development"]


def test_the_command_that_fixes_is_this_run_s_without_its_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = {
        "args": ("crossaccount.pipeline.drift",),
        "inventory": (str(tmp_path / "inventories" / "org"),),
        "extra_vars": ("password=secret",),
    }
    monkeypatch.setattr(context, "CLIARGS", ImmutableDict(arguments))

    text = "\n".join(report(readable(build=TAG))["text"])

    assert "Fix:    ansible-playbook crossaccount.pipeline.drift -i inventories/org \\\n" in text
    assert "-e remediate=true --limit build" in text
    assert "secret" not in text


def test_an_entry_of_drift_ignore_that_is_wrong_fails_the_task(
    shown: list[tuple[str, str | None]],
) -> None:
    result = report(ignore=[{"stack": "One"}])

    assert result["failed"]
    assert result["msg"] == "drift_ignore is not usable: 1 error"
    assert "errors" not in result
    assert shown[0][0].startswith("  - entry 1: reason is missing")


@pytest.mark.parametrize("callback", ["ansible.posix.json", "null"])
def test_errors_are_in_the_result_where_no_text_is_shown(
    shown: list[tuple[str, str | None]], monkeypatch: pytest.MonkeyPatch, callback: str
) -> None:
    monkeypatch.setattr(constants, "DEFAULT_STDOUT_CALLBACK", callback)

    result = report(ignore=[{"stack": "One"}])

    assert result["errors"][0].startswith("entry 1: reason is missing")
    assert shown == []


# The terminal


def test_the_verdict_of_many_parts_is_shown(shown: list[tuple[str, str | None]]) -> None:
    result = run_action(drift_verdict.ActionModule, {"reports": {}, "hosts": ["build"]})

    assert result["failure"] == "no part of the run published a report"
    assert [text for text, _colour in shown] == result["text"]


@pytest.mark.parametrize(
    ("callback", "is_shown"),
    [
        ("default", True),
        ("ansible.builtin.default", True),
        ("awx_display", True),
        ("community.general.unixy", True),
        ("json", False),
        ("ansible.posix.json", False),
        ("ansible.posix.jsonl", False),
        ("community.general.null", False),
    ],
)
def test_nothing_is_shown_where_the_output_is_a_document(
    shown: list[tuple[str, str | None]],
    monkeypatch: pytest.MonkeyPatch,
    callback: str,
    is_shown: bool,
) -> None:
    monkeypatch.setattr(constants, "DEFAULT_STDOUT_CALLBACK", callback)

    result = run_action(drift_verdict.ActionModule, {"reports": {}, "hosts": ["build"]})

    assert (bool(shown), bool(result["text"])) == (is_shown, True)


def test_a_worker_hands_its_lines_to_the_parent_past_what_wraps_display(
    shown: list[tuple[str, str | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[Any, ...]] = []

    class Queue:
        def send_display(self, method: str, text: str, **more: Any) -> None:
            sent.append((method, text, more))

    monkeypatch.setattr(Display(), "_final_q", Queue())

    terminal.show_progress("x" * 120)

    assert sent == [("display", f"{'x' * 97}...", {"color": None})]
    assert shown == []
