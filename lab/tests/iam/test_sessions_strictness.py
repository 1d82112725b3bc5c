# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AssumeRole refuses. MiniStack alone lets every test in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab import Account, Lab
from lab.tests.roles import ACCOUNT, Caller, Stranger
from lab.tests.stacks import allowed, refused, statements

TAGS = [{"Key": "team", "Value": "platform"}]


class Door:
    """A role that trusts a stranger's account, and the stranger before it."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.stranger = Stranger(lab, f"stranger-{name}"[:64])
        self._iam, self._name = lab.client("iam", ACCOUNT), f"door-{name}"[:64]
        self.arn = f"arn:aws:iam::{ACCOUNT}:role/{self._name}"
        self._iam.create_role(RoleName=self._name, AssumeRolePolicyDocument=self._trust())
        self.stranger.may("sts:*")

    def admits(self, *actions: str) -> None:
        self._iam.update_assume_role_policy(
            RoleName=self._name, PolicyDocument=self._trust(*actions)
        )

    def enter(self, **more: Any) -> None:
        request = {"RoleArn": self.arn, "RoleSessionName": "alice", **more}
        self.stranger.client("sts").assume_role(**request)

    def _trust(self, *actions: str) -> str:
        account = self.stranger.arn.split(":")[4]
        principal = {"AWS": f"arn:aws:iam::{account}:root"}
        return json.dumps(
            statements({"Principal": principal, "Action": ["sts:AssumeRole", *actions]})
        )


def test_nobody_enters_an_account_that_is_closed(lab: Lab) -> None:
    closed = "666666666690"
    lab.place_accounts([Account(closed)])
    trust = {"Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    lab.client("iam", closed).create_role(
        RoleName="door", AssumeRolePolicyDocument=json.dumps(statements(trust))
    )
    stranger = Stranger(lab, "stranger-of-closed")
    stranger.may("sts:*")
    enter = {"RoleArn": f"arn:aws:iam::{closed}:role/door", "RoleSessionName": "alice"}
    assert allowed(lambda: stranger.client("sts").assume_role(**enter))
    lab.client("organizations", "555555555555").close_account(AccountId=closed)
    assert not allowed(lambda: stranger.client("sts").assume_role(**enter))


@pytest.fixture
def door(lab: Lab, name: str) -> Door:
    return Door(lab, name)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ({"RoleSessionName": "alice smith"}, {"RoleSessionName": "alice@example.com"}),
        ({"ExternalId": "a b"}, {"ExternalId": "a/b:c"}),
        ({"DurationSeconds": 3601}, {"DurationSeconds": 900}),
    ],
)
def test_a_session_has_limits(door: Door, wrong: dict[str, Any], right: dict[str, Any]) -> None:
    assert "ValidationError" in refused(lambda: door.enter(**wrong))
    assert allowed(lambda: door.enter(**right))


@pytest.mark.parametrize(
    ("action", "more"),
    [("sts:TagSession", {"Tags": TAGS}), ("sts:SetSourceIdentity", {"SourceIdentity": "alice"})],
)
def test_the_caller_and_the_trust_must_allow_it(
    door: Door, action: str, more: dict[str, Any]
) -> None:
    assert f"to perform: {action}" in refused(lambda: door.enter(**more))
    door.admits(action)
    assert allowed(lambda: door.enter(**more))
    door.stranger.may("sts:AssumeRole")
    assert f"to perform: {action}" in refused(lambda: door.enter(**more))
    assert allowed(door.enter)


def test_a_chained_session_lasts_an_hour(lab: Lab, name: str, caller: Caller) -> None:
    caller.iam.update_role(RoleName=caller.name, MaxSessionDuration=7200)
    caller.may("sts:AssumeRole")

    def enter(seconds: int) -> None:
        caller.client("sts").assume_role(
            RoleArn=caller.arn, RoleSessionName="alice", DurationSeconds=seconds
        )

    assert "role chaining" in refused(lambda: enter(7200))
    assert allowed(lambda: enter(3600))
