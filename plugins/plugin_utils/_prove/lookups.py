# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What explains usual causes: read in threads before the first write, and after a failure.

Some ten calls a region, two an account and one a connection; after a failure some twelve for each
account that it concerns. A look-up that is refused becomes a note.
"""

from __future__ import annotations

import functools
import typing as t

from .._aws.batch import Failure, for_each
from .._aws.gateway import Gateway
from .._organisation.model import DEPLOY_ACCOUNTS, Organisation
from .._pipeline.model import Pipeline
from . import account_lookups, build_lookups
from .facts import Fact, Lookups, foundation_host, make_cause
from .model import FailedAction, Path

# After a failure of many accounts alike, a few are enough to see why.
_ACCOUNTS = 20

_Task = tuple[str, t.Callable[[], list[Fact]]]


def read(
    gateway: Gateway,
    organisation: Organisation,
    paths: t.Sequence[Path],
    *,
    pipelines: t.Mapping[str, Pipeline] | None = None,
    inventory: str = "",
) -> Lookups:
    """Return what can be seen of *paths*. Writes nothing, and raises nothing.

    :param pipelines: those of the inventory, whose connections and topics are looked at too.
    :param inventory: the options of a command that name the inventory.
    """
    primary = organisation.primary
    regions = {organisation.primary_region, *(path.region for path in paths)}
    hosts = {host.name: host for host in (foundation_host(organisation, item) for item in regions)}
    tasks: list[_Task] = [
        (
            name,
            functools.partial(
                build_lookups.region_facts,
                gateway,
                host,
                {path.account_id for path in paths if path.region == host.region},
                inventory=inventory,
            ),
        )
        for name, host in sorted(hosts.items())
    ]
    of_account: dict[str, set[str]] = {}
    for path in paths:
        of_account.setdefault(path.host, set()).add(path.region)
    tasks += [
        (
            name,
            functools.partial(
                account_lookups.account_facts,
                gateway,
                organisation,
                organisation.hosts[name],
                of_account[name],
                inventory=inventory,
            ),
        )
        for name in sorted(of_account)
    ]
    tasks += [
        ("quota", functools.partial(build_lookups.quota_facts, gateway, organisation)),
    ]
    given = dict(pipelines or {})
    sources = [pipeline.source for pipeline in given.values() if pipeline.source]
    tasks += [
        (arn, functools.partial(build_lookups.connection_facts, gateway, primary, arn))
        for arn in sorted({source.connection_arn for source in sources if source.connection_arn})
    ]
    tasks.append(("OAuth", functools.partial(build_lookups.oauth_facts, gateway, primary, given)))
    return Lookups(facts=tuple(_all_of(tasks)), organisation=organisation, inventory=inventory)


def read_after(gateway: Gateway, known: Lookups, failures: t.Iterable[FailedAction]) -> Lookups:
    """Return *known* with the policies of the roles that the failures concern. Raises nothing."""
    organisation = known.organisation
    if organisation is None:
        return known
    accounts = {_account_of(failure["role_arn"]) for failure in failures}
    hosts = [host for host in organisation.of(DEPLOY_ACCOUNTS) if host.account_id in accounts][
        :_ACCOUNTS
    ]
    tasks: list[_Task] = [
        (
            host.name,
            functools.partial(account_lookups.role_facts, gateway, host, inventory=known.inventory),
        )
        for host in hosts
    ]
    return known.with_facts(_all_of(tasks))


def _account_of(role_arn: str) -> str:
    parts = role_arn.split(":")
    return parts[4] if len(parts) > 4 else ""


def _all_of(tasks: t.Sequence[_Task]) -> t.Iterator[Fact]:
    """Yield what each task found; one that failed as a note."""
    for (name, _task), found in zip(tasks, for_each(tasks, lambda task: task[1]()), strict=True):
        if isinstance(found, Failure):
            message = str(found.error)
            if name not in message:
                message = f"{name}: {message}"
            yield Fact(cause=make_cause("unread", message), is_note=True)
        else:
            yield from found


__all__ = ("Lookups", "read", "read_after")
