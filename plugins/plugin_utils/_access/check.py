# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check of access.yml before the first write: reads in threads, errors as data."""

from __future__ import annotations

import dataclasses
import typing as t

from .._aws.batch import Failure, account_of, for_each
from .._aws.gateway import AccountSession, Gateway
from .._errors import PipelineError
from .._organisation.model import PRIMARY, REGIONAL, Host, Organisation
from .._organisation.variables import Variables
from .._stack.api import StackApi
from .._stack.compare import compare
from .._stack.diff import describe
from . import plan
from .desired import Settings, desired_access, read_access_settings
from .kinds import KINDS, Kind
from .plan import AccessHost, AccessPlan, AccessStack


@dataclasses.dataclass(frozen=True, kw_only=True)
class AccessRequest:
    """What a run covers.

    :param run: a name that no other run has.
    :param started: when it began, in UTC (ISO 8601).
    :param hosts: the accounts of the run, as the inventory reaches them.
    :param settings: what their stacks take, by host.
    """

    run: str
    started: str
    organisation: Organisation
    hosts: t.Sequence[Host]
    settings: t.Mapping[str, Settings]
    check_mode: bool = False


def read_settings_of(hosts: t.Iterable[Host], variables: Variables) -> dict[str, dict[str, t.Any]]:
    """Return what the stacks of *hosts* take, and add what is wrong to the variables' problems.

    An absent host gets nothing, so its names may be those of others.
    """
    found: dict[str, dict[str, t.Any]] = {}
    for host in hosts:

        def lookup(name: str, host: str = host.name) -> t.Any:
            return variables.get(host, name)

        found[host.name] = read_access_settings(lookup)
        if host.is_present:
            plan.check_settings(host, found[host.name], variables.problems)
    return found


def check_access(request: AccessRequest, gateway: Gateway) -> AccessPlan:
    """Read every account of the run, and return what is to be done. Writes nothing."""
    reached = [host for host in request.hosts if not host.is_quarantined]
    answers = for_each(reached, lambda host: _read(host, request, gateway))
    found = dict(zip([host.name for host in reached], answers, strict=True))
    return AccessPlan(
        run=request.run,
        started=request.started,
        check_mode=request.check_mode,
        sts_region=request.organisation.primary_region,
        caller_account_id=gateway.known_caller_account_id,
        hosts={host.name: _entry(host, request, found.get(host.name)) for host in request.hosts},
    )


def _entry(
    host: Host, request: AccessRequest, answer: list[AccessStack] | Failure | None
) -> AccessHost:
    installer = plan.as_installer(host, request.settings[host.name])
    failure = answer.error if isinstance(answer, Failure) else None
    stacks = answer if isinstance(answer, list) else []
    return AccessHost(host=installer.as_dict(), stacks=stacks, failure=failure)


def _read(host: Host, request: AccessRequest, gateway: Gateway) -> list[AccessStack]:
    """Return the stacks of an account. Raises PipelineError if they cannot or must not be touched."""
    settings = request.settings[host.name]
    session = gateway.open(account_of(plan.as_installer(host, settings).target()))
    if host.is_absent:
        standing = _standing(host, request.organisation, session)
        if problem := plan.needed_by(host, standing):
            raise PipelineError(problem)
    api = StackApi.of(session, host.region)
    return [_compare(api, kind, host, settings) for kind in plan.kinds_of(host, settings)]


def _standing(host: Host, organisation: Organisation, session: AccountSession) -> list[str]:
    """Return the stacks of the account that need its roles, as far as the inventory knows them."""
    hosts = [host]
    if host.group == PRIMARY:
        hosts += organisation.of(REGIONAL)
    found = ((other, StackApi.of(session, other.region).find(other.stack_name)) for other in hosts)
    return [
        f"{other.stack_name} in {other.region}" for other, stack in found if stack and stack.exists
    ]


def _compare(api: StackApi, kind: Kind, host: Host, settings: Settings) -> AccessStack:
    name = str(settings[kind.stack_name])
    if host.is_absent:
        operation = "none" if api.find(name) is None else "delete"
        return AccessStack(kind=kind.name, stack_name=name, operation=operation, differences=[])
    desired = desired_access(KINDS[kind.name], host.name, host.account_id, settings)
    comparison = compare(api, desired)
    return AccessStack(
        kind=kind.name,
        stack_name=name,
        operation=comparison.operation,
        differences=describe(comparison.differences, desired.template),
    )


__all__ = ("AccessRequest", "check_access", "read_settings_of")
