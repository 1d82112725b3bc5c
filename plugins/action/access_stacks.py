# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Converge the access stacks of an account; documented by the module of the same name."""

from __future__ import annotations

import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._access.desired import (
    desired_access,
    read_access_settings,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._access.kinds import KINDS
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._access.plan import AccessStack
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._access.recorded import (
    access_plan_of,
    require_access_plan,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._action import PipelineAction
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._arguments import ACCESS_STACKS
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.batch import (
    account_of,
    gateway_of,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import Host
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._policy.preview import converge
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.run import StackRun

ARGUMENT_SPEC = ACCESS_STACKS


class ActionModule(PipelineAction):
    """The action ``crossaccount.pipeline.access_stacks``."""

    argument_spec = ARGUMENT_SPEC

    def act(self) -> dict[str, t.Any]:
        """Converge or remove each stack that the check found different."""
        plan = require_access_plan(self.task_vars)
        account = plan["hosts"][self.host]
        host, settings = Host.from_dict(account["host"]), read_access_settings(self.plain_variable)
        run = self._open(host, settings)
        results: dict[str, dict[str, t.Any]] = {}
        failures: dict[str, str] = {}
        for stack in account["stacks"]:
            if stack["operation"] == "none":
                continue
            try:
                results[stack["kind"]] = self._work(run, host, stack, settings)
            except PipelineError as exc:
                failures[stack["kind"]] = str(exc)
                if host.is_absent:
                    break  # what is left refers to it
        result = {
            "run": plan["run"],
            "changed": any(done["changed"] for done in results.values()),
            "stacks": results,
            "failures": failures,
            "diff": [entry for done in results.values() for entry in done.pop("diff", ())],
        }
        if failures:
            result |= {"failed": True, "msg": "; ".join(failures.values())}
        return result

    def identify(self) -> dict[str, t.Any]:
        """Return the run that the result belongs to, if the check has begun one."""
        plan = access_plan_of(self.task_vars)
        return {"run": plan["run"]} if plan else {}

    def _work(
        self, run: StackRun, host: Host, stack: AccessStack, settings: dict[str, t.Any]
    ) -> dict[str, t.Any]:
        if host.is_absent:
            return {**run.remove(stack["stack_name"])}
        kind = KINDS[stack["kind"]]
        return converge(run, desired_access(kind, host.name, host.account_id, settings))

    def _open(self, host: Host, settings: dict[str, t.Any]) -> StackRun:
        plan = require_access_plan(self.task_vars)
        options = {
            **self.options,
            **host.target(),
            "sts_region": plan["sts_region"],
            "caller_account_id": plan["caller_account_id"],
        }
        return StackRun(
            session=gateway_of(options).open(account_of(options)),
            account_id=host.account_id,
            region=host.region,
            patience=self.patience(settings["wait_timeout"], host=self.host),
            check_mode=self._task.check_mode,
            allow_replacement=settings["allow_replacement"],
            resources_to_skip=settings["resources_to_skip"],
        )
