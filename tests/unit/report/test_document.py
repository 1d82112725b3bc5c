# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as a document: every stack's state, the verdict, who fails, and its schema.

Calls nothing.
"""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.finding import (
    KINDS,
    Finding,
    Resource,
    Unchecked,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.ignore import (
    read_ignores,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    Organisation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report import (
    document as _report,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report import extract
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.rows import Observed

from tests.unit.report import sample
from tests.unit.report.sample import HOME, STARTED, compared, drift_of

Data = dict[str, Any]

SCHEMA = json.loads(
    (Path(__file__).parents[3] / "docs" / "drift-report.schema.json").read_text("utf-8")
)
ACCOUNT = "222222222222"
DRIFTED = Finding(
    kind="drifted",
    resource=Resource(logical_id="Role", resource_type="AWS::IAM::Role"),
    property="Tags.0",
    message="Role (AWS::IAM::Role): Tags.0 was added",
)
MISSING = Finding(kind="missing", message="stack CrossAccountDeploy does not exist")
STUCK = Finding(kind="stuck", message="CrossAccountDeploy is UPDATE_ROLLBACK_FAILED")
TAG = ("tags", "team", None, "platform")


def organisation(state: str = "present") -> Organisation:
    """One deploy account, the primary, a region and a pipeline."""
    data = sample.organisation(("production",), ("eu-west-1",), ("hello",)).as_dict()
    data["hosts"]["production"]["state"] = state
    return Organisation.from_dict(data)


def observe(
    *found: Finding,
    comparison: Data | None = None,
    state: str = "present",
    hosts: tuple[str, ...] = ("production",),
    ignore: list[Data] | None = None,
    unchecked: tuple[Unchecked, ...] = (),
    asked: bool = True,
    orphans: list[Data] | None = None,
    failures: Data | None = None,
    whole: Organisation | None = None,
    **more: Any,
) -> Data:
    """The report of a run on the deploy account."""
    whole = whole or organisation(state)
    host = whole.hosts["production"]
    report = _report.document(
        whole,
        Observed(
            stacks=[drift_of(host, *found, unchecked=unchecked, **more)] if asked else [],
            orphans=orphans or [],
            comparisons={"production": compared() if comparison is None else comparison},
            failures=failures or {},
        ),
        name="example",
        play_hosts=hosts,
        ignores=read_ignores(ignore or []),
        started=STARTED,
        finished=STARTED + datetime.timedelta(seconds=3.14159),
    )
    jsonschema.validate(report, SCHEMA)
    return report


def state_of(report: Data) -> tuple[str, str | None]:
    (host,) = report["hosts"]
    return host["state"], host["error"]


# Its schema


@pytest.mark.parametrize("name", ["everything", "clean", "large"])
def test_a_report_is_as_its_schema_says(name: str) -> None:
    jsonschema.validate(getattr(sample, name)(), SCHEMA)


def test_the_schema_knows_every_member_and_no_other() -> None:
    report = sample.everything()

    assert SCHEMA["properties"].keys() == set(SCHEMA["required"]) == report.keys()
    for name in ("hosts", "findings", "unchecked", "ignored_expired"):
        items = SCHEMA["properties"][name]["items"]
        assert items["properties"].keys() == set(items["required"]) == report[name][0].keys()


def test_the_schema_knows_every_kind_and_state() -> None:
    properties = SCHEMA["properties"]
    kinds = properties["findings"]["items"]["properties"]["kind"]["enum"]
    states = properties["hosts"]["items"]["properties"]["state"]["enum"]

    severities = properties["findings"]["items"]["properties"]["severity"]["enum"]

    assert (set(kinds), set(states)) == (set(KINDS), set(_report.STATES))
    assert severities == list(_report.SEVERITIES)
    assert properties["schema_version"]["const"] == _report.SCHEMA_VERSION


# The state of a stack


@pytest.mark.parametrize(
    ("report", "state", "verdict"),
    [
        (observe, "clean", "clean"),
        (lambda: observe(DRIFTED), "drifted", "drifted"),
        (lambda: observe(MISSING), "missing", "drifted"),
        (
            lambda: observe(STUCK, comparison={**compared(), "operation": "repair"}),
            "stuck",
            "drifted",
        ),
        (lambda: observe(comparison=compared(TAG)), "outdated", "drifted"),
        (lambda: observe(DRIFTED, comparison=compared(TAG)), "drifted", "drifted"),
        (lambda: observe(state="quarantined", asked=False, comparison={}), "quarantined", "clean"),
        (
            lambda: observe(
                DRIFTED, ignore=[{"property": "Tags*", "reason": "known", "until": "2026-12-31"}]
            ),
            "ignored",
            "clean",
        ),
    ],
    ids=["clean", "drifted", "missing", "stuck", "outdated", "both", "quarantined", "ignored"],
)
def test_the_state_follows_from_what_was_found(report: Any, state: str, verdict: str) -> None:
    found = report()

    assert state_of(found) == (state, None)
    assert (found["verdict"], found["complete"]) == (verdict, True)


def test_what_is_missing_is_there_once_though_both_ways_find_it() -> None:
    report = observe(MISSING, exists=False, comparison={**compared(), "operation": "create"})

    assert [found["kind"] for found in report["findings"]] == ["missing"]


def test_a_stack_that_only_the_comparison_missed_is_missing() -> None:
    report = observe(error="Rate exceeded", comparison={**compared(), "operation": "create"})

    assert [found["kind"] for found in report["findings"]] == ["missing"]
    assert state_of(report) == ("error", "Rate exceeded")


def test_a_stack_to_be_absent_is_a_finding_until_it_is_gone() -> None:
    gone = observe(MISSING, exists=False, status=None, state="absent", comparison={})
    there = observe(DRIFTED, state="absent", comparison={})

    assert (state_of(gone), gone["findings"]) == (("clean", None), [])
    assert [(found["kind"], found["property"]) for found in there["findings"]] == [
        ("outdated", "state")
    ]


# What could not be checked


UNREAD = Unchecked(resource=Resource(logical_id="Key"), why="no")


@pytest.mark.parametrize(
    ("report", "error"),
    [
        (lambda: observe(error="Rate exceeded"), "Rate exceeded"),
        (lambda: observe(asked=False, failures={"production": "no access"}), "no access"),
        (lambda: observe(comparison={"error": "Throttled"}), "Throttled"),
        (
            lambda: observe(comparison={"operation": "unknown", "reason": "no register"}),
            "no register",
        ),
        (lambda: observe(comparison={}), "an earlier failure ended the run before it was checked"),
        (lambda: observe(asked=False), "an earlier failure ended the run before it was checked"),
        (
            lambda: observe(asked=False, state="absent"),
            "an earlier failure ended the run before it was checked",
        ),
        (lambda: observe(unchecked=(UNREAD,)), "could not check Key: no"),
    ],
)
def test_what_could_not_be_checked_is_never_clean(report: Any, error: str) -> None:
    found = report()

    assert state_of(found) == ("error", error)
    assert (found["verdict"], found["complete"]) == ("incomplete", False)
    assert extract.failures(found) == {"production": f"CrossAccountDeploy: {error}"}


def test_a_type_without_detection_is_in_the_report_and_no_error() -> None:
    unchecked = Unchecked(resource=Resource(logical_id="Policy"), kind="undetectable", why="none")

    report = observe(unchecked=(unchecked,))

    assert state_of(report) == ("clean", None)
    assert [entry["resource"] for entry in report["unchecked"]] == ["Policy"]


def test_a_closed_stage_is_no_work_for_a_remediation() -> None:
    pipeline = Resource(logical_id="Pipeline", resource_type="AWS::CodePipeline::Pipeline")
    closed = Finding(
        kind="drifted",
        resource=pipeline,
        property="DisableInboundStageTransitions.production",
        difference="ADD",
        message="closed",
    )

    report = observe(closed)

    assert extract.remediable(report) == []
    assert extract.failures(report) == {"production": "drifted: closed"}
    assert [finding["severity"] for finding in report["findings"]] == ["drift"]


def test_a_type_with_detection_but_no_result_is_an_error() -> None:
    unchecked = Unchecked(resource=Resource(logical_id="Key"), kind="no_result", why="left out")

    assert state_of(observe(unchecked=(unchecked,))) == ("error", "could not check Key: left out")


def test_an_error_hides_no_finding() -> None:
    report = observe(DRIFTED, failures={"production": "Throttled"})

    assert state_of(report)[0] == "error"
    assert (report["verdict"], report["complete"]) == ("drifted", False)
    assert extract.failures(report) == {
        "production": f"CrossAccountDeploy: Throttled\ndrifted: {DRIFTED.message}"
    }
    assert extract.failures(report, drift=False) == {"production": "CrossAccountDeploy: Throttled"}


# What belongs to no host


def orphan(account_id: str = ACCOUNT, stack: str = "Forgotten") -> Data:
    place = sample.Place(host="", account_id=account_id, region=HOME, stack=stack)
    return dict(Finding(kind="orphaned", message="nobody's").as_dict(place))


@pytest.mark.parametrize(
    ("account_id", "region", "host"),
    [
        (ACCOUNT, HOME, "production"),
        (ACCOUNT, "eu-west-1", "production"),
        (sample.BUILD, HOME, "build"),
        (sample.BUILD, "eu-west-1", "eu-west-1"),
        ("999999999999", HOME, "build"),
    ],
)
def test_an_orphan_fails_the_host_that_is_nearest(account_id: str, region: str, host: str) -> None:
    found = {**orphan(account_id), "region": region}

    report = observe(orphans=[found], hosts=("build", "production", "eu-west-1", "hello"))

    assert extract.failures(report)[host].endswith("orphaned: nobody's")
    assert "orphaned" not in str(extract.failures(report, orphans=False))
    assert extract.remediable(observe(orphans=[found])) == []


@pytest.mark.parametrize("stack", ["CrossAccountDeploy", "CrossAccountPrimary", "hello-pipeline"])
def test_a_stack_of_the_inventory_is_no_orphan_though_the_run_leaves_it_out(stack: str) -> None:
    account = ACCOUNT if stack == "CrossAccountDeploy" else sample.BUILD

    assert observe(orphans=[orphan(account, stack)])["findings"] == []


def test_a_slice_calls_nothing_of_the_build_account_orphaned() -> None:
    data = organisation().as_dict()
    data["hosts"] = {"production": data["hosts"]["production"]}
    part = Organisation.from_dict(data)

    report = observe(orphans=[orphan(sample.BUILD, "orders-pipeline"), orphan()], whole=part)

    assert [found["stack"] for found in report["findings"]] == ["Forgotten"]


# Numbers and what leaves the run


def test_hosts_that_are_not_of_the_run_are_not_in_the_report() -> None:
    assert [host["name"] for host in observe()["hosts"]] == ["production"]


def test_the_times_are_in_the_report() -> None:
    report = observe()

    assert (report["started"], report["finished"], report["seconds"]) == (
        "2026-11-24T03:00:04Z",
        "2026-11-24T03:00:07Z",
        3.1,
    )


def test_the_summary_is_small_and_counts_what_it_leaves_out() -> None:
    report = sample.large()
    (finding,) = report["findings"]
    report["findings"] = [{**finding, "host": f"host-{number:02}"} for number in range(100)]
    report["findings"][99]["severity"] = "danger"

    summary = extract.summary(report)

    assert (len(summary["messages"]), summary["more_messages"]) == (40, 60)
    assert summary["findings"] == {"missing": 100}
    assert summary["severities"] == {"danger": 1, "drift": 99}
    assert len(json.dumps(summary)) < 15_000
    place = f"{finding['stack']} ({finding['account_id']} {finding['region']})"
    assert summary["messages"][:2] == [
        f"DANGER host-99 {place}: {finding['message']}",
        f"drift host-00 {place}: {finding['message']}",
    ]


def test_stacks_to_revert_are_those_that_were_changed_and_are_not_ignored() -> None:
    report = sample.everything()

    assert extract.drifted(report) == {
        "build": ["CrossAccountPrimary"],
        "eu-west-1": ["CrossAccountRegional"],
        "production": ["CrossAccountDeploy"],
    }
