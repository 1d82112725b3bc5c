# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same work for many targets: in order, at once, errors as data."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.account import Account
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.batch import (
    Failure,
    account_of,
    for_each,
    gateway_of,
    stack_targets,
    with_defaults,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import (
    OrphanedWorker,
    PipelineError,
)

TARGETS = [{"name": str(number)} for number in range(40)]


def test_answers_come_in_the_order_of_the_targets() -> None:
    assert for_each(TARGETS, lambda target: {"answer": target["name"]}) == [
        {"answer": target["name"]} for target in TARGETS
    ]


def test_sixteen_targets_are_worked_on_at_once() -> None:
    together = threading.Barrier(16, timeout=10)

    def meet(target: Mapping[str, Any]) -> dict[str, Any]:
        together.wait()
        return {}

    assert for_each(TARGETS[:32], meet) == [{}] * 32


def test_an_error_is_data_of_its_target_and_stops_no_other() -> None:
    def work(target: Mapping[str, Any]) -> dict[str, Any]:
        if target["name"] == "1":
            raise PipelineError("it refuses", cure="Ask it nicely")
        return {"answer": 1}

    assert for_each(TARGETS[:3], work) == [
        {"answer": 1},
        Failure("it refuses. Ask it nicely"),
        {"answer": 1},
    ]


def test_a_bug_met_at_one_target_stops_no_other() -> None:
    assert for_each([2, 0], lambda number: 4 // number) == [
        2,
        Failure("unexpected ZeroDivisionError: integer division or modulo by zero"),
    ]


def test_a_worker_without_its_parent_ends_the_batch() -> None:
    def work(_target: Mapping[str, Any]) -> None:
        raise OrphanedWorker("gone")

    with pytest.raises(OrphanedWorker):
        for_each(TARGETS[:2], work)


OPTIONS = {
    "account_id": "111111111111",
    "region": "us-east-1",
    "profile": "build",
    "role_arn": None,
    "access_role_name": "CrossAccountAccess",
    "sts_region": "eu-west-1",
}


@pytest.mark.parametrize(
    ("target", "filled_in"),
    [
        pytest.param(
            {"stack_name": "One"},
            {
                "stack_name": "One",
                "account_id": "111111111111",
                "region": "us-east-1",
                "profile": "build",
                "access_role_name": "CrossAccountAccess",
            },
            id="everything",
        ),
        pytest.param(
            {"account_id": "222222222222", "region": "eu-west-1", "role_arn": "arn:role"},
            {"account_id": "222222222222", "region": "eu-west-1", "role_arn": "arn:role"},
            id="a way in is taken whole",
        ),
        pytest.param(
            {"account_id": None, "role_arn": None, "name": None},
            {
                "account_id": "111111111111",
                "region": "us-east-1",
                "profile": "build",
                "access_role_name": "CrossAccountAccess",
            },
            id="null is as good as left out",
        ),
    ],
)
def test_what_a_target_leaves_out_comes_from_the_options(
    target: dict[str, Any], filled_in: dict[str, Any]
) -> None:
    assert with_defaults(target, OPTIONS) == filled_in


@pytest.mark.parametrize("missing", ["account_id", "region"])
def test_a_target_needs_its_account_and_region(missing: str) -> None:
    target = {"stack_name": "One", "account_id": "222222222222", "region": "eu-west-1"}
    del target[missing]

    with pytest.raises(PipelineError) as caught:
        stack_targets({"targets": [target]})

    assert str(caught.value) == (
        f"the target One has no {missing}. Set {missing} of the target or of the task"
    )
    assert stack_targets({"targets": [target], **OPTIONS})[0][missing] == OPTIONS[missing]


def test_an_account_is_what_the_options_name() -> None:
    assert account_of(OPTIONS) == Account(
        account_id="111111111111", profile="build", access_role_name="CrossAccountAccess"
    )
    assert account_of({"account_id": "1", "role_arn": "arn:role"}) == Account(
        account_id="1", role_arn="arn:role"
    )


@pytest.mark.parametrize(
    ("options", "region"),
    [
        ({"sts_region": "eu-west-1", "region": "us-east-1"}, "eu-west-1"),
        ({"sts_region": None, "region": "us-east-1"}, "us-east-1"),
    ],
)
def test_sts_is_asked_in_its_region(options: dict[str, Any], region: str) -> None:
    assert gateway_of(options)._sts_region == region


@pytest.mark.parametrize("options", [{}, {"region": ""}, {"sts_region": None, "region": None}])
def test_no_region_is_an_error(options: dict[str, Any]) -> None:
    with pytest.raises(PipelineError) as caught:
        gateway_of(options)

    assert str(caught.value) == "no region is set. Set region or sts_region"
