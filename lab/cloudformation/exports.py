# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exports: one stack each, and not to be dropped while another imports them."""

from __future__ import annotations

from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import handlers, stacks


def install() -> None:
    """Fail an operation whose outputs may not be.

    AWS: an export that another stack has, or that is dropped or changed while another stack
    imports it, fails the operation, which rolls back. MiniStack: takes the export over, and drops
    it. What an update drops is exported no longer; MiniStack still exports it.
    """
    resolve = stacks._resolve_stack_outputs

    def resolved(*arguments: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        outputs, exports = resolve(*arguments)
        stack_name, stack_id = arguments[-2:]
        before = {
            name: export
            for name, export in cloudformation._exports.items()
            if export["StackId"] == stack_id
        }
        for name in exports:
            owner = cloudformation._exports.get(name)
            if owner and owner["StackId"] != stack_id:
                other = owner["StackId"].split("/")[1]
                raise ValueError(f"Export with name {name} is already exported by stack {other}.")
        for name, export in before.items():
            if exports.get(name, {}).get("Value") != export["Value"]:
                _refuse_if_imported(name, stack_name)
        for name in before.keys() - exports.keys():
            cloudformation._exports.pop(name)
        return outputs, exports

    stacks._resolve_stack_outputs = resolved


def _refuse_if_imported(export: str, stack_name: str) -> None:
    for other_name, other in cloudformation._stacks.items():
        if other_name == stack_name or other["StackStatus"] == "DELETE_COMPLETE":
            continue
        if export in handlers._imported_export_names(other, other_name):
            raise ValueError(
                f"Cannot delete export {export} as it is in use by {other['StackName']}."
            )


__all__ = ("install",)
