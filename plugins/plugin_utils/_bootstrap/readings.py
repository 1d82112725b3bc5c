# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the accounts that come from AWS Organizations are all there."""

from __future__ import annotations

import typing as t

from .._accounts.marker import VARIABLE, Marker, check_markers
from .._errors import PipelineError
from .._organisation.schema import ACCOUNTS_FROM, ORGANIZATIONS
from .._organisation.variables import Variables


def read_accounts(
    variables: Variables, *, sources: t.Collection[str], is_slice: bool
) -> list[Marker]:
    """Return each reading of accounts. Raises PipelineError unless all of its hosts are there.

    :param sources: the files of the plugin among the sources of the inventory.
    :param is_slice: whether the inventory is a slice, which has some of them only.
    """
    hosts = variables.groups.get("all", [])
    marks = {
        host: _marker(host, value)
        for host in hosts
        if (value := variables.value(host, VARIABLE)) is not None
    }
    if is_slice:
        return list({mark["source"]: mark for mark in marks.values()}.values())
    required = any(variables.value(host, ACCOUNTS_FROM.name) == ORGANIZATIONS for host in hosts)
    return check_markers(marks, sources=sources, required=required)


def _marker(host: str, value: t.Any) -> Marker:
    if not isinstance(value, t.Mapping) or set(value) != set(Marker.__annotations__):
        raise PipelineError(
            f"host {host}: {VARIABLE} is not what the inventory plugin sets",
            cure="Remove the variable: the plugin sets it",
        )
    return t.cast("Marker", dict(value))


__all__ = ("read_accounts",)
