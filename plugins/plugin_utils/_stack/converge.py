# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Converge one stack: found -> judged -> change set -> gate -> executed -> settled."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from .._aws.gateway import Client
from .._aws.patience import Patience
from .._errors import PipelineError, StackMoved
from .api import StackApi, existing
from .change_set import ChangeSet, ChangeSets
from .gate import DATA_TYPES, Change, refused
from .model import Desired, Difference, Found, differences, direct_differences
from .operation import Operations
from .status import Verdict
from .upload import TemplateStore

_REPAIRS = (Verdict.DISCARD, Verdict.CONTINUE, Verdict.ROLL_BACK)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What converging did, or in check mode would do.

    :param operation: ``none``, ``create``, ``update``, or ``repair`` (a stuck stack in check mode).
    :param found: the stack afterwards; None where it does not exist yet (check mode).
    :param changes: what the change set changes; empty when none was needed.
    """

    operation: t.Literal["none", "create", "update", "repair"]
    found: Found | None
    differences: tuple[Difference, ...] = ()
    changes: tuple[Change, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything differs from before, or would."""
        return self.operation != "none"


class Converger:
    """Brings one stack to what is desired.

    :param client: CloudFormation in the stack's account and region.
    :param allow_replacement: let keys, buckets and roles be replaced or removed.
    :param resources_to_skip: logical ids that a rollback is continued without.
    :param templates: where a template goes that is too large for a request.
    :param check_mode: leave no change set and no stack behind; a template that was uploaded for
        the change set stays.
    """

    def __init__(
        self,
        client: Client,
        desired: Desired,
        *,
        patience: Patience,
        allow_replacement: bool = False,
        resources_to_skip: t.Sequence[str] = (),
        templates: TemplateStore | None = None,
        check_mode: bool = False,
    ) -> None:
        self._api = StackApi(client)
        self._change_sets = ChangeSets(client, templates)
        self._desired = desired
        self._operations = Operations(self._api, patience)
        self._patience = patience
        self._allow_replacement = allow_replacement
        self._resources_to_skip = resources_to_skip
        self._check_mode = check_mode

    def run(self) -> Outcome:
        """Converge, and return what that did. Raises PipelineError with cause and cure."""
        repaired: set[Verdict] = set()
        for _round in self._patience.polls(lambda: f"{self._desired.name} is never left alone"):
            found = self._operations.settled(self._desired.name)
            verdict = Verdict.ABSENT if found is None else found.verdict
            if found is not None and verdict is Verdict.BLOCKED:
                raise self._operations.blocked(found)
            if found is not None and verdict in _REPAIRS:
                if self._check_mode:
                    return Outcome(operation="repair", found=found)
                if verdict in repaired:
                    raise self._operations.failure(found)
                repaired.add(verdict)
                self._repair(found, verdict)
                continue
            try:
                return self._apply(found)
            except StackMoved:
                if self._is_as_judged(found):
                    raise  # AWS refuses the request itself, not the moment
        raise AssertionError  # polls() ends by raising only

    def _is_as_judged(self, judged: Found | None) -> bool:
        now = self._api.find(self._desired.name)
        if now is None or judged is None:
            return now is judged
        return now.version == judged.version

    def _repair(self, found: Found, verdict: Verdict) -> None:
        if verdict is Verdict.DISCARD:
            self._discard(found)
        elif verdict is Verdict.CONTINUE:
            skip = self._resources_to_skip
            self._operations.carry_out(
                found, lambda: self._api.continue_rollback(found.stack_id, skip=skip)
            )
        else:
            self._operations.carry_out(found, lambda: self._api.roll_back(found.stack_id))

    def _discard(self, found: Found) -> None:
        """Delete a stack that never existed properly, unless it holds a key or a bucket."""
        data = existing(self._api.resources(found.stack_id), DATA_TYPES)
        if data:
            raise PipelineError(
                f"{found.name} is {found.status} and holds {', '.join(data)}",
                cure="Look at what they hold; delete the stack by hand, retaining what is needed,"
                " then run again",
            )
        self._operations.delete(found)

    def _apply(self, found: Found | None) -> Outcome:
        if found is None or found.verdict in (Verdict.ABSENT, Verdict.REVIEW):
            return self._change(found, (), new_stack=True)
        desired = self._desired
        policy = self._api.policy(found.stack_id) if desired.stack_policy is not None else None
        differing = differences(
            desired,
            found,
            found_template=self._api.template(found.stack_id),
            found_policy=policy,
        )
        if any(difference.needs_change_set for difference in differing):
            return self._change(found, tuple(differing), new_stack=False)
        return self._change_directly(found, differing)

    def _change(
        self, found: Found | None, differing: tuple[Difference, ...], *, new_stack: bool
    ) -> Outcome:
        change_set = self._change_sets.create(self._desired, new_stack=new_stack)
        try:
            change_set = self._change_sets.read(change_set, self._patience)
            self._check_gate(change_set)
        except PipelineError:
            # Also when the time is over: what was begun here does not stay, where AWS lets it go.
            with contextlib.suppress(PipelineError):
                self._withdraw(found, change_set)
            raise
        if change_set.is_empty:
            self._withdraw(found, change_set)
            if found is None or new_stack:
                raise PipelineError(f"the template of {self._desired.name} has nothing to create")
            # AWS sees no change in what differs here (the text of a template, say).
            return self._change_directly(found, differing)
        operation: t.Literal["create", "update"] = "create" if new_stack else "update"
        if self._check_mode:
            self._withdraw(found, change_set)
            return self._outcome(operation, found, differing, change_set.changes)
        try:
            self._change_sets.execute(change_set)
        except StackMoved:
            self._withdraw(found, change_set)
            raise
        after = self._operations.executed(self._change_sets, change_set, name=self._desired.name)
        self._set_directly(after, direct_differences(self._desired, after, found_policy=None))
        return self._outcome(operation, after, differing, change_set.changes)

    def _check_gate(self, change_set: ChangeSet) -> None:
        if change_set.failure:
            raise PipelineError(
                f"the change set of {self._desired.name} failed: {change_set.failure}"
            )
        needing_word = [] if self._allow_replacement else refused(change_set.changes)
        if needing_word:
            raise PipelineError(
                f"{self._desired.name} would lose data or roles: "
                + "; ".join(str(change) for change in needing_word),
                cure="Nothing was changed. Set allow_replacement for this run if that is meant",
            )

    def _change_directly(self, found: Found, differing: t.Sequence[Difference]) -> Outcome:
        """Change what has no place in a change set, where it differs."""
        differing = [one for one in differing if not one.needs_change_set]
        if not self._check_mode:
            self._set_directly(found, differing)
        return self._outcome("update" if differing else "none", found, differing, ())

    def _outcome(
        self,
        operation: t.Literal["none", "create", "update"],
        found: Found | None,
        differing: t.Sequence[Difference],
        changes: tuple[Change, ...],
    ) -> Outcome:
        return Outcome(
            operation=operation, found=found, differences=tuple(differing), changes=changes
        )

    def _withdraw(self, found: Found | None, change_set: ChangeSet) -> None:
        """Remove the change set, and the stack that it made, by its id, where it is empty."""
        self._change_sets.delete(change_set)
        if found is None or found.stack_id != change_set.stack_id:
            made = self._api.find(change_set.stack_id)
            if made is None or made.verdict is not Verdict.REVIEW:
                return
            if not self._change_sets.any_left(made.stack_id):  # another run's may be in it
                self._api.delete(made.stack_id)

    def _set_directly(self, found: Found, differing: t.Sequence[Difference]) -> None:
        """Set what has no place in a change set."""
        for difference in differing:
            if difference.what == "termination_protection":
                self._api.set_termination_protection(found.stack_id, difference.after)
            elif difference.what == "stack_policy":
                self._api.set_policy(found.stack_id, difference.after)


__all__ = ("Converger", "Outcome")
