# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stacks that are resources of another stack."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import provisioners

from .permissions import principal_of
from .template_urls import READER
from .work import CHECKS, Properties, Work

_STACK = "AWS::CloudFormation::Stack"

# Whether the work that is being done is that of a nested stack.
_nested: ContextVar[bool] = ContextVar("nested", default=False)


def install() -> None:
    """A nested stack.

    AWS: made as whom its parent is made, or with its parent's role: so its template is read, and so
    each of its resources is made. MiniStack: asks nobody, but for its template the caller.
    """
    handlers = provisioners._RESOURCE_HANDLERS[_STACK]
    create, update, delete = (handlers[name] for name in ("create", "update", "delete"))

    def created(logical_id: str, properties: Properties, stack_name: str) -> Any:
        return _nesting(stack_name, lambda: create(logical_id, properties, stack_name))

    def updated(physical_id: str, old: Properties, new: Properties, stack_name: str) -> Any:
        return _nesting(stack_name, lambda: update(physical_id, old, new, stack_name))

    def deleted(physical_id: str, properties: Properties) -> None:
        child = provisioners._nested_stack_lookup_name(physical_id)
        stack = cloudformation._stacks.get(child)
        if stack:
            _nesting(stack["_parent_stack_name"], lambda: delete(physical_id, properties))

    handlers.update({"create": created, "update": updated, "delete": deleted})
    _check_each_resource()


def _nesting(parent: str, work: Callable[[], Any]) -> Any:
    stack = cloudformation._stacks.get(parent)
    tokens = _nested.set(True), READER.set(principal_of(stack) if stack else None)
    try:
        return work()
    finally:
        _nested.reset(tokens[0])
        READER.reset(tokens[1])


def _check_each_resource() -> None:
    provision, update, delete = (
        provisioners._provision_resource,
        provisioners._update_resource,
        provisioners._delete_resource,
    )

    def provisioned(
        resource_type: str, logical_id: str, properties: Properties, stack_name: str
    ) -> Any:
        _check("create", resource_type, logical_id, "", {}, properties, stack_name)
        return provision(resource_type, logical_id, properties, stack_name)

    def updated(
        resource_type: str, physical_id: str, old: Properties, new: Properties, stack_name: str,
        logical_id: str = "", *more: Any,
    ) -> Any:  # fmt: skip
        _check("update", resource_type, logical_id, physical_id, old, new, stack_name)
        return update(resource_type, physical_id, old, new, stack_name, logical_id, *more)

    def deleted(
        resource_type: str, physical_id: str, properties: Properties,
        stack_name: str = "", logical_id: str = "",
    ) -> None:  # fmt: skip
        _check("delete", resource_type, logical_id, physical_id, properties, {}, stack_name)
        delete(resource_type, physical_id, properties, stack_name, logical_id)

    provisioners._provision_resource = provisioned
    provisioners._update_resource = updated
    provisioners._delete_resource = deleted


def _check(
    operation: str, resource_type: str, logical_id: str, physical_id: str,
    old: Properties, new: Properties, stack_name: str,
) -> None:  # fmt: skip
    stack = cloudformation._stacks.get(stack_name)
    if not _nested.get() or not stack:
        return
    parent = cloudformation._stacks.get(stack.get("_parent_stack_name", ""))
    if parent and "_lab_role" in parent:
        stack["_lab_role"] = parent["_lab_role"]
    work = Work(
        operation=operation,
        resource_type=resource_type,
        logical_id=logical_id,
        physical_id=physical_id,
        old=old,
        new=new,
        stack=stack,
    )
    for check in CHECKS:
        check(work)


__all__ = ("install",)
