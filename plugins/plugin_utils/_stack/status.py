# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every StackStatus and what follows from it: the one place that knows a status."""

from __future__ import annotations

import enum


class Verdict(enum.Enum):
    """What a stack's status allows next."""

    ABSENT = "create it"
    SETTLED = "compare it, and update it where it differs"
    REVIEW = "it holds nothing but change sets: create it with one of our own"
    BUSY = "an operation runs: wait for its end and judge again"
    DISCARD = "it never existed properly: delete it and create it"
    CONTINUE = "its rollback stopped half way: continue it"
    ROLL_BACK = "its update stopped half way: roll it back"
    BLOCKED = "only the user can decide"


STATUSES: dict[str, Verdict] = {
    "CREATE_IN_PROGRESS": Verdict.BUSY,
    "CREATE_FAILED": Verdict.DISCARD,
    "CREATE_COMPLETE": Verdict.SETTLED,
    "ROLLBACK_IN_PROGRESS": Verdict.BUSY,
    "ROLLBACK_FAILED": Verdict.BLOCKED,
    "ROLLBACK_COMPLETE": Verdict.DISCARD,
    "DELETE_IN_PROGRESS": Verdict.BUSY,
    "DELETE_FAILED": Verdict.BLOCKED,
    "DELETE_COMPLETE": Verdict.ABSENT,
    "UPDATE_IN_PROGRESS": Verdict.BUSY,
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": Verdict.BUSY,
    "UPDATE_COMPLETE": Verdict.SETTLED,
    "UPDATE_FAILED": Verdict.ROLL_BACK,
    "UPDATE_ROLLBACK_IN_PROGRESS": Verdict.BUSY,
    "UPDATE_ROLLBACK_FAILED": Verdict.CONTINUE,
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": Verdict.BUSY,
    "UPDATE_ROLLBACK_COMPLETE": Verdict.SETTLED,
    "REVIEW_IN_PROGRESS": Verdict.REVIEW,
    "IMPORT_IN_PROGRESS": Verdict.BUSY,
    "IMPORT_COMPLETE": Verdict.SETTLED,
    "IMPORT_ROLLBACK_IN_PROGRESS": Verdict.BUSY,
    "IMPORT_ROLLBACK_FAILED": Verdict.BLOCKED,
    "IMPORT_ROLLBACK_COMPLETE": Verdict.SETTLED,
}

# What to tell the user when only the user can decide.
CURES: dict[str, str] = {
    "ROLLBACK_FAILED": "Its creation failed and could not be undone: look at its events, delete the"
    " stack and retain what cannot be deleted, then run again",
    "DELETE_FAILED": "Somebody's deletion of it failed: look at its events, finish the deletion and"
    " retain what cannot be deleted, then run again",
    "IMPORT_ROLLBACK_FAILED": "An import into it failed and could not be undone: look at its events"
    " and repair it in the console, then run again",
}

# Ends of an operation that did what it was asked to do.
_SUCCESSES = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})

# Events of the stack itself that begin an operation, as opposed to its rollback.
OPERATION_STARTS = frozenset(
    {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS"}
)


def verdict_of(status: str | None) -> Verdict:
    """Return what *status* allows; None is a stack that does not exist.

    A status that this table does not know (newer than it) is left to the user.
    """
    if status is None:
        return Verdict.ABSENT
    return STATUSES.get(status, Verdict.BLOCKED)


def is_success(status: str | None) -> bool:
    """Return whether an operation that ended in *status* did what it was asked to do."""
    return status in _SUCCESSES


def is_standing(status: str | None) -> bool:
    """Return whether the stack was ever made, so that its parameters tell what AWS holds."""
    never_made = (Verdict.ABSENT, Verdict.REVIEW, Verdict.DISCARD)
    return status != "ROLLBACK_FAILED" and verdict_of(status) not in never_made


def is_past_use(status: str | None) -> bool:
    """Return whether the stack is gone, was never made, or can only be deleted."""
    return not is_standing(status) or status == "DELETE_FAILED"


def is_readable(status: str | None) -> bool:
    """Return whether outputs and parameters can be relied on: nothing runs, nothing is stuck."""
    return verdict_of(status) is Verdict.SETTLED


__all__ = (
    "CURES",
    "OPERATION_STARTS",
    "STATUSES",
    "Verdict",
    "is_past_use",
    "is_readable",
    "is_standing",
    "is_success",
    "verdict_of",
)
