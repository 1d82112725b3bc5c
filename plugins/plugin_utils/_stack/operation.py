# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Follow a stack's operations to their end, and report how they ended."""

from __future__ import annotations

import contextlib
import json
import typing as t

from .._aws.patience import Patience
from .._errors import PipelineError
from .api import StackApi
from .change_set import ChangeSet, ChangeSets
from .events import Failed, failed_validation, first_failure, in_progress, not_rolled_back
from .gate import ChangeType
from .model import Found
from .refusal import CONFLICT_CURE, is_conflict
from .status import CURES, Verdict, is_success, progress

_INVALID_PRINCIPAL = "invalid principal"
_QUARANTINE = (
    "An account that the policy names is suspended or closed, or has not enabled this region: set"
    " state: quarantined for its host, or remove the region from its regions"
)
_CONTINUE = (
    "Fix the cause and run again, or list in resources_to_skip the resources that the rollback may"
    " skip"
)
# How an execution has ended, or will never begin.
_EXECUTION_ENDS = ("EXECUTE_COMPLETE", "EXECUTE_FAILED", "OBSOLETE", "GONE")


class Operations:
    """The operations of one stack.

    :param patience: the time that all waits together may take.
    """

    def __init__(self, api: StackApi, patience: Patience) -> None:
        self._api = api
        self._patience = patience

    def settled(self, name: str) -> Found | None:
        """Return the stack (by name or id) once no operation is in progress."""
        found: Found | None = None

        def describe() -> str:
            if found is None:
                return name
            resource = in_progress(self._api.operation_events(found.stack_id))
            text = f"{found.name} {progress(found.status)}"
            return f"{text}, {resource}" if resource else text

        for _poll in self._patience.polls(describe):
            found = self._api.find(name)
            if found is None or found.verdict is not Verdict.BUSY:
                break
        return found

    def carry_out(self, found: Found, request: t.Callable[[], None]) -> Found | None:
        """Start an operation with *request* and return the stack after its end.

        AWS may show the old status for a moment after it accepted the request, and an operation
        that fails at once ends in the status that it started in. A new event shows the start.
        """
        before = self._api.newest_event(found.stack_id)
        request()
        for _poll in self._patience.polls(lambda: f"{found.name} is still {found.status}"):
            now = self._api.find(found.stack_id)
            if now is None or now.version != found.version:
                break
            if self._api.newest_event(found.stack_id) != before:
                break
        return self.settled(found.stack_id)

    def executed(
        self,
        change_sets: ChangeSets[ChangeType],
        change_set: ChangeSet[ChangeType],
        *,
        name: str,
        before: Found | None,
    ) -> Found:
        """Return the stack after the execution of *change_set*; raises when it failed.

        :param before: the stack when the change set was created; None when there was none.
        """
        execution = ""
        # Until the execution shows, the stack's status is still the old one.
        for _poll in self._patience.polls(lambda: f"{name} has not started yet"):
            found = self._api.find(change_set.stack_id)
            if found is None or found.verdict is Verdict.BUSY:
                break
            execution = change_sets.execution_status(change_set)
            if execution in _EXECUTION_ENDS:
                break
        after = self.settled(change_set.stack_id)
        if after is None:
            raise PipelineError(f"{name} was deleted while it was being changed")
        if execution != "EXECUTE_COMPLETE" and not _has_moved(before, after):
            raise PipelineError(
                f"{name} is unchanged: the execution of its change set ended"
                f" {execution or 'without a trace'}",
                cure="Another process may have changed the stack or deleted the change set: run"
                " again",
            )
        if not is_success(after.status):
            raise self.failure(after)
        return after

    def delete(self, found: Found) -> None:
        """Lift the stack's protection, delete it, and wait until it is gone.

        A stack that is not deleted gets its protection back.
        """
        if found.termination_protection:
            self._api.set_termination_protection(found.stack_id, False)
        try:
            after = self.carry_out(found, lambda: self._api.delete(found.stack_id))
            if after is not None and after.verdict is not Verdict.ABSENT:
                raise self.failure(after)
        except PipelineError:
            if found.termination_protection:
                with contextlib.suppress(PipelineError):  # the first error is the one to report
                    self._api.set_termination_protection(found.stack_id, True)
            raise

    def failure(self, found: Found) -> PipelineError:
        """Return the error of the latest operation: what failed first, and in its rollback."""
        cause, left = self._cause(found)
        return PipelineError(
            f"{found.name} is {found.status}. {cause or 'no reason given'}",
            cure=_cure(found, cause, left),
        )

    def blocked(self, found: Found) -> PipelineError:
        """Return the error of a stack that only the user can repair."""
        cause, _left = self._cause(found)
        cure = CURES.get(found.status, "This version does not know that status: update it")
        return PipelineError(f"{found.name} is {found.status}. {cause}".rstrip(". "), cure=cure)

    def _cause(self, found: Found) -> tuple[str, t.Sequence[Failed]]:
        """Return why the latest operation failed, and the resources that were not rolled back."""
        events = self._api.operation_events(found.stack_id)
        failed = first_failure(events)
        cause = self._text(failed) if failed else found.status_reason
        if failed_validation(events):
            cause = self._refused(found) or cause
        left = not_rolled_back(events) if found.status.endswith("ROLLBACK_FAILED") else ()
        if left:
            stopped = "; ".join(f"{item.resource}: {item.reason.rstrip('.')}" for item in left)
            cause = f"Its rollback failed at {stopped}. First failure: {cause}"
        return cause.rstrip("."), left

    def _refused(self, found: Found) -> str:
        """Return what early validation refused, or why that cannot be read."""
        try:
            return self._api.refusals(found.stack_id)
        except PipelineError as exc:
            return str(exc)

    def _text(self, failed: Failed) -> str:
        return "; ".join([str(failed).rstrip("."), *self._api.hooks(failed.hooks)])


def _cure(found: Found, cause: str, left: t.Sequence[Failed]) -> str | None:
    if _INVALID_PRINCIPAL in cause.lower():
        return _QUARANTINE
    if is_conflict(cause):
        return CONFLICT_CURE
    return _continue(left) if found.verdict is Verdict.CONTINUE else None


def _has_moved(before: Found | None, after: Found) -> bool:
    """Return whether an operation has begun on the stack since *before*."""
    if before is None or before.stack_id != after.stack_id:
        return after.exists
    return after.version != before.version


def _continue(left: t.Sequence[Failed]) -> str:
    """Return the cure of a rollback that stopped at *left*."""
    # AWS accepts only what failed to be updated.
    names = [item.logical_id for item in left if item.status == "UPDATE_FAILED"]
    if not names:
        return _CONTINUE
    skip = json.dumps({"resources_to_skip": names})
    return f"Fix the cause and run again, or let the rollback skip what it may: -e '{skip}'"


__all__ = ("Operations",)
