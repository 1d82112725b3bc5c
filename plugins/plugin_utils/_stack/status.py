# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every StackStatus and what it allows. Only this file knows them."""

from __future__ import annotations

import enum


class Verdict(enum.Enum):
    """What a stack's status allows next."""

    ABSENT = "create it"
    SETTLED = "compare it, and update it where it differs"
    REVIEW = "it holds only change sets: create it with our own"
    BUSY = "an operation is in progress: wait until it ends"
    DISCARD = "its creation failed: delete it and create it again"
    CONTINUE = "its rollback stopped half way: continue the rollback"
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

# What the user can do where only the user can decide.
CURES: dict[str, str] = {
    "ROLLBACK_FAILED": "Its creation failed and could not be undone. Check its events, delete the"
    " stack, retaining what cannot be deleted, then run again",
    "DELETE_FAILED": "Its deletion failed. Check its events, finish the deletion, retaining what"
    " cannot be deleted, then run again",
    "IMPORT_ROLLBACK_FAILED": "An import into it failed and could not be undone. Check its"
    " events, repair it in the console, then run again",
}

# The final statuses of successful operations.
_SUCCESSES = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})

# Statuses of a stack that will be gone, or can only be deleted.
_GOING = frozenset({"DELETE_IN_PROGRESS", "DELETE_FAILED", "ROLLBACK_IN_PROGRESS"})

# Events of the stack itself that start an operation, as opposed to its rollback.
OPERATION_STARTS = frozenset(
    {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS"}
)


_PROGRESS: dict[str, str] = {
    "CREATE_IN_PROGRESS": "creating",
    "DELETE_IN_PROGRESS": "deleting",
    "UPDATE_IN_PROGRESS": "updating",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "cleaning up",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": "cleaning up",
    "IMPORT_IN_PROGRESS": "importing",
}


def progress(status: str) -> str:
    """Return a word for the operation in progress."""
    return _PROGRESS.get(status, "rolling back")


def verdict_of(status: str | None) -> Verdict:
    """Return what *status* allows; None is a stack that does not exist.

    An unknown status is newer than this table: the user decides.
    """
    if status is None:
        return Verdict.ABSENT
    return STATUSES.get(status, Verdict.BLOCKED)


def is_success(status: str | None) -> bool:
    """Return whether an operation that ended in *status* succeeded."""
    return status in _SUCCESSES


def was_created(status: str | None) -> bool:
    """Return whether the stack was created: its parameters describe what AWS holds."""
    never_made = (Verdict.ABSENT, Verdict.REVIEW, Verdict.DISCARD)
    return status != "ROLLBACK_FAILED" and verdict_of(status) not in never_made


def is_unusable(status: str | None) -> bool:
    """Return whether the stack is gone, going, incomplete or only deletable."""
    return not was_created(status) or status in _GOING


def is_readable(status: str | None) -> bool:
    """Return whether outputs and parameters are reliable: not in progress, not stuck."""
    return verdict_of(status) is Verdict.SETTLED


__all__ = (
    "CURES",
    "OPERATION_STARTS",
    "STATUSES",
    "Verdict",
    "is_readable",
    "is_success",
    "is_unusable",
    "progress",
    "verdict_of",
    "was_created",
)
