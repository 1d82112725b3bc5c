# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers for playbooks: the hosts of a phase, the inputs of a stack.

Everything is read from Ansible's ``hostvars``; the functions are filters.
"""

from __future__ import annotations

import typing as t

from ansible import context

from .._errors import PipelineError
from .._organisation.registered import HostVars
from .plan import Inputs
from .recorded import ReadOnce, Results, find_report, require_plan
from .run import Run, targets_of

SUMMARY = "summary"
REPORT = "report"
DRIFTED = "drifted"
BLOCKED = "blocked"

# Options with which ansible-playbook runs nothing.
_LISTING = ("syntax", "listhosts", "listtasks", "listtags")


def hosts(hostvars: HostVars, phase: str) -> list[str]:
    """Return the hosts that *phase* is for, by name.

    ``drifted`` is for the hosts whose stacks were changed outside CloudFormation. ``summary`` and
    ``report`` are for the hosts that must end as failed, and ``blocked`` for the accounts with
    stacks that block a release; for one host when there are none, so that the result is shown.
    """
    if only_lists():
        return []
    hostvars = ReadOnce(hostvars)
    run = _run(hostvars)
    if phase == SUMMARY:
        return run.incomplete() or [_reporter(run)]
    if phase == BLOCKED:
        return sorted({stack["host"] for stack in run.plan["blocked"]}) or [_reporter(run)]
    if phase not in (REPORT, DRIFTED):
        return run.hosts(phase)
    report = find_report(hostvars) or {}
    if phase == DRIFTED:
        return sorted(report.get("drifted", ()))
    return sorted(report.get("failures", ())) or [_reporter(run)]


def only_lists() -> bool:
    """Return whether ansible-playbook runs nothing: there is no plan to follow."""
    return any(context.CLIARGS.get(option) for option in _LISTING)


def fails(hostvars: HostVars, host: str, phase: str) -> bool:
    """Return whether *phase*, ``summary`` or ``report``, must fail *host*."""
    if phase == SUMMARY:
        return _run(hostvars, host).shortfall(host) is not None
    report = find_report(hostvars)
    return report is not None and host in report["failures"]


def inputs(hostvars: HostVars, host: str) -> Inputs:
    """Return the inputs that other stacks give the stack of *host*. Raises PipelineError."""
    run = _run(hostvars, host)
    found = run.inputs(host)
    if found is None:
        raise PipelineError(run.not_reached(host) or f"{host} takes no part in this run")
    return found


def connection(hostvars: HostVars, host: str) -> dict[str, t.Any]:
    """Return the connection options of our actions for the account of *host*."""
    run = _run(hostvars, host)
    target = run.organisation.hosts[host].target()
    caller = run.plan["caller_account_id"]
    return {
        "sts_region": run.organisation.primary_region,
        **{key: value for key, value in target.items() if key not in ("name", "stack_name")},
        **({"caller_account_id": caller} if caller else {}),
    }


def targets(hostvars: HostVars, hosts: t.Collection[str] | None = None) -> list[dict[str, t.Any]]:
    """Return the stacks of *hosts* (default: all) as batch targets.

    Hosts that are quarantined, or whose account could not be read, are left out.
    """
    return targets_of(_run(hostvars), hosts)


def _run(hostvars: HostVars, host: str | None = None) -> Run:
    plan = require_plan(hostvars, host)
    return Run(plan, Results(plan, hostvars))


def _reporter(run: Run) -> str:
    """Return the host that shows the result of a run without failures."""
    primary = run.organisation.primary.name
    return primary if primary in run.plan["hosts"] else min(run.plan["hosts"])


__all__ = (
    "BLOCKED",
    "DRIFTED",
    "REPORT",
    "SUMMARY",
    "connection",
    "fails",
    "hosts",
    "inputs",
    "only_lists",
    "targets",
)
