# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may do more or less after an update, from templates and parameters alone."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._policy.changes import (
    Version,
    policy_changes,
)

Data = dict[str, Any]

STACK = "arn:aws:cloudformation:us-east-1:111111111111:stack/Stack/1"


def grant(**more: Any) -> Data:
    """A statement that lets the accounts of the parameter read."""
    return {
        "Sid": "Read",
        "Effect": "Allow",
        "Principal": {"AWS": {"Ref": "Accounts"}},
        "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": "*",
        **more,
    }


def template(*statements: Data, of: str = "AWS::S3::BucketPolicy", **properties: Any) -> Data:
    document = {"PolicyDocument": {"Statement": list(statements)}} if statements else {}
    return {
        "Parameters": {
            "Accounts": {"Type": "CommaDelimitedList"},
            "Secret": {"Type": "String", "NoEcho": True},
        },
        "Resources": {"Policy": {"Type": of, "Properties": {**document, **properties}}},
    }


def changed(before: Data, after: Data, old: str = "222222222222", new: str = "") -> list[str]:
    """What changes, as lines."""
    secret = {"Secret": "****"}
    found = policy_changes(
        STACK,
        Version(before, {"Accounts": old, **secret}),
        Version(after, {"Accounts": new or old, **secret}),
    )
    return [
        line
        for change in found
        for line in (
            *(f"+ {text}" for text in change["added"]),
            *(f"- {text}" for text in change["removed"]),
        )
    ]


def test_an_account_more_is_shown_with_what_it_may_do() -> None:
    whole = template(grant())

    assert changed(whole, whole, new="222222222222,444444444444") == [
        "+ 444444444444 s3:GetObject, s3:ListBucket"
    ]
    assert changed(whole, whole, new="444444444444") == [
        "+ 444444444444 s3:GetObject, s3:ListBucket",
        "- 222222222222 s3:GetObject, s3:ListBucket",
    ]


@pytest.mark.parametrize(
    ("statement", "lines"),
    [
        (grant(), []),
        (grant(Sid="Other"), []),
        (grant(Action="s3:GetObject"), ["- 222222222222 s3:ListBucket"]),
        (grant(Effect="Deny"), ["+ deny 222222222222 {0}", "- 222222222222 {0}"]),
        (grant(Principal="*"), ["+ * {0}", "- 222222222222 {0}"]),
        (
            grant(Condition={"Bool": {"aws:SecureTransport": "true"}}),
            ["+ 222222222222 {0} if Bool aws:SecureTransport true", "- 222222222222 {0}"],
        ),
        (
            grant(Action=[f"s3:Get{number}" for number in range(5)]),
            ["+ 222222222222 s3:Get0, s3:Get1, s3:Get2 and 2 more", "- 222222222222 {0}"],
        ),
    ],
)
def test_a_statement_that_changes_is_shown_by_what_it_gains_and_loses(
    statement: Data, lines: list[str]
) -> None:
    expected = [line.format("s3:GetObject, s3:ListBucket") for line in lines]

    assert changed(template(grant()), template(statement)) == expected


def test_a_role_is_shown_by_trust_inline_and_attached_policies() -> None:
    def role(action: str, resource: str, attached: str) -> Data:
        trust = {"Effect": "Allow", "Principal": {"Service": action}, "Action": "sts:AssumeRole"}
        inline = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource}
        return template(
            of="AWS::IAM::Role",
            AssumeRolePolicyDocument={"Statement": trust},
            Policies=[{"PolicyName": "One", "PolicyDocument": {"Statement": inline}}],
            ManagedPolicyArns=[attached],
        )

    assert changed(
        role("codebuild.amazonaws.com", "arn:a", "arn:one"),
        role("lambda.amazonaws.com", "arn:b", "arn:two"),
    ) == [
        "+ lambda.amazonaws.com sts:AssumeRole",
        "- codebuild.amazonaws.com sts:AssumeRole",
        "+ arn:two",
        "- arn:one",
        "+ arn:b s3:GetObject",
        "- arn:a s3:GetObject",
    ]


def test_what_cannot_be_resolved_is_left_out_and_shows_no_secret() -> None:
    secret = template(grant(Resource={"Ref": "Secret"}))
    macro = {**template(grant()), "Transform": "Macro"}

    assert changed(template(grant()), secret) == []
    assert changed(secret, template(grant())) == []
    assert changed(template(grant()), macro) == []


def test_a_policy_that_comes_or_goes_is_shown_whole() -> None:
    empty: Data = {**template(), "Resources": {}}

    assert changed(empty, template(grant())) == ["+ 222222222222 s3:GetObject, s3:ListBucket"]
    assert changed(template(grant()), empty) == ["- 222222222222 s3:GetObject, s3:ListBucket"]
