# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run of access.yml: who has work, and what became of each stack. Pure."""

from __future__ import annotations

import typing as t

from .._organisation.model import Host
from .plan import AccessPlan, AccessResult, AccessStack

STACKS = "stacks"
SUMMARY = "summary"

Results = t.Mapping[str, AccessResult]


def working_hosts(plan: AccessPlan) -> list[str]:
    """Return the hosts with a stack that is not as it should be, by name."""
    return sorted(
        name
        for name, account in plan["hosts"].items()
        if any(stack["operation"] != "none" for stack in account["stacks"])
    )


def failure(plan: AccessPlan, results: Results, host: str) -> str | None:
    """Return why a host is not complete; None where it is."""
    found = plan["hosts"].get(host)
    if found is None:
        return None
    if found["failure"]:
        return found["failure"]
    result = results.get(host)
    if result is None:
        return "an earlier failure ended the run" if host in working_hosts(plan) else None
    return str(result.get("msg") or "failed without a message") if result.get("failed") else None


def failed_hosts(plan: AccessPlan, results: Results) -> list[str]:
    """Return the hosts that must end as failed, by name."""
    return [name for name in sorted(plan["hosts"]) if failure(plan, results, name)]


def reporter(plan: AccessPlan) -> str:
    """Return the host that shows the summary where none failed."""
    return next(iter(plan["hosts"]))


def accounts(plan: AccessPlan) -> list[tuple[Host, list[AccessStack]]]:
    """Return the accounts with their stacks, the build account first."""
    return [(Host.from_dict(found["host"]), found["stacks"]) for found in plan["hosts"].values()]


__all__ = (
    "STACKS",
    "SUMMARY",
    "Results",
    "accounts",
    "failed_hosts",
    "failure",
    "reporter",
    "working_hosts",
)
