# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check before access.yml writes; documented by the module of the same name."""

from __future__ import annotations

import datetime
import typing as t
import uuid

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._access.check import (
    AccessRequest,
    check_access,
    read_settings_of,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._access.plan import taking_part
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._action import PipelineAction
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._arguments import (
    ACCESS_PREFLIGHT,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.batch import gateway_of
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.rules import (
    read_organisation,
)

ARGUMENT_SPEC = ACCESS_PREFLIGHT


class ActionModule(PipelineAction):
    """The action ``crossaccount.pipeline.access_preflight``."""

    argument_spec = ARGUMENT_SPEC

    def act(self) -> dict[str, t.Any]:
        """Check the inventory, then every account, and return the plan."""
        variables = self.inventory_variables()
        organisation = read_organisation(variables, variables.problems)
        if self.options["remove"]:
            organisation = organisation.all_absent()
        hosts = taking_part(organisation, self.task_vars["ansible_play_hosts_all"])
        settings = read_settings_of(hosts, variables)
        variables.problems.raise_any()
        if not hosts:
            raise PipelineError(
                "no account of the inventory takes part in this run",
                cure="Look at --limit, and at the groups primary and deploy_accounts",
            )
        request = AccessRequest(
            run=uuid.uuid4().hex,
            started=datetime.datetime.now(datetime.UTC).isoformat(),
            organisation=organisation,
            hosts=hosts,
            settings=settings,
            check_mode=self._task.check_mode,
        )
        gateway = gateway_of(
            {
                "sts_region": organisation.primary_region,
                "endpoint_url": self.options["endpoint_url"],
            }
        )
        return {"changed": False, **check_access(request, gateway)}
