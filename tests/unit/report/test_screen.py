# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The summary as a person sees it: whole screens at 100 columns."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._accounts.marker import Marker
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    Organisation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.screen import (
    summary_lines,
)

from tests.unit.report.runs import LARGE, SMALL, FakeRun, change, result

Data = dict[str, Any]

BUCKET: Data = {
    "kind": "bucket",
    "name": "crossaccountregional-pipelinebucket-1a2b3c",
    "region": "eu-west-1",
    "deletion_date": None,
    "purged": False,
}
KEY: Data = {**BUCKET, "kind": "key", "name": "1a2b3c4d-1111-2222-3333-444455556666"}
DENIED = (
    "The role CrossAccountAccess of {account} cannot be assumed: AccessDenied (Request ID:"
    " 1a2b3c4d-1111-2222-3333-{number:012}). Create it with playbooks/access.yml, or set state:"
    " quarantined for a closed account"
)


def denied(count: int) -> dict[str, str]:
    """The same failure of many accounts, as AWS puts it for each."""
    names = [f"account-{number:02}" for number in range(count)]
    return {
        name: DENIED.format(account=LARGE.hosts[name].account_id, number=number)
        for number, name in enumerate(names)
    }


def policy_update() -> FakeRun:
    """A check run in which one account more is granted, and roles of 12 accounts change."""
    accounts = [f"account-{number:02}" for number in range(12)]
    role = change("CodePipelineRole")
    update = result(
        "update",
        changes=[
            change("Key"),
            change("PipelineBucketPolicy"),
            change("ApprovalTopic", replacement="True"),
            change("Report", "Add", of="AWS::SNS::Topic"),
        ],
        policies=[
            {
                "resource": "Key",
                "property": "KeyPolicy",
                "added": ["444444444444 kms:Decrypt, kms:DescribeKey, kms:GenerateDataKey"],
                "removed": [],
            },
            {
                "resource": "PipelineBucketPolicy",
                "property": "PolicyDocument",
                "added": ["444444444444 s3:GetObject"],
                "removed": ["333333333333 s3:GetObject"],
            },
        ],
    )
    new = [change(name, "Add") for name in ("Pipeline", "PipelineRole", "StartRule")]
    return FakeRun(
        LARGE,
        done={
            "build": update,
            "service-03": result("create", changes=new),
            **{name: result("update", changes=[role]) for name in accounts},
        },
        differences={
            "build": [
                {
                    "what": "parameters",
                    "name": "DeployAccountIds",
                    "resource_type": "",
                    "before": "333333333333",
                    "after": "444444444444",
                }
            ],
            **{
                name: [
                    {
                        "what": "template",
                        "name": "Resources.CodePipelineRole.Properties.MaxSessionDuration",
                        "resource_type": "AWS::IAM::Role",
                        "before": "3600",
                        "after": "7200",
                    }
                ]
                for name in accounts
            },
        },
    )


NEW = {
    "ApprovalTopicArn": "arn:aws:sns:us-east-1:111111111111:CrossAccountPrimary-ApprovalTopic-1",
    "BuildBucketName": "crossaccountprimary-buildbucket-1a2b3c",
}
REASON = "the role cannot be assumed"
SCREENS: dict[str, tuple[str, str]] = {
    "nothing to do": (
        FakeRun().screen(),
        """
  org: 6 stacks unchanged (1 region, primary, 3 accounts, 1 pipeline). No write call, 4.1 s.
""",
    ),
    "nothing to do in a large organisation": (
        FakeRun(LARGE).screen(),
        """
  org: 79 stacks unchanged (6 regions, primary, 60 accounts, 12 pipelines). No write call, 4.1 s.
""",
    ),
    "everything is new": (
        FakeRun(
            done={name: result("create", stack={"outputs": NEW}) for name in SMALL.hosts}
        ).screen(),
        """
  HOST         ACCOUNT       REGION     STACK                 RESULT
  eu-west-1    111111111111  eu-west-1  CrossAccountRegional  created
  build        111111111111  us-east-1  CrossAccountPrimary   created
  development  222222222222  us-east-1  CrossAccountDeploy    created
  production   222444444444  us-east-1  CrossAccountDeploy    created
  testing      222333333333  us-east-1  CrossAccountDeploy    created
  hello        111111111111  us-east-1  hello-pipeline        created

  What pipelines need from build:
    approval topic  arn:aws:sns:us-east-1:111111111111:CrossAccountPrimary-ApprovalTopic-1
    build bucket    crossaccountprimary-buildbucket-1a2b3c
""",
    ),
    "many are new": (
        FakeRun(LARGE, done={name: result("create") for name in LARGE.hosts}).screen(),
        """
  HOST            ACCOUNT       REGION          STACK                 RESULT
  ap-northeast-1  111111111111  ap-northeast-1  CrossAccountRegional  created
  ap-southeast-2  111111111111  ap-southeast-2  CrossAccountRegional  created
  eu-central-1    111111111111  eu-central-1    CrossAccountRegional  created
  eu-west-1       111111111111  eu-west-1       CrossAccountRegional  created
  sa-east-1       111111111111  sa-east-1       CrossAccountRegional  created
  us-west-2       111111111111  us-west-2       CrossAccountRegional  created
  build           111111111111  us-east-1       CrossAccountPrimary   created
  60 accounts                   us-east-1       CrossAccountDeploy    created
  12 pipelines    111111111111  us-east-1                             created
  79 created
""",
    ),
    "something failed": (
        FakeRun(
            done={"eu-west-1": result("create"), "build": result("update")},
            failed={"testing": denied(1)["account-00"]},
        ).screen(),
        """
  HOST       ACCOUNT       REGION     STACK                 RESULT
  eu-west-1  111111111111  eu-west-1  CrossAccountRegional  created
  build      111111111111  us-east-1  CrossAccountPrimary   updated
  testing    222333333333  us-east-1  CrossAccountDeploy    FAILED
  3 unchanged

  FAILED: testing
    The role CrossAccountAccess of 222222222222 cannot be assumed: AccessDenied (Request ID:
    1a2b3c4d-1111-2222-3333-000000000000). Create it with playbooks/access.yml, or set state:
    quarantined for a closed account
    Then run the same command again.
""",
    ),
    "the same failure in 57 accounts": (
        FakeRun(LARGE, done={"build": result("update")}, failed=denied(57)).screen(),
        """
  HOST         ACCOUNT       REGION     STACK                RESULT
  build        111111111111  us-east-1  CrossAccountPrimary  updated
  57 accounts                us-east-1  CrossAccountDeploy   FAILED
  1 updated, 57 FAILED, 21 unchanged

  FAILED: 57 accounts (account-00, account-01, account-02 and 54 more)
    The role CrossAccountAccess of 222222222222 cannot be assumed: AccessDenied (Request ID:
    1a2b3c4d-1111-2222-3333-000000000000). Create it with playbooks/access.yml, or set state:
    quarantined for a closed account
    Then run the same command again.
""",
    ),
    "failures of several kinds": (
        FakeRun(
            failed={"testing": "it broke"},
            unreached={"hello": "the primary build failed in this run"},
            waiting={"production": "postponed: build still refers to it"},
        ).screen(),
        """
  HOST        ACCOUNT       REGION     STACK               RESULT
  production  222444444444  us-east-1  CrossAccountDeploy  POSTPONED
  testing     222333333333  us-east-1  CrossAccountDeploy  FAILED
  hello       111111111111  us-east-1  hello-pipeline      NOT REACHED
  3 unchanged

  POSTPONED: production
    build still refers to it

  FAILED: testing
    it broke

  NOT REACHED: hello
    the primary build failed in this run

  Then run the same command again.
""",
    ),
    "check mode": (
        policy_update().screen(check_mode=True),
        """
  HOST         ACCOUNT       REGION     STACK                RESULT
  build        111111111111  us-east-1  CrossAccountPrimary  to update
  12 accounts                us-east-1  CrossAccountDeploy   to update
  service-03   111111111111  us-east-1  service-03-pipeline  to create
  13 to update, 1 to create, 65 unchanged

  build CrossAccountPrimary
    ~ KeyPolicy of Key            + 444444444444 kms:Decrypt, kms:DescribeKey, kms:GenerateDataKey
    ~ PipelineBucketPolicy        + 444444444444 s3:GetObject
                                  - 333333333333 s3:GetObject
    ! ApprovalTopic               REPLACED
    + Report                      AWS::SNS::Topic
    ~ parameter DeployAccountIds  333333333333 -> 444444444444

  account-00 CrossAccountDeploy (the same on 12 hosts: account-00, account-01, account-02 and 9
    more)
    ~ CodePipelineRole  MaxSessionDuration 3600 -> 7200

  service-03 service-03-pipeline
    + Pipeline, PipelineRole, StartRule
""",
    ),
    "a group that grew": (
        FakeRun(
            done={"hello": result("update")},
            new_members={
                "hello": [
                    {"wave": "live", "group": "customers", "host": host, "asks": True}
                    for host in ("canary", "north")
                ]
            },
        ).screen(check_mode=True),
        """
  HOST   ACCOUNT       REGION     STACK           RESULT
  hello  111111111111  us-east-1  hello-pipeline  to update
  5 unchanged

  hello: new in group customers, wave live: canary, north
""",
    ),
    "a first deployment that failed": (
        FakeRun().screen(
            blocked=(
                {
                    "account_id": "333333333333",
                    "region": "eu-west-1",
                    "stack_name": "hello",
                    "host": "testing",
                    "pipeline": "hello",
                    "status": "ROLLBACK_COMPLETE",
                },
            )
        ),
        """
  org: 6 stacks unchanged (1 region, primary, 3 accounts, 1 pipeline). No write call, 4.1 s.

  First deployments that failed. Their pipelines stop there until they are deleted:
    testing  eu-west-1  hello  ROLLBACK_COMPLETE
    delete: ansible-playbook crossaccount.pipeline.recover --limit testing
""",
    ),
    "stacks without a host": (
        FakeRun().screen(
            orphans=tuple(
                {
                    "account_id": "111111111111",
                    "region": "eu-west-1",
                    "stack_name": name,
                    "granted": granted,
                }
                for name, granted in {"Old": [], "Used": ["222222222222"]}.items()
            )
        ),
        """
  org: 6 stacks unchanged (1 region, primary, 3 accounts, 1 pipeline). No write call, 4.1 s.

  Stacks of this collection without a host in the inventory, left alone:
    Old in 111111111111 eu-west-1
      delete: aws cloudformation delete-stack --region eu-west-1 \\
                --stack-name Old
    Used in 111111111111 eu-west-1
      in use: it still grants 222222222222. Bring its host back
""",
    ),
}


@pytest.mark.parametrize(("shown", "expected"), SCREENS.values(), ids=SCREENS)
def test_the_screen(shown: str, expected: str) -> None:
    assert shown == expected
    assert max(len(line) for line in shown.splitlines()) <= 100


def test_quiet_hosts_are_counted_by_what_they_are() -> None:
    data = SMALL.as_dict()
    data["hosts"]["testing"]["state"] = "quarantined"
    data["hosts"]["hello"]["state"] = "absent"

    shown = FakeRun(Organisation.from_dict(data)).screen()

    assert "org: 4 stacks unchanged (1 region, primary, 2 accounts), 1 quarantined, 1 absent." in (
        " ".join(shown.split())
    )


def test_a_narrow_terminal_gets_fewer_columns_and_no_broken_row() -> None:
    run = FakeRun(done={"eu-west-1": result("create")})

    heads = {
        tuple(line.split())
        for width in (100, 60, 50, 40)
        for line in run.screen(width=width).splitlines()
        if line.startswith("  HOST")
    }
    assert heads == {
        ("HOST", "ACCOUNT", "REGION", "STACK", "RESULT"),
        ("HOST", "ACCOUNT", "STACK", "RESULT"),
        ("HOST", "STACK", "RESULT"),
        ("HOST", "RESULT"),
    }


def test_lines_have_the_colours_of_ansible() -> None:
    run = FakeRun(done={"build": result("update")}, failed={"testing": REASON})
    rows = list(run.rows().values())

    found = {
        line.text.strip().split("  ")[0]: line.meaning for line in summary_lines(rows, width=100)
    }
    assert (found["build"], found["testing"]) == ("changed", "failed")
    assert (found["FAILED: testing"], found[REASON]) == ("failed", "")
    quiet = summary_lines(list(FakeRun().rows().values()), width=100)
    assert [line.meaning for line in quiet] == ["", "ok", ""]


# What is left of removed stacks


RETAINED: dict[str, tuple[Data, list[str]]] = {
    "bucket": (
        BUCKET,
        [
            f"bucket {BUCKET['name']}",
            f"  read:   aws s3 ls s3://{BUCKET['name']} --recursive",
            f"  delete: all versions in it, then aws s3 rb s3://{BUCKET['name']}",
        ],
    ),
    "purged bucket": (
        {**BUCKET, "purged": True},
        [f"bucket {BUCKET['name']}: emptied and deleted"],
    ),
    "key": (
        KEY,
        [
            f"key {KEY['name']}: without it its bucket cannot be read",
            "  delete: aws kms schedule-key-deletion --region eu-west-1 \\",
            f"            --key-id {KEY['name']}",
        ],
    ),
    "key with a date": (
        {**KEY, "deletion_date": "2026-12-24", "purged": True},
        [
            f"key {KEY['name']}: deleted for good on 2026-12-24",
            "  keep:   aws kms cancel-key-deletion --region eu-west-1 \\",
            f"            --key-id {KEY['name']}",
        ],
    ),
}


@pytest.mark.parametrize(("entry", "lines"), RETAINED.values(), ids=RETAINED)
def test_retained_data_is_shown_with_its_commands(entry: Data, lines: list[str]) -> None:
    run = FakeRun(done={"eu-west-1": result("create", retained=[entry])})

    shown = run.screen().splitlines()
    begin = shown.index("  eu-west-1: data without a stack")
    assert shown[begin + 1 :] == [f"    {line}" for line in lines]


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        (BUCKET, f"bucket {BUCKET['name']}: to be emptied and deleted"),
        (KEY, f"key {KEY['name']}: its deletion is to be scheduled"),
    ],
)
def test_check_mode_shows_what_would_be_purged(entry: Data, line: str) -> None:
    run = FakeRun(done={"build": result("delete", retained=[{**entry, "purged": True}])})

    assert f"\n    {line}" in run.screen(check_mode=True)


def test_accounts_that_retained_policies_name_are_shown_below() -> None:
    data = SMALL.as_dict()
    data["hosts"]["eu-west-1"]["state"] = "absent"
    parameters = {"DeployAccountIds": "222222222222,333333333333"}
    removed = result("delete", stack={"parameters": parameters}, retained=[KEY])

    shown = FakeRun(Organisation.from_dict(data), done={"eu-west-1": removed}).screen()

    assert "\n    their policies still name: 222222222222, 333333333333" in shown


# What check mode shows of one stack


def difference(what: str, name: str, before: str | None, after: str | None) -> Data:
    """An entry of ``differences``."""
    return {
        "what": what,
        "name": name,
        "resource_type": "",
        "before": before,
        "after": after,
    }


@pytest.mark.parametrize(
    ("changes", "differences", "lines"),
    [
        (
            [],
            [difference("parameters", "Ids", "1\n2", "2\n3\n4")],
            ["~ parameter Ids  + 3", "+ 4", "- 1"],
        ),
        ([], [difference("tags", "team", None, "platform")], ["~ tag team  + platform"]),
        ([], [difference("tags", "team", "web", None)], ["~ tag team  - web"]),
        (
            [],
            [difference("termination_protection", "TerminationProtection", "false", "true")],
            ["~ TerminationProtection  false -> true"],
        ),
        (
            [],
            [difference("template", "Outputs.Arn.Value", None, "x" * 99)],
            ["~ template Outputs.Arn.Value"],
        ),
        ([change("Key", "Remove", of="AWS::KMS::Key")], [], ["- Key  AWS::KMS::Key"]),
        (
            [change("Role", replacement="Conditional")],
            [difference("template", "Resources.Role.Properties.Path", "/a/", "/b/")],
            ["! Role  may be REPLACED", "Path /a/ -> /b/"],
        ),
        (
            [change("Role")],
            [difference("template", "Resources.Role.Properties.Policies", "x" * 99, "y" * 99)],
            ["~ Role  Policies"],
        ),
        ([change("Role")], [], ["~ Role  properties"]),
        (
            [change(name, depends_on=("Key.Arn",)) for name in ("A", "B", "C", "D", "E")],
            [],
            ["~ A, B, C and 2 more  only if Key.Arn changes"],
        ),
        (
            [change("A", depends_on=("Key.Arn",)), change("B"), change("C", depends_on=("A.Arn",))],
            [],
            [
                "~ B  properties",
                "~ A  only if what they refer to changes",
                "~ C  only if what they refer to changes",
            ],
        ),
        (
            [change("Grant", replacement="Conditional", depends_on=("Copy.Arn", "Key.Arn"))],
            [],
            ["! Grant  REPLACED if Copy.Arn or Key.Arn changes"],
        ),
        (
            [change(name) for name in ("A", "B", "C", "D", "E")],
            [],
            ["~ A, B, C and 2 more  properties"],
        ),
    ],
)
def test_a_preview_shows_what_changes(
    changes: list[Data], differences: list[Data], lines: list[str]
) -> None:
    run = FakeRun(
        done={"hello": result("update", changes=changes)}, differences={"hello": differences}
    )

    shown = [line.strip() for line in run.screen(check_mode=True).splitlines()]
    assert shown[shown.index("hello hello-pipeline") + 1 :] == lines


def test_what_does_not_fit_next_to_its_subject_stands_below_it() -> None:
    arn = f"arn:aws:s3:::{'x' * 60}/*"
    policy = {"resource": "Role", "property": "Policies", "removed": []}
    names = [f"Resource{number:02}" for number in range(20)]
    run = FakeRun(
        done={
            "hello": result("create", changes=[change(name, "Add") for name in names]),
            "build": result(
                "update",
                changes=[change("Role")],
                policies=[{**policy, "added": [f"{arn} s3:GetObject, s3:GetObjectVersion"]}],
            ),
        }
    )

    shown = run.screen(check_mode=True)

    assert (
        f"\n    ~ Policies of Role\n      + {arn} s3:GetObject,\n        s3:GetObjectVersion\n"
    ) in shown
    assert "\n    + Resource00, Resource01," in shown
    assert max(len(line) for line in shown.splitlines()) <= 100


def test_stacks_with_the_same_changes_share_a_block_though_each_names_itself() -> None:
    hosts = [host for host in LARGE.hosts.values() if host.group == "deploy_accounts"][:5]
    grants = {host.name: host.account_id for host in hosts} | {hosts[4].name: "999999999999"}
    policies = {
        name: [{"resource": "Role", "property": "Policies", "added": [account], "removed": []}]
        for name, account in grants.items()
    }
    run = FakeRun(
        LARGE,
        done={
            name: result("update", changes=[change("Role")], policies=policies[name])
            for name in grants
        },
    )

    shown = run.screen(check_mode=True)

    assert "account-00 CrossAccountDeploy (the same on 4 hosts: account-00, account-01," in shown
    assert "\n  account-04 CrossAccountDeploy\n    ~ Policies of Role  + 999999999999" in shown


def test_the_summary_shows_when_accounts_were_read() -> None:
    reading: Marker = {
        "source": "/org/organizations.yml",
        "organization": "o-example000",
        "accounts": 600,
        "read": "2026-11-27T04:06:05+00:00",
        "cached": False,
    }
    cached: Marker = {**reading, "cached": True, "accounts": 1}
    shown = FakeRun().screen(readings=(reading, cached))
    assert "  organizations.yml: 600 accounts, read at 2026-11-27 04:06 UTC\n" in shown
    assert "organizations.yml: 1 account, read from the cache, which is of 2026-11-27" in shown
