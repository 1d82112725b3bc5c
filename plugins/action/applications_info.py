# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the application pipelines and return them; documented by the module of the same name."""

from __future__ import annotations

import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._action import PipelineAction
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._arguments import (
    APPLICATIONS_INFO,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    Organisation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.variables import (
    Variables,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.rules import (
    read_pipelines,
)

ARGUMENT_SPEC = APPLICATIONS_INFO


class ActionModule(PipelineAction):
    """The action ``crossaccount.pipeline.applications_info``."""

    argument_spec = ARGUMENT_SPEC
    calls_aws = False

    def act(self) -> dict[str, t.Any]:
        """Check and read the pipelines."""
        organisation = Organisation.from_data(self.options["organisation"])
        variables = Variables(
            self.task_vars["groups"], self.task_vars["hostvars"], loader=self._loader
        )
        pipelines = read_pipelines(variables, organisation, variables.problems)
        variables.problems.raise_any()
        return {
            "changed": False,
            "applications": [pipeline.as_dict() for pipeline in pipelines.values()],
        }
