# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which access roles are of an earlier version of the templates. Pure.

The version is an output of each template, so it is read with the stack, however that was made.
"""

from __future__ import annotations

import typing as t

from .._organisation.access_schema import ACCESS
from .._organisation.model import Host, Organisation
from .kinds import KINDS
from .templates import version

Lookup = t.Callable[[str], t.Any]

_DEFAULTS = {field.name: field.default for field in ACCESS}


class AccessStackName(t.TypedDict):
    """A stack of access.yml that the account of a host may have."""

    host: str
    kind: str
    stack_name: str


class OutdatedRole(AccessStackName):
    """One of an earlier version; 0 is one from before there were versions."""

    account_id: str
    version: int
    current: int


def access_stack_names(host: Host, lookup: Lookup) -> list[AccessStackName]:
    """Return the stacks of access.yml that the account of *host* may have."""
    return [
        AccessStackName(
            host=host.name,
            kind=kind.name,
            stack_name=str(lookup(kind.stack_name) or _DEFAULTS[kind.stack_name]),
        )
        for kind in KINDS.values()
        if kind.group == host.group
    ]


def outdated_role(
    host: Host, stack: AccessStackName, outputs: t.Mapping[str, str]
) -> OutdatedRole | None:
    """Return what is outdated about a stack with these *outputs*; None if nothing is."""
    text = outputs.get("Version", "")
    found = int(text) if text.isdecimal() else 0
    current = version(KINDS[stack["kind"]].template)
    if found >= current:
        return None
    return {**stack, "account_id": host.account_id, "version": found, "current": current}


def outdated_others(
    organisation: Organisation,
    stacks: t.Iterable[AccessStackName],
    others: t.Iterable[t.Mapping[str, t.Any]],
) -> list[OutdatedRole]:
    """Return what is outdated of the stacks that a drift run has listed.

    :param others: their places and outputs, where they exist.
    """
    outputs = {
        (other["account_id"], other["region"], other["stack_name"]): other["outputs"]
        for other in others
    }
    found = []
    for stack in stacks:
        host = organisation.hosts[stack["host"]]
        place = (host.account_id, host.region, stack["stack_name"])
        if place in outputs and (role := outdated_role(host, stack, outputs[place])):
            found.append(role)
    return found


__all__ = (
    "AccessStackName",
    "OutdatedRole",
    "access_stack_names",
    "outdated_others",
    "outdated_role",
)
