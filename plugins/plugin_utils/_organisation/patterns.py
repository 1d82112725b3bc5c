# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Host patterns, such as ``--limit``: the parts that match nobody. Ansible only warns of them."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible.inventory.manager import InventoryManager, split_host_pattern

from .._errors import PipelineError
from .model import GROUPS

Groups = t.Mapping[str, t.Sequence[str]]


def check_patterns(given: t.Mapping[str, str | None], groups: Groups, loader: t.Any) -> None:
    """Raise PipelineError for a pattern of hosts that matches only in part.

    :param given: the pattern that each option or variable has.
    """
    for name, pattern in given.items():
        missing = unmatched([pattern], groups, loader) if pattern else []
        if missing:
            raise PipelineError(
                f"{name}: no host of the inventory matches {', '.join(missing)}",
                cure="Correct it: without these hosts the run would look complete",
            )


def unmatched(patterns: t.Iterable[str], groups: Groups, loader: t.Any) -> list[str]:
    """Return the parts of *patterns* that match no host; an empty group matches.

    :param groups: the hosts of each group, as Ansible's ``groups`` has them.
    :param loader: Ansible's DataLoader.
    """
    parts = [part for pattern in patterns for part in _parts(pattern)]
    if not parts:
        return []
    manager = InventoryManager(loader, parse=False)
    for group in (*GROUPS, *groups):  # a missing group is an empty one
        manager.add_group(group)
        for host in groups.get(group, ()):
            manager.add_host(host, group=group)
    return [
        part
        for part in dict.fromkeys(parts)
        if part not in manager.groups and not manager.get_hosts(part)
    ]


def _parts(pattern: str) -> list[str]:
    """Return the single patterns, without ``!`` and ``&``; ``@`` reads them from a file."""
    parts = []
    for part in split_host_pattern(pattern):
        lines = Path(part[1:]).read_text("utf-8").split("\n") if part[0] == "@" else [part]
        parts += [line.strip().lstrip("!&") for line in lines]
    return [part for part in parts if part]


__all__ = ("Groups", "check_patterns", "unmatched")
