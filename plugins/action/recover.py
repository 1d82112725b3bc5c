# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delete stacks that block a release; documented by the module of the same name."""

from __future__ import annotations

import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._action import PipelineAction
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._arguments import RECOVER
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.batch import (
    account_of,
    gateway_of,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.patience import Patience
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.inventory import (
    role_settings,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.plan import (
    BlockedStack,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.recorded import (
    require_plan,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    DEPLOY_ACCOUNTS,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.blocked import (
    NOTHING_FAILED,
    recovery_lines,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.lines import Line
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.terminal import show
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.api import StackApi
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.recover import (
    Recovery,
    delete_with_role,
    plan_recovery,
)

ARGUMENT_SPEC = RECOVER


class ActionModule(PipelineAction):
    """The action ``crossaccount.pipeline.recover``."""

    argument_spec = ARGUMENT_SPEC

    def act(self) -> dict[str, t.Any]:
        """Show what each stack's deletion retains, then delete it."""
        blocked = self._blocked()
        if not blocked:
            return {"changed": False, "stacks": [], "text": self._show([NOTHING_FAILED])}
        session = gateway_of(self.options).open(account_of(self.options))
        settings = role_settings(DEPLOY_ACCOUNTS, self.variable, self.host)
        patience = self.patience(self.options["wait_timeout"], host=self.host)
        text: list[str] = []
        stacks, failures = [], []
        for stack in blocked:
            try:
                api = StackApi.of(session, stack["region"])
                role_name = settings["cloudformation_role_name"]
                stacks.append(self._recover(stack, api, role_name, patience, text))
            except PipelineError as exc:
                failures.append(f"{stack['stack_name']} in {stack['region']}: {exc}")
        failures += [stack["refusal"] for stack in stacks if stack["refusal"]]
        result = {
            "changed": any(stack["deleted"] for stack in stacks),
            "stacks": stacks,
            "text": text,
        }
        return {**result, "failed": True, "msg": "\n".join(failures)} if failures else result

    def _blocked(self) -> list[BlockedStack]:
        plan = require_plan(self.task_vars["hostvars"])
        return [stack for stack in plan["blocked"] if stack["host"] == self.host]

    def _recover(
        self,
        stack: BlockedStack,
        api: StackApi,
        role_name: str,
        patience: Patience,
        text: list[str],
    ) -> dict[str, t.Any]:
        recovery = plan_recovery(api, stack["stack_name"], role_name=role_name, patience=patience)
        check_mode = self._task.check_mode
        text += self._show(recovery_lines(stack, recovery, check_mode=check_mode))
        deletes = recovery.found is not None and not recovery.refusal
        if recovery.found is not None and deletes and not check_mode:
            delete_with_role(api, recovery.found, role_name=role_name, patience=patience)
        return _entry(stack, recovery, deleted=deletes)

    def _show(self, lines: t.Sequence[Line]) -> list[str]:
        show(lines)
        return [line.text for line in lines]


def _entry(stack: BlockedStack, recovery: Recovery, *, deleted: bool) -> dict[str, t.Any]:
    refusal = recovery.refusal
    return {
        **stack,
        "deleted": deleted,
        "retained": list(recovery.retained),
        "refusal": f"{stack['stack_name']} in {stack['region']}: {refusal}" if refusal else "",
    }
