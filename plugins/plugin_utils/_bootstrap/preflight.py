# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check before the first write: reads everything, decides."""

from __future__ import annotations

import dataclasses
import typing as t

from .._aws.gateway import Gateway
from .._errors import PipelineError
from .._organisation.model import DEPLOY_ACCOUNTS, PIPELINES, PRIMARY, REGIONAL, Host, Organisation
from .._pipeline.live import LivePipeline
from .._stack.granted import items
from .._stack.listing import Listings
from .._stack.model import Found
from .._stack.status import Verdict, was_created
from . import identity, members, observation, organization, plan, removal
from .blocked import find_blocked
from .comparison import compare
from .plan import BlockedStack, Foundation, Plan, StackState, TaggedStack
from .request import Decided, Request


def check(request: Request, gateway: Gateway) -> Plan:
    """Read everything that the run concerns, and return the plan. Writes nothing."""
    return compare(request, decide(request, gateway), gateway)


def decide(request: Request, gateway: Gateway, *, listings: Listings | None = None) -> Decided:
    """Read the stacks that the run concerns, and decide what it may do.

    :param listings: find the stacks of accounts there, for a task that needs these lists anyway.
    """
    seen = _observe(request, gateway, listings)
    return Decided(
        plan=_plan(request, seen, gateway.known_caller_account_id),
        home=seen.home,
        found=seen.found,
        listings=listings,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Seen:
    """What was read.

    :param home: every stack of the primary region by name; empty where it could not be read.
    :param found: the stacks by host; a host that could not be read is in *errors* instead.
    :param uses: how live pipelines use each absent host.
    :param taken: without a foundation, the accounts that have its roles all the same.
    :param vanished: pipelines that deploy to accounts without a host, with the reason to stop.
    :param outside: hosts of another organization than the build account's, with the reason.
    """

    foundation: Foundation
    home: t.Mapping[str, Found]
    found: t.Mapping[str, Found | None]
    errors: t.Mapping[str, str]
    tagged: tuple[TaggedStack, ...]
    uses: t.Mapping[str, removal.Uses]
    taken: tuple[str, ...]
    blocked: list[BlockedStack]
    new_members: dict[str, list[members.NewMember]]
    vanished: dict[str, str]
    outside: dict[str, str]


def _observe(request: Request, gateway: Gateway, listings: Listings | None) -> _Seen:
    organisation = request.organisation
    foundation_hosts = plan.foundation_hosts(organisation, request.hosts)
    regions = observation.read_regions(listings or Listings(gateway), foundation_hosts)
    foundation: Foundation = {
        host.name: regions.values[host.name].stacks.get(host.stack_name)
        for host in foundation_hosts
        if host.name in regions.values
    }
    found: dict[str, Found | None] = dict(foundation)
    errors = dict(regions.errors)
    home = regions.values.get(organisation.primary.name)
    for host in organisation.of(PIPELINES):
        if home is not None:
            found[host.name] = home.stacks.get(host.stack_name)
        elif host.name in request.hosts:
            errors[host.name] = errors[organisation.primary.name]
    accounts = observation.read_stacks(
        gateway,
        plan.accounts_to_check(organisation, foundation, request.hosts),
        listings=listings,
    )
    readable = [name for name, stack in accounts.values.items() if name in request.hosts and stack]
    built = [pipeline for name, pipeline in request.pipelines.items() if found.get(name)]
    blocked, unread = find_blocked(gateway, organisation, built if readable else [], readable)
    live = _read_grouped(request, gateway, found)
    return _Seen(
        foundation=foundation,
        home=home.stacks if home is not None else {},
        found={**found, **accounts.values},
        errors={**errors, **accounts.errors, **unread, **live.errors},
        tagged=tuple(stack for region in regions.values.values() for stack in region.tagged),
        uses=_uses(request, gateway, foundation, found) if home is not None else {},
        taken=_taken(request, gateway, foundation, accounts.values),
        blocked=blocked,
        new_members={
            name: found_members
            for name, pipeline in live.values.items()
            if pipeline
            and (found_members := members.new_members(request.pipelines[name], pipeline))
        },
        vanished=_vanished(request, live.values),
        outside=organization.outside(
            organisation,
            request.settings,
            foundation,
            lambda: observation.read_organization(gateway, organisation.primary),
        ),
    )


def _vanished(request: Request, live: t.Mapping[str, LivePipeline | None]) -> dict[str, str]:
    """Return the pipelines that deploy to accounts without a host; policies name accounts."""
    organisation = request.organisation
    if not organisation.grants_organization:
        return {}
    known = {host.account_id for host in organisation.of(DEPLOY_ACCOUNTS)}
    # The roles of a pipeline's own actions.
    known.add(organisation.build_account_id)
    reasons = {
        name: members.vanished(
            request.pipelines[name], pipeline, known, is_read=bool(request.readings)
        )
        for name, pipeline in live.items()
        if pipeline
    }
    return {name: reason for name, reason in reasons.items() if reason}


def _read_grouped(
    request: Request, gateway: Gateway, found: t.Mapping[str, Found | None]
) -> observation.Answers[LivePipeline | None]:
    """Return the live pipelines of this run that deploy to a group."""
    return observation.read_live_of(
        gateway,
        [
            request.organisation.hosts[name]
            for name, pipeline in request.pipelines.items()
            if name in request.hosts
            and found.get(name)
            and any(environment.group for environment in pipeline.environments)
        ],
    )


def _taken(
    request: Request,
    gateway: Gateway,
    foundation: Foundation,
    accounts: t.Mapping[str, Found | None],
) -> tuple[str, ...]:
    """Return the deploy accounts if each has the role of a foundation that is not to be seen."""
    organisation = request.organisation
    home = organisation.primary
    if home.is_absent or not plan.changes_grants(organisation, request.hosts):
        return ()
    if home.name not in foundation or _is_created(foundation[home.name]):
        return ()
    if any(_is_created(stack) for stack in accounts.values()):
        return ()
    hosts = [organisation.hosts[name] for name in sorted(accounts)]
    role = organisation.role_names["codepipeline_role_name"]
    taken = observation.read_roles(gateway, hosts, role).values
    return tuple(taken) if taken and all(taken.values()) else ()


def _is_created(stack: Found | None) -> bool:
    return stack is not None and was_created(stack.status)


def _uses(
    request: Request, gateway: Gateway, foundation: Foundation, found: t.Mapping[str, Found | None]
) -> dict[str, removal.Uses]:
    """Return how live pipelines use each absent host of the foundation."""
    organisation = request.organisation
    absent = [
        host
        for host in organisation.hosts.values()
        if host.is_absent and host.group != PIPELINES and not organisation.is_slice
    ]
    if not absent:
        return {}
    try:
        live = observation.read_live(gateway, organisation.primary)
    except PipelineError as exc:
        raise PipelineError(
            f"the live pipelines cannot be read, which may use {absent[0].name}: {exc}"
        ) from exc
    primary = foundation.get(organisation.primary.name)
    registered = items(primary.parameters, "Regions") if primary else []
    buckets = {
        stack.outputs["PipelineBucketName"]
        for stack in foundation.values()
        if stack is not None and "PipelineBucketName" in stack.outputs
    }
    built = [host for host in organisation.of(PIPELINES) if found.get(host.name) is not None]
    declared = {
        host.name: None if host.is_absent else request.pipelines[host.name]
        for host in built
        if host.name in request.hosts
    }
    return {
        host.name: removal.uses_of(
            host,
            live,
            buckets=buckets,
            declared=declared,
            left_out=[host.name for host in built if host.name not in request.hosts],
            registered=[*registered, organisation.primary_region],
        )
        for host in absent
    }


def _plan(request: Request, seen: _Seen, caller_account_id: str | None) -> Plan:
    """Return the plan, without the comparison of the stacks."""
    organisation, foundation = request.organisation, seen.foundation
    failures = {name: error for name, error in seen.errors.items() if name in organisation.hosts}
    foreign = _foreign(request, seen)
    failures |= foreign
    second = _second_foundation(request, seen, foreign)
    refusal = (
        second
        or removal.blocked(seen.uses)
        or plan.refusal(
            organisation,
            foundation,
            allow_replacement=_allows_replacement(request),
            readmitted=request.readmitted,
            is_read=bool(request.readings),
        )
    )
    home_error = seen.errors.get(organisation.primary.name)
    if home_error:
        # Live pipelines may use what should be absent, and they cannot be read either.
        for host in organisation.foundation:
            if host.is_absent:
                failures.setdefault(host.name, home_error)
    if refusal:
        for host in plan.refused_hosts(organisation):
            failures.setdefault(host.name, refusal)
    for name, found in seen.new_members.items():
        unaccepted = members.unaccepted(found)
        if unaccepted and name not in request.accepting:
            failures.setdefault(name, unaccepted)
    for name, reason in (*seen.vanished.items(), *seen.outside.items()):
        failures.setdefault(name, reason)
    reasons = {name: removal.held_back(uses) for name, uses in seen.uses.items()}
    held = {name: reason for name, reason in reasons.items() if reason}
    return Plan(
        run=request.run,
        started=request.started,
        organisation=organisation.as_dict(),
        pipelines={name: pipeline.as_dict() for name, pipeline in request.pipelines.items()},
        check_mode=request.check_mode,
        caller_account_id=caller_account_id,
        hosts=sorted(name for name in request.hosts if name in organisation.hosts),
        stacks={
            **{name: _unreadable(error) for name, error in seen.errors.items()},
            **{
                name: _state(_host(organisation, name), stack, organisation)
                for name, stack in seen.found.items()
            },
        },
        grants=plan.grants(
            organisation,
            foundation,
            proven=[name for name in seen.found if _is_account(organisation, name)],
            held=[name for name in held if _is_account(organisation, name)],
        ),
        excluded=plan.excluded(organisation, foundation, readmitted=request.readmitted),
        failures=failures,
        quarantined=[host.name for host in organisation.of(DEPLOY_ACCOUNTS) if host.is_quarantined],
        gone=plan.gone(organisation, foundation),
        held=held,
        releasing=sorted({name for uses in seen.uses.values() for name in uses.releasing}),
        # In the wrong organisation everything that stands has no host.
        orphans=[] if second else plan.orphans(organisation, seen.tagged),
        blocked=seen.blocked,
        new_members=seen.new_members,
        readings=list(request.readings),
        access_stacks=list(request.access_stacks),
        outdated_roles=[],
    )


def _foreign(request: Request, seen: _Seen) -> dict[str, str]:
    """Return the deploy accounts of another build account, unless they may be moved."""
    accounts = {
        name: stack for name, stack in seen.found.items() if _is_account(request.organisation, name)
    }
    foreign = identity.foreign(request.organisation, accounts)
    if _allows_replacement(request):
        return {}
    return {
        name: reason
        for name, reason in foreign.items()
        if not request.settings.get(name, {}).get("allow_replacement")
    }


def _second_foundation(request: Request, seen: _Seen, foreign: t.Mapping[str, str]) -> str | None:
    """Return why nothing may be written to a foundation that is not the one of the accounts."""
    organisation = request.organisation
    if organisation.is_slice or _allows_replacement(request):
        return None
    moved = identity.moved(organisation, seen.foundation, seen.tagged, taken=seen.taken)
    return moved or next((foreign[name] for name in sorted(foreign)), None)


def _allows_replacement(request: Request) -> bool:
    """Return whether a host of the foundation allows replacement."""
    return any(
        settings["allow_replacement"]
        for name, settings in request.settings.items()
        if request.organisation.hosts[name].group in (REGIONAL, PRIMARY)
    )


def _is_account(organisation: Organisation, name: str) -> bool:
    return name in organisation.hosts and organisation.hosts[name].group == DEPLOY_ACCOUNTS


def _host(organisation: Organisation, name: str) -> Host:
    return organisation.hosts.get(name, organisation.primary)


def _state(host: Host, stack: Found | None, organisation: Organisation) -> StackState:
    """Return a stack as read.

    Only the foundation needs outputs and parameters, and while regions are to be removed, accounts
    of an organization the buckets that they reach.
    """
    exists = stack is not None and stack.verdict is not Verdict.ABSENT
    shared = host.group in (REGIONAL, PRIMARY)
    parameters = stack.parameters if stack and shared else {}
    in_organization = host.group == DEPLOY_ACCOUNTS and organisation.grants_organization
    if stack and in_organization and any(region.is_absent for region in organisation.of(REGIONAL)):
        parameters = {"BucketArns": stack.parameters.get("BucketArns", "")}
    return StackState(
        exists=exists,
        status=stack.status if stack else None,
        outputs=stack.outputs if stack and shared else {},
        parameters=parameters,
        operation=("delete" if exists else "none") if host.is_absent else "unknown",
        differences=[],
        inputs=None,
        error=None,
        reason=None,
    )


def _unreadable(error: str) -> StackState:
    return StackState(
        exists=False,
        status=None,
        outputs={},
        parameters={},
        operation="unknown",
        differences=[],
        inputs=None,
        error=error,
        reason=None,
    )


__all__ = ("check", "decide")
