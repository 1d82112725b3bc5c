# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Give one verdict on a drift run done in parts; documented by the module of the same name."""

from __future__ import annotations

import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._action import PipelineAction
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._arguments import DRIFT_VERDICT
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.drift_screen import (
    verdict_lines,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.notice import notice
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.terminal import (
    show,
    width,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.verdict import (
    collect,
    failure,
)

ARGUMENT_SPEC = DRIFT_VERDICT


class ActionModule(PipelineAction):
    """The action ``crossaccount.pipeline.drift_verdict``."""

    argument_spec = ARGUMENT_SPEC
    calls_aws = False

    def act(self) -> dict[str, t.Any]:
        """Combine the summaries, show them, and return why the job must fail."""
        summary = collect(self.options["reports"], self.options["hosts"])
        lines = verdict_lines(summary, width=width())
        show(lines)
        return {
            "changed": False,
            "verdict": summary["verdict"],
            "complete": summary["complete"],
            "summary": summary,
            "notice": notice(summary),
            "failure": failure(summary, drift=self.options["fail_on_drift"]),
            "text": [line.text for line in lines],
        }
