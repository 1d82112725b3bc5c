# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An action as Ansible runs it: a task with arguments, and what comes back."""

from __future__ import annotations

import types
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar


def run_action(
    action: type[Any],
    arguments: dict[str, Any],
    *,
    task_vars: dict[str, Any] | None = None,
    check_mode: bool = False,
    become: bool = False,
    environment: Any = None,
    role: Path | None = None,
    tags: Collection[str] = (),
) -> dict[str, Any]:
    """Run *action* and return its result.

    :param tags: those of the task, with what it inherits.
    :param role: the role whose ``files`` the action finds.
    """
    task = types.SimpleNamespace(
        action="crossaccount.pipeline.action",
        args=arguments,
        async_val=0,
        check_mode=check_mode,
        environment=environment,
        get_search_path=lambda: [str(role)] if role else [],
        tags=list(tags),
    )
    loader = DataLoader()
    found: dict[str, Any] = action(
        task=task,
        connection=types.SimpleNamespace(_shell=types.SimpleNamespace(tmpdir="/nowhere")),
        play_context=types.SimpleNamespace(become=become, check_mode=check_mode),
        loader=loader,
        templar=Templar(loader=loader, variables=task_vars or {}),
        shared_loader_obj=None,
    ).run(task_vars=task_vars)
    return found
