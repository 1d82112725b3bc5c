# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the pipelines of an account; documented by the module of the same name."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._action import PipelineAction
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._arguments import PIPELINES_INFO
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.batch import (
    account_of,
    gateway_of,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.live import (
    read_live_pipelines,
)

ARGUMENT_SPEC = PIPELINES_INFO


class ActionModule(PipelineAction):
    """The action ``crossaccount.pipeline.pipelines_info``."""

    argument_spec = ARGUMENT_SPEC

    def act(self) -> dict[str, t.Any]:
        """Read the pipelines."""
        self.require("account_id", "region")
        region = self.options["region"]
        session = gateway_of(self.options).open(account_of(self.options))
        pipelines = read_live_pipelines(session.client("codepipeline", region), region)
        return {"changed": False, "pipelines": [dataclasses.asdict(one) for one in pipelines]}
