# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One task on one stack: converge, compare or remove it."""

from __future__ import annotations

import dataclasses
import typing as t

from .._aws.gateway import AccountSession
from .._aws.patience import Patience
from .._errors import PipelineError
from .api import StackApi
from .compare import compare
from .converge import Converger, Outcome
from .diff import describe, diff_entry, difference_text, parameters_text
from .model import Desired, Found
from .remove import Removal, remove
from .result import DiffEntry, RetainedEntry, StackEntry, StackResult
from .retained import RetainedData
from .template import parameter_kinds
from .upload import TemplateStore


@dataclasses.dataclass(frozen=True, kw_only=True)
class StackRun:
    """One stack's account and region, and how a task treats it.

    Every method returns the task's result and raises PipelineError with cause and cure.

    :param session: the opened account.
    :param patience: the time that all waits together may take.
    :param allow_replacement: let keys, buckets and roles be replaced or removed.
    :param resources_to_skip: logical ids that a continued rollback skips.
    :param template_bucket: holds a template that is too large for a request.
    :param template_prefix: what the name of that template begins with.
    :param find_retained: return the keys and buckets that deleted stacks of this name left.
    :param purge_data: delete them with the stack. Cannot be undone.
    """

    session: AccountSession
    account_id: str
    region: str
    patience: Patience
    check_mode: bool = False
    allow_replacement: bool = False
    resources_to_skip: t.Sequence[str] = ()
    template_bucket: str | None = None
    template_prefix: str = ""
    find_retained: bool = False
    purge_data: bool = False

    def converge(self, desired: Desired) -> StackResult:
        """Create or update the stack, whatever state it is in."""
        api = self._api()
        outcome = Converger(
            api,
            desired,
            patience=self.patience,
            allow_replacement=self.allow_replacement,
            resources_to_skip=self.resources_to_skip,
            templates=self._templates(),
            check_mode=self.check_mode,
        ).run()
        result: StackResult = {
            "changed": outcome.changed,
            "operation": outcome.operation,
            "stack": self._entry(desired.name, outcome.found),
            "changes": [change.as_dict() for change in outcome.changes],
            "retained": [],
        }
        if outcome.changed:
            result["diff"] = self._converged_diff(outcome, desired)
        if outcome.changed and self.check_mode:
            result["differences"] = describe(outcome.differences, desired.template)
        if outcome.operation == "create" and self.find_retained:
            owned = api.physical_ids(outcome.found.stack_id) if outcome.found else ()
            result["retained"] = self._retained(desired.name, owned=owned)
        return result

    def compare(self, desired: Desired) -> StackResult:
        """Compare the stack with *desired*; write nothing and wait for nothing."""
        comparison = compare(self._api(), desired)
        found = comparison.found
        if found is not None and comparison.operation == "wait":
            raise PipelineError(
                f"{found.name} is {found.status}, so it cannot be compared",
                cure="Run again when the operation has ended",
            )
        return {
            "changed": False,
            "operation": comparison.operation,
            "stack": self._entry(desired.name, found),
            "differences": describe(comparison.differences, desired.template),
            "changes": [],
            "retained": [],
        }

    def remove(self, name: str) -> StackResult:
        """Remove the stack; its keys and buckets are retained unless *purge_data* is set."""
        removal = remove(
            self._api(),
            name=name,
            patience=self.patience,
            retained_data=self._retained_data() if self.find_retained else None,
            purge_data=self.purge_data,
            check_mode=self.check_mode,
        )
        stack = self._entry(name, None)
        if removal.found is not None:
            stack["parameters"] = removal.found.parameters
        result: StackResult = {
            "changed": removal.changed,
            "operation": "delete" if removal.changed else "none",
            "stack": stack,
            "changes": [],
            "retained": [item.as_dict() for item in removal.retained],
        }
        if removal.changed:
            result["diff"] = [diff_entry(self._place(name), "resources", _removed(removal), "")]
        return result

    def template(self, stack_id: str) -> str | dict[str, t.Any]:
        """Return the template of a stack as it is deployed."""
        return t.cast("str | dict[str, t.Any]", self._api().template(stack_id))

    def _api(self) -> StackApi:
        return StackApi.of(self.session, self.region)

    def _templates(self) -> TemplateStore | None:
        if not self.template_bucket:
            return None
        return TemplateStore(
            lambda: self.session.client("s3", self.region),
            self.template_bucket,
            prefix=self.template_prefix,
        )

    def _retained_data(self) -> RetainedData:
        return RetainedData(self.session, self.region)

    def _retained(self, name: str, *, owned: t.Collection[str]) -> list[RetainedEntry]:
        return [item.as_dict() for item in self._retained_data().of(name, owned=owned)]

    def _place(self, name: str) -> str:
        return f"{name} in {self.account_id} {self.region}"

    def _entry(self, name: str, found: Found | None) -> StackEntry:
        return {
            "stack_name": name,
            "account_id": self.account_id,
            "region": self.region,
            "stack_id": found.stack_id if found else None,
            "status": found.status if found else None,
            "outputs": found.outputs if found else {},
            "parameters": found.parameters if found else {},
        }

    def _converged_diff(self, outcome: Outcome, desired: Desired) -> list[DiffEntry]:
        """Return what ``--diff`` shows: the changes, then what differs, secrets hidden."""
        place = self._place(desired.name)
        if outcome.operation == "repair" and outcome.stuck is not None:
            before, after = outcome.stuck.status, outcome.stuck.verdict.value
            if not self.check_mode and outcome.found is not None:
                after = outcome.found.status
            return [diff_entry(place, "status", before, after)]
        kinds = parameter_kinds(desired.template)
        entries = []
        if outcome.changes:
            changes = "\n".join(str(change) for change in outcome.changes)
            entries.append(diff_entry(place, "change set", "", changes))
        for difference in outcome.differences:
            before, after = difference_text(difference, kinds)
            entries.append(diff_entry(place, difference.what, before, after))
        if outcome.operation == "create":
            after = parameters_text(desired.parameters, kinds)
            entries.append(diff_entry(place, "parameters", "", after))
        return entries


def _removed(removal: Removal) -> str:
    purged = [f"{item.kind} {item.name}" for item in removal.retained if item.purged]
    return "\n".join([*removal.resources, *purged])


__all__ = ("StackRun",)
