# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which stacks may go: those that nothing refers to any more. Pure."""

from __future__ import annotations

import typing as t

from .._organisation.model import DEPLOY_ACCOUNTS, PRIMARY, REGIONAL, Host, Organisation
from .summary import converged


def postponed(
    organisation: Organisation,
    plan: t.Mapping[str, t.Any],
    hostvars: t.Mapping[str, t.Mapping[str, t.Any]],
) -> dict[str, str]:
    """Return the absent hosts whose stacks must stay for now, each with the reason.

    A stack goes only when everything that refers to it has let go of it in this run: for an account
    the policies of every region, for a region the register and the roles of every account. In a
    teardown everything goes: the application pipelines first, then accounts, the primary and the
    regions. A host that failed, or that ``--limit`` or a slice left out, has not let go.
    """
    result = {}
    pipelines = _standing_pipelines(organisation, hostvars)
    let_go = {*converged(organisation, hostvars), *plan["gone"]}
    for host in organisation.hosts.values():
        if host.name in plan["gone"]:
            continue
        holding = {other.name for other in _referring(organisation, host)} - let_go
        if host.is_absent and pipelines:
            result[host.name] = f"postponed: the pipelines of {', '.join(pipelines)} still stand"
        elif holding:
            result[host.name] = f"postponed: {', '.join(sorted(holding))} did not let go of it yet"
        elif host.is_absent and organisation.is_slice:
            result[host.name] = "postponed: a slice does not see what refers to it"
    return result


def _standing_pipelines(
    organisation: Organisation, hostvars: t.Mapping[str, t.Mapping[str, t.Any]]
) -> list[str]:
    """Return the applications whose pipelines a teardown could not remove."""
    if not organisation.primary.is_absent or organisation.is_slice:
        return []
    recorded = ("bootstrap_application_problems", "bootstrap_application_failures")
    variables = hostvars[organisation.primary.name]
    return sorted({name for one in recorded for name in variables.get(one) or {}})


def _referring(organisation: Organisation, host: Host) -> list[Host]:
    if not host.is_absent:
        return []
    if host.group == DEPLOY_ACCOUNTS:
        if organisation.primary.is_absent:
            return []
        return organisation.of(REGIONAL) + organisation.of(PRIMARY)
    accounts = [one for one in organisation.of(DEPLOY_ACCOUNTS) if not one.is_quarantined]
    return accounts if host.group == PRIMARY else accounts + organisation.of(PRIMARY)


__all__ = ("postponed",)
