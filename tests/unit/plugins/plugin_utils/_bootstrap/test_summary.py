# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The summary's decisions: a word for each host, and everybody who is not complete fails."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.summary import (
    describe_hosts,
    failures,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    Organisation,
)

from tests.unit.report.runs import LARGE, SMALL, FakeRun, result

OUTPUTS = {"ApprovalTopicArn": "arn:topic", "BuildBucketName": "build-bucket", "KeyArn": "arn:key"}


def with_state(name: str, state: str) -> Organisation:
    """The small organisation with one host in another state."""
    data = SMALL.as_dict()
    data["hosts"][name]["state"] = state
    return Organisation.from_dict(data)


def test_hosts_come_in_the_order_of_the_phases_and_only_those_of_the_run() -> None:
    everything = ["eu-west-1", "build", "development", "production", "testing", "hello"]

    assert list(FakeRun().rows()) == everything
    assert list(FakeRun(hosts=("hello", "testing")).rows()) == ["testing", "hello"]


@pytest.mark.parametrize(
    ("operation", "done", "to_do", "outcome"),
    [
        ("none", "unchanged", "unchanged", "ok"),
        ("create", "created", "to create", "changed"),
        ("update", "updated", "to update", "changed"),
        ("delete", "removed", "to remove", "changed"),
        ("repair", "repaired", "to repair", "changed"),
    ],
)
def test_a_word_says_what_was_done_or_would_be(
    operation: str, done: str, to_do: str, outcome: str
) -> None:
    run = FakeRun(done={"hello": result(operation)})

    row = run.rows()["hello"]
    assert (row.result, row.outcome, row.failure) == (done, outcome, None)
    assert run.rows(check_mode=True)["hello"].result == to_do


@pytest.mark.parametrize(
    ("run", "word", "reason"),
    [
        (FakeRun(failed={"testing": "refused"}), "FAILED", "refused"),
        (FakeRun(waiting={"testing": "postponed: build"}), "POSTPONED", "postponed: build"),
        (FakeRun(unreached={"testing": "the primary failed"}), "NOT REACHED", "the primary failed"),
        (FakeRun(unfinished_hosts={"testing": "it ended"}), "NOT REACHED", "it ended"),
        (FakeRun(missing={"testing": "not yet"}), "unchanged, incomplete", "not yet"),
        (
            FakeRun(done={"testing": result("create")}, missing={"testing": "not yet"}),
            "created, incomplete",
            "not yet",
        ),
        (
            FakeRun(
                done={"testing": result("create")},
                failed={"testing": "it broke"},
                waiting={"testing": "postponed"},
            ),
            "FAILED",
            "it broke",
        ),
    ],
)
def test_a_host_that_is_not_complete_fails_with_the_reason(
    run: FakeRun, word: str, reason: str
) -> None:
    row = run.rows()["testing"]

    assert (row.result, row.outcome) == (word, "failed")
    assert failures(run.rows().values()) == {"testing": reason}


def test_a_quarantined_account_is_left_out_and_fails_nothing() -> None:
    run = FakeRun(with_state("testing", "quarantined"), unfinished_hosts={"testing": "it ended"})

    row = run.rows()["testing"]
    assert (row.result, row.outcome, row.failure) == ("quarantined", "skipped", None)


@pytest.mark.parametrize(("operation", "word"), [("delete", "removed"), ("none", "absent")])
def test_a_host_to_be_absent_is_removed_once(operation: str, word: str) -> None:
    run = FakeRun(
        with_state("testing", "absent"),
        done={"testing": result(operation)},
        missing={"testing": "never asked"},
    )

    assert run.rows()["testing"].result == word


@pytest.mark.parametrize(
    ("operation", "granted"), [("delete", ("222222222222", "333333333333")), ("none", ())]
)
def test_the_accounts_that_policies_of_retained_data_name_are_those_of_the_removed_stack(
    operation: str, granted: tuple[str, ...]
) -> None:
    parameters = {"DeployAccountIds": "222222222222,333333333333"}
    run = FakeRun(
        with_state("eu-west-1", "absent"),
        done={"eu-west-1": result(operation, stack={"parameters": parameters})},
    )

    assert run.rows()["eu-west-1"].granted == granted


@pytest.mark.parametrize(
    ("host", "operation", "check_mode", "outputs"),
    [
        (
            "build",
            "create",
            False,
            {"approval topic": "arn:topic", "build bucket": "build-bucket"},
        ),
        ("build", "create", True, {}),
        ("build", "update", False, {}),
        ("hello", "create", False, {}),
    ],
)
def test_a_new_primary_gives_what_people_need_next(
    host: str, operation: str, check_mode: bool, outputs: dict[str, Any]
) -> None:
    run = FakeRun(done={host: result(operation, stack={"outputs": OUTPUTS})})

    assert run.rows(check_mode=check_mode)[host].outputs == outputs


def test_hosts_are_described_by_what_they_are() -> None:
    assert describe_hosts(LARGE.hosts.values()) == "6 regions, primary, 60 accounts, 12 pipelines"
    assert describe_hosts([SMALL.hosts["hello"]]) == "1 pipeline"
