# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Access roles of an earlier version, as the terminal shows them. Pure."""

from __future__ import annotations

import typing as t

from .._access.version import OutdatedRole
from .lines import Line, count, names, wrap

_COMMAND = "ansible-playbook crossaccount.pipeline.access"


def outdated_lines(roles: t.Sequence[OutdatedRole], *, width: int) -> list[Line]:
    """Return the outdated roles, once for each stack and version, and the command."""
    if not roles:
        return []
    alike: dict[tuple[str, int, int], list[str]] = {}
    for role in roles:
        key = (role["stack_name"], role["version"], role["current"])
        alike.setdefault(key, []).append(role["host"])
    lines = [Line(), Line("  Roles of an earlier version of this collection:", "skipped")]
    for (stack_name, version, current), hosts in alike.items():
        found = f"version {version}" if version else "no version"
        text = (
            f"{stack_name}: {found}, now {current} ({count(len(hosts), 'account')}: {names(hosts)})"
        )
        lines += [Line(line) for line in wrap(text, width=width, indent=4, hanging=6)]
    return [*lines, Line(f"    update, as the management account: {_COMMAND}")]


__all__ = ("outdated_lines",)
