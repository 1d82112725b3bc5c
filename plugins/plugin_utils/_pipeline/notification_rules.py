# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of notifications, and which of them are the organisation's. Pure."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping

from .._fields import Reader
from .._organisation.model import Host, Organisation
from .._organisation.notifications import NOTIFICATIONS, foreign_problems
from .._organisation.problems import Problems
from .._organisation.variables import Variables
from .model import Data
from .notifications import Notifications
from .problem import Problem


def organisation_notifications(
    variables: Variables, organisation: Organisation, host: Host, problems: Problems
) -> Notifications:
    """Return the organisation's notifications, which are those of the primary.

    What is wrong with them is reported there.

    :param host: a pipeline's, whose variable must be the same.
    """
    name = organisation.primary.name
    value = variables.value(name, NOTIFICATIONS.name)
    if variables.value(host.name, NOTIFICATIONS.name) != value:
        problems.add(
            "notifications: it differs from that of the primary",
            "Set notifications in the variable pipeline",
            host.name,
        )
    own = variables.value(name, f"primary_{NOTIFICATIONS.name}")
    silent = Reader(lambda _what, _fix: None)
    return Notifications.from_dict(silent.read(NOTIFICATIONS, value if own is None else own))


def own_fields(value: t.Any, data: Data) -> Data:
    """Return the notifications that a pipeline sets itself.

    :param value: the variable ``pipeline`` as it is written; *data* is what was read of it.
    """
    given = value.get(NOTIFICATIONS.name) if isinstance(value, Mapping) else None
    read = data.get(NOTIFICATIONS.name) or {}
    if not isinstance(given, Mapping):
        return {}
    return {name: entries for name, entries in read.items() if given.get(name) is not None}


def notification_problems(
    notifications: Notifications, organisation: Organisation
) -> Iterator[Problem]:
    """Yield what is wrong with the notifications that a pipeline sets itself."""
    own = {name: getattr(notifications, name) for name in notifications.own}
    yield from foreign_problems(own, organisation.build_account_id)


__all__ = ("notification_problems", "organisation_notifications", "own_fields")
