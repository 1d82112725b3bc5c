# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results that plays leave for later plays. Only this file knows their names.

Ansible itself writes these: the playbooks and roles say ``register: <name>``.
"""

from __future__ import annotations

import typing as t

from .._aws.cache import RunCache, run_directory
from .._errors import PipelineError
from .._organisation.model import DEPLOY_ACCOUNTS, PIPELINES, PRIMARY, REGIONAL
from .._organisation.registered import HostVars, Registered
from .plan import HostResult, Plan

_PLAN = "preflight_result"
_REPORT = "drift_report_result"
_REVERT = "stack_drift_result"
_NOTE = ("run",)  # in what the processes of a command share
_RESULTS = {
    REGIONAL: "regional_result",
    PRIMARY: "primary_result",
    DEPLOY_ACCOUNTS: "deploy_account_result",
    PIPELINES: "pipeline_result",
}


def plan_of(variables: Registered) -> Plan | None:
    """Return the plan that is registered on a host; None before the check."""
    found = variables.get(_PLAN)
    return t.cast("Plan", found) if isinstance(found, t.Mapping) and "run" in found else None


class ReadOnce:
    """``hostvars`` that are read once for each host: Ansible combines them every time (1 ms)."""

    def __init__(self, hostvars: HostVars) -> None:
        self._hostvars = hostvars
        self._read: dict[str, Registered] = {}

    def __iter__(self) -> t.Iterator[str]:
        """Iterate over the names of the hosts."""
        return iter(self._hostvars)

    def raw_get(self, host_name: str) -> Registered:
        """Return the variables of a host as they are, templates included."""
        if host_name not in self._read:
            self._read[host_name] = self._hostvars.raw_get(host_name)
        return self._read[host_name]


def note_run(run: str) -> None:
    """Note for the processes of this command which run has begun last."""
    RunCache(run_directory()).get(
        _NOTE, lambda: {"run": run}, is_fresh=lambda noted: noted["run"] == run
    )


def require_plan(hostvars: HostVars, host: str | None = None) -> Plan:
    """Return this run's plan, the newest that any host has. Raises PipelineError without one.

    An earlier playbook of the same command leaves its plan on hosts that this run leaves out. So
    where no run is noted, every host is read.

    :param host: a host of this run, which has this run's plan itself.
    """
    own = plan_of(hostvars.raw_get(host)) if host else None
    if own is not None:
        return own
    noted = RunCache(run_directory()).get(_NOTE, lambda: {"run": ""})["run"]
    plan: Plan | None = None
    for name in hostvars:
        found = plan_of(hostvars.raw_get(name))
        if found is not None and found["run"] == noted:
            return found
        if found is not None and (plan is None or found["started"] > plan["started"]):
            plan = found
    if plan is None:
        raise PipelineError(
            "the check before the first write ran for no host",
            cure="Look at the warnings above, at -i and --limit, and at the groups of the"
            " inventory; run the playbook from its start",
        )
    return plan


class Results(t.Mapping[str, HostResult]):
    """What the roles registered in this run, by host; read lazily."""

    def __init__(self, plan: Plan, hostvars: HostVars) -> None:
        self._run = plan["run"]
        self._groups = {name: host["group"] for name, host in plan["organisation"]["hosts"].items()}
        self._hostvars = hostvars
        self._read: dict[str, HostResult | None] = {}

    def __getitem__(self, name: str) -> HostResult:
        if name not in self._read:
            self._read[name] = self._result(name)
        result = self._read[name]
        if result is None:
            raise KeyError(name)
        return result

    def __iter__(self) -> t.Iterator[str]:
        return (name for name in self._groups if name in self)

    def __len__(self) -> int:
        return sum(1 for _name in self)

    def _result(self, name: str) -> HostResult | None:
        group = self._groups.get(name)
        result = self._hostvars.raw_get(name).get(_RESULTS[group]) if group else None
        if not isinstance(result, t.Mapping) or result.get("skipped"):
            return None
        # A task that failed before the action began registered no run.
        return t.cast("HostResult", result) if result.get("run", self._run) == self._run else None


def find_report(hostvars: HostVars) -> t.Mapping[str, t.Any] | None:
    """Return this drift run's report from any host that has it."""
    found = (hostvars.raw_get(name).get(_REPORT) for name in hostvars)
    return next((report for report in found if isinstance(report, t.Mapping)), None)


def failed_reverts(hostvars: HostVars) -> dict[str, str]:
    """Return why stacks were not reverted in this run, by host."""
    report = find_report(hostvars) or {}
    results = {name: hostvars.raw_get(name).get(_REVERT) for name in report.get("drifted", ())}
    return {
        name: str(result.get("msg") or "failed without a message")
        for name, result in results.items()
        if isinstance(result, t.Mapping) and result.get("failed")
    }


__all__ = (
    "ReadOnce",
    "Results",
    "failed_reverts",
    "find_report",
    "note_run",
    "plan_of",
    "require_plan",
)
