# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a check covers, and what it has decided before it compares."""

from __future__ import annotations

import dataclasses
import typing as t

from .._access.version import AccessStackName
from .._accounts.marker import Marker
from .._organisation.model import Organisation
from .._pipeline.model import Pipeline
from .._stack.listing import Listings
from .._stack.model import Found
from .desired import Settings
from .plan import Plan


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """What a run covers.

    :param run: a name that no other run has.
    :param started: when it began, in UTC (ISO 8601).
    :param hosts: the hosts of the run, without those that --limit, a slice or a tag leaves out.
    :param pipelines: the pipelines of the inventory, by host.
    :param settings: what the roles take, by host of the run.
    :param accepting: pipelines that may deploy to new members of groups in waves with an approval.
    :param readmitted: accounts without a host that policies no longer exclude.
    :param readings: the readings of accounts that hosts come from.
    :param access_stacks: the stacks with access roles that the accounts of the run may have.
    """

    run: str
    started: str
    organisation: Organisation
    pipelines: t.Mapping[str, Pipeline]
    hosts: t.Collection[str]
    settings: t.Mapping[str, Settings]
    accepting: t.Collection[str] = ()
    readmitted: t.Collection[str] = ()
    readings: t.Sequence[Marker] = ()
    access_stacks: t.Sequence[AccessStackName] = ()
    check_mode: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Decided:
    """What was read and decided before the stacks are compared.

    :param plan: without the comparison.
    :param home: every stack of the primary region by name; empty where it could not be read.
    :param found: the stacks by host.
    :param listings: where the stacks of accounts were found; None if each was read by its name.
    """

    plan: Plan
    home: t.Mapping[str, Found]
    found: t.Mapping[str, Found | None]
    listings: Listings | None


__all__ = ("Decided", "Request")
