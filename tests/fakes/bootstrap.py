# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bootstrap without Ansible: the real check and phases, on stacks that are made at once."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Collection
from typing import Any, cast

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.gateway import Gateway
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap import inventory
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.desired import (
    desired_stack,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.plan import (
    HostResult,
    Plan,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.preflight import (
    check,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.request import (
    Request,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.run import Run

from tests.fakes.cloudformation import FakeCloudFormation, FakeStack
from tests.fakes.gateway import FakeGateway
from tests.fakes.inventory import BUILD, PRIMARY_OUTPUTS, Inventory, regional_outputs
from tools.environment import ROOT


@dataclasses.dataclass(frozen=True)
class Course:
    """What a run did.

    :param phases: the hosts of each play that had any, in order.
    """

    plan: Plan
    results: dict[str, HostResult]
    phases: dict[str, list[str]]

    @property
    def run(self) -> Run:
        """The run at its end."""
        return Run(self.plan, self.results)

    @property
    def shortfalls(self) -> dict[str, str]:
        """The hosts that end as failed, with the reason."""
        return {name: str(self.run.shortfall(name)) for name in self.run.incomplete()}


class World:
    """An organisation's accounts, and the runs of its inventory on them."""

    def __init__(self, inventory: Inventory | None = None) -> None:
        self.inventory = inventory or Inventory()
        self.gateway = FakeGateway({})

    def check(self, *hosts: str, **options: Any) -> Plan:
        """Return the plan of a run on *hosts*, by default on all."""
        return check(self._request(hosts, **options), cast("Gateway", self.gateway))

    def run(
        self,
        *hosts: str,
        playbook: str = "bootstrap",
        failing: Collection[str] = (),
        **options: Any,
    ) -> Course:
        """Run a playbook: what its plays are for is read from it.

        :param hosts: what --limit leaves, by default every host of the playbook.
        :param failing: hosts whose stacks cannot be made.
        """
        if playbook == "pipelines":
            hosts = hosts or tuple(self.inventory.groups["pipelines"])
        request = self._request(hosts, teardown=playbook == "teardown", **options)
        plan = check(request, cast("Gateway", self.gateway))
        results: dict[str, HostResult] = {}
        phases = {}
        for play in _plays(playbook):
            before = Run(plan, dict(results))
            names = list(dict.fromkeys(name for phase in play for name in before.hosts(phase)))
            if names:
                phases["+".join(play)] = names
            for name in names:
                results[name] = (
                    {"failed": True, "msg": "it broke", "run": plan["run"]}
                    if name in failing
                    else self._converge(request, before, name, play[0])
                )
        return Course(plan, results, phases)

    def stack(self, name: str) -> FakeStack | None:
        """Return the stack of a host; None when there is none."""
        host = self.inventory.read().hosts[name]
        found = self.region(name).stacks
        return next((stack for stack in found if stack.name == host.stack_name), None)

    def region(self, name: str) -> FakeCloudFormation:
        """Return CloudFormation where the stack of a host is."""
        host = self.inventory.read().hosts[name]
        return self.gateway.region(host.account_id, host.region)

    def calls(self) -> list[str]:
        """Return every operation that was called, and forget it."""
        services = [
            *self.gateway.regions.values(),
            *self.gateway.pipelines.values(),
            *self.gateway.roles.values(),
            self.gateway.organizations,
        ]
        found = [operation for service in services for operation in service.asked]
        for service in services:
            service.calls.clear()
        return sorted(found)

    def _request(
        self,
        hosts: Collection[str],
        *,
        teardown: bool = False,
        check_mode: bool = False,
        tags: Collection[str] = (),
    ) -> Request:
        found = inventory.read_inventory(
            self.inventory.variables(),
            hosts=hosts or list(self.inventory.hosts),
            tags=tags,
            teardown=teardown,
        )
        for host in found.organisation.hosts.values():  # clients are not made in threads
            self.gateway.region(host.account_id, host.region)
            self.gateway.roles_of(host.account_id)
        return Request(
            run="this",
            started="2026-11-24T08:00:00Z",
            organisation=found.organisation,
            pipelines=found.pipelines,
            hosts=found.hosts,
            settings=found.settings,
            accepting=found.accepting,
            readmitted=found.readmitted,
            check_mode=check_mode,
        )

    def _converge(self, request: Request, run: Run, name: str, phase: str) -> HostResult:
        """Make, change or remove a stack; return what the role registers."""
        host = request.organisation.hosts[name]
        region = self.gateway.region(host.account_id, host.region)
        stacks = region.stacks
        stack = next((stack for stack in stacks if stack.name == host.stack_name), None)
        if host.is_absent and phase != "regional":
            if not request.check_mode:
                stacks[:] = [other for other in stacks if other is not stack]
                self.gateway.pipelines_of(BUILD, "us-east-1").pipelines.pop(name, None)
            return _result("delete" if stack else "none", None)
        inputs = run.inputs(name)
        assert inputs is not None
        pipeline = request.pipelines.get(name)
        desired = desired_stack(host.group, name, request.settings[name], inputs, pipeline=pipeline)
        operation = "update" if stack else "create"
        if request.check_mode:
            return _result(operation, stack)
        stack = stack or region.add(name=host.stack_name)
        stack.status = f"{operation.upper()}_COMPLETE"
        stack.template, stack.parameters = desired.template, desired.parameters
        stack.tags, stack.protected = desired.tags, desired.termination_protection
        outputs = {"regional": regional_outputs(host.region), "primary": PRIMARY_OUTPUTS}
        stack.outputs = outputs.get(host.group, {})
        if host.group == "deploy_accounts":
            self.gateway.roles_of(host.account_id).names.add("CrossAccountCodePipeline")
        if pipeline is not None:
            stores = {
                entry["region"]: f"pipeline-{entry['region']}" for entry in inputs["register"]
            }
            stages: list[list[str | None]] = [
                [f"arn:aws:iam::{place.account_id}:role/One" for place in wave.environments]
                for wave in pipeline.waves
            ]
            names = [wave.name for wave in pipeline.waves]
            self.gateway.pipelines_of(BUILD, "us-east-1").add(name, stores, *stages, names=names)
        return _result(operation, stack)


@functools.cache
def _plays(playbook: str) -> list[list[str]]:
    """Return the phases of each play between the check and the summary."""
    text = (ROOT / "playbooks" / f"{playbook}.yml").read_text()
    plays = (re.findall(r"run_hosts\('(\w+)'\)", play) for play in text.split("- name: ")[1:])
    return [phases for phases in plays if phases and phases != ["summary"]]


def _result(operation: str, stack: FakeStack | None) -> HostResult:
    return {
        "run": "this",
        "changed": operation != "none",
        "operation": operation,
        "stack": {
            "status": stack.status if stack else None,
            "outputs": stack.outputs if stack else {},
            "parameters": stack.parameters if stack else {},
        },
    }
