# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read many stacks at once; documented by the module of the same name."""

from __future__ import annotations

import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._action import PipelineAction
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._arguments import (
    STACK_OUTPUTS_INFO,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.batch import (
    Target,
    account_of,
    for_each,
    gateway_of,
    with_defaults,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.api import StackApi
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.model import Found

ARGUMENT_SPEC = STACK_OUTPUTS_INFO

_KEYS = ("account_id", "region", "stack_name")


class ActionModule(PipelineAction):
    """The action ``crossaccount.pipeline.stack_outputs_info``."""

    argument_spec = ARGUMENT_SPEC

    def act(self) -> dict[str, t.Any]:
        """Read the stacks."""
        gateway = gateway_of(self.options)
        targets = [with_defaults(target, self.options) for target in self.options["targets"]]
        for target in targets:
            for required in ("account_id", "region"):
                if required not in target:
                    raise PipelineError(f"target {target['stack_name']} has no {required}")

        def read(target: Target) -> dict[str, t.Any]:
            client = gateway.open(account_of(target)).client("cloudformation", target["region"])
            name, tag = target["stack_name"], self.options["tag"]
            if not tag:
                return _found_entry(StackApi(client).find(name))
            found = {stack.name: stack for stack in StackApi(client).all()}
            tagged = {one.name: one.tags[tag] for one in found.values() if tag in one.tags}
            return _found_entry(found.get(name)) | {"tagged": tagged}

        answers = for_each(targets, read)
        tagged = {
            (target["account_id"], target["region"], name): value
            for target, answer in zip(targets, answers, strict=True)
            for name, value in answer.pop("tagged", {}).items()
        }
        for one in targets:
            tagged.pop((one["account_id"], one["region"], one["stack_name"]), None)
        return {
            "changed": False,
            "caller_account_id": gateway.known_caller_account_id,
            "tagged": [
                {**dict(zip(_KEYS, place, strict=True)), "value": value}
                for place, value in sorted(tagged.items())
            ],
            "stacks": [
                _identity(target) | answer for target, answer in zip(targets, answers, strict=True)
            ],
        }


def _found_entry(found: Found | None) -> dict[str, t.Any]:
    if found is None:
        return {"exists": False}
    return {
        "exists": True,
        "stack_id": found.stack_id,
        "status": found.status,
        "outputs": found.outputs,
        "parameters": found.parameters,
        "tags": found.tags,
    }


def _identity(target: Target) -> dict[str, t.Any]:
    name = target.get("name") or target["stack_name"]
    return {"name": name} | {key: target[key] for key in _KEYS}
