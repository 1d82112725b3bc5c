# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stack policies: which resources an update may touch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import provisioners, stacks

from .work import CHECKS, Work


def install() -> None:
    """Enforce the stack policy.

    AWS: a resource that the policy does not let an update modify, replace or delete fails, and
    the update rolls back. MiniStack: stores the policy and does not evaluate it.
    """
    CHECKS.append(_check_update)
    resolve = stacks._resolve_stack_outputs

    # The last step before an update deletes what its template dropped.
    def resolved(*arguments: Any) -> Any:
        stack = cloudformation._stacks[arguments[-2]]
        for logical_id in stack["_resources"].keys() - arguments[2].keys():
            resource_type = stack["_resources"][logical_id]["ResourceType"]
            _check(stack, "Update:Delete", logical_id, resource_type)
        return resolve(*arguments)

    stacks._resolve_stack_outputs = resolved


def _check_update(work: Work) -> None:
    if work.operation != "update" or work.is_unchanged or work.is_rollback:
        return
    replaces = provisioners._replacing_change(work.resource_type, work.old, work.new)
    action = "Update:Replace" if replaces else "Update:Modify"
    _check(work.stack, action, work.logical_id, work.resource_type)


def _check(stack: dict[str, Any], action: str, logical_id: str, resource_type: str) -> None:
    if not stack.get("_stack_policy"):
        return
    statements = json.loads(stack["_stack_policy"]).get("Statement", [])
    effects = {
        number: statement["Effect"]
        for number, statement in enumerate(statements, start=1)
        if _applies(statement, action, logical_id, resource_type)
    }
    denying = [f"#{number}" for number, effect in effects.items() if effect == "Deny"]
    if denying:
        raise ValueError(
            f"Action denied by stack policy: Statement [{', '.join(denying)}] does not allow "
            f"[{action}] for resource [LogicalResourceId/{logical_id}]"
        )
    if "Allow" not in effects.values():
        raise ValueError(
            f"Action not allowed by stack policy: no statement allows [{action}] for resource "
            f"[LogicalResourceId/{logical_id}]"
        )


def _applies(statement: dict[str, Any], action: str, logical_id: str, resource_type: str) -> bool:
    types = statement.get("Condition", {})
    return (
        _names(statement, "Action", action)
        and _names(statement, "Resource", f"LogicalResourceId/{logical_id}")
        and all(
            any(fnmatchcase(resource_type, pattern) for pattern in _texts(test["ResourceType"]))
            for test in types.values()
        )
    )


def _names(statement: dict[str, Any], key: str, value: str) -> bool:
    """Whether Action or Resource of a statement, or NotAction or NotResource, is about a value."""
    inverted = f"Not{key}" in statement
    patterns = statement[f"Not{key}" if inverted else key]
    return any(fnmatchcase(value, pattern) for pattern in _texts(patterns)) is not inverted


def _texts(value: str | list[str]) -> Iterator[str]:
    yield from [value] if isinstance(value, str) else value


__all__ = ("install",)
