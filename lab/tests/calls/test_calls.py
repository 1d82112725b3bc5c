# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The call log and the faults as plain data. Nothing here talks to anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab import Rule, load_organisation
from lab.calls.call import CallLog, Request
from lab.calls.faults import Faults, chance, wire_error
from lab.organisation.model import ORGANISATION_FILE
from lab.server.launcher import version_problem
from lab.settings import Settings
from lab.version import MINISTACK_VERSION


def make_request(**changes: Any) -> Request:
    values = {
        "service": "cloudformation",
        "action": "DescribeStacks",
        "account": "222222222222",
        "region": "eu-west-1",
        "principal": "arn:aws:sts::222222222222:assumed-role/CrossAccountAccess/run",
        "resource": "CrossAccountDeploy",
    }
    return Request(**{**values, **changes})


@pytest.mark.parametrize(
    ("service", "action", "method", "write"),
    [
        ("cloudformation", "DescribeStacks", "POST", False),
        ("cloudformation", "ListChangeSets", "POST", False),
        ("cloudformation", "GetTemplate", "POST", False),
        ("cloudformation", "ValidateTemplate", "POST", False),
        ("cloudformation", "DetectStackDrift", "POST", False),
        ("cloudformation", "CreateChangeSet", "POST", True),
        ("cloudformation", "ExecuteChangeSet", "POST", True),
        ("cloudformation", "UpdateTerminationProtection", "POST", True),
        ("sts", "AssumeRole", "POST", False),
        ("iam", "PutRolePolicy", "POST", True),
        ("s3", "GetObject", "GET", False),
        ("s3", "ListBucket", "HEAD", False),
        ("s3", "PutObject", "PUT", True),
    ],
)
def test_a_call_is_a_write_when_it_changes_what_aws_holds(
    service: str, action: str, method: str, write: bool
) -> None:
    assert make_request(service=service, action=action, method=method).write is write


def test_the_log_keeps_calls_in_memory_and_as_json_lines(tmp_path: Path) -> None:
    log = CallLog(tmp_path / "calls.jsonl")
    log.add(make_request(), time=10.0, duration=0.5, status=200)
    log.add(make_request(action="CreateStack"), time=20.0, duration=0.5, status=400, error="Nope")

    assert [call.action for call in log.since()] == ["DescribeStacks", "CreateStack"]
    assert [call.n for call in log.since(15.0)] == [2]
    lines = (tmp_path / "calls.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[1])["error"] == "Nope"

    log.clear()
    assert log.since() == []
    assert (tmp_path / "calls.jsonl").read_text(encoding="utf-8") == ""
    log.close()


@pytest.mark.parametrize(
    ("rule", "hits"),
    [
        (Rule(), True),
        (Rule(service="cloudformation", action="Describe*"), True),
        (Rule(action="Create*"), False),
        (Rule(service="sts"), False),
        (Rule(account="222222222222", region="eu-west-1", stack="CrossAccountDeploy"), True),
        (Rule(account="333333333333"), False),
        (Rule(region="us-east-1"), False),
        (Rule(stack="CrossAccountPrimary"), False),
    ],
)
def test_a_rule_hits_what_all_its_selectors_match(rule: Rule, hits: bool) -> None:
    assert (Faults(rules=(rule,)).draw(make_request()) is rule) is hits


def test_a_rule_for_an_account_hits_assume_role_into_it() -> None:
    request = make_request(
        service="sts",
        action="AssumeRole",
        account="111111111111",
        resource="arn:aws:iam::333333333333:role/CrossAccountAccess",
    )
    assert Rule(account="333333333333").matches(request)
    assert Rule(account="111111111111").matches(request)
    assert not Rule(account="222222222222").matches(request)


def test_skip_and_count_choose_which_calls_fail() -> None:
    faults = Faults(rules=(Rule(skip=1, count=2),))
    assert [faults.draw(make_request()) is not None for _unused in range(5)] == [
        False,
        True,
        True,
        False,
        False,
    ]
    assert (faults.as_data()[0]["met"], faults.as_data()[0]["fired"]) == (5, 2)


def test_the_draw_does_not_depend_on_the_order_of_other_calls() -> None:
    """Two accounts in turn, or one after the other: the same calls fail."""

    def hits(accounts: list[str]) -> dict[str, list[bool]]:
        faults = Faults(rules=(Rule(probability=0.5, seed=7),))
        drawn: dict[str, list[bool]] = {account: [] for account in accounts}
        for account in accounts:
            drawn[account].append(faults.draw(make_request(account=account)) is not None)
        return drawn

    one, other = "111111111111", "222222222222"
    in_turn = hits([one, other] * 20)
    assert in_turn == hits([one] * 20 + [other] * 20)
    assert {True, False} == set(in_turn[one])


def test_probability_is_met_over_many_calls() -> None:
    share = sum(chance(1, number) < 0.3 for number in range(2000)) / 2000
    assert 0.27 < share < 0.33


@pytest.mark.parametrize(
    ("service", "start"),
    [
        ("cloudformation", b"<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code>"),
        ("sts", b"<ErrorResponse>"),
        ("s3", b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>Throttling</Code>'),
        ("kms", b'{"__type": "Throttling"'),
    ],
)
def test_an_error_is_written_as_the_service_writes_it(service: str, start: bytes) -> None:
    _unused, body = wire_error(service=service, code="Throttling", message="Rate <exceeded>")
    assert body.startswith(start)
    assert service == "kms" or b"Rate &lt;exceeded&gt;" in body


def test_a_setting_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown settings: latenzy"):
        Settings().update({"latenzy": {}})
    with pytest.raises(TypeError):
        Settings().update({"faults": [{"acount": "111111111111"}]})


def test_an_account_id_must_be_a_quoted_string(tmp_path: Path) -> None:
    path = tmp_path / "organisation.yml"
    text = ORGANISATION_FILE.read_text(encoding="utf-8")
    unquoted = text.replace('management: "555555555555"', "management: 055555555555")
    path.write_text(unquoted, encoding="utf-8")
    with pytest.raises(ValueError, match=r"account management: .* is not a quoted string"):
        load_organisation(path)


def test_another_version_of_ministack_is_refused_with_what_to_do() -> None:
    assert version_problem(MINISTACK_VERSION) == ""
    problem = version_problem("1.5.34")
    assert "MiniStack 1.5.34 is installed" in problem
    assert f"ministack=={MINISTACK_VERSION}" in problem
    assert "MiniStack is not installed" in version_problem(None)
