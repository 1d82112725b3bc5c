# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with the inventory, collected to be reported together."""

from __future__ import annotations

import re
import typing as t

from .._errors import PipelineError
from .._fields import QUOTE

# The field that a problem begins with: pipeline.stacks[hello].name
_FIELD = re.compile(r"\w+(\.\w+((::|-)\w+)*|\[[^\]]*\])*")
# Hosts that one problem names before it counts the rest.
MOST_NAMED = 3


class Origins(t.Protocol):
    """What is known of the values of hosts; a field is such as ``pipeline.stacks[hello].name``."""

    def place(self, host: str, field: str) -> str | None:
        """Return where a field is set, such as ``hosts.yml:12``."""

    def how_to_quote(self, host: str, field: str) -> str:
        """Return how to make text of the value of a field."""

    def uses(self, host: str, field: str) -> t.Collection[str]:
        """Return the names in the template of a field."""


class Problems:
    """Problems in order; the same problem of many hosts is one entry.

    A value made from a wrong variable of the same host is not a problem of its own.
    """

    def __init__(self, origins: Origins) -> None:
        self._origins = origins
        self._hosts: dict[tuple[str, str], list[str]] = {}
        self._explained: set[tuple[str, str]] = set()
        self._places: dict[tuple[str, str], str] = {}

    def __bool__(self) -> bool:
        return bool(self._hosts)

    def add(self, what: str, cure: str, host: str | None = None, place: str = "") -> None:
        """Add *what* is wrong, of *host* unless it concerns the whole inventory.

        :param place: where a value that all hosts share is set.
        """
        if (host or "", what) in self._explained:
            return
        if host and cure == QUOTE:
            cure = self._origins.how_to_quote(host, _field(what))
        hosts = self._hosts.setdefault((what, cure), [])
        if host and host not in hosts:
            hosts.append(host)
        if place:
            self._places[what, cure] = place

    def explain(self, what: str, host: str) -> None:
        """Do not report *what*, of *host* or of all: another problem explains it."""
        self._explained |= {(host, what), ("", what)}

    def lines(self) -> list[str]:
        """Return each problem as text, with its hosts and the first host's file."""
        found = []
        for (what, cure), hosts in self._hosts.items():
            causes = [host for host in hosts if not self._follows(host, what)]
            if causes or not hosts:
                found.append(f"{self._where(causes, what, cure)}{what}. {cure}")
        return found

    def of(self, host: str) -> int:
        """Return how many problems *host* has."""
        return sum(host in hosts for hosts in self._hosts.values())

    def _follows(self, host: str, what: str) -> bool:
        """Return whether a problem comes from a wrong variable that its template uses."""
        field = _field(what)
        names = set(self._origins.uses(host, field)) - {field.partition(".")[0]}
        if any((host, f"{name} is not set") in self._explained for name in names):
            return True
        return any(
            _field(other) in names and not self._origins.uses(host, _field(other))
            for (other, _cure), hosts in self._hosts.items()
            if host in hosts or not hosts
        )

    def raise_any(self) -> None:
        """Raise PipelineError with every problem, if there are any."""
        if self._hosts:
            raise PipelineError("the inventory is not usable", errors=self.lines())

    def _where(self, hosts: list[str], what: str, cure: str) -> str:
        if not hosts:
            place = self._places.get((what, cure))
            return f"{place}: " if place else ""
        shown = ", ".join(hosts[:MOST_NAMED])
        more = f" and {len(hosts) - MOST_NAMED} more" if len(hosts) > MOST_NAMED else ""
        place = self._origins.place(hosts[0], _field(what))
        return f"host {shown}{more}{f' ({place})' if place else ''}: "


def _field(what: str) -> str:
    """Return the field that a problem begins with, or its first word."""
    match = _FIELD.match(what)
    return match[0] if match else ""


__all__ = ("MOST_NAMED", "Origins", "Problems")
