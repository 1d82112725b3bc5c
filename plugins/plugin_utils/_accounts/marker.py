# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The mark that a reading of accounts leaves on its hosts, and whether it is whole. Pure."""

from __future__ import annotations

import re
import typing as t

from .._errors import PipelineError

PLUGIN = "crossaccount.pipeline.organizations"
# The variable of each host that holds its mark.
VARIABLE = "organizations_inventory"
_PLUGIN_LINE = re.compile(rf"^plugin:\s*['\"]?{re.escape(PLUGIN)}['\"]?\s*(#.*)?$", re.MULTILINE)
_MOST_NAMED = 3


class Marker(t.TypedDict):
    """One reading, equal on all of its hosts.

    :param source: the file that chose the accounts.
    :param organization: the id of the organization.
    :param accounts: how many accounts were chosen.
    :param read: when they were read, in UTC (ISO 8601).
    :param cached: whether they came from Ansible's cache.
    """

    source: str
    organization: str
    accounts: int
    read: str
    cached: bool


def is_configuration(text: str) -> bool:
    """Return whether the text of a file makes it a source of the plugin."""
    return _PLUGIN_LINE.search(text) is not None


def check_markers(
    marks: t.Mapping[str, Marker], *, sources: t.Iterable[str] = (), required: bool = False
) -> list[Marker]:
    """Return the reading of each source. Raises PipelineError unless all of its hosts are there.

    :param marks: by host.
    :param sources: files that should have given hosts.
    :param required: whether there must be a reading at all.
    """
    readings: dict[str, Marker] = {}
    for mark in marks.values():
        newest = readings.setdefault(mark["source"], mark)
        if mark["read"] > newest["read"]:
            readings[mark["source"]] = mark
    problems = [
        f"{source}: its accounts were not read. Look for a warning of Ansible about this file"
        for source in sorted(set(sources) - set(readings))
    ]
    if required and not readings and not problems:
        problems.append(
            f"no host comes from the plugin {PLUGIN}, and accounts_from says that they do. Look for"
            " a warning of Ansible about its file; in AWX, in the last update of the inventory"
        )
    for source, reading in sorted(readings.items()):
        problems += _problems(source, reading, marks)
    if problems:
        raise PipelineError("accounts of the organization are missing", errors=problems)
    return [readings[source] for source in sorted(readings)]


def _problems(source: str, reading: Marker, marks: t.Mapping[str, Marker]) -> t.Iterator[str]:
    of_source = {host: mark for host, mark in marks.items() if mark["source"] == source}
    old = sorted(host for host, mark in of_source.items() if mark["read"] != reading["read"])
    if old:
        more = f" and {len(old) - _MOST_NAMED} more" if len(old) > _MOST_NAMED else ""
        yield (
            f"{source}: host {', '.join(old[:_MOST_NAMED])}{more} is of an earlier reading than the"
            f" others ({reading['read']}), so its account left the OUs. {LEFT}"
        )
    found = len(of_source) - len(old)
    if found != reading["accounts"]:
        yield (
            f"{source}: {reading['accounts']} accounts were read, and {found} hosts of them are in"
            " the inventory. Give the run the whole inventory; --limit chooses hosts"
        )


# What to do with an account that left the chosen OUs.
LEFT = (
    "Write it into a static file of the inventory, with account_id, regions and state: absent (or"
    " quarantined), or move it back"
)

__all__ = ("LEFT", "PLUGIN", "VARIABLE", "Marker", "check_markers", "is_configuration")
