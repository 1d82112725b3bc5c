# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drift run as a person sees it: whole screens at 100 columns."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report import extract, verdict
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.drift_screen import (
    report_lines,
    verdict_lines,
)

from tests.unit.report import sample

Data = dict[str, Any]

COMMAND = ("ansible-playbook", "drift.yml", "-i", "inventories/org")
PAGE = "drift-report/drift-report.html"


def screen(report: Data, **more: Any) -> str:
    """The report as it is shown."""
    given = {"path": PAGE, "command": COMMAND, "width": 100, **more}
    return "\n".join(line.text for line in report_lines(report, **given))


ADDED = {
    "kind": "policy",
    "severity": "danger",
    "difference": "ADD",
    "message": "CodePipelineRole (AWS::IAM::Role): inline policy x was added",
    "actual": '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}',
}


def with_finding(**more: str) -> Data:
    """A large organisation with one finding."""
    report = sample.large()
    (finding,) = report["findings"]
    return {**report, "findings": [{**finding, **more}]}


def with_errors(number: int) -> Data:
    """A large organisation in which nothing was found, and accounts could not be checked."""
    report = sample.large()
    accounts = [host for host in report["hosts"] if host["group"] == "deploy_accounts"]
    for host in accounts[:number]:
        host |= {"state": "error", "error": f"no access to {host['account_id']}: AccessDenied"}
    return {**report, "verdict": "incomplete", "complete": False, "findings": []}


def the_same_everywhere() -> Data:
    """A large organisation in which every account lacks a tag."""
    report = sample.large()
    (finding,) = report["findings"]
    tag = {**finding, "kind": "outdated", "message": "Tags.team is missing: platform"}
    hosts = [host for host in report["hosts"] if host["group"] == "deploy_accounts"]
    return {**report, "findings": [{**tag, "host": host["name"]} for host in hosts]}


SCREENS: dict[str, tuple[str, str]] = {
    "clean": (
        screen(sample.clean()),
        """
  example is clean: 13 stacks (4 regions, primary, 6 accounts, 2 pipelines), 41 s.

  Quarantined, not checked: sandbox.

  Report: drift-report/drift-report.html
""",
    ),
    "findings of every kind": (
        screen(sample.everything()),
        """
  example has drifted: 12 findings in 7 of 13 stacks and 1 orphaned stack, 1 stack could not be
  checked (41 s).

  DANGER  eu-west-1    CrossAccountRegional  Key: the key policy is not the template's
  DANGER  production   CrossAccountDeploy    CodePipelineRole: policy
                                             arn:aws:iam::aws:policy/AdministratorAccess was
                                             attached
  drift   no host      Forgotten             Forgotten carries our tag, and nothing in the inventory
                                             stands for it. To remove it: aws cloudformation
                                             delete-stack --region eu-central-1 --stack-name
                                             Forgotten
  drift   build        CrossAccountPrimary   SyncArtifacts: Timeout is 30, not 900
  drift   development  CrossAccountDeploy    Parameters.ExecutionPolicyArns is
                                             arn:aws:iam::aws:policy/PowerUserAccess, not
                                             arn:aws:iam::aws:policy/job-function/ViewOnlyAccess
  drift   development  CrossAccountDeploy    Tags.team is missing: platform
  drift   development  CrossAccountDeploy    CodePipelineRole: Properties.MaxSessionDuration is
                                             3600, not 7200
  drift   eu-west-1    CrossAccountRegional  Key: EnableKeyRotation is false, not true
  drift   orders       orders-pipeline       Tags.team is web, not orders
  drift   production   CrossAccountDeploy    CloudFormationRole was deleted
  drift   testing      CrossAccountDeploy    stack CrossAccountDeploy does not exist
  drift   us-west-2    CrossAccountRegional  CrossAccountRegional is UPDATE_ROLLBACK_FAILED. What it
                                             needs: its rollback stopped half way: continue it
  error   analytics    CrossAccountDeploy    Rate exceeded

  1 finding ignored, as drift_ignore says.
  Quarantined, not checked: sandbox.
  2 resources not checked, of a type without drift detection: Policy (AWS::IAM::Policy),
    ReleaseProject (AWS::CodeBuild::Project).
  The drift_ignore entry 'a shorter timeout was tried' expired on 2026-10-01: 1 finding no longer
    ignored.

  Report: drift-report/drift-report.html
  Fix:    ansible-playbook drift.yml -i inventories/org \\
          -e remediate=true --limit build,development,eu-west-1,orders,production,testing,us-west-2
""",
    ),
    "not completely checked": (
        screen(with_errors(57)),
        """
  example could not be checked completely: 57 of 113 stacks failed, nothing was found in the others
  (41 s).

  error  57 hosts  CrossAccountDeploy  no access to 222222222222: AccessDenied (workload-000,
                                       workload-001, workload-002 and 54 more)

  Report: drift-report/drift-report.html
""",
    ),
    "the same on many hosts": (
        screen(the_same_everywhere(), path="", limit="deploy_accounts"),
        """
  example has drifted: 100 findings in 100 of 113 stacks (41 s).

  drift  100 hosts  CrossAccountDeploy  Tags.team is missing: platform (workload-000, workload-001,
                                        workload-002 and 97 more)

  Fix:    ansible-playbook drift.yml -i inventories/org -e remediate=true --limit deploy_accounts
""",
    ),
    "one finding": (
        screen(sample.large(), command=()),
        """
  example has drifted: 1 finding in 1 of 113 stacks (41 s).

  drift  workload-042  CrossAccountDeploy  stack CrossAccountDeploy does not exist

  Report: drift-report/drift-report.html
""",
    ),
    "a policy added": (
        screen(with_finding(**ADDED)),
        """
  example has drifted: 1 finding in 1 of 113 stacks (41 s).

  DANGER  workload-042  CrossAccountDeploy  CodePipelineRole: inline policy x was added, allows * on
                                            *

  Report: drift-report/drift-report.html
  Fix:    ansible-playbook drift.yml -i inventories/org -e remediate=true --limit workload-042
""",
    ),
}


@pytest.mark.parametrize(("shown", "expected"), SCREENS.values(), ids=SCREENS)
def test_the_screen(shown: str, expected: str) -> None:
    assert shown == expected
    assert max(len(line) for line in shown.splitlines()) <= 100


def test_only_so_many_findings_are_shown() -> None:
    report = sample.large()
    (finding,) = report["findings"]
    findings = [{**finding, "message": f"property {number} differs"} for number in range(60)]

    shown = screen({**report, "findings": findings})

    assert shown.count("differs") == 40
    assert "\n  and 20 more, in the report\n" in shown


def test_long_names_leave_a_message_its_room() -> None:
    report = sample.large()
    (finding,) = report["findings"]
    finding |= {"host": "a" * 40, "stack": "b" * 40, "message": "word " * 40}

    shown = screen(report).splitlines()

    assert f"  drift  {'a' * 40}  {'b' * 40}" in shown
    assert max(len(line) for line in shown) <= 100


def test_what_could_not_be_reverted_is_shown_with_its_reason() -> None:
    report = {**sample.clean(), "not_reverted": {"production": "AccessDenied"}}

    assert "\n  production was not reverted: AccessDenied\n" in screen(report)


def test_severity_has_a_colour() -> None:
    lines = report_lines(sample.everything(), width=100)

    meanings = {line.text.split()[0]: line.meaning for line in lines if line.text}
    assert (meanings["DANGER"], meanings["drift"], meanings["error"]) == (
        "failed",
        "changed",
        "failed",
    )
    assert {line.meaning for line in report_lines(sample.clean(), width=100)} == {
        "",
        "ok",
        "skipped",
    }


# The verdict on all parts


def test_the_verdict_of_clean_parts_is_one_line() -> None:
    parts = {"drift_report_1": json.dumps({**extract.summary(sample.clean()), "unchecked": 0})}
    hosts = [host["name"] for host in sample.clean()["hosts"]]

    lines = verdict_lines(verdict.collect(parts, hosts), width=100)

    assert [line.text for line in lines] == [
        "",
        "  example is clean: 14 stacks of 14 hosts in 1 report.",
        "",
    ]


def test_the_verdict_shows_every_message_and_who_was_left_out() -> None:
    found = extract.summary(sample.everything())
    found |= {"messages": found["messages"][:2] + found["messages"][-1:], "more_messages": 9}
    hosts = [*found["hosts"], "payroll"]

    summary = verdict.collect({"drift_report_1": json.dumps(found)}, hosts)
    lines = verdict_lines(summary, width=100)

    assert (
        "\n".join(line.text for line in lines)
        == """
  example has drifted: 12 findings in 14 stacks of 14 hosts in 1 report.

  DANGER eu-west-1 CrossAccountRegional (111111111111 eu-west-1): Key (AWS::KMS::Key): the key
    policy is not the template's
  DANGER production CrossAccountDeploy (222555555555 us-east-1): CodePipelineRole (AWS::IAM::Role):
    policy arn:aws:iam::aws:policy/AdministratorAccess was attached
  error analytics CrossAccountDeploy (222666666666 us-east-1): Rate exceeded
  and 9 more, in the reports of the parts
  Not checked by any part: payroll
  1 ignored, 2 not checkable
"""
    )
