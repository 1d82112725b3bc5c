# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results of the stack actions: the shapes that Ansible gets."""

from __future__ import annotations

import typing as t

Operation = t.Literal["none", "create", "update", "repair", "wait", "delete"]


class StackEntry(t.TypedDict):
    """A stack; id and status are None where it does not exist."""

    stack_name: str
    account_id: str
    region: str
    stack_id: str | None
    status: str | None
    outputs: dict[str, str]
    parameters: dict[str, str]


class ChangeEntry(t.TypedDict):
    """One change of a change set."""

    action: str
    logical_id: str
    resource_type: str
    replacement: str
    scope: t.Sequence[str]
    depends_on: t.Sequence[str]


class DifferenceEntry(t.TypedDict):
    """One difference, values as text; None for no value."""

    what: str
    name: str
    resource_type: str
    before: str | None
    after: str | None


class RetainedEntry(t.TypedDict):
    """One bucket or key that a deleted stack left."""

    kind: str
    name: str
    arn: str
    region: str
    deletion_date: str | None
    purged: bool


class DiffEntry(t.TypedDict):
    """One entry of what ``--diff`` shows."""

    before_header: str
    after_header: str
    before: str
    after: str


class StackResult(t.TypedDict):
    """What was done to one stack, or in check mode would be."""

    changed: bool
    operation: Operation
    stack: StackEntry
    changes: list[ChangeEntry]
    retained: list[RetainedEntry]
    differences: t.NotRequired[list[DifferenceEntry]]
    diff: t.NotRequired[list[DiffEntry]]


__all__ = (
    "ChangeEntry",
    "DiffEntry",
    "DifferenceEntry",
    "Operation",
    "RetainedEntry",
    "StackEntry",
    "StackResult",
)
