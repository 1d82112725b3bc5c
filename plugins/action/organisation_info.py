# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the inventory and return it as data; documented by the module of the same name."""

from __future__ import annotations

import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._action import PipelineAction
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._arguments import (
    ORGANISATION_INFO,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.plan import (
    foundation_hosts,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.rules import (
    read_organisation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.variables import (
    Variables,
)

ARGUMENT_SPEC = ORGANISATION_INFO


class ActionModule(PipelineAction):
    """The action ``crossaccount.pipeline.organisation_info``."""

    argument_spec = ARGUMENT_SPEC
    calls_aws = False

    def act(self) -> dict[str, t.Any]:
        """Check and read the inventory."""
        variables = Variables(
            self.task_vars["groups"], self.task_vars["hostvars"], loader=self._loader
        )
        organisation = read_organisation(variables, variables.problems)
        variables.problems.raise_any()
        if self.options["teardown"]:
            organisation = organisation.all_absent()
        play_hosts = self.task_vars.get("ansible_play_hosts_all", list(organisation.hosts))
        return {
            "changed": False,
            "organisation": organisation.as_data(),
            "foundation": [host.target() for host in foundation_hosts(organisation, play_hosts)],
        }
