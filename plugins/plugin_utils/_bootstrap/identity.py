# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the inventory means the foundation that stands. Pure.

A changed primary_region would build a second foundation, a changed build_account_id would give
every deploy role to another account. Neither replaces anything, so no change set shows it.
"""

from __future__ import annotations

import typing as t

from .._organisation.model import PRIMARY, REGIONAL, Organisation
from .._stack.model import Found
from .._stack.status import was_created
from .plan import Foundation, TaggedStack

_CURE = "Nothing was written. Set allow_replacement for this run if that is meant"


def moved(
    organisation: Organisation, foundation: Foundation, tagged: t.Iterable[TaggedStack]
) -> str | None:
    """Return why the primary stack may not be created; None where it may, or exists.

    :param tagged: every stack of the build account with our tag, in the regions that were read.
    """
    home = organisation.primary
    if home.name not in foundation:
        return None  # its region could not be read
    primary = foundation[home.name]
    if primary is not None and was_created(primary.status):
        return None
    for stack in sorted(tagged, key=lambda stack: stack["group"]):
        if not stack["created"]:
            continue
        is_primary = stack["group"] == PRIMARY
        if is_primary and _place(stack) != (home.region, home.stack_name):
            return (
                f"the primary stack is {stack['stack_name']} in {stack['region']}, and this would"
                f" create a second foundation with {home.stack_name} in {home.region}. Set"
                f" primary_region and primary_stack_name back. {_CURE}"
            )
        if stack["group"] == REGIONAL and stack["region"] == home.region:
            return (
                f"{home.region} is a regional region, by its stack {stack['stack_name']}, and this"
                " would create a second foundation there. Set primary_region back."
                f" {_CURE}"
            )
    return None


def foreign(organisation: Organisation, accounts: t.Mapping[str, Found | None]) -> dict[str, str]:
    """Return the deploy accounts that trust another build account, by host, with the reason.

    :param accounts: the stacks of deploy accounts that were read, by host.
    """
    trusted = {
        name: stack.parameters.get("BuildAccountId")
        for name, stack in accounts.items()
        if stack is not None and was_created(stack.status)
    }
    return {
        name: f"{name} belongs to the build account {account_id}, and build_account_id is"
        f" {organisation.build_account_id}. Correct build_account_id, or account_id of the host."
        f" {_CURE}"
        for name, account_id in trusted.items()
        if account_id not in (None, organisation.build_account_id)
    }


def _place(stack: TaggedStack) -> tuple[str, str]:
    return stack["region"], stack["stack_name"]


__all__ = ("foreign", "moved")
