# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Revert what was changed in one stack; documented by the module of the same name."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._action import PipelineAction
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._arguments import STACK_DRIFT
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.batch import (
    account_of,
    gateway_of,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.finding import Place
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.ignore import (
    read_ignores,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.inspection import (
    Inspection,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.revert import (
    Reverted,
    Reverter,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.diff import diff_entry
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.result import DiffEntry

ARGUMENT_SPEC = STACK_DRIFT


class ActionModule(PipelineAction):
    """The action ``crossaccount.pipeline.stack_drift``."""

    argument_spec = ARGUMENT_SPEC

    def act(self) -> dict[str, t.Any]:
        """Revert the drift of the stack."""
        self.require("account_id", "region")
        place = Place(
            host=self.host or self.options["stack_name"],
            account_id=self.options["account_id"],
            region=self.options["region"],
            stack=self.options["stack_name"],
        )
        today = datetime.datetime.now(datetime.UTC).date()
        ignores = [
            ignore
            for ignore in read_ignores(self.options["ignore"])
            if not ignore.has_expired(today)
        ]
        session = gateway_of(self.options).open(account_of(self.options))
        reverter = Reverter(
            Inspection(place, session, policies=True),
            patience=self.patience(self.options["wait_timeout"], host=self.host),
            is_ignored=lambda finding: any(
                ignore.matches(finding.as_dict(place)) for ignore in ignores
            ),
            check_mode=self._task.check_mode,
        )
        try:
            return _result(reverter.run(), place)
        except PipelineError as exc:
            # What was written before the failure stays written, and is reported.
            return {"failed": True, "msg": str(exc)} | _result(reverter.done, place)


def _result(done: Reverted, place: Place) -> dict[str, t.Any]:
    result: dict[str, t.Any] = {
        "changed": done.changed,
        "stack": {
            "stack_name": place.stack,
            "account_id": place.account_id,
            "region": place.region,
            "stack_id": done.found.stack_id if done.found else None,
            "status": done.found.status if done.found else None,
        },
        "findings": [finding.as_dict(place) for finding in done.reverted],
        "ignored": [finding.as_dict(place) for finding in done.ignored],
        "unchecked": [item.as_dict(place) for item in done.unchecked],
        "changes": [change.as_dict() for change in done.changes],
        "policies": [
            {
                "resource": repair.resource.logical_id,
                "resource_type": repair.resource.resource_type,
                "physical_id": repair.resource.physical_id,
                "property": repair.prop,
                "what": repair.what,
            }
            for repair in done.repairs
        ],
    }
    if done.changed:
        result["diff"] = _diff(done, place)
    return result


def _diff(done: Reverted, place: Place) -> list[DiffEntry]:
    """Return what ``--diff`` shows: what CloudFormation puts back, then each policy."""
    entries = _expected_reverts(done, place) if done.reverts else []
    if done.changes:
        before, after = [], []
        for change in done.changes:
            after.append(str(change))
            if change.action != "Add":
                before.append(str(change))
            for item in change.properties:
                before += [f"  {item.path}: {item.before}"] if item.before else []
                after += [f"  {item.path}: {item.after}"] if item.after else []
        entries.append(diff_entry(str(place), "change set", "\n".join(before), "\n".join(after)))
    return entries + [
        diff_entry(str(place), repair.what, repair.before, repair.after) for repair in done.repairs
    ]


def _expected_reverts(done: Reverted, place: Place) -> list[DiffEntry]:
    """Return the findings in place of the change set that check mode lacks."""
    repaired = {repair.resource.logical_id for repair in done.repairs}
    entries = []
    for finding in done.reverted:
        resource = finding.resource
        if finding.kind == "policy" and resource.logical_id in repaired:
            continue
        what = ".".join(part for part in (resource.logical_id, finding.property) if part)
        expected = finding.expected or (str(resource) if not finding.property else "")
        entries.append(diff_entry(str(place), what, finding.actual, expected))
    return entries
