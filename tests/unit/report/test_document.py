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
    NOT_DETECTED,
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
NEVER = object()


def organisation(state: str = "present") -> Organisation:
    """One deploy account, the primary and a region."""
    whole = sample.organisation(("production",), ("eu-west-1",))
    host = sample._host("production", "deploy_accounts", ACCOUNT, regions=(HOME,), state=state)
    return Organisation.from_data(
        {**whole.as_data(), "hosts": {**whole.as_data()["hosts"], host.name: host.as_data()}}
    )


def look(
    *found: Finding,
    result: Any = None,
    state: str = "present",
    hosts: tuple[str, ...] = ("production",),
    variables: Data | None = None,
    ignore: list[Data] | None = None,
    unchecked: tuple[Unchecked, ...] = (),
    asked: bool = True,
    orphans: list[Data] | None = None,
    applications: list[Data] | None = None,
    failures: Data | None = None,
    whole: Organisation | None = None,
    **told: Any,
) -> Data:
    """The report of a run on the deploy account."""
    whole = whole or organisation(state)
    host = whole.hosts["production"]
    registered = {} if result is NEVER else {"deploy_account_result": result or compared()}
    report = _report.document(
        whole,
        _report.Looked(
            stacks=[drift_of(host, *found, unchecked=unchecked, **told)] if asked else [],
            orphans=orphans or [],
            hostvars={name: {**registered, **(variables or {})} for name in whole.hosts},
            failures=failures or {},
            applications=applications or [],
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

    assert (set(kinds), set(states)) == (set(_report.KINDS), set(_report.STATES))
    assert properties["schema_version"]["const"] == _report.SCHEMA_VERSION


# The state of a stack


@pytest.mark.parametrize(
    ("report", "state", "verdict"),
    [
        (look, "clean", "clean"),
        (lambda: look(DRIFTED), "drifted", "drifted"),
        (lambda: look(MISSING), "missing", "drifted"),
        (lambda: look(STUCK, result={**compared(), "operation": "repair"}), "stuck", "drifted"),
        (lambda: look(result=compared(TAG)), "outdated", "drifted"),
        (lambda: look(DRIFTED, result=compared(TAG)), "drifted", "drifted"),
        (lambda: look(state="quarantined", asked=False, result=NEVER), "quarantined", "clean"),
        (
            lambda: look(
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


def test_what_is_missing_is_told_once_though_both_looks_find_it() -> None:
    report = look(MISSING, exists=False, result={**compared(), "operation": "create"})

    assert [one["kind"] for one in report["findings"]] == ["missing"]


def test_a_stack_that_only_the_comparison_missed_is_missing() -> None:
    report = look(error="Rate exceeded", result={**compared(), "operation": "create"})

    assert [one["kind"] for one in report["findings"]] == ["missing"]
    assert state_of(report) == ("error", "Rate exceeded")


def test_a_stack_in_its_way_out_is_no_finding_when_it_is_gone() -> None:
    gone = look(MISSING, exists=False, status=None, state="absent", result=NEVER)
    there = look(DRIFTED, state="absent", result=NEVER)

    assert (state_of(gone), gone["findings"]) == (("clean", None), [])
    assert [(one["kind"], one["property"]) for one in there["findings"]] == [("outdated", "state")]


# What could not be looked at


@pytest.mark.parametrize(
    ("report", "error"),
    [
        (lambda: look(error="Rate exceeded"), "Rate exceeded"),
        (lambda: look(variables={"drift_failure": "Throttled"}), "Throttled"),
        (lambda: look(asked=False, failures={"production": "no access"}), "no access"),
        (
            lambda: look(
                result=NEVER,
                variables={"bootstrap_register": {"problem": "no primary", "regions": {}}},
            ),
            "no primary",
        ),
        (
            lambda: look(variables={"bootstrap_register": {"problem": None, "regions": {}}}),
            "nothing can be deployed to us-east-1: not in the register",
        ),
        (
            lambda: look(result=NEVER),
            "an earlier failure ended the run before it was looked at",
        ),
        (
            lambda: look(unchecked=(Unchecked(resource=Resource(logical_id="Key"), why="no"),)),
            "could not look at Key: no",
        ),
        (
            lambda: look(
                unchecked=(Unchecked(resource=Resource(logical_id="Key"), why="no"),),
                variables={"drift_failure": ""},
            ),
            "could not look at Key: no",
        ),
    ],
)
def test_what_could_not_be_looked_at_is_never_clean(report: Any, error: str) -> None:
    found = report()

    assert state_of(found) == ("error", error)
    assert (found["verdict"], found["complete"]) == ("incomplete", False)
    assert _report.failures(found) == {"production": f"CrossAccountDeploy: {error}"}


def test_a_result_of_a_bootstrap_is_no_comparison() -> None:
    report = look(result={"operation": "none", "stack": {}})

    assert state_of(report)[0] == "error"


def test_a_type_that_nobody_can_look_at_is_told_and_no_error() -> None:
    unchecked = Unchecked(resource=Resource(logical_id="Policy"), why=NOT_DETECTED)

    report = look(unchecked=(unchecked,))

    assert state_of(report) == ("clean", None)
    assert [one["resource"] for one in report["unchecked"]] == ["Policy"]


def test_an_error_hides_no_finding() -> None:
    report = look(DRIFTED, variables={"drift_failure": "Throttled"})

    assert state_of(report)[0] == "error"
    assert (report["verdict"], report["complete"]) == ("drifted", False)
    assert _report.failures(report) == {
        "production": f"CrossAccountDeploy: Throttled\ndrifted: {DRIFTED.message}"
    }
    assert _report.failures(report, drift=False) == {"production": "CrossAccountDeploy: Throttled"}


# What belongs to no host


def orphan(account_id: str = ACCOUNT, stack: str = "Forgotten") -> Data:
    place = sample.Place(host="", account_id=account_id, region=HOME, stack=stack)
    return dict(Finding(kind="orphaned", message="nobody's").as_dict(place))


def test_an_orphan_fails_the_primary_or_else_the_first() -> None:
    alone = look(orphans=[orphan()])
    both = look(orphans=[orphan()], hosts=("build", "production"), failures={"build": "no"})

    assert _report.failures(alone) == {"production": "orphaned: nobody's"}
    assert "orphaned: nobody's" in _report.failures(both)["build"]


@pytest.mark.parametrize("stack", ["CrossAccountDeploy", "CrossAccountPrimary", "hello-pipeline"])
def test_a_stack_of_the_inventory_is_no_orphan_though_the_run_does_not_look_at_it(
    stack: str,
) -> None:
    account = ACCOUNT if stack == "CrossAccountDeploy" else sample.BUILD
    application = {"name": "hello", "state": "present", "stack_name": "hello-pipeline"}

    assert look(orphans=[orphan(account, stack)], applications=[application])["findings"] == []


def test_a_slice_calls_nothing_of_the_build_account_orphaned() -> None:
    whole = organisation()
    part = Organisation.from_data(
        {
            **whole.as_data(),
            "hosts": {"production": whole.hosts["production"].as_data()},
        }
    )

    report = look(orphans=[orphan(sample.BUILD, "orders-pipeline"), orphan()], whole=part)

    assert [one["stack"] for one in report["findings"]] == ["Forgotten"]


# Application pipelines


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({"result": compared()}, "clean"),
        ({"result": compared(TAG)}, "outdated"),
        ({"result": {**compared(), "operation": "create"}}, "missing"),
        ({"failure": "the register is not settled"}, "error"),
        ({}, "error"),
    ],
)
def test_the_pipeline_of_an_application_is_a_stack_of_the_primary_host(
    more: Data, state: str
) -> None:
    whole = organisation()
    application = {"name": "hello", "state": "present", "stack_name": "hello-pipeline", **more}

    report = _report.document(
        whole,
        _report.Looked(
            stacks=[
                drift_of(whole.primary),
                drift_of(whole.primary, stack="hello-pipeline"),
            ],
            hostvars={name: {"primary_result": compared()} for name in whole.hosts},
            applications=[application],
        ),
        name="",
        play_hosts=["build"],
        started=STARTED,
        finished=STARTED,
    )

    jsonschema.validate(report, SCHEMA)
    (primary, pipeline) = report["hosts"]
    assert primary["state"] == "clean"
    assert (pipeline["name"], pipeline["group"], pipeline["stack"], pipeline["state"]) == (
        "build",
        "pipelines",
        "hello-pipeline",
        state,
    )


def test_pipelines_are_looked_at_with_the_primary_only() -> None:
    application = {"name": "hello", "state": "present", "stack_name": "hello-pipeline"}

    assert len(look(applications=[application])["hosts"]) == 1


# Numbers and what leaves the run


def test_hosts_that_are_not_of_the_play_are_not_in_the_report() -> None:
    assert [host["name"] for host in look()["hosts"]] == ["production"]


def test_the_times_are_told() -> None:
    report = look()

    assert (report["started"], report["finished"], report["seconds"]) == (
        "2026-11-24T03:00:04Z",
        "2026-11-24T03:00:07Z",
        3.1,
    )


def test_the_summary_is_small_and_tells_how_much_it_leaves_out() -> None:
    report = sample.large()
    (one,) = report["findings"]
    report["findings"] = [{**one, "host": f"host-{n}"} for n in range(100)]

    summary = _report.summary(report)

    assert len(summary["told"]) + summary["not_told"] == 100
    assert summary["findings"] == {"missing": 100}
    assert len(json.dumps(summary)) < 15_000
    assert summary["told"][0] == (
        f"{one['account_id']} {one['region']} {one['stack']}: missing: {one['message']}"
    )


def test_stacks_to_put_right_are_those_that_were_changed_and_are_not_known() -> None:
    report = sample.everything()

    assert _report.drifted(report) == {
        "build": ["CrossAccountPrimary"],
        "eu-west-1": ["CrossAccountRegional"],
        "production": ["CrossAccountDeploy"],
    }
