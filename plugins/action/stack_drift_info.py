# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the drift of many stacks at once; documented by the module of the same name."""

from __future__ import annotations

import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._action import PipelineAction
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._arguments import (
    STACK_DRIFT_INFO,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.batch import (
    gateway_of,
    stack_targets,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.run import (
    begin_inspections,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.listing import Listings

ARGUMENT_SPEC = STACK_DRIFT_INFO


class ActionModule(PipelineAction):
    """The action ``crossaccount.pipeline.stack_drift_info``."""

    argument_spec = ARGUMENT_SPEC

    def act(self) -> dict[str, t.Any]:
        """Inspect the stacks."""
        gateway = gateway_of(self.options)
        patience = self.patience(self.options["wait_timeout"])
        tag = self.options["tag"]
        fleet = begin_inspections(
            stack_targets(self.options),
            gateway,
            policies=self.options["policies"],
            listings=Listings(gateway) if tag else None,
        )
        found = fleet.finish(patience, tag=tag, others=self.options["others"])
        return {
            "changed": False,
            "caller_account_id": gateway.known_caller_account_id,
            **found.as_dict(),
        }
