# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Converge the stack of a host; documented by the module of the same name."""

from __future__ import annotations

import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._action import PipelineAction
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._arguments import HOST_STACK
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.batch import (
    account_of,
    gateway_of,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.desired import (
    HOLDS_DATA,
    desired_stack,
    template_bucket,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.inventory import (
    read_inventory,
    role_settings,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.plan import Inputs
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.recorded import (
    plan_of,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    PIPELINES,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.model import Pipeline
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._policy.preview import converge
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.model import Desired
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.run import StackRun

ARGUMENT_SPEC = HOST_STACK


class ActionModule(PipelineAction):
    """The action ``crossaccount.pipeline.host_stack``."""

    argument_spec = ARGUMENT_SPEC

    def act(self) -> dict[str, t.Any]:
        """Converge the stack, compare it, or remove it."""
        group, state = self.options["group"], self.options["state"]
        settings = role_settings(group, self.plain_variable, self.host)
        run = self._open(settings)
        result: dict[str, t.Any]
        if state == "absent":
            result = {**run.remove(settings["stack_name"])}
        elif state == "compared":
            result = {**run.compare(self._desired(settings))}
        else:
            result = converge(run, self._desired(settings))
        return {**result, **self.identify()}

    def identify(self) -> dict[str, t.Any]:
        """Return the run that the result belongs to, if a playbook has begun one."""
        plan = plan_of(self.task_vars)
        return {"run": plan["run"]} if plan else {}

    def _open(self, settings: t.Mapping[str, t.Any]) -> StackRun:
        place = {
            "account_id": self.options["account_id"] or settings["account_id"],
            "region": self.options["region"] or settings["region"],
        }
        options = {**self.options, **place}
        return StackRun(
            session=gateway_of(options).open(account_of(options)),
            **place,
            patience=self.patience(settings["wait_timeout"], host=self.host),
            check_mode=self._task.check_mode,
            allow_replacement=settings["allow_replacement"],
            resources_to_skip=settings["resources_to_skip"],
            template_bucket=template_bucket(self._inputs()),
            find_retained=self.options["group"] in HOLDS_DATA,
            purge_data=settings.get("purge_data", False),
        )

    def _desired(self, settings: t.Mapping[str, t.Any]) -> Desired:
        group = self.options["group"]
        pipeline = self._pipeline() if group == PIPELINES else None
        return desired_stack(group, self.host, settings, self._inputs(), pipeline=pipeline)

    def _inputs(self) -> Inputs:
        return Inputs(
            deploy_account_ids=self.options["deploy_account_ids"],
            excluded_account_ids=self.options["excluded_account_ids"],
            register=self.options["register"],
            outputs=self.options["primary_outputs"],
        )

    def _pipeline(self) -> Pipeline:
        """Return the pipeline from the run's plan, else from the inventory."""
        plan = plan_of(self.task_vars)
        if plan and self.host in plan["pipelines"]:
            return Pipeline.from_dict(plan["pipelines"][self.host])
        pipelines = read_inventory(self.inventory_variables(), hosts=[self.host]).pipelines
        if self.host not in pipelines:
            raise PipelineError(
                f"{self.host} is no pipeline of the inventory that is to be present",
                cure="Run the role for hosts of group pipelines; remove an absent one with"
                " pipeline_state: absent",
            )
        return pipelines[self.host]
