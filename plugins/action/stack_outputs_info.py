# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read many stacks at once; documented by the module of the same name."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._action import PipelineAction
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._arguments import (
    STACK_OUTPUTS_INFO,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.batch import (
    Failure,
    Options,
    account_of,
    for_each,
    gateway_of,
    stack_targets,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.api import StackApi
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.model import Found

ARGUMENT_SPEC = STACK_OUTPUTS_INFO

_KEYS = ("account_id", "region", "stack_name")


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Answer:
    """A target's stack, and the tagged stacks of its region."""

    found: Found | None
    tagged: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


class ActionModule(PipelineAction):
    """The action ``crossaccount.pipeline.stack_outputs_info``."""

    argument_spec = ARGUMENT_SPEC

    def act(self) -> dict[str, t.Any]:
        """Read the stacks."""
        gateway = gateway_of(self.options)
        targets = stack_targets(self.options)

        def read(target: Options) -> _Answer:
            session = gateway.open(account_of(target))
            api = StackApi(session.client("cloudformation", target["region"]))
            name, tag = target["stack_name"], self.options["tag"]
            if not tag:
                return _Answer(found=api.find(name))
            stacks = {stack.name: stack for stack in api.all()}
            tagged = {name: found.tags[tag] for name, found in stacks.items() if tag in found.tags}
            return _Answer(found=stacks.get(name), tagged=tagged)

        answers = for_each(targets, read)
        return {
            "changed": False,
            "caller_account_id": gateway.known_caller_account_id,
            "tagged": _tagged(targets, answers),
            "stacks": [
                _entry(target, answer) for target, answer in zip(targets, answers, strict=True)
            ],
        }


def _tagged(
    targets: t.Sequence[Options], answers: t.Sequence[_Answer | Failure]
) -> list[dict[str, str]]:
    """Return the tagged stacks that are not targets, sorted by place."""
    values = {
        (target["account_id"], target["region"], name): value
        for target, answer in zip(targets, answers, strict=True)
        if isinstance(answer, _Answer)
        for name, value in answer.tagged.items()
    }
    for target in targets:
        values.pop((target["account_id"], target["region"], target["stack_name"]), None)
    return [
        {**dict(zip(_KEYS, place, strict=True)), "value": value}
        for place, value in sorted(values.items())
    ]


def _entry(target: Options, answer: _Answer | Failure) -> dict[str, t.Any]:
    entry = {"name": target.get("name") or target["stack_name"]}
    entry |= {key: target[key] for key in _KEYS}
    if isinstance(answer, Failure):
        return {**entry, "error": answer.error}
    found = answer.found
    if found is None:
        return {**entry, "exists": False}
    return {
        **entry,
        "exists": True,
        "stack_id": found.stack_id,
        "status": found.status,
        "outputs": found.outputs,
        "parameters": found.parameters,
        "tags": found.tags,
    }
