# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Converge one CloudFormation stack; documented by the module of the same name."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._action import PipelineAction
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._arguments import STACK
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.batch import (
    account_of,
    gateway_of,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.model import Desired
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.run import StackRun
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.template import (
    check_body,
    render,
)

ARGUMENT_SPEC = STACK


class ActionModule(PipelineAction):
    """The action ``crossaccount.pipeline.stack``."""

    argument_spec = ARGUMENT_SPEC

    def act(self) -> dict[str, t.Any]:
        """Converge the stack, compare it, or remove it."""
        self.require("account_id", "region")
        state = self.options["state"]
        desired = None if state == "absent" else self._desired()
        run = self._open()
        if desired is None:
            return dict(run.remove(self.options["stack_name"]))
        return dict(run.compare(desired) if state == "compared" else run.converge(desired))

    def _open(self) -> StackRun:
        return StackRun(
            session=gateway_of(self.options).open(account_of(self.options)),
            account_id=self.options["account_id"],
            region=self.options["region"],
            patience=self.patience(self.options["wait_timeout"], host=self.host),
            check_mode=self._task.check_mode,
            allow_replacement=self.options["allow_replacement"],
            resources_to_skip=self.options["resources_to_skip"],
            template_bucket=self.options["template_bucket"],
            find_retained=self.options["find_retained"],
            purge_data=self.options["purge_data"],
        )

    def _desired(self) -> Desired:
        keys = ("parameters", "tags", "capabilities", "termination_protection", "stack_policy")
        return Desired.from_values(
            name=self.options["stack_name"],
            template=self._template(),
            **{key: self.options[key] for key in keys},
        )

    def _template(self) -> str:
        path, body = self.options["template"], self.options["template_body"]
        if path and body:
            raise PipelineError("template and template_body are both set", cure="Remove one")
        if not (path or body):
            raise PipelineError("missing required argument: template or template_body")
        text = render(Path(self._find_needle("files", path))) if path else str(body)
        check_body(
            text,
            name=f"template {Path(path).name}" if path else "template_body",
            has_bucket=bool(self.options["template_bucket"]),
        )
        return text
