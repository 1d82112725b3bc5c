# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stacks that block a release, as the terminal shows them. Pure."""

from __future__ import annotations

import typing as t

from .._bootstrap.plan import BlockedStack
from .._stack.recover import Recovery
from .lines import Line, columns

NOTHING_FAILED = Line("  No first deployment of a pipeline failed: nothing to delete.", "ok")

_COMMAND = "ansible-playbook crossaccount.pipeline.recover"


def blocked_lines(blocked: t.Sequence[BlockedStack]) -> list[Line]:
    """Return the stacks that block a release, with the command that deletes them."""
    if not blocked:
        return []
    cells = [
        (stack["host"], stack["region"], stack["stack_name"], stack["status"]) for stack in blocked
    ]
    hosts = ",".join(dict.fromkeys(stack["host"] for stack in blocked))
    return [
        Line(),
        Line("  First deployments that failed. Their pipelines stop there until they are deleted:"),
        *(Line(f"    {text}", "failed") for text in columns(cells)),
        Line(f"    delete: {_COMMAND} --limit {hosts}"),
    ]


def recovery_lines(stack: BlockedStack, recovery: Recovery, *, check_mode: bool) -> list[Line]:
    """Return what becomes of *stack*, and what its deletion retains."""
    place = f"{stack['stack_name']} in {stack['account_id']} {stack['region']}"
    if recovery.found is None:
        return [Line(f"  {place}: gone already", "ok")]
    if recovery.refusal:
        return [Line(f"  {place}: left alone, {recovery.refusal}", "failed")]
    what = "to be deleted" if check_mode else "is deleted"
    lines = [Line(f"  {place}: {recovery.found.status}, {what}", "changed")]
    if not recovery.retained:
        return [*lines, Line("    its DeletionPolicies retain nothing")]
    return [*lines, *(Line(f"    retained: {resource}") for resource in recovery.retained)]


__all__ = ("NOTHING_FAILED", "blocked_lines", "recovery_lines")
