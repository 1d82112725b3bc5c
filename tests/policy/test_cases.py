# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cases prove something: no lab, the simulator on policies written here."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policy.export import Export, Policy
from tests.policy.request import Request
from tests.policy.simulator import simulate
from tests.policy.statements import missed

ROLE = "arn:aws:iam::111111111111:role/crossaccount/build/one"
BUCKET = "arn:aws:s3:::bucket"
READ = Request(principal=ROLE, action="s3:GetObject", resource=f"{BUCKET}/key")


def export(*statements: dict[str, Any], of_bucket: list[dict[str, Any]] | None = None) -> Export:
    def policy(owner: str, kind: Any, found: list[dict[str, Any]]) -> Policy:
        document = {"Version": "2012-10-17", "Statement": found}
        return Policy(
            owner=owner, account="111111111111", kind=kind, name="policy", document=document
        )

    policies = [policy(ROLE, "inline", list(statements))]
    if of_bucket:
        policies.append(policy(BUCKET, "resource", of_bucket))
    return Export(policies=policies)


def allow(action: str, sid: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": "*", **more}


def allowed(request: Request, found: Export) -> bool:
    (answer,) = simulate([request.simulation(found)])
    assert answer.error == ""
    return answer.allowed


def test_the_role_with_its_path_is_the_principal_that_conditions_see() -> None:
    path = "arn:aws:iam::*:role/crossaccount/build/*"
    narrow = allow("s3:GetObject", Condition={"ArnLike": {"aws:PrincipalArn": path}})
    assert allowed(READ, export(narrow))
    other = READ.but(principal="arn:aws:iam::111111111111:role/one")
    assert not allowed(other, export(narrow))


def test_a_request_over_plain_http_meets_a_denial() -> None:
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": f"{BUCKET}/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    found = export(allow("s3:GetObject"), of_bucket=[deny])
    assert allowed(READ, found)
    assert not allowed(READ.but(context={"aws:SecureTransport": "false"}), found)


def test_an_administrator_is_stopped_by_a_denial_only() -> None:
    administrator = READ.but(administrator=True)
    deny = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}
    assert allowed(administrator, export(allow("sqs:SendMessage")))
    assert not allowed(administrator, export(deny))


def test_managed_policies_can_be_left_out() -> None:
    found = export(allow("sqs:SendMessage"))
    managed = Policy(
        owner=ROLE,
        account="111111111111",
        kind="managed",
        name="Read",
        document={"Version": "2012-10-17", "Statement": [allow("s3:GetObject")]},
    )
    found.policies.append(managed)
    assert allowed(READ, found)
    assert not allowed(READ.but(managed=False), found)


def test_a_twin_differs_in_one_fact() -> None:
    with pytest.raises(ValueError, match="2 facts differ"):
        READ.but(action="s3:PutObject", administrator=True)
    with pytest.raises(ValueError, match="2 keys differ"):
        READ.but(context={"one": "1", "two": "2"})
    assert READ.but(context={"one": "1"}).but(context={"one": ""}) == READ


def test_a_statement_that_nothing_misses_is_found() -> None:
    found = export(allow("s3:GetObject", "Read"), allow("s3:PutObject", "Write"))
    told = {one.title.rpartition(": ")[2]: one.changes for one in missed(
        found, allowed=[READ], refused=[READ.but(action="s3:DeleteObject")])}  # fmt: skip
    assert told == {"Read": True, "Write": False}


def test_a_single_action_that_nothing_misses_is_found() -> None:
    both = {**allow("s3:GetObject"), "Action": ["s3:GetObject", "s3:PutObject"]}
    parts = missed(export(both), allowed=[READ], refused=[])
    assert [part.title.rpartition(": ")[2] for part in parts if part.changes] == [
        "Allow",
        "s3:GetObject",
    ]
    whole = missed(export(both), allowed=[READ], refused=[], whole=[ROLE])
    assert [part.title.rpartition(": ")[2] for part in whole] == ["Allow"]


def test_a_denial_that_nothing_misses_is_found() -> None:
    deny = {"Sid": "No", "Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}
    found = export(allow("s3:*", "All"), deny)
    delete = READ.but(action="s3:DeleteObject")
    assert all(one.changes for one in missed(found, allowed=[READ], refused=[delete]))
    told = {one.title.rpartition(": ")[2]: one.changes for one in missed(
        found, allowed=[READ], refused=[])}  # fmt: skip
    assert told == {"All": True, "No": False}
