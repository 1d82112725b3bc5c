# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put right what was changed in one stack; documented by the module of the same name."""

from __future__ import annotations

import dataclasses
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
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.revert import (
    Reverted,
    Reverter,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.run import Look
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError

ARGUMENT_SPEC = STACK_DRIFT


class ActionModule(PipelineAction):
    """The action ``crossaccount.pipeline.stack_drift``."""

    argument_spec = ARGUMENT_SPEC

    def act(self) -> dict[str, t.Any]:
        """Put the stack right."""
        self.require("account_id", "region")
        place = Place(
            host=self.host or self.options["stack_name"],
            account_id=self.options["account_id"],
            region=self.options["region"],
            stack=self.options["stack_name"],
        )
        today = datetime.datetime.now(datetime.UTC).date()
        ignores = [
            one for one in read_ignores(self.options["ignore"]) if not one.has_expired(today)
        ]
        session = gateway_of(self.options).open(account_of(self.options))
        look = Look(place, session, policies=True)
        reverter = Reverter(
            look,
            patience=self.patience(self.options["wait_timeout"], host=self.host),
            is_ignored=lambda one: any(ignore.matches(one.told(place)) for ignore in ignores),
            check_mode=self._task.check_mode,
        )
        try:
            done = reverter.run()
        except PipelineError as exc:
            # What was written before it failed stays written, and is told.
            return {"failed": True, "msg": str(exc)} | self._result(reverter.done, look)
        return self._result(done, look)

    def _result(self, done: Reverted, look: Look) -> dict[str, t.Any]:
        place = look.place
        result: dict[str, t.Any] = {
            "changed": done.changed,
            "stack": {
                "stack_name": place.stack,
                "account_id": place.account_id,
                "region": place.region,
                "stack_id": done.found.stack_id if done.found else None,
                "status": done.found.status if done.found else None,
            },
            "findings": [one.told(place) for one in done.findings if one not in done.left],
            "left": [one.told(place) for one in done.left],
            "unchecked": [one.told(place) for one in look.unchecked],
            "changes": [dataclasses.asdict(change) for change in done.changes],
            "policies": [
                {
                    "resource": one.resource.logical_id,
                    "resource_type": one.resource.resource_type,
                    "physical_id": one.resource.physical_id,
                    "property": one.prop,
                    "what": one.what,
                }
                for one in done.repairs
            ],
        }
        if done.changed:
            result["diff"] = _diff(done, place)
        return result


def _diff(done: Reverted, place: Place) -> list[dict[str, str]]:
    """Return what ``--diff`` shows: what CloudFormation puts back, then each policy."""
    result = []
    if done.reverts:  # in check mode there is no change set yet
        repaired = {one.resource.logical_id for one in done.repairs}
        for finding in done.findings:
            if finding in done.left:
                continue
            if finding.kind == "policy" and finding.resource.logical_id in repaired:
                continue
            what = ".".join(
                part for part in (finding.resource.logical_id, finding.property) if part
            )
            expected = finding.expected or (str(finding.resource) if not finding.property else "")
            result.append(_entry(place, what, finding.actual, expected))
    if done.changes:
        before, after = [], []
        for change in done.changes:
            after.append(str(change))
            if change.action != "Add":
                before.append(str(change))
            for one in change.properties:
                before += [f"  {one.path}: {one.before}"] if one.before else []
                after += [f"  {one.path}: {one.after}"] if one.after else []
        result.append(_entry(place, "change set", "\n".join(before), "\n".join(after)))
    result += [_entry(place, one.what, one.before, one.after) for one in done.repairs]
    return result


def _entry(place: Place, what: str, before: str, after: str) -> dict[str, str]:
    header = f"{place.stack} in {place.account_id} {place.region} ({what})"
    return {
        "before_header": header,
        "after_header": header,
        "before": f"{before}\n" if before else "",
        "after": f"{after}\n" if after else "",
    }
