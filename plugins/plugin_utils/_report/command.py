# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command of this run, as far as it may be shown."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from ansible import constants as C  # noqa: N812  # as everywhere in Ansible
from ansible import context


def command() -> list[str]:
    """Return playbook and inventory of this run's command; nothing without a playbook."""
    arguments = context.CLIARGS.get("args") or ()
    if not arguments:
        return []
    return ["ansible-playbook", shlex.quote(shown(Path(arguments[0]))), *inventory_options()]


def inventory_options() -> list[str]:
    """Return the options that name the inventory; none where it is the default one."""
    inventories = list(context.CLIARGS.get("inventory") or ())
    if inventories == list(C.DEFAULT_HOST_LIST):
        return []
    return [f"-i {shlex.quote(shown(Path(source)))}" for source in inventories]


def shown(path: Path) -> str:
    """Return *path* relative to the working directory, if it is below it."""
    relative = os.path.relpath(path) if path.is_absolute() else str(path)
    return str(path) if relative.startswith("..") else relative


__all__ = ("command", "inventory_options", "shown")
