# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results that the plays of access.yml leave for each other. Only this file knows their names."""

from __future__ import annotations

import typing as t

from .._errors import PipelineError
from .._organisation.registered import HostVars, Registered
from .plan import AccessPlan, AccessResult

_PLAN = "access_preflight_result"
_RESULT = "access_stacks_result"


def access_plan_of(variables: Registered) -> AccessPlan | None:
    """Return the plan that is registered on a host; None before the check."""
    found = variables.get(_PLAN)
    return t.cast("AccessPlan", found) if isinstance(found, t.Mapping) and "run" in found else None


def require_access_plan(variables: Registered) -> AccessPlan:
    """Return the plan that is registered on a host. Raises PipelineError without one."""
    plan = access_plan_of(variables)
    if plan is not None:
        return plan
    raise PipelineError(
        "the check before the first write ran for no host",
        cure="Look at the warnings above, at -i and --limit; run the playbook from its start",
    )


def find_access_plan(hostvars: HostVars) -> AccessPlan:
    """Return the plan of this run from any host that has it. Raises PipelineError without one."""
    found = (hostvars.raw_get(name) for name in hostvars)
    return require_access_plan(next((variables for variables in found if _PLAN in variables), {}))


def access_results(plan: AccessPlan, hostvars: HostVars) -> dict[str, AccessResult]:
    """Return what the hosts registered in this run."""
    found = {name: hostvars.raw_get(name).get(_RESULT) for name in plan["hosts"]}
    return {
        name: t.cast("AccessResult", result)
        for name, result in found.items()
        if isinstance(result, t.Mapping) and result.get("run", plan["run"]) == plan["run"]
    }


__all__ = (
    "access_plan_of",
    "access_results",
    "find_access_plan",
    "require_access_plan",
)
