# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Follow a stack's operations to their end, and report how they ended."""

from __future__ import annotations

import contextlib
import typing as t

from .._aws.patience import Patience
from .._errors import PipelineError
from .api import StackApi, first_failure, in_progress
from .change_set import ChangeSet, ChangeSets
from .gate import ChangeType
from .model import Found
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
        self, change_sets: ChangeSets[ChangeType], change_set: ChangeSet[ChangeType], *, name: str
    ) -> Found:
        """Return the stack after the execution of *change_set*; raises when it failed."""
        # Until the execution shows, the stack's status is still the old one.
        for _poll in self._patience.polls(lambda: f"{name} has not started yet"):
            found = self._api.find(change_set.stack_id)
            if found is None or found.verdict is Verdict.BUSY:
                break
            if change_sets.execution_status(change_set) in (
                "EXECUTE_COMPLETE",
                "EXECUTE_FAILED",
                "GONE",
            ):
                break
        after = self.settled(change_set.stack_id)
        if after is None:
            raise PipelineError(f"{name} was deleted while it was being changed")
        if not is_success(after.status):
            raise self.failure(after)
        return after

    def delete(self, found: Found) -> None:
        """Lift the stack's protection, delete it, and wait until it is gone."""
        if found.termination_protection:
            self._api.set_termination_protection(found.stack_id, False)
        try:
            after = self.carry_out(found, lambda: self._api.delete(found.stack_id))
        except PipelineError:
            if found.termination_protection:
                with contextlib.suppress(PipelineError):  # the first error is the one to report
                    self._api.set_termination_protection(found.stack_id, True)
            raise
        if after is not None and after.verdict is not Verdict.ABSENT:
            raise self.failure(after)

    def failure(self, found: Found) -> PipelineError:
        """Return the error of the latest operation's first failure."""
        events = self._api.operation_events(found.stack_id)
        cause = first_failure(events) or found.status_reason or "no reason given"
        cure = None
        if _INVALID_PRINCIPAL in cause.lower():
            cure = _QUARANTINE
        elif found.verdict is Verdict.CONTINUE:
            cure = _CONTINUE
        return PipelineError(f"{found.name} is {found.status}. {cause.rstrip('.')}", cure=cure)

    @staticmethod
    def blocked(found: Found) -> PipelineError:
        """Return the error of a stack that only the user can repair."""
        cure = CURES.get(found.status, "This version does not know that status: update it")
        reason = f": {found.status_reason.rstrip('.')}" if found.status_reason else ""
        return PipelineError(f"{found.name} is {found.status}{reason}", cure=cure)


__all__ = ("Operations",)
