# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who hears of a pipeline's releases: the organisation's data, and the pipeline's own. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .._organisation.notifications import EVENTS

_LISTS = ("events", "mail", "topics", "chat", "webhooks")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Notifications:
    """Who hears of what.

    :param own: the fields that the pipeline itself sets.
    :param shared: whether the organisation has topics for all pipelines.
    """

    events: tuple[str, ...] = EVENTS
    mail: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    chat: tuple[str, ...] = ()
    webhooks: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    shared: bool = False

    @property
    def names_somebody(self) -> bool:
        """Whether anybody could hear of anything."""
        return bool(self.mail or self.topics or self.chat or self.webhooks)

    @property
    def is_on(self) -> bool:
        """Whether anything is reported to anybody."""
        return self.names_somebody and bool(self.events)

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any]) -> Notifications:
        """Return notifications from plain data; missing fields get their defaults."""
        names = (*_LISTS, "own")
        lists = {name: tuple(data[name]) for name in names if name in data}
        return cls(**lists, shared=data.get("shared", False))

    def overridden(self, own: t.Mapping[str, t.Any]) -> Notifications:
        """Return the organisation's notifications with a pipeline's *own* in their place."""
        fields = {name: tuple(value) for name, value in own.items()}
        own_names = tuple(sorted(fields))
        return dataclasses.replace(self, **fields, own=own_names, shared=self.names_somebody)


__all__ = ("Notifications",)
