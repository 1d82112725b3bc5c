# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every stack of a run compared with its desired state."""

from __future__ import annotations

import typing as t

from .._access.kinds import ACCESS
from .._access.version import OutdatedRole, outdated_role
from .._aws.gateway import Gateway
from .._errors import PipelineError
from .._organisation.model import DEPLOY_ACCOUNTS, PRIMARY, REGIONAL
from .._stack.model import Desired
from . import observation
from .desired import desired_stack
from .plan import Inputs, Plan, StackState, fingerprint
from .request import Decided, Request
from .run import Run


def compare(
    request: Request,
    decided: Decided,
    gateway: Gateway,
    *,
    read_template: observation.ReadTemplate = lambda _name: None,
) -> Plan:
    """Return the plan with every host's stack compared with its desired state.

    :param read_template: returns the deployed template of a host's stack; None to read it here.
    """
    before = decided.plan
    run = Run(before, {})
    desired: dict[str, Desired] = {}
    inputs: dict[str, Inputs] = {}
    failures = dict(before["failures"])
    for name in before["hosts"]:
        try:
            made = _desired(request, run, name)
        except PipelineError as exc:
            failures[name] = str(exc)
            continue
        if made is not None:
            inputs[name], desired[name] = made
    answers = observation.compare_stacks(
        gateway,
        desired,
        found=decided.found,
        hosts=request.organisation.hosts,
        read_template=read_template,
    )
    stacks = dict(before["stacks"])
    for name, (operation, differences) in answers.values.items():
        stacks[name] = {
            **stacks[name],
            "operation": operation,
            "differences": differences,
            "inputs": fingerprint(inputs[name]),
        }
    for name, error in answers.errors.items():
        stacks[name] = {**stacks[name], "reason": error}
    return {
        **before,
        "stacks": stacks,
        "failures": failures,
        "outdated_roles": _outdated_roles(request, stacks, decided, gateway),
    }


def _outdated_roles(
    request: Request,
    stacks: t.Mapping[str, StackState],
    decided: Decided,
    gateway: Gateway,
) -> list[OutdatedRole]:
    """Return the outdated roles of the build account, and of accounts that the run would change.

    The first are read anyway; an account costs a call, so one without work is not asked. A drift
    run sees them all.
    """
    organisation = request.organisation
    names = {
        stack["host"]: stack["stack_name"]
        for stack in request.access_stacks
        if stack["kind"] == ACCESS.name
    }
    working = [
        host
        for host in organisation.of(DEPLOY_ACCOUNTS)
        if host.name in names
        and host.name in stacks
        and stacks[host.name]["operation"] not in ("none", "delete")
        and not stacks[host.name]["error"]
    ]
    found = observation.read_stacks(gateway, working, listings=decided.listings, names=names).values
    roles = []
    for stack in request.access_stacks:
        host = organisation.hosts[stack["host"]]
        if host.group == PRIMARY:
            seen = decided.home.get(stack["stack_name"])
        else:
            seen = found.get(host.name) if stack["kind"] == ACCESS.name else None
        if seen is not None and seen.exists:
            roles.append(outdated_role(host, stack, seen.outputs))
    return [role for role in roles if role is not None]


def _desired(request: Request, run: Run, name: str) -> tuple[Inputs, Desired] | None:
    """Return the desired stack of *name*; None if there is nothing to compare."""
    host = request.organisation.hosts[name]
    state = run.plan["stacks"].get(name)
    if state is None or state["error"] or run.failure(name) or host.is_quarantined:
        return None
    if host.is_absent and (host.group != REGIONAL or name in run.plan["gone"]):
        return None
    inputs = run.inputs(name)
    if inputs is None:
        return None
    desired = desired_stack(
        host.group, name, request.settings[name], inputs, pipeline=request.pipelines.get(name)
    )
    return inputs, desired


__all__ = ("compare",)
