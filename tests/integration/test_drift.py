# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drift run as a user meets it: parts of an organisation, what is known, and remediation.

The tests talk to the lab.
"""

from __future__ import annotations

import datetime
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lab import Lab
from tests.integration.drifting import Organisation, Report
from tests.integration.inventory import ROOT
from tests.integration.playbook import Run
from tests.integration.states import States
from tests.integration.warm import Warm

STATS = {"ANSIBLE_SHOW_CUSTOM_STATS": "true", "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}
TAGS = {"application": "crossaccount-pipeline", "team": "platform"}


@pytest.fixture
def organisation(lab: Lab, states: States, tmp_path: Path, warm: Warm) -> Organisation:
    return Organisation(lab, states, tmp_path, warm)


def drift(organisation: Organisation, *arguments: str, **options: Any) -> Run:
    """A drift run of the role that may only read; the test decides where it reports."""
    names = organisation.lab.organisation
    return organisation.playbook.run(
        *("-e", f"access_role_name={names.drift.access_role}"),
        *("-e", f"deploy_account_access_role_name={names.operator.access_role}"),
        *arguments,
        playbook="drift.yml",
        setup="drift",
        **options,
    )


def states(report: Report) -> dict[str, str]:
    """The state of each host's foundation stack."""
    return {one["name"]: one["state"] for one in report["hosts"] if one["group"] != "pipelines"}


def found(report: Report) -> set[tuple[str, str, str]]:
    """What counts: kind, host and property."""
    return {
        (one["kind"], one["host"], one["property"])
        for one in report["findings"]
        if not one["ignored"]
    }


def stats(run: Run) -> dict[str, Any]:
    """What the run publishes for AWX."""
    text = re.search(r"^CUSTOM STATS: \*+\n+\s*RUN: (\{.*\})", run.output, re.MULTILINE)
    assert text, run.output
    published: dict[str, Any] = json.loads(text[1])
    return published


# All is well


@pytest.mark.parametrize("arguments", [(), ("--check", "--diff")])
def test_a_clean_organisation_takes_a_few_lines(
    organisation: Organisation, arguments: tuple[str, ...]
) -> None:
    run, report = organisation.look(*arguments)

    assert run.code == 0, run.output
    assert set(states(report).values()) == {"clean"}
    assert run.changed == set()
    assert run.writes == []
    assert "\n  org is clean: 6 stacks (2 regions, primary, 3 accounts), " in run.output
    assert len(run.output.splitlines()) < 40


# Parts


# Of an account with two roles. drift.md says what each finds.
CALLS = {
    "AssumeRole": 1,
    "DescribeStacks": 1,
    "DetectStackDrift": 1,
    "GetTemplate": 1,
    "ListStackResources": 1,
    "GetRole": 2,
    "ListRolePolicies": 2,
    "GetRolePolicy": 2,
    "ListAttachedRolePolicies": 2,
    "DescribeStackResourceDrifts": 1,
}


def test_a_part_is_checked_in_few_calls_and_nothing_else(organisation: Organisation) -> None:
    run, report = organisation.look("--limit", "production")

    assert run.code == 0, run.output
    assert states(report) == {"production": "clean"}
    accounts = organisation.inventory.accounts
    others = {account.account_id for name, account in accounts.items() if name != "production"}
    assert not {one.account for one in run.calls if one.service == "cloudformation"} & others
    own = accounts["production"].account_id
    asked = Counter(
        one.action
        for one in run.calls
        if one.account == own or (one.action == "AssumeRole" and own in one.resource)
    )
    assert asked.pop("DescribeStackDriftDetectionStatus")  # as often as the detection takes
    assert asked == CALLS


def test_a_pattern_takes_groups_and_hosts(organisation: Organisation) -> None:
    run, report = organisation.look("-e", "drift_hosts=regional,testing")

    assert run.code == 0, run.output
    assert states(report).keys() == {*organisation.inventory.regional, "testing"}


def test_the_summary_is_published_before_the_run_fails(organisation: Organisation) -> None:
    """With the page in a bucket, by the policy that docs/permissions.md has for it."""
    upload = {"bucket": "example-drift-reports", "prefix": "drift"}
    organisation.inventory.set_group("all", stack_tags=TAGS, drift_report_upload=upload)
    names = organisation.lab.organisation
    s3 = organisation.lab.client("s3", names.build)
    s3.create_bucket(Bucket=upload["bucket"])
    text = (ROOT / "docs" / "permissions.md").read_text(encoding="utf-8")
    policy = text.partition("### To upload reports")[2].partition("```json\n")[2]
    organisation.lab.client("iam", names.build).put_role_policy(
        RoleName=names.drift.operator_role,
        PolicyName="upload",
        PolicyDocument=policy.partition("```")[0],
    )

    run = drift(organisation, "-e", "drift_report_path=", "--limit", "testing", variables=STATS)

    assert run.code == 2, run.output
    summary = json.loads(stats(run)["drift_report"])
    assert (summary["verdict"], summary["findings"]) == ("drifted", {"outdated": 1})
    stored = s3.list_objects_v2(Bucket=upload["bucket"])["Contents"]
    keys = [item["Key"] for item in stored]
    assert [key.rpartition(".")[2] for key in keys] == ["html", "json"]
    assert summary["links"][0].endswith(f"&prefix={keys[0]}")
    assert not (Path.cwd() / "drift-report").exists()


def test_a_quarantined_account_is_not_called(organisation: Organisation) -> None:
    account_id = organisation.inventory.accounts["testing"].account_id
    organisation.inventory.set("testing", state="quarantined")

    run, report = organisation.look("--limit", "testing,production")

    assert run.code == 0, run.output
    assert states(report) == {"testing": "quarantined", "production": "clean"}
    assert account_id not in {one.account for one in run.calls}
    roles = [one.resource for one in run.calls if one.action == "AssumeRole"]
    assert not [role for role in roles if account_id in role]


# What the inventory wants


def test_a_changed_inventory_is_shown_and_is_what_a_bootstrap_would_change(
    organisation: Organisation,
) -> None:
    organisation.inventory.set_group("regional", artifact_retention_days=180)
    organisation.inventory.set_group("all", stack_tags=TAGS)
    organisation.tamperer.register()

    run, report = organisation.look()
    check = organisation.playbook.run("--check")

    assert run.code == 2, run.output
    outdated = {host for kind, host, _name in found(report) if kind == "outdated"}
    assert outdated == organisation.inventory.hosts == check.changed
    eu_west = [one for one in report["findings"] if one["host"] == "eu-west-1"]
    assert [(one["property"], one["expected"], one["actual"]) for one in eu_west] == [
        ("Parameters.ArtifactRetentionDays", "180", "365"),
        ("Tags.team", "platform", ""),
    ]
    # A register that somebody has edited is rebuilt from what the regions have.
    assert ("outdated", "build", "Parameters.Regions") in found(report)
    assert run.failed == organisation.inventory.hosts


def test_a_new_account_is_missing_and_its_grants_are_outdated(organisation: Organisation) -> None:
    organisation.lab.add_account("777777777777")
    organisation.inventory.add_account("staging", "777777777777", "eu-west-1")

    # The operator looks: nobody has made the role for looking there yet.
    run, report = organisation._run("operator")

    assert run.code == 2, run.output
    assert found(report) == {
        ("missing", "staging", ""),
        ("outdated", "eu-west-1", "Parameters.DeployAccountIds"),
    }


def test_a_host_that_vanished_is_told_and_the_drift_is_looked_at_all_the_same(
    organisation: Organisation,
) -> None:
    organisation.tamperer.rotation()
    organisation.inventory.remove("testing")

    run, report = organisation.look()

    assert run.code == 2, run.output
    assert not report["complete"]
    errors = {one["name"]: one["error"] for one in report["hosts"] if one["error"]}
    assert "the inventory no longer has account 333333333333" in errors["build"]
    assert ("drifted", "ap-southeast-2", "EnableKeyRotation") in found(report)


def test_a_host_that_is_to_be_absent_is_told_until_it_is(organisation: Organisation) -> None:
    organisation.inventory.retire("testing")

    _run, report = organisation.look()

    places = [
        "build" if region == organisation.inventory.primary_region else region
        for region in organisation.inventory.accounts["testing"].regions
    ]
    assert found(report) == {
        ("outdated", "testing", "state"),
        *(("outdated", place, "Parameters.DeployAccountIds") for place in places),
    }


def test_a_stuck_stack_is_told_and_no_other_suffers(organisation: Organisation) -> None:
    stack = organisation.held.deploy("testing")
    organisation.lab.set_stack_status(
        stack.account_id, stack.region, stack.name, "UPDATE_ROLLBACK_FAILED"
    )

    run, report = organisation.look()

    assert run.code == 2, run.output
    assert found(report) == {("stuck", "testing", "status")}
    assert states(report)["testing"] == "stuck"
    assert report["complete"]


# What is known


def test_what_is_known_does_not_fail_the_run_until_its_day_is_over(
    organisation: Organisation,
) -> None:
    organisation.tamperer.rotation()
    entry = {"stack": "CrossAccountRegional", "resource": "Key", "reason": "a test of AWS"}
    today = datetime.datetime.now(datetime.UTC).date()

    known = {**entry, "until": (today + datetime.timedelta(days=1)).isoformat()}
    organisation.inventory.set_group("all", drift_ignore=[known])
    run, report = organisation.look()
    over = {**entry, "until": (today - datetime.timedelta(days=1)).isoformat()}
    organisation.inventory.set_group("all", drift_ignore=[over])
    later, expired = organisation.look()

    assert run.code == 0, run.output
    assert states(report)["ap-southeast-2"] == "ignored"
    assert [one["ignored"]["reason"] for one in report["findings"]] == ["a test of AWS"]
    assert later.code == 2, later.output
    assert states(expired)["ap-southeast-2"] == "drifted"
    assert [(one["until"], one["findings"]) for one in expired["ignored_expired"]] == [
        (over["until"], 1)
    ]
    assert "'a test of AWS' expired on" in later.output


def test_a_wrong_entry_ends_the_run_with_what_is_wrong(organisation: Organisation) -> None:
    organisation.inventory.set_group("all", drift_ignore=[{"stack": "One"}])

    run, report = organisation.look("--limit", "testing")

    assert run.code == 2
    assert "entry 1: reason is missing. Write why this may differ" in run.output
    assert (run.calls, report) == ([], {})


@pytest.mark.parametrize("is_empty", [True, False])
def test_a_run_that_no_host_takes_part_in_fails_and_leaves_no_earlier_report(
    organisation: Organisation, is_empty: bool
) -> None:
    """An inventory without hosts, and a pattern that matches none of it."""
    if is_empty:
        for host in organisation.inventory.hosts:
            organisation.inventory.remove(host)

    run, report = organisation.look(*(() if is_empty else ("-e", "drift_hosts=nobody")))

    assert run.code == 2, run.output
    message = "no host is in one of the groups" if is_empty else "no host of the inventory takes"
    assert message in " ".join(run.output.split())
    assert (run.calls, report) == ([], {})


# Putting it right


@pytest.mark.parametrize(
    "arguments", [("--check",), ("-e", "drift_hosts=testing")], ids=["check", "drift_hosts"]
)
def test_remediation_is_refused_where_nobody_may_write_or_see_the_rest(
    organisation: Organisation, arguments: tuple[str, ...]
) -> None:
    run, report = organisation.remediate(*arguments)

    assert run.code == 2
    assert "remediate writes to AWS, so it is refused in check mode" in run.output
    assert (run.calls, report) == ([], {})


def test_remediation_goes_by_limit(organisation: Organisation) -> None:
    organisation.tamperer.rotation()
    organisation.tamperer.timeout()

    run, report = organisation.remediate("--limit", "build")
    rest_run, rest = organisation.look()

    assert run.code == 0, run.output
    assert states(report) == {"build": "clean"}
    assert rest_run.code == 2
    assert found(rest) == {("drifted", "ap-southeast-2", "EnableKeyRotation")}


# Accounts that refuse, and runs that only report


def test_an_account_that_refuses_hides_no_other(organisation: Organisation) -> None:
    organisation.tamperer.rotation()
    organisation.lab.refuse_access(organisation.inventory.accounts["production"].account_id)

    run, report = organisation.look("-e", "fail_on_drift=false")

    # What was found need not fail the run; what could not be checked does.
    assert run.code == 2, run.output
    assert run.failed == {"production"}
    assert (report["verdict"], report["complete"]) == ("drifted", False)
    hosts = {host["name"]: host for host in report["hosts"]}
    assert hosts["production"]["state"] == "error"
    assert "AccessDenied" in hosts["production"]["error"]
    assert found(report) == {("drifted", "ap-southeast-2", "EnableKeyRotation")}
    quiet = organisation.inventory.foundation - {"production", "ap-southeast-2"}
    assert {hosts[name]["state"] for name in quiet} == {"clean"}
    assert run.writes == []


def test_what_is_found_need_not_fail_the_run(organisation: Organisation) -> None:
    organisation.tamperer.timeout()

    run, report = organisation.look("-e", "fail_on_drift=false")

    assert run.code == 0, run.output
    assert report["verdict"] == "drifted"
    assert found(report) == {("drifted", "build", "Timeout")}
