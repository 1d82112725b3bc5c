# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prove the path to every account and region; documented by the module of the same name."""

from __future__ import annotations

import datetime
import functools
import typing as t
import uuid

from ansible import context
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._accounts.sources import (
    configured,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._action import PipelineAction
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._arguments import PROVE
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.batch import gateway_of
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.inventory import (
    read_inventory,
    role_settings,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    PIPELINES,
    Organisation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.patterns import (
    check_patterns,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.variables import (
    Variables,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._prove.clean import Removed
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._prove.model import failures
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._prove.plan import (
    Plan,
    make_plan,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._prove.prove import (
    Proving,
    Request,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.command import (
    inventory_options,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.lines import count
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.terminal import (
    show_progress,
)

ARGUMENT_SPEC = PROVE


class ActionModule(PipelineAction):
    """The action ``crossaccount.pipeline.prove``."""

    argument_spec = ARGUMENT_SPEC

    def act(self) -> dict[str, t.Any]:
        """Prove the paths, or remove what earlier runs left."""
        if self.options["at_once"] < 1:
            raise PipelineError("at_once must be 1 or more")
        variables = self.inventory_variables()
        inventory = read_inventory(
            variables,
            hosts=self.task_vars["ansible_play_hosts_all"],
            sources=configured(self.task_vars.get("ansible_inventory_sources") or ()),
        )
        organisation = inventory.organisation
        check_patterns(
            {"--limit": context.CLIARGS.get("subset")}, self.task_vars["groups"], self._loader
        )
        request = Request(
            organisation=organisation,
            pipelines=inventory.pipelines,
            inventory=" ".join(inventory_options()),
            settings=_settings(variables, organisation),
            at_once=self.options["at_once"],
            report=show_progress,
            check_mode=self._task.check_mode,
        )
        if self.options["state"] == "absent":
            return self._clean(request)
        plan = make_plan(organisation, inventory.hosts, uuid.uuid4().hex[:6])
        show_progress(_announcement(plan, request.at_once))
        return self._prove(request, plan)

    def _open(self, request: Request) -> Proving:
        gateway = gateway_of(
            {
                "sts_region": request.organisation.primary_region,
                "endpoint_url": self.options["endpoint_url"],
            }
        )
        return Proving(request, gateway)

    def _clean(self, request: Request) -> dict[str, t.Any]:
        removed = self._open(request).clean()
        if removed.problems:
            raise PipelineError(
                "not all of it could be removed",
                errors=removed.problems,
            )
        return {**_removed(removed), "proof": None, "failures": []}

    def _prove(self, request: Request, plan: Plan) -> dict[str, t.Any]:
        started = datetime.datetime.now(datetime.UTC).isoformat()
        proving = self._open(request)
        removed = proving.clean_leftovers()
        known = proving.look(plan)
        if request.check_mode:
            proof = proving.preview(plan, known, started)
            return {**_removed(removed), "changed": True, "proof": proof, "failures": []}
        proof = proving.prove(plan, known, started, earlier=removed)
        return {**_removed(removed), "changed": True, "proof": proof, "failures": failures(proof)}


def _settings(variables: Variables, organisation: Organisation) -> dict[str, t.Any]:
    """Return what the role of pipelines takes: as a pipeline's host has it, if there is one."""
    hosts = [host.name for host in organisation.of(PIPELINES)] or [organisation.primary.name]
    return role_settings(PIPELINES, functools.partial(variables.get, hosts[0]), hosts[0])


def _removed(removed: Removed) -> dict[str, t.Any]:
    return {
        "changed": bool(removed.stacks or removed.objects),
        "removed": [*removed.stacks, *([count(removed.objects, "object")] * bool(removed.objects))],
    }


def _announcement(plan: Plan, at_once: int) -> str:
    """Return what a run makes and costs, for before the first call."""
    estimate = plan.estimate
    pipelines = count(estimate.pipelines, "temporary pipeline")
    pace = f", {at_once} at a time" if at_once < estimate.pipelines else ""
    return (
        f"  {count(estimate.paths, 'path')} by {pipelines}{pace}:"
        f" {count(estimate.actions, 'action')}, about {estimate.dollars:.2f} USD"
    )
