# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From an inventory to the policies of its organisation."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible.template import trust_as_template
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    DEPLOY_ACCOUNTS,
    PIPELINES,
    REGIONAL,
    Host,
    Organisation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.rules import (
    read_organisation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.variables import (
    Variables,
)

from tests.policy.export import Clients, Export, Stack, read_export
from tests.policy.foundation import Account, Foundation
from tools.environment import ROOT

INVENTORY = ROOT / "inventories" / "org"


def read_inventory(inventory: Path) -> Organisation:
    """Return the organisation that an inventory describes."""
    done = subprocess.run(
        ["ansible-inventory", "-i", str(inventory), "--list"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    hostvars = _trusted(found["_meta"]["hostvars"])
    groups = {name: one.get("hosts", []) for name, one in found.items() if name != "_meta"}
    variables = Variables({**groups, "all": list(hostvars)}, hostvars)
    organisation = read_organisation(variables, variables.problems)
    variables.problems.raise_any()
    return organisation


def _trusted(value: Any) -> Any:
    """Let templates be resolved: ansible-inventory lists them as they are written."""
    if isinstance(value, dict):
        return {key: _trusted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_trusted(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) else value


def read_foundation(
    clients: Clients, inventory: Path, *, roles: Iterable[tuple[str, str]] = ()
) -> Foundation:
    """Return the foundation of *inventory*, with the policies of everything that it holds.

    The stacks of its pipelines are exported too, and more *roles* (account and name).
    """
    organisation = read_inventory(inventory)
    primary = _stack(organisation.primary)
    foundation = Foundation(
        export=Export(),
        primary=primary,
        regional=tuple(_stack(one) for one in organisation.of(REGIONAL) if one.is_present),
        accounts=tuple(
            Account(
                name=one.name,
                stack=_stack(one),
                regions=one.regions,
                access_role=_access_role(clients, _stack(one)),
            )
            for one in organisation.of(DEPLOY_ACCOUNTS)
            if one.is_present
        ),
    )
    stacks = [*foundation.stacks, *(_stack(one) for one in organisation.of(PIPELINES))]
    export = read_export(clients, stacks, roles=roles)
    values = _parameters(clients, primary)[1]
    if organisation_id := values["OrganisationId"]:
        export.organisation = organisation_id
        path = values["OrganisationPaths"].partition(",")[0].rstrip("*")
        export.unit = path or f"{organisation_id}/r-root/"
    admits = values["GrantMode"] == "organization"
    return replace(foundation, export=export, admits_organization=admits)


def pipelines(foundation: Foundation) -> list[Stack]:
    """Return the stacks of the pipelines."""
    found = {one.stack for one in foundation.export.resources}
    return sorted(found - set(foundation.stacks))


def _access_role(clients: Clients, stack: Stack) -> str:
    """The role that the stack protects as the one that deploys it."""
    stack_id, values = _parameters(clients, stack)
    partition = stack_id.split(":")[1]
    return f"arn:{partition}:iam::{stack.account}:role/{values['AccessRoleName']}"


def _parameters(clients: Clients, stack: Stack) -> tuple[str, dict[str, str]]:
    """The ARN of a stack, and its parameters."""
    client = clients("cloudformation", stack.account, stack.region)
    found = client.describe_stacks(StackName=stack.name)["Stacks"][0]
    values = {one["ParameterKey"]: one["ParameterValue"] for one in found["Parameters"]}
    return found["StackId"], values


def _stack(host: Host) -> Stack:
    return Stack(host.account_id, host.region, host.stack_name)


__all__ = ("INVENTORY", "pipelines", "read_foundation", "read_inventory")
