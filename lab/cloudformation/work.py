# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One piece of a stack's work: what MiniStack does to one resource, taken apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import stacks

Properties = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Work:
    """The creation, update or deletion of one resource.

    physical_id: empty before the creation. old, new: its properties, with the stack's tags; old
    is empty for a creation, new for a deletion. stack: MiniStack's record of the stack.
    """

    operation: str
    resource_type: str
    logical_id: str
    physical_id: str
    old: Properties
    new: Properties
    stack: dict[str, Any]

    @property
    def stack_name(self) -> str:
        return str(self.stack["StackName"])

    @property
    def region(self) -> str:
        return str(self.stack["StackId"].split(":")[3])

    @property
    def account(self) -> str:
        return str(self.stack["StackId"].split(":")[4])

    @property
    def is_rollback(self) -> bool:
        """Whether it takes back what an operation did."""
        return "ROLLBACK" in self.stack["StackStatus"]

    @property
    def is_unchanged(self) -> bool:
        """Whether it is the update of a resource that stays as it is."""
        return self.operation == "update" and self.old == self.new


# Each may raise ValueError, with the reason why AWS would fail the resource.
Check = Callable[[Work], None]
CHECKS: list[Check] = []


def read_work(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Work | None:
    """What a call of run_reentrant is about; None when its stack is gone."""
    if function is stacks._provision_keeping_seed:
        resource_type, logical_id, new, stack_name = arguments
        operation, physical_id, old = "create", "", {}
    elif function is stacks._delete_resource:
        resource_type, physical_id, old, stack_name, logical_id = arguments
        operation, new = "delete", {}
    else:
        assert function in (stacks._update_keeping_seed, stacks._update_resource)
        resource_type, physical_id, old, new, stack_name, logical_id, _unused = arguments
        operation = "update"
    stack = cloudformation._stacks.get(stack_name)
    if not stack:
        return None
    return Work(
        operation=operation,
        resource_type=resource_type,
        logical_id=logical_id,
        physical_id=physical_id,
        old=old or {},
        new=new,
        stack=stack,
    )


__all__ = ("CHECKS", "Check", "Properties", "Work", "read_work")
