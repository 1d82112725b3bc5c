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
    organisation: Organisation,
    foundation: Foundation,
    tagged: t.Iterable[TaggedStack],
    *,
    taken: t.Sequence[str] = (),
) -> str | None:
    """Return why the primary stack may not be created; None where it may, or exists.

    :param tagged: every stack of the build account with our tag, in the regions that were read.
    :param taken: the deploy accounts, where all of them have the role of a foundation.
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
    if taken:
        role = organisation.role_names["codepipeline_role_name"]
        return (
            f"{_names(taken)} already have the role {role} of a foundation that is not in"
            f" {home.region}, and this would create a second one. Set primary_region back, or"
            f" delete the roles if they are left over. {_CURE}"
        )
    return None


def foreign(organisation: Organisation, accounts: t.Mapping[str, Found | None]) -> dict[str, str]:
    """Return the deploy accounts that trust another build account, by host, with the reason.

    :param accounts: the stacks of deploy accounts that were read, by host.
    """
    trusted: dict[str, list[str]] = {}
    for name, stack in sorted(accounts.items()):
        if stack is not None and was_created(stack.status):
            account_id = stack.parameters.get("BuildAccountId", organisation.build_account_id)
            trusted.setdefault(account_id, []).append(name)
    return {
        name: f"{_names(hosts)} {'belongs' if len(hosts) == 1 else 'belong'} to the build account"
        f" {account_id}, and build_account_id is {organisation.build_account_id}. Correct"
        f" build_account_id, or account_id of the host. {_CURE}"
        for account_id, hosts in trusted.items()
        if account_id != organisation.build_account_id
        for name in hosts
    }


def _names(hosts: t.Sequence[str]) -> str:
    more = len(hosts) - 3
    return ", ".join(hosts[:3]) + (f" and {more} more" if more > 0 else "")


def _place(stack: TaggedStack) -> tuple[str, str]:
    return stack["region"], stack["stack_name"]


__all__ = ("foreign", "moved")
