# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Access roles of an earlier version, as people see them. Pure."""

from __future__ import annotations

import typing as t

from .._access.version import OutdatedRole
from .lines import Line, count, names, wrap

UPDATE = "ansible-playbook crossaccount.pipeline.access"


def outdated_lines(roles: t.Sequence[OutdatedRole], *, width: int) -> list[Line]:
    """Return the outdated roles, once for each stack and version, and the command."""
    if not roles:
        return []
    lines = [Line(), Line("  Roles of an earlier version of this collection:", "skipped")]
    for text in outdated_texts(roles):
        lines += [Line(line) for line in wrap(text, width=width, indent=4, hanging=6)]
    return [*lines, Line(f"    update, as the management account: {UPDATE}")]


def outdated_texts(roles: t.Sequence[OutdatedRole]) -> list[str]:
    """Return the outdated roles, a text for each stack and version."""
    alike: dict[tuple[str, int, int], list[str]] = {}
    for role in roles:
        key = (role["stack_name"], role["version"], role["current"])
        alike.setdefault(key, []).append(role["host"])
    return [
        f"{stack_name}: {f'version {version}' if version else 'no version'}, now {current}"
        f" ({count(len(hosts), 'account')}: {names(hosts)})"
        for (stack_name, version, current), hosts in alike.items()
    ]


__all__ = ("UPDATE", "outdated_lines", "outdated_texts")
