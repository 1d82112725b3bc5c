# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run may do, decided from the inventory and from what stands. Pure.

A principal's account must exist, so policies grant the accounts that they grant already and the
new ones that answered. What AWS knows and the inventory no longer has is never removed silently.
"""

from __future__ import annotations

import typing as t

from .._organisation.model import DEPLOY_ACCOUNTS, PRIMARY, REGIONAL, Host, Organisation
from .._pipeline.model import stack_name
from .._stack.status import is_past_use, is_readable, is_standing

# The value of our tag at the stacks of application pipelines; others are of the foundation.
APPLICATIONS = "pipelines"

Stack = t.Mapping[str, t.Any]  # an entry of stack_outputs_info, or ``stack`` of the stack action


def foundation_hosts(organisation: Organisation, play_hosts: t.Collection[str]) -> list[Host]:
    """Return the hosts whose stacks the run has to read first.

    The primary's, which holds the register; the regional ones too where the run may change grants.
    """
    if _changes_grants(organisation, play_hosts):
        return [organisation.primary, *organisation.of(REGIONAL)]
    return [organisation.primary]


def accounts_to_check(
    organisation: Organisation, foundation: t.Iterable[Stack], play_hosts: t.Collection[str]
) -> list[Host]:
    """Return the hosts whose credentials the run has to prove.

    Those of the play; and, whatever ``--limit`` says, those that it would newly grant.
    """
    new = set()
    if _changes_grants(organisation, play_hosts):
        granted = _granted(foundation)
        new = {
            host.name
            for region in organisation.regions
            for host in organisation.granted(region)
            if host.account_id not in granted.get(region, ())
        }
    return [
        host
        for _name, host in sorted(organisation.hosts.items())
        if not host.is_quarantined and (host.name in play_hosts or host.name in new)
    ]


def plan(
    organisation: Organisation,
    foundation: t.Sequence[Stack],
    access: t.Iterable[t.Mapping[str, t.Any]],
    *,
    owned: t.Iterable[Stack] = (),
    pipelines: t.Sequence[t.Mapping[str, t.Any]] = (),
    removed_first: t.Collection[str] = (),
    allow_replacement: bool = False,
) -> dict[str, t.Any]:
    """Return the plan of a run.

    :param foundation: what stack_outputs_info found of :func:`foundation_hosts`.
    :param access: what account_access_info found of :func:`accounts_to_check`.
    :param owned: the other stacks that stack_outputs_info found to carry our tag.
    :param pipelines: what pipelines_info found; asked only where a host is to be absent.
    :param removed_first: the applications whose pipelines this run removes before anything else.
    :param allow_replacement: let the roles of the deploy accounts get other names.
    :returns: ``grants`` (region to account ids), ``failures`` (host to why nothing is done to it),
        ``quarantined`` (hosts that are left alone), ``gone`` (absent regional hosts with nothing
        left to let go of) and ``orphans`` (stacks of ours that no host stands for).
    """
    answers = {entry["name"]: entry.get("error") for entry in access}
    failures = {name: error for name, error in answers.items() if error}
    failures |= {
        stack["name"]: stack["error"]
        for stack in foundation
        if stack.get("error") and stack["name"] in organisation.hosts
    }
    owned = list(owned)
    removed = {stack_name(name) for name in removed_first}
    removed &= {stack["stack_name"] for stack in owned if stack["value"] == APPLICATIONS}
    staying = [one for one in pipelines if stack_name(one["name"]) not in removed]
    refusal = (
        _vanished(organisation, foundation)
        or _in_use(organisation, foundation, staying)
        or (None if allow_replacement else _renamed(organisation, foundation))
    )
    if refusal:
        for host in organisation.hosts.values():
            if host.group != DEPLOY_ACCOUNTS or host.is_absent:
                failures.setdefault(host.name, refusal)
    granted = _granted(foundation)
    return {
        "grants": {
            region: sorted(
                host.account_id
                for host in organisation.granted(region)
                if host.account_id in granted.get(region, ())
                or (host.name in answers and not answers[host.name])
            )
            for region in organisation.regions
        },
        "failures": failures,
        "quarantined": [
            host.name for host in organisation.of(DEPLOY_ACCOUNTS) if host.is_quarantined
        ],
        "gone": _gone(organisation, foundation),
        "orphans": _orphans(organisation, owned),
    }


def _renamed(organisation: Organisation, foundation: t.Iterable[Stack]) -> str | None:
    """Return why nothing may be written when roles would be replaced under new names.

    The policies would name the new roles before the old ones are gone: refused here, not there.
    """
    if organisation.primary.is_absent:
        return None
    parameters = {
        "codepipeline_role_name": "CodePipelineRoleName",
        "cloudformation_role_name": "CloudFormationRoleName",
    }
    told = {
        f"{variable} from {before} to {organisation.role_names[variable]}"
        for stack in foundation
        if standing(stack)
        for variable, parameter in parameters.items()
        if (before := (stack.get("parameters") or {}).get(parameter))
        not in (None, organisation.role_names[variable])
    }
    if not told:
        return None
    return (
        f"this would change {', '.join(sorted(told))} and replace the roles of every deploy"
        " account. Nothing was written. Set allow_replacement for this run if that is meant"
    )


def _in_use(
    organisation: Organisation,
    foundation: t.Collection[Stack],
    pipelines: t.Collection[t.Mapping[str, t.Any]],
) -> str | None:
    """Return why nothing may be written while pipelines need what is to be absent."""
    told = [
        f"{host.name} (pipelines {', '.join(using)})"
        for host in organisation.hosts.values()
        if host.is_absent and (using := _pipelines_using(host, foundation, pipelines))
    ]
    if not told:
        return None
    return (
        f"to be absent, and still deployed through: {'; '.join(told)}. Change or remove these"
        " pipelines first, those of the inventory with playbooks/pipelines.yml. Nothing was written"
    )


def _pipelines_using(
    host: Host, foundation: t.Iterable[Stack], pipelines: t.Iterable[t.Mapping[str, t.Any]]
) -> list[str]:
    """Return the pipelines with a store of ours that need *host*; all of them for the primary."""
    buckets = {(stack.get("outputs") or {}).get("PipelineBucketName") for stack in foundation}
    ours = [one for one in pipelines if buckets & set(one["stores"].values())]
    if host.group == DEPLOY_ACCOUNTS:
        return [one["name"] for one in ours if host.account_id in one["accounts"]]
    if host.group == REGIONAL:
        return [one["name"] for one in ours if host.region in one["stores"]]
    return [one["name"] for one in ours]


def _gone(organisation: Organisation, foundation: t.Iterable[Stack]) -> list[str]:
    """Return the absent regional hosts that have nothing left to let go of."""
    past_use = {
        stack["name"]
        for stack in foundation
        if not stack.get("error") and is_past_use(stack.get("status"))
    }
    return [
        host.name for host in organisation.of(REGIONAL) if host.is_absent and host.name in past_use
    ]


def _orphans(organisation: Organisation, owned: t.Iterable[Stack]) -> list[dict[str, str]]:
    """Return the stacks of ours that no host stands for; a slice does not see every host."""
    if organisation.is_slice:
        return []
    keys = ("account_id", "region", "stack_name")
    hosts = organisation.hosts.values()
    known = {(host.account_id, host.region, host.stack_name) for host in hosts}
    found = {tuple(stack[key] for key in keys) for stack in owned if stack["value"] != APPLICATIONS}
    return [dict(zip(keys, one, strict=True)) for one in sorted(found - known)]


def orphaned_applications(
    organisation: Organisation,
    applications: t.Iterable[t.Mapping[str, t.Any]],
    owned: t.Iterable[Stack],
) -> list[dict[str, str]]:
    """Return the stacks of application pipelines that the data does not have, not even as absent.

    :param owned: the stacks that stack_outputs_info found to carry our tag.
    """
    if organisation.is_slice:
        return []
    declared = {stack_name(application["name"]) for application in applications}
    keys = ("account_id", "region", "stack_name")
    return [
        {key: stack[key] for key in keys}
        for stack in owned
        if stack["value"] == APPLICATIONS and stack["stack_name"] not in declared
    ]


def application_problems(
    applications: t.Iterable[t.Mapping[str, t.Any]],
    register: t.Mapping[str, t.Any],
    *,
    failure: str | None = None,
) -> dict[str, str]:
    """Return the applications that nothing is done for in this run, each with the reason.

    :param applications: what applications_info returned.
    :param register: what read_register returned.
    :param failure: why the primary failed in this run, if it did.
    """
    result = {}
    for application in applications:
        problem = _application_problem(application, register, failure)
        if problem:
            result[application["name"]] = problem
    return result


def _application_problem(
    application: t.Mapping[str, t.Any], register: t.Mapping[str, t.Any], failure: str | None
) -> str | None:
    if failure:
        return "not reached: the primary failed in this run"
    if application["state"] == "absent":
        return None
    if register["problem"]:
        return f"not reached: {register['problem']}"
    regions = {
        region
        for wave in application["waves"]
        for environment in wave["environments"]
        for region in environment["regions"]
    }
    missing = sorted(regions - set(register["regions"]))
    if not missing:
        return None
    return (
        f"nothing can be deployed to {', '.join(missing)} yet: not in the register. Run the"
        " bootstrap again, without --limit, once its region is complete"
    )


def listed(stack: Stack, parameter: str) -> list[str]:
    """Return the items of a list parameter of *stack*; empty when it is not there."""
    return [item for item in (stack.get("parameters") or {}).get(parameter, "").split(",") if item]


def readable(stack: Stack) -> bool:
    """Return whether *stack* exists, could be read and stands still."""
    return not stack.get("error") and is_readable(stack.get("status"))


def standing(stack: Stack) -> bool:
    """Return whether *stack* could be read and was ever made; an operation may be at it."""
    return not stack.get("error") and is_standing(stack.get("status"))


def _granted(foundation: t.Iterable[Stack]) -> dict[str, frozenset[str]]:
    return {
        stack["region"]: frozenset(listed(stack, "DeployAccountIds"))
        for stack in foundation
        if standing(stack)
    }


def _vanished(organisation: Organisation, foundation: t.Iterable[Stack]) -> str | None:
    """Return why nothing may be written when AWS knows more than the inventory."""
    known_accounts = {host.account_id for host in organisation.of(DEPLOY_ACCOUNTS)}
    known_regions = {organisation.primary_region}
    known_regions |= {host.region for host in organisation.of(REGIONAL)}
    told = []
    for region, granted in sorted(_granted(foundation).items()):
        told += [f"account {one} (granted in {region})" for one in sorted(granted - known_accounts)]
    for stack in foundation:
        told += [
            f"region {one} (registered by {stack['stack_name']})"
            for one in listed(stack, "Regions")
            if standing(stack) and one not in known_regions
        ]
    if not told:
        return None
    return (
        f"the inventory no longer has {', '.join(told)}. Nothing is removed because a host is"
        " missing: bring it back (an account that is gone gets state: quarantined)"
    )


def _changes_grants(organisation: Organisation, play_hosts: t.Collection[str]) -> bool:
    return any(
        host.name in play_hosts for host in organisation.of(REGIONAL) + organisation.of(PRIMARY)
    )


__all__ = (
    "APPLICATIONS",
    "Stack",
    "accounts_to_check",
    "application_problems",
    "foundation_hosts",
    "listed",
    "orphaned_applications",
    "plan",
    "readable",
    "standing",
)
