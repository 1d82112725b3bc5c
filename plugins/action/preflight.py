# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check everything before the first write; documented by the module of the same name."""

from __future__ import annotations

import datetime
import typing as t
import uuid

from ansible import context
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._accounts.sources import (
    configured,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._action import PipelineAction
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._arguments import PREFLIGHT
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.batch import gateway_of
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.inspected import (
    check_and_inspect,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.inventory import (
    Inventory,
    read_inventory,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.preflight import (
    check,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.recorded import (
    note_run,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.request import (
    Request,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.patterns import (
    check_patterns,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.rules import (
    pipeline_warnings,
)

ARGUMENT_SPEC = PREFLIGHT


class ActionModule(PipelineAction):
    """The action ``crossaccount.pipeline.preflight``."""

    argument_spec = ARGUMENT_SPEC

    def act(self) -> dict[str, t.Any]:
        """Check the inventory, then AWS, and return the plan."""
        variables = self.task_vars
        inventory = read_inventory(
            self.inventory_variables(),
            hosts=variables["ansible_play_hosts_all"],
            tags=self._tags(variables["ansible_run_tags"]),
            skipped=variables["ansible_skip_tags"],
            sources=configured(variables.get("ansible_inventory_sources") or ()),
            teardown=self.options["teardown"],
        )
        if not inventory.organisation.is_slice:  # which does not have every host
            given = {
                "--limit": context.CLIARGS.get("subset"),
                "drift_hosts": self.options["pattern"],
            }
            check_patterns(given, variables["groups"], self._loader)
        gateway = gateway_of(
            {
                "sts_region": inventory.organisation.primary_region,
                "endpoint_url": self.options["endpoint_url"],
            }
        )
        request = self._request(inventory)
        found: dict[str, t.Any] = {"changed": False}
        if self.options["inspect"]:
            plan, drift = check_and_inspect(
                request, gateway, self.patience(self.options["wait_timeout"])
            )
            found |= {**plan, "drift": drift.as_dict()}
        else:
            found |= check(request, gateway)
        note_run(request.run)
        warnings = pipeline_warnings(inventory.pipelines, inventory.organisation)
        return {**found, "warnings": warnings} if warnings else found

    def _tags(self, run_tags: t.Collection[str]) -> t.Collection[str]:
        """Return the tags that choose groups; none if the whole playbook is chosen."""
        inherited = set(self._task.tags) - {"always"}
        return () if inherited & set(run_tags) else run_tags

    def _request(self, inventory: Inventory) -> Request:
        return Request(
            run=uuid.uuid4().hex,
            started=datetime.datetime.now(datetime.UTC).isoformat(),
            organisation=inventory.organisation,
            pipelines=inventory.pipelines,
            hosts=inventory.hosts,
            settings=inventory.settings,
            accepting=inventory.accepting,
            readmitted=inventory.readmitted,
            readings=inventory.readings,
            access_stacks=inventory.access_stacks,
            check_mode=self._task.check_mode,
        )
