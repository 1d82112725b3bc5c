# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Show what a run did; documented by the module of the same name."""

from __future__ import annotations

import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._action import PipelineAction
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._arguments import (
    BOOTSTRAP_SUMMARY,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.recorded import (
    Results,
    require_plan,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.run import Run
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.summary import (
    summarise,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.closing import (
    show_summary,
)

ARGUMENT_SPEC = BOOTSTRAP_SUMMARY


class ActionModule(PipelineAction):
    """The action ``crossaccount.pipeline.bootstrap_summary``."""

    argument_spec = ARGUMENT_SPEC
    calls_aws = False

    def act(self) -> dict[str, t.Any]:
        """Show the summary, and return which hosts must end as failed."""
        hostvars = self.task_vars["hostvars"]
        plan = require_plan(hostvars)
        check_mode = bool(self._task.check_mode)
        rows = summarise(Run(plan, Results(plan, hostvars)), check_mode=check_mode)
        shown = show_summary(
            rows,
            plan["orphans"],
            plan["blocked"],
            plan["readings"],
            plan["outdated_roles"],
            name=self.options["name"],
            started=plan["started"],
            check_mode=check_mode,
        )
        return {**shown, "results": {row.host.name: row.result for row in rows}}
