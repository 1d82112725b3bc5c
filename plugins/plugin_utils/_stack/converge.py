# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Converge one stack: found, evaluated, change set, gate, executed, settled."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from .._aws.patience import Patience
from .._errors import PipelineError, StackMoved
from .api import StackApi, existing
from .change_set import ChangeSet, template_change_sets, template_request
from .compare import read_differences
from .gate import DATA_TYPES, Change, guarded
from .model import Desired, Difference, Found, direct_differences
from .operation import Operations
from .status import Verdict
from .upload import TemplateStore

_REPAIRS = (Verdict.DISCARD, Verdict.CONTINUE, Verdict.ROLL_BACK)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What converging did, or in check mode would do.

    :param operation: ``none``, ``create``, ``update``, or ``repair`` of a stuck stack: in check
        mode of any, otherwise of one in which nothing else had to change.
    :param found: the stack afterwards; None where it does not exist yet (check mode).
    :param stuck: the stack before its repair, where that was all.
    :param changes: those of the change set; empty where none was needed.
    """

    operation: t.Literal["none", "create", "update", "repair"]
    found: Found | None
    differences: tuple[Difference, ...] = ()
    changes: tuple[Change, ...] = ()
    stuck: Found | None = None

    @property
    def changed(self) -> bool:
        """Whether anything was changed, or would be."""
        return self.operation != "none"


class Converger:
    """Brings one stack to its desired state.

    :param allow_replacement: let keys, buckets and roles be replaced or removed.
    :param resources_to_skip: logical ids that a continued rollback skips.
    :param templates: holds templates too large for a request.
    :param check_mode: leave no change set and no stack behind; an uploaded template stays.
    """

    def __init__(
        self,
        api: StackApi,
        desired: Desired,
        *,
        patience: Patience,
        allow_replacement: bool = False,
        resources_to_skip: t.Sequence[str] = (),
        templates: TemplateStore | None = None,
        check_mode: bool = False,
    ) -> None:
        self._api = api
        self._desired = desired
        self._patience = patience
        self._allow_replacement = allow_replacement
        self._resources_to_skip = resources_to_skip
        self._templates = templates
        self._check_mode = check_mode
        self._change_sets = template_change_sets(api.client)
        self._operations = Operations(api, patience)

    def run(self) -> Outcome:
        """Converge, and return the outcome. Raises PipelineError with cause and cure."""
        name = self._desired.name
        repaired: set[Verdict] = set()
        stuck: Found | None = None
        for _round in self._patience.polls(lambda: f"another process keeps changing {name}"):
            found = self._operations.settled(name)
            verdict = Verdict.ABSENT if found is None else found.verdict
            if found is not None and verdict is Verdict.BLOCKED:
                raise self._operations.blocked(found)
            if found is not None and verdict in _REPAIRS:
                if self._check_mode:
                    return Outcome(operation="repair", found=found, stuck=found)
                if verdict in repaired:
                    raise self._operations.failure(found)
                repaired.add(verdict)
                stuck = stuck or found
                self._repair(found, verdict)
                continue
            try:
                outcome = self._apply(found)
            except StackMoved:
                if self._is_unchanged(found):
                    raise  # AWS refuses the request itself, not its timing
                continue
            if stuck is not None and outcome.operation == "none":
                return dataclasses.replace(outcome, operation="repair", stuck=stuck)
            return outcome
        raise AssertionError  # polls() ends only by raising

    def _is_unchanged(self, found: Found | None) -> bool:
        now = self._api.find(self._desired.name)
        if now is None or found is None:
            return now is found
        return now.version == found.version

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
        """Delete a stack whose creation failed, unless it holds data."""
        data = existing(self._api.resources(found.stack_id), DATA_TYPES)
        if data:
            raise PipelineError(
                f"{found.name} is {found.status} and holds {', '.join(data)}",
                cure="Check what they contain, delete the stack by hand, retaining what is needed,"
                " then run again",
            )
        self._operations.delete(found)

    def _apply(self, found: Found | None) -> Outcome:
        if found is None or not found.exists:
            return self._change(found, (), new_stack=True)
        differing = read_differences(self._api, self._desired, found)
        if any(difference.needs_change_set for difference in differing):
            return self._change(found, differing, new_stack=False)
        return self._change_directly(found, differing)

    def _change(
        self, found: Found | None, differing: tuple[Difference, ...], *, new_stack: bool
    ) -> Outcome:
        desired = self._desired
        request = template_request(desired, new_stack=new_stack, templates=self._templates)
        change_set = self._change_sets.create(desired.name, **request)
        try:
            change_set = self._change_sets.read(change_set, self._patience)
            self._check_gate(change_set)
        except PipelineError:
            # Also after a timeout: leave nothing behind, if AWS lets us delete it.
            with contextlib.suppress(PipelineError):
                self._withdraw(found, change_set)
            raise
        if change_set.is_empty:
            self._withdraw(found, change_set)
            if found is None or new_stack:
                raise PipelineError(f"the template of {desired.name} has nothing to create")
            # The difference means nothing to AWS: the text of a template, for example.
            return self._change_directly(found, differing)
        operation: t.Literal["create", "update"] = "create" if new_stack else "update"
        if self._check_mode:
            self._withdraw(found, change_set)
            after = found
        else:
            after = self._execute(found, change_set)
        return Outcome(
            operation=operation, found=after, differences=differing, changes=change_set.changes
        )

    def _execute(self, found: Found | None, change_set: ChangeSet[Change]) -> Found:
        """Execute the change set, then set the direct settings; return the stack."""
        try:
            self._change_sets.execute(change_set)
        except StackMoved:
            self._withdraw(found, change_set)
            raise
        after = self._operations.executed(
            self._change_sets, change_set, name=self._desired.name, before=found
        )
        self._set_directly(after, direct_differences(self._desired, after))
        return after

    def _check_gate(self, change_set: ChangeSet[Change]) -> None:
        change_set.check(self._desired.name)
        if self._allow_replacement:
            return
        refused = guarded(change_set.changes, self._desired.known_roles)
        if refused:
            raise PipelineError(
                f"{self._desired.name} would lose data or roles: "
                + "; ".join(str(change) for change in refused),
                cure="Nothing was changed. If you want this, set allow_replacement for this run",
            )

    def _change_directly(self, found: Found, differing: t.Iterable[Difference]) -> Outcome:
        """Change only the direct settings, where they differ."""
        direct = tuple(item for item in differing if not item.needs_change_set)
        if not self._check_mode:
            self._set_directly(found, direct)
        return Outcome(operation="update" if direct else "none", found=found, differences=direct)

    def _withdraw(self, found: Found | None, change_set: ChangeSet[Change]) -> None:
        """Delete the change set, and the empty stack it created."""
        self._change_sets.delete(change_set)
        if found is None or found.stack_id != change_set.stack_id:
            created = self._api.find(change_set.stack_id)
            if created is None or created.verdict is not Verdict.REVIEW:
                return
            if not self._change_sets.any_left(created.stack_id):  # it may hold another run's
                self._api.delete(created.stack_id)

    def _set_directly(self, found: Found, differing: t.Iterable[Difference]) -> None:
        for difference in differing:
            if difference.what == "termination_protection":
                self._api.set_termination_protection(found.stack_id, difference.after)
            elif difference.what == "stack_policy":
                self._api.set_policy(found.stack_id, difference.after)


__all__ = ("Converger", "Outcome")
