# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policy documents are compared by what they mean, and told statement by statement."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._policy.document import (
    compare,
    is_same,
    shown,
)

ACCOUNT = "222222222222"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
DEAD = "AROAJQABLZS4A3QDU576Q"


def statement(sid: str | None = "One", **more: Any) -> dict[str, Any]:
    """A statement that allows somebody something."""
    named = {} if sid is None else {"Sid": sid}
    return {
        **named,
        "Effect": "Allow",
        "Principal": {"AWS": ROOT},
        "Action": "s3:GetObject",
        "Resource": "*",
        **more,
    }


def document(*statements: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements), **more}


def differences(one: Any, other: Any, **more: Any) -> list[tuple[str, str]]:
    """What differs, by the name of the statement."""
    return [(d.name, d.difference) for d in compare(one, other, partition="aws", **more)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"Principal": {"AWS": ACCOUNT}}, {"Principal": {"AWS": ROOT}}),
        ({"Principal": {"AWS": [ACCOUNT]}}, {"Principal": {"AWS": ROOT}}),
        ({"Principal": "*"}, {"Principal": {"AWS": "*"}}),
        ({"Principal": "*"}, {"Principal": {"AWS": ["*"]}}),
        (
            {"Principal": {"AWS": [ROOT, "arn:aws:iam::3:root"]}},
            {"Principal": {"AWS": ["arn:aws:iam::3:root", ROOT]}},
        ),
        ({"Action": ["s3:GetObject"]}, {"Action": "s3:GetObject"}),
        ({"Action": ["s3:GetObject", "s3:Put*"]}, {"Action": ["S3:put*", "s3:getobject"]}),
        ({"Resource": ["a", "b"]}, {"Resource": ["b", "a", "b"]}),
        (
            {"Condition": {"Bool": {"aws:SecureTransport": False}}},
            {"Condition": {"Bool": {"AWS:securetransport": ["False"]}}},
        ),
        (
            {"Condition": {"ForAnyValue:StringEquals": {"aws:CalledVia": ["a", "b"]}}},
            {"Condition": {"ForAnyValue:StringEquals": {"aws:CalledVia": ["b", "a"]}}},
        ),
        (
            {"Condition": {"NumericLessThan": {"s3:max-keys": 10}}},
            {"Condition": {"NumericLessThan": {"s3:max-keys": "10"}}},
        ),
    ],
)
def test_two_ways_to_write_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    a, b = document(statement(**one)), document(statement(**other))

    assert is_same(a, b, partition="aws")
    assert is_same(b, a, partition="aws")


def test_order_and_form_of_documents_mean_nothing() -> None:
    one = document(statement("One"), statement("Two", Effect="Deny"))
    other = document(statement("Two", Effect="Deny"), statement("One"), Id="made-by-aws")

    assert is_same(one, other, partition="aws")
    assert is_same(json.dumps(one), other, partition="aws")
    single = {"Version": "2012-10-17", "Statement": statement()}
    assert is_same(single, document(statement()), partition="aws")
    old = {"Statement": [statement()]}
    assert is_same(old, old | {"Version": "2008-10-17"}, partition="aws")
    assert is_same(None, {}, partition="aws")
    assert is_same("", None, partition="aws")


def test_an_account_is_one_of_the_partition() -> None:
    id_only = document(statement(Principal={"AWS": ACCOUNT}))
    root = document(statement(Principal={"AWS": f"arn:aws-cn:iam::{ACCOUNT}:root"}))

    assert is_same(id_only, root, partition="aws-cn")
    assert not is_same(id_only, root, partition="aws")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Effect": "Deny"}, "Effect lacks Allow; Effect has Deny"),
        ({"Action": "s3:*"}, "Action lacks s3:getobject; Action has s3:*"),
        ({"Action": ["s3:GetObject", "s3:PutObject"]}, "Action has s3:putobject"),
        ({"Resource": "arn:aws:s3:::b"}, "Resource lacks *; Resource has arn:aws:s3:::b"),
        ({"Principal": {"AWS": "*"}}, f"Principal.AWS lacks {ROOT}; Principal.AWS has *"),
        (
            {"Principal": {"Service": "a.amazonaws.com"}},
            f"Principal.AWS lacks {ROOT}; Principal.Service has a.amazonaws.com",
        ),
        (
            {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
            "Condition.Bool.aws:securetransport has true",
        ),
        (
            {"Resource": ["*", *(f"b{n}" for n in range(7))]},
            "Resource has b0, b1, b2, b3, b4 and 2 more",
        ),
        (
            {"Principal": {"AWS": DEAD}},
            (
                f"Principal.AWS lacks {ROOT}; Principal.AWS has {DEAD}; {DEAD} was a principal"
                " that has been deleted since, and matches nobody"
            ),
        ),
    ],
)
def test_a_changed_statement_says_what_changed(change: dict[str, Any], message: str) -> None:
    expected, actual = statement(), statement(**change)

    [found] = compare(document(expected), document(actual), partition="aws")

    assert (found.name, found.difference) == ("One", "NOT_EQUAL")
    assert found.message == f"One was changed: {message}"
    assert json.loads(found.expected)["Action"] == "s3:GetObject"
    assert found.actual != found.expected


def test_statements_are_told_apart_by_their_sids() -> None:
    one = document(statement("Kept"), statement("Lost"), statement("Changed"))
    other = document(
        statement("Changed", Effect="Deny"), statement("Kept"), statement("New", Effect="Deny")
    )

    assert differences(one, other) == [
        ("Lost", "REMOVE"),
        ("Changed", "NOT_EQUAL"),
        ("New", "ADD"),
    ]
    lost, _changed, new = compare(one, other, partition="aws")
    assert (lost.actual, new.expected) == ("", "")
    assert (lost.message, new.message) == ("Lost was removed", "New was added")
    assert json.loads(new.actual) == statement("New", Effect="Deny")


def test_statements_without_a_sid_are_told_apart_by_what_they_say() -> None:
    first, second = statement(None), statement(None, Effect="Deny")
    third = statement(None, Action="s3:*")

    assert differences(document(first, second), document(second, first)) == []
    assert differences(document(first), document(second, first)) == [("Statement[0]", "ADD")]
    assert differences(document(first, second), document(second, third)) == [
        ("Statement[1]", "NOT_EQUAL")
    ]
    assert differences(document(first), document(statement("Named"))) == [
        ("Statement[0]", "REMOVE"),
        ("Named", "ADD"),
    ]


def test_sids_that_aws_made_up_mean_nothing() -> None:
    one, other = document(statement("Mine")), document(statement("sns-1a2b"))

    assert differences(one, other, by_content=True) == []
    assert differences(one, other) == [("Mine", "REMOVE"), ("sns-1a2b", "ADD")]
    changed = document(statement("Mine", Effect="Deny"))
    assert differences(one, changed, by_content=True) == [("Mine", "REMOVE"), ("Mine", "ADD")]


def test_a_whole_document_may_be_gone_or_new() -> None:
    one = document(statement(Principal={"AWS": DEAD}))

    [gone] = compare(one, None, partition="aws")
    [new] = compare(None, one, partition="aws")

    assert (gone.name, gone.difference, gone.message) == ("", "REMOVE", "the policy is gone")
    assert (new.name, new.difference) == ("", "ADD")
    assert new.message.startswith(f"the policy was added; {DEAD} was a principal")
    assert gone.expected == new.actual == shown(one, partition="aws")
    assert json.loads(gone.expected)["Statement"][0]["Principal"] == {"AWS": DEAD}


def test_another_version_of_the_language_is_a_difference() -> None:
    one = document(statement())

    assert differences(one, one | {"Version": "2008-10-17"}) == [("Version", "NOT_EQUAL")]
    without = {"Statement": one["Statement"]}
    assert differences(one, without) == [("Version", "NOT_EQUAL")]


@pytest.mark.parametrize(
    "principal", ["AROAJQABLZS4A3QDU576Q", "AIDAJQABLZS4A3QDU576Q", f"{DEAD}:session"]
)
def test_a_dead_principal_is_named(principal: str) -> None:
    one, other = document(statement()), document(statement(Principal={"AWS": [ROOT, principal]}))

    [found] = compare(one, other, partition="aws")

    assert f"; {principal} was a principal that has been deleted since" in found.message


def test_what_is_shown_can_be_laid_side_by_side() -> None:
    one = document(
        statement(
            Action=["s3:PutObject", "s3:GetObject"],
            Condition={"StringLike": {"b": ["y", "x"], "a": "z"}},
            Principal={"Service": "x.amazonaws.com", "AWS": [ACCOUNT, ACCOUNT]},
        )
    )

    [told] = json.loads(shown(one, partition="aws"))["Statement"]

    assert list(told) == ["Sid", "Effect", "Principal", "Action", "Resource", "Condition"]
    assert told["Action"] == ["s3:GetObject", "s3:PutObject"]
    assert told["Principal"] == {"AWS": ROOT, "Service": "x.amazonaws.com"}
    assert told["Condition"] == {"StringLike": {"a": "z", "b": ["x", "y"]}}
    assert shown(None, partition="aws") == ""
