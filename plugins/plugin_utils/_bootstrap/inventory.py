# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checked inventory, with the settings of the run's hosts."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from .._access.version import AccessStackName, access_stack_names
from .._accounts.marker import Marker
from .._errors import PipelineError
from .._organisation.grants import READMIT_ACCOUNTS
from .._organisation.model import PIPELINES, Organisation, pipeline_stack_name
from .._organisation.rules import read_organisation
from .._organisation.run_schema import ACCEPT_NEW_MEMBERS
from .._organisation.settings import Lookup, read_flag, read_list, read_settings
from .._organisation.variables import Variables
from .._pipeline.model import Pipeline
from .._pipeline.rules import read_pipelines
from .._pipeline_stack.limits import check_limits
from .plan import participates
from .readings import read_accounts


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inventory:
    """An inventory that follows the rules.

    :param hosts: the hosts of the run, without those that --limit, a slice or a tag leaves out.
    :param pipelines: the pipelines that should be there, by host.
    :param settings: what the role of each host of the run takes.
    :param accepting: pipelines of the run that may deploy to new members of groups in waves with
        an approval.
    :param readmitted: accounts without a host that policies no longer exclude.
    :param readings: the readings of accounts that hosts come from.
    :param access_stacks: the stacks with access roles that the accounts of the run may have.
    """

    organisation: Organisation
    hosts: tuple[str, ...]
    pipelines: dict[str, Pipeline]
    settings: dict[str, dict[str, t.Any]]
    accepting: frozenset[str]
    readmitted: frozenset[str]
    readings: list[Marker]
    access_stacks: tuple[AccessStackName, ...]


def read_inventory(
    variables: Variables,
    *,
    hosts: t.Collection[str],
    tags: t.Collection[str] = (),
    skipped: t.Collection[str] = (),
    sources: t.Collection[str] = (),
    teardown: bool = False,
) -> Inventory:
    """Return the inventory. Raises PipelineError that lists every broken rule.

    :param hosts: the hosts of the play.
    :param tags: the tags that the run is limited to; *skipped* are those that it leaves out.
    :param sources: the files among the inventory's sources whose accounts must be there.
    :param teardown: whether everything should be absent.
    """
    problems = variables.problems
    organisation = read_organisation(variables, problems)
    # Without them everything else that is wrong may follow from that.
    readings = read_accounts(variables, sources=sources, is_slice=organisation.is_slice)
    if teardown:
        # Of absent pipelines only the names matter.
        organisation = organisation.all_absent()
    pipelines = read_pipelines(variables, organisation, problems)
    check_limits(pipelines, organisation, problems)
    problems.raise_any()
    running = [
        name
        for name in sorted(hosts)
        if name in organisation.hosts and participates(organisation.hosts[name], tags, skipped)
    ]
    if not running:
        raise PipelineError(
            "no host of the inventory takes part in this run",
            cure="Look at --limit, --tags, drift_hosts and the groups of the inventory",
        )
    return Inventory(
        organisation=organisation,
        hosts=tuple(running),
        pipelines=pipelines,
        settings={
            name: role_settings(
                organisation.hosts[name].group, functools.partial(variables.get, name), name
            )
            for name in running
        },
        accepting=frozenset(
            name
            for name in running
            if name in pipelines
            and read_flag(ACCEPT_NEW_MEMBERS, functools.partial(variables.get, name))
        ),
        readmitted=frozenset(
            account_id
            for name in running[:1]
            for account_id in read_list(READMIT_ACCOUNTS, functools.partial(variables.get, name))
        ),
        readings=readings,
        access_stacks=tuple(
            stack
            for name in running
            for stack in access_stack_names(
                organisation.hosts[name], functools.partial(variables.get, name)
            )
        ),
    )


def role_settings(group: str, lookup: Lookup, host: str) -> dict[str, t.Any]:
    """Return the settings of the role of *group*, stack name included.

    :param lookup: gives the value of a variable, or None.
    """
    settings = read_settings(group, lookup)
    if group == PIPELINES:
        settings["stack_name"] = pipeline_stack_name(host)
    return settings


__all__ = ("Inventory", "read_inventory", "role_settings")
