# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the modules of awx.awx inside Ansible's worker: a process for each costs ten times as much.

Ansible finds it by ANSIBLE_ACTION_PLUGINS, under the name of the action that runs every module.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
from typing import Any

from ansible.module_utils.testing import patch_module_args
from ansible.plugins.action import ActionBase

PREFIX = "awx.awx."


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible-core carries no types
    """The action of modules without one of their own."""

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Run a module of awx.awx here, and every other one as always."""
        super().run(tmp, task_vars)
        name = self._task.action
        if not name.startswith(PREFIX):
            usual: dict[str, Any] = self._execute_module(task_vars=task_vars)
            return usual
        module = importlib.import_module(
            f"ansible_collections.awx.awx.plugins.modules.{name.removeprefix(PREFIX)}"
        )
        arguments = json.loads(json.dumps(self._task.args))
        arguments["_ansible_check_mode"] = self._task.check_mode
        arguments["_ansible_no_log"] = self._task.no_log
        printed = io.StringIO()
        with (
            patch_module_args(arguments),
            contextlib.redirect_stdout(printed),
            contextlib.suppress(SystemExit),
        ):
            module.main()
        result: dict[str, Any] = json.loads(printed.getvalue())
        return result
