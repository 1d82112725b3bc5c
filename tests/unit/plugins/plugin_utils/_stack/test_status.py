# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every status has a verdict, and only those that AWS has."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.status import (
    STATUSES,
    Verdict,
    is_readable,
    is_success,
    is_unusable,
    verdict_of,
    was_created,
)


def known_to_botocore() -> set[str]:
    model = botocore.session.Session().get_service_model("cloudformation")
    shape: Any = model.shape_for("StackStatus")  # only shapes of text have an enum
    return set(shape.enum)


def test_every_status_of_the_service_has_a_verdict_and_no_other() -> None:
    assert set(STATUSES) == known_to_botocore()


@pytest.mark.parametrize("status", sorted(STATUSES))
def test_what_runs_is_waited_for(status: str) -> None:
    running = status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"

    assert (verdict_of(status) is Verdict.BUSY) == running


def test_no_stack_is_absent() -> None:
    assert verdict_of(None) is Verdict.ABSENT


@pytest.mark.parametrize("status", ["", "create_complete", "SOMETHING_NEW_COMPLETE"])
def test_a_status_that_is_unknown_is_left_to_the_user(status: str) -> None:
    assert verdict_of(status) is Verdict.BLOCKED


@pytest.mark.parametrize("status", [*sorted(STATUSES), None])
def test_only_three_ends_are_a_success(status: str | None) -> None:
    expected = status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")

    assert is_success(status) is expected


@pytest.mark.parametrize("status", [*sorted(STATUSES), None])
def test_outputs_count_only_where_nothing_runs_and_nothing_is_stuck(status: str | None) -> None:
    expected = status in (
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
    )

    assert is_readable(status) is expected


@pytest.mark.parametrize("status", [*sorted(STATUSES), None])
def test_a_stack_stands_once_it_was_made(status: str | None) -> None:
    never = (
        None,
        "REVIEW_IN_PROGRESS",
        "CREATE_FAILED",
        "ROLLBACK_COMPLETE",
        "ROLLBACK_FAILED",
        "DELETE_COMPLETE",
    )

    assert was_created(status) is (status not in never)


@pytest.mark.parametrize(
    "status",
    [
        None,
        *sorted(STATUSES),
        "SOMETHING_NEW_COMPLETE",
    ],
)
def test_a_stack_is_unusable_once_it_is_deleted_or_can_only_be(status: str | None) -> None:
    expected = status in (
        None,
        "REVIEW_IN_PROGRESS",
        "CREATE_FAILED",
        "ROLLBACK_IN_PROGRESS",
        "ROLLBACK_COMPLETE",
        "ROLLBACK_FAILED",
        "DELETE_IN_PROGRESS",
        "DELETE_COMPLETE",
        "DELETE_FAILED",
    )

    assert is_unusable(status) is expected
