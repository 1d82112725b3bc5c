# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Show what access.yml did; documented by the module of the same name."""

from __future__ import annotations

import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._access.recorded import (
    access_results,
    find_access_plan,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._action import PipelineAction
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._arguments import ACCESS_SUMMARY
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.access_rows import (
    access_rows,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.closing import (
    show_summary,
)

ARGUMENT_SPEC = ACCESS_SUMMARY


class ActionModule(PipelineAction):
    """The action ``crossaccount.pipeline.access_summary``."""

    argument_spec = ARGUMENT_SPEC
    calls_aws = False

    def act(self) -> dict[str, t.Any]:
        """Show the summary, and return which hosts must end as failed."""
        hostvars = self.task_vars["hostvars"]
        plan = find_access_plan(hostvars)
        check_mode = bool(self._task.check_mode)
        rows = access_rows(plan, access_results(plan, hostvars), check_mode=check_mode)
        shown = show_summary(
            rows, name=self.options["name"], started=plan["started"], check_mode=check_mode
        )
        return {
            **shown,
            "stacks": [
                {
                    "host": row.host.name,
                    "account_id": row.host.account_id,
                    "stack_name": row.host.stack_name,
                    "result": row.result,
                }
                for row in rows
            ],
        }
