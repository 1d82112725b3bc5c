# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Canary runs on the lab in the process of the test, and what they may leave."""

from __future__ import annotations

from typing import Any

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.gateway import Gateway
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    DEPLOY_ACCOUNTS,
    PIPELINES,
    PRIMARY,
    REGIONAL,
    ROLE_NAMES,
    STACK_NAMES,
    Host,
    Organisation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.settings import (
    read_settings,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._prove.model import Proof
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._prove.plan import (
    Plan,
    make_plan,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._prove.prove import (
    Proving,
    Request,
)

from lab import Lab
from lab.organisation.model import Access
from tests.integration.held import Held
from tests.integration.inventory import Inventory

PREFIX = "crossaccount-prove-"

Everything = dict[str, Any]


class World:
    """A run on the lab, as the operator, without Ansible."""

    RUN = "abc123"

    def __init__(self, lab: Lab, inventory: Inventory, *, setup: Access | None = None) -> None:
        self._lab = lab
        self.organisation = _organisation(lab, inventory, setup or lab.organisation.operator)
        self.progress: list[str] = []

    def proving(self) -> Proving:
        """A run that has read the primary region."""
        values = {"build_account_id": self._lab.organisation.build, "primary_region": "us-east-1"}
        request = Request(
            organisation=self.organisation,
            pipelines={},
            inventory="",
            settings=read_settings(PIPELINES, values.get) | {"stack_name": ""},
            at_once=2,
            report=self.progress.append,
        )
        return Proving(request, Gateway(sts_region="us-east-1", endpoint_url=self._lab.url))

    def plan(self, *hosts: str) -> Plan:
        """What a run over hosts makes; over all of them by default."""
        return make_plan(self.organisation, hosts or self.organisation.hosts, self.RUN)

    def prove(self, *hosts: str) -> Proof:
        """The proof of a run."""
        proving, plan = self.proving(), self.plan(*hosts)
        return proving.prove(plan, proving.look(plan), "2026-11-27T10:00:00+00:00")


def _organisation(lab: Lab, inventory: Inventory, setup: Access) -> Organisation:
    build = lab.organisation.build
    enters_build = setup.access_role == lab.organisation.management_access.access_role
    own = setup.access_role if enters_build else None
    primary = Host(
        name="build",
        group=PRIMARY,
        account_id=build,
        region=inventory.primary_region,
        stack_name=STACK_NAMES[PRIMARY][1],
        access_role_name=own,
    )
    regions = [
        Host(
            name=region,
            group=REGIONAL,
            account_id=build,
            region=region,
            stack_name=STACK_NAMES[REGIONAL][1],
            access_role_name=own,
        )
        for region in inventory.regional
    ]
    accounts = [
        Host(
            name=name,
            group=DEPLOY_ACCOUNTS,
            account_id=account.account_id,
            region=inventory.primary_region,
            stack_name=STACK_NAMES[DEPLOY_ACCOUNTS][1],
            regions=account.regions,
            state="quarantined" if account.quarantined else "present",
            access_role_name=setup.access_role,
        )
        for name, account in inventory.accounts.items()
    ]
    return Organisation(
        build_account_id=build,
        primary_region=inventory.primary_region,
        role_names=dict(ROLE_NAMES),
        primary=primary,
        hosts={host.name: host for host in (primary, *regions, *accounts)},
    )


def everything(lab: Lab, held: Held) -> Everything:
    """What AWS holds that a canary could leave: stacks, pipelines, roles, objects."""
    build = lab.organisation.build
    s3 = lab.client("s3", build)
    return {
        "stacks": {name: stack["StackStatus"] for name, stack in held.stacks().items()},
        "pipelines": lab.client("codepipeline", build).list_pipelines()["pipelines"],
        "roles": sorted(
            role["RoleName"] for role in lab.client("iam", build).list_roles()["Roles"]
        ),
        "objects": sorted(
            (bucket["Name"], version["Key"])
            for bucket in s3.list_buckets()["Buckets"]
            for version in s3.list_object_versions(Bucket=bucket["Name"]).get("Versions", [])
        ),
    }


def statuses(proof: Proof) -> dict[tuple[str, str], str]:
    return {(path["host"], path["region"]): path["status"] for path in proof["paths"]}


__all__ = ("PREFIX", "World", "everything", "statuses")
