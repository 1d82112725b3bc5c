# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run may do, by the inventory and AWS's state. Pure.

A principal's account must exist, so policies grant the accounts that they grant already and the
new ones that answered. What AWS knows and the inventory no longer has is never removed silently.
"""

from __future__ import annotations

import hashlib
import json
import typing as t

from .._access.version import AccessStackName, OutdatedRole
from .._accounts.marker import Marker
from .._organisation.grants import MOST_EXCLUDED
from .._organisation.model import (
    DEPLOY_ACCOUNTS,
    PRIMARY,
    REGIONAL,
    Host,
    Organisation,
)
from .._stack.granted import admits, excluded_accounts, items, named_accounts
from .._stack.model import Found
from .._stack.result import DifferenceEntry
from .._stack.status import is_unusable, was_created
from .members import NewMember
from .vanished import vanished_text

Grants = dict[str, list[str]]


class Entry(t.TypedDict):
    """One region of the register.

    asset_bucket_arn: empty where the region's stack does not have that bucket yet.
    """

    region: str
    key_arn: str
    bucket_arn: str
    asset_bucket_arn: str


class Inputs(t.TypedDict, total=False):
    """What a stack gets from other stacks; its group decides which fields.

    ``grant_mode`` is ``accounts`` also for a region that should grant nobody. ``outputs`` are those
    of the primary stack.
    """

    grant_mode: str
    deploy_account_ids: list[str]
    excluded_account_ids: list[str]
    register: list[Entry]
    outputs: dict[str, str]


def fingerprint(inputs: Inputs) -> str:
    """Return a short text that differs where *inputs* do: those of a large foundation are long."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


class StackState(t.TypedDict):
    """One host's stack before the first write.

    operation: what converging would do: none, create, update, repair, delete, or unknown where that
        cannot be known yet.
    inputs: the fingerprint of those that it was compared with.
    error: why it could not be read. reason: why it could not be compared.
    """

    exists: bool
    status: str | None
    outputs: dict[str, str]
    parameters: dict[str, str]
    operation: str
    differences: list[DifferenceEntry]
    inputs: str | None
    error: str | None
    reason: str | None


class StackPlace(t.TypedDict):
    """Where a stack is."""

    account_id: str
    region: str
    stack_name: str


class Orphan(StackPlace):
    """A stack with our tag but no host. One that still grants accounts may not be deleted."""

    granted: list[str]


class TaggedStack(Orphan):
    """A stack of the build account with our tag; ``group`` is its value."""

    group: str
    created: bool


class BlockedStack(StackPlace):
    """A stack of a pipeline whose first deployment failed; ``host`` is its account's."""

    host: str
    pipeline: str
    status: str


class Plan(t.TypedDict):
    """What the check found and decided; every later play reads it.

    run: identifies this run's results, as those of an earlier one may still be there.
    started: when the check began, in UTC (ISO 8601).
    hosts: the hosts of the run, without those that --limit, a slice or a tag leaves out.
    grants: by region, the accounts that its policies name, or of an organization the build account
        if it is one of them.
    excluded: accounts that an admitted organization is admitted without.
    failures: hosts that the run skips, each with the reason.
    quarantined: hosts that are left alone.
    gone: absent regional hosts whose stacks are gone already.
    held: absent hosts that a pipeline still uses until the end of this run, each with the reason.
    releasing: pipelines that only stop using an absent host, so they come first.
    orphans: stacks with our tag but no host.
    blocked: stacks that block the next release of a pipeline.
    new_members: what a pipeline would newly deploy to because a group grew, by pipeline.
    readings: the readings of AWS Organizations that deploy accounts come from.
    access_stacks: the stacks with access roles that the accounts of the run may have.
    outdated_roles: those of an earlier version; of accounts, where the run has work.
    """

    run: str
    started: str
    organisation: dict[str, t.Any]
    pipelines: dict[str, dict[str, t.Any]]
    check_mode: bool
    caller_account_id: str | None
    hosts: list[str]
    stacks: dict[str, StackState]
    grants: Grants
    excluded: list[str]
    failures: dict[str, str]
    quarantined: list[str]
    gone: list[str]
    held: dict[str, str]
    releasing: list[str]
    orphans: list[Orphan]
    blocked: list[BlockedStack]
    new_members: dict[str, list[NewMember]]
    readings: list[Marker]
    access_stacks: list[AccessStackName]
    outdated_roles: list[OutdatedRole]


class HostResult(t.TypedDict, total=False):
    """What a role registers: the result or failure of host_stack."""

    run: str
    changed: bool
    failed: bool
    msg: str
    operation: str
    stack: dict[str, t.Any]
    differences: list[dict[str, t.Any]]
    policies: list[dict[str, t.Any]]
    changes: list[dict[str, t.Any]]
    retained: list[dict[str, t.Any]]


Foundation = t.Mapping[str, Found | None]  # by host: the primary, and the regional ones if read


def foundation_hosts(organisation: Organisation, play_hosts: t.Collection[str]) -> list[Host]:
    """Return the hosts whose stacks the run has to read first.

    The primary's, which holds the register; the regional ones too where the run may change grants.
    """
    if changes_grants(organisation, play_hosts):
        return [organisation.primary, *organisation.of(REGIONAL)]
    return [organisation.primary]


def accounts_to_check(
    organisation: Organisation, foundation: Foundation, play_hosts: t.Collection[str]
) -> list[Host]:
    """Return the deploy accounts whose credentials the run has to prove.

    Those of the play and, even if ``--limit`` leaves them out, those that it would newly name in
    policies. Before the first run, all: they may have the roles of another foundation.
    """
    new = set()
    is_first = not _parameters(organisation, foundation)
    if changes_grants(organisation, play_hosts) and (
        is_first or not organisation.grants_organization
    ):
        granted = _granted(organisation, foundation)
        new = {
            host.name
            for region in organisation.regions
            for host in organisation.granted(region)
            if host.account_id not in granted.get(region, ())
        }
    return [
        host
        for host in organisation.of(DEPLOY_ACCOUNTS)
        if not host.is_quarantined and (host.name in play_hosts or host.name in new)
    ]


def changes_grants(organisation: Organisation, play_hosts: t.Collection[str]) -> bool:
    """Return whether the run may change which accounts the policies name."""
    return any(
        host.name in play_hosts for host in organisation.of(REGIONAL) + organisation.of(PRIMARY)
    )


def grants(
    organisation: Organisation,
    foundation: Foundation,
    *,
    proven: t.Collection[str],
    held: t.Collection[str] = (),
) -> Grants:
    """Return the accounts that each region's policies should name.

    Where they admit an organization, only the build account needs that, to be admitted.

    :param proven: deploy accounts, by host, that answered in this run.
    :param held: absent hosts that a pipeline still uses.
    """
    parameters = _parameters(organisation, foundation)
    keeping = {organisation.hosts[name].account_id for name in held}
    result = {}
    for region in organisation.regions:
        before = parameters.get(region, {})
        named = named_accounts(before)
        wanted = {
            host.account_id
            for host in organisation.granted(region)
            if host.account_id in named or host.name in proven
        }
        wanted |= {account_id for account_id in keeping if admits(before, account_id)}
        if organisation.grants_organization:
            # Accounts of the organization need no answer: no policy names them.
            wanted = {host.account_id for host in organisation.granted(region)} | keeping
            wanted &= {organisation.build_account_id}
        result[region] = sorted(wanted)
    return result


def excluded(
    organisation: Organisation, foundation: Foundation, *, readmitted: t.Collection[str] = ()
) -> list[str]:
    """Return the accounts that an organization is admitted without.

    Those that are quarantined, and those excluded before that have no host any more: a missing host
    admits nobody.

    :param readmitted: accounts without a host that are no longer excluded.
    """
    if not organisation.grants_organization:
        return []
    accounts = organisation.of(DEPLOY_ACCOUNTS)
    known = {host.account_id for host in accounts} | {organisation.build_account_id}
    before = {
        account_id
        for stack in foundation.values()
        if stack is not None and was_created(stack.status)
        for account_id in excluded_accounts(stack.parameters)
    }
    quarantined = {host.account_id for host in accounts if host.is_quarantined}
    return sorted(quarantined | (before - known - set(readmitted)))


def refusal(
    organisation: Organisation,
    foundation: Foundation,
    *,
    allow_replacement: bool,
    readmitted: t.Collection[str] = (),
    is_read: bool = False,
) -> str | None:
    """Return why nothing may be written to the foundation; None where it may.

    A slice writes nothing to it, and does not see the hosts that AWS knows.

    :param is_read: whether accounts come from AWS Organizations.
    """
    if organisation.is_slice:
        return None
    return (
        _vanished(organisation, foundation, is_read=is_read)
        or _too_many_excluded(excluded(organisation, foundation, readmitted=readmitted))
        or (None if allow_replacement else _renamed(organisation, foundation))
    )


def refused_hosts(organisation: Organisation) -> list[Host]:
    """Return the hosts that a refusal concerns: the foundation and absent hosts."""
    return [
        host
        for host in organisation.hosts.values()
        if host.group in (REGIONAL, PRIMARY) or host.is_absent
    ]


def gone(organisation: Organisation, foundation: Foundation) -> list[str]:
    """Return the absent regional hosts whose stacks are gone already."""
    return [
        host.name
        for host in organisation.of(REGIONAL)
        if host.is_absent and host.name in foundation and _is_gone(foundation[host.name])
    ]


def orphans(organisation: Organisation, tagged: t.Iterable[TaggedStack]) -> list[Orphan]:
    """Return our stacks without a host; a slice does not see every host."""
    if organisation.is_slice:
        return []
    known = {
        (host.account_id, host.region, host.stack_name) for host in organisation.hosts.values()
    }
    found = {
        (stack["account_id"], stack["region"], stack["stack_name"]): stack["granted"]
        for stack in tagged
    }
    return [
        Orphan(account_id=account_id, region=region, stack_name=name, granted=granted)
        for (account_id, region, name), granted in sorted(found.items())
        if (account_id, region, name) not in known
    ]


# What is refused


def _renamed(organisation: Organisation, foundation: Foundation) -> str | None:
    """Return why nothing may be written when new names would replace roles.

    Refused before the first write: later the policies would already name the new roles.
    """
    if organisation.primary.is_absent:
        return None
    parameters = {
        "codepipeline_role_name": "CodePipelineRoleName",
        "cloudformation_role_name": "CloudFormationRoleName",
    }
    renamed = {
        f"{variable} from {before} to {organisation.role_names[variable]}"
        for stack in foundation.values()
        if stack is not None and was_created(stack.status)
        for variable, parameter in parameters.items()
        if (before := stack.parameters.get(parameter))
        not in (None, organisation.role_names[variable])
    }
    if not renamed:
        return None
    return (
        f"this would change {', '.join(sorted(renamed))} and replace the roles of every deploy"
        " account. Nothing was written. Set allow_replacement for this run if that is meant"
    )


def _too_many_excluded(accounts: t.Sequence[str]) -> str | None:
    if len(accounts) <= MOST_EXCLUDED:
        return None
    return (
        f"{len(accounts)} accounts are excluded from the organization, and policies hold"
        f" {MOST_EXCLUDED}. Remove the hosts of accounts that AWS has closed, and name those without"
        " a host in readmit_accounts for this run"
    )


def _vanished(organisation: Organisation, foundation: Foundation, *, is_read: bool) -> str | None:
    """Return why nothing may be written when AWS knows more than the inventory."""
    known_accounts = {host.account_id for host in organisation.of(DEPLOY_ACCOUNTS)}
    known_regions = {organisation.primary_region}
    known_regions |= {host.region for host in organisation.of(REGIONAL)}
    missing = [
        f"account {account_id} (granted in {region})"
        for region, granted in sorted(_granted(organisation, foundation).items())
        for account_id in sorted(granted - known_accounts)
    ]
    for name, stack in foundation.items():
        if stack is not None and was_created(stack.status):
            missing += [
                f"region {region} (registered by {_host(organisation, name).stack_name})"
                for region in items(stack.parameters, "Regions")
                if region not in known_regions
            ]
    if not missing:
        return None
    left_ou = is_read and any(text.startswith("account") for text in missing)
    return vanished_text(missing, left_ou=left_ou)


def _granted(organisation: Organisation, foundation: Foundation) -> dict[str, frozenset[str]]:
    return {
        region: frozenset(named_accounts(parameters))
        for region, parameters in _parameters(organisation, foundation).items()
    }


def _parameters(organisation: Organisation, foundation: Foundation) -> dict[str, dict[str, str]]:
    """Return the parameters of the foundation's stacks by region."""
    return {
        _host(organisation, name).region: stack.parameters
        for name, stack in foundation.items()
        if stack is not None and was_created(stack.status)
    }


def _host(organisation: Organisation, name: str) -> Host:
    """Return a foundation host; in a slice, the primary's stand-in."""
    return organisation.hosts.get(name, organisation.primary)


def _is_gone(stack: Found | None) -> bool:
    return stack is None or is_unusable(stack.status)


def participates(host: Host, tags: t.Collection[str], skipped: t.Collection[str]) -> bool:
    """Return whether the run's tags leave *host*'s group in."""
    wanted = not tags or bool({"all", "tagged", host.group} & set(tags))
    return wanted and not {"all", host.group} & set(skipped)


__all__ = (
    "Entry",
    "Foundation",
    "Grants",
    "HostResult",
    "Inputs",
    "Orphan",
    "Plan",
    "StackPlace",
    "StackState",
    "TaggedStack",
    "accounts_to_check",
    "changes_grants",
    "excluded",
    "fingerprint",
    "foundation_hosts",
    "gone",
    "grants",
    "orphans",
    "participates",
    "refusal",
    "refused_hosts",
)
