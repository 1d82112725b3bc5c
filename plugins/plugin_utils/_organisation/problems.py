# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with the inventory, collected to be reported together."""

from __future__ import annotations

import re
import typing as t

from .._errors import PipelineError

# The field that a problem begins with: pipeline.stacks[hello].name
_FIELD = re.compile(r"\w+(\.\w+((::|-)\w+)*|\[[^\]]*\])*")
# Hosts that one problem names before it counts the rest.
MOST_NAMED = 3


class Problems:
    """Problems in order; the same problem of many hosts is one entry.

    :param place: where a field of a host is set, such as ``hosts.yml:12``, if that is known.
    """

    def __init__(
        self, place: t.Callable[[str, str], str | None] = lambda _host, _field: None
    ) -> None:
        self._place = place
        self._hosts: dict[tuple[str, str], list[str]] = {}

    def __bool__(self) -> bool:
        return bool(self._hosts)

    def add(self, what: str, cure: str, host: str | None = None) -> None:
        """Add *what* is wrong, of *host* unless it concerns the whole inventory."""
        hosts = self._hosts.setdefault((what, cure), [])
        if host and host not in hosts:
            hosts.append(host)

    def lines(self) -> list[str]:
        """Return each problem as text, with its hosts and the first host's file."""
        return [
            f"{self._where(hosts, what)}{what}. {cure}"
            for (what, cure), hosts in self._hosts.items()
        ]

    def of(self, host: str) -> int:
        """Return how many problems *host* has."""
        return sum(host in hosts for hosts in self._hosts.values())

    def raise_any(self) -> None:
        """Raise PipelineError with every problem, if there are any."""
        if self._hosts:
            lines = "\n".join(f"  - {line}" for line in self.lines())
            raise PipelineError(f"the inventory is not usable:\n{lines}")

    def _where(self, hosts: list[str], what: str) -> str:
        if not hosts:
            return ""
        shown = ", ".join(hosts[:MOST_NAMED])
        more = f" and {len(hosts) - MOST_NAMED} more" if len(hosts) > MOST_NAMED else ""
        field = _FIELD.match(what)
        place = self._place(hosts[0], field[0] if field else "")
        return f"host {shown}{more}{f' ({place})' if place else ''}: "


__all__ = ("MOST_NAMED", "Problems")
