# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Show the report of a drift run; documented by the module of the same name."""

from __future__ import annotations

import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._action import PipelineAction
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._arguments import DRIFT_SUMMARY
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.recorded import (
    find_report,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.lines import Line
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.terminal import show

ARGUMENT_SPEC = DRIFT_SUMMARY


class ActionModule(PipelineAction):
    """The action ``crossaccount.pipeline.drift_summary``."""

    argument_spec = ARGUMENT_SPEC
    calls_aws = False

    def act(self) -> dict[str, t.Any]:
        """Show what drift_report made of the run."""
        report = find_report(self.task_vars["hostvars"])
        if report is None:
            raise PipelineError("there is no report of this run", cure="Run drift_report first")
        show(map(Line, report["text"], report["meanings"]))
        return {"changed": False, "text": list(report["text"])}
