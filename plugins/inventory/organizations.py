# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The accounts of AWS Organizations as hosts of group ``deploy_accounts``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: organizations
short_description: Accounts of AWS Organizations as deploy accounts
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - Makes the accounts of chosen OUs hosts of group C(deploy_accounts). Works together with static files,
    which hold regions of the build account, the primary, pipelines, and variables.
  - An account that is not active gets C(state=quarantined). The management account is left out.
  - Whatever cannot be read ends Ansible at once, with the cause. Fewer hosts would look like a smaller
    organization.
  - Its file is any YAML file with C(plugin) as below.
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [crossaccount.pipeline.organizations]
  organizational_units:
    description:
      - The OUs whose accounts become hosts, by path from the root such as V(Workloads/Production) or by id.
      - V(/) is the root.
    type: list
    elements: str
    required: true
  nested:
    description: Whether accounts of OUs below them are included.
    type: bool
    default: true
  tags:
    description:
      - Only accounts with these tags. Each tag has a value, or a list of them, of which one must match.
      - Shell-style patterns such as V(prod*) are allowed; V(*) is any value.
    type: dict
    default: {}
  exclude:
    description: Accounts that are left out.
    type: dict
    default: {}
    suboptions:
      accounts:
        description: Ids, or shell-style patterns of names.
        type: list
        elements: str
      organizational_units:
        description: Paths or ids; everything below them is left out too.
        type: list
        elements: str
      tags:
        description: As O(tags); an account with one of them is left out.
        type: dict
  hostname:
    description:
      - A Jinja template of the name of a host. It may use the variables that each host gets; see the notes.
      - By default the name of the account, in lower case, with a hyphen for all but letters and digits.
    type: str
  regions:
    description: The C(regions) of accounts for which neither O(regions_tag) nor O(regions_by_ou) has any.
    type: list
    elements: str
    default: []
  regions_by_ou:
    description: The regions of the accounts in OUs, by path or id. The nearest OU counts.
    type: dict
    default: {}
  regions_tag:
    description: A tag of accounts whose value lists their regions, separated by spaces.
    type: str
  strict:
    description: Whether an expression that fails ends Ansible. Otherwise its variable or group is missing.
    default: true
notes:
  - Each host has the variables C(account_id), C(account_name), C(account_state), C(account_ou) (the path of
    its OU), C(account_ous) (the paths of all its OUs, the outermost first), C(regions), and
    C(organizations_inventory), by which the check of a run sees that all hosts are there.
  - C(account_tags) holds its tags. They take a call for each account, so they are read only if an option
    needs them or a template uses them.
  - Credentials are those of the management account or of a delegated administrator.
  - The C(region) matters only in other partitions, such as V(cn-northwest-1).
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
  - amazon.aws.boto3
  - amazon.aws.common.plugins
  - amazon.aws.region.plugins
  - amazon.aws.assume_role.plugins
"""

EXAMPLES = r"""
# inventories/organizations/organizations.yml
plugin: crossaccount.pipeline.organizations
organizational_units:
  - Workloads
exclude:
  organizational_units: [Workloads/Sandbox]
  accounts: ["222222222222"]
regions: [us-east-1]
regions_by_ou:
  Workloads/Production: [us-east-1, eu-west-1]
regions_tag: regions
keyed_groups:
  # ou_Workloads, ou_Workloads_Production
  - key: account_ous
    prefix: ou
  # stage_canary, of accounts with the tag
  - key: account_tags.stage | default('none')
    prefix: stage
groups:
  europe: "'eu-west-1' in regions"
compose:
  deploy_account_read_alarms: account_ou == 'Workloads/Production'
"""

import typing as t
from pathlib import Path

from ansible.errors import AnsibleError
from ansible.template import trust_as_template
from ansible_collections.amazon.aws.plugins.plugin_utils.inventory import AWSInventoryBase
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._accounts import hosts, marker
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._accounts.model import (
    Choice,
    Snapshot,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._accounts.options import (
    check_config,
    choice_of,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._accounts.reading import read
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError

_GROUP = "deploy_accounts"
_RETRIES = {"mode": "adaptive", "total_max_attempts": 12}
_THREADS = 16
_CONNECTION = ("profile", "assume_role_arn", "endpoint_url", "region")
_TEMPLATES = ("hostname", "compose", "groups", "keyed_groups")


class InventoryModule(AWSInventoryBase):  # type: ignore[misc]  # amazon.aws carries no types
    """The inventory plugin ``crossaccount.pipeline.organizations``."""

    NAME = marker.PLUGIN

    def verify_file(self, path: str) -> bool:
        """Return whether a file names this plugin."""
        if not super().verify_file(path):
            return False
        file = Path(path)
        return file.is_file() and marker.is_configuration(
            file.read_text(encoding="utf-8", errors="replace")
        )

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        """Add the hosts. Ends the process where that fails.

        Ansible takes any exception for a source that others may make up for: it warns, and the run
        goes on with the hosts of the other files.
        """
        try:
            super().parse(inventory, loader, path)
            self._add_hosts(path, cache=cache)
        except Exception as exc:
            raise SystemExit(_message(path, exc)) from exc

    def _read_config_data(self, path: str) -> dict[str, t.Any]:
        config: dict[str, t.Any] = super()._read_config_data(path)
        check_config(config, self.option_definitions)
        return config

    def _add_hosts(self, path: str, *, cache: bool) -> None:
        choice = self._choice()
        snapshot, cached = self._snapshot(path, choice, cache=cache)
        accounts = hosts.choose(snapshot["accounts"], choice)
        if not accounts:
            raise PipelineError(
                "no account is in the chosen OUs with the chosen tags",
                cure="Choose others, or remove this file",
            )
        for name in hosts.unused(snapshot["accounts"], choice):
            self.display.warning(f"{path}: exclude.accounts: no account is {name}")
        regions = self._regions()
        found = []
        for account in accounts:
            variables = hosts.variables_of(account, regions)
            found.append((self._hostname(variables), variables))
        compose = self.get_option("compose") or {}
        hosts.check(found, regions="regions" not in compose)
        reading = marker.Marker(
            source=path,
            organization=snapshot["organization"],
            accounts=len(found),
            read=snapshot["read"],
            cached=cached,
        )
        for name, variables in found:
            self._add_host(name, {**variables, marker.VARIABLE: dict(reading)})
        how = "from the cache, read" if cached else "read"
        self.display.v(f"{path}: {len(found)} accounts, {how} at {snapshot['read']}")

    def _choice(self) -> Choice:
        options = {name: self.get_option(name) for name in self.option_definitions}
        texts = [str(options[name]) for name in _TEMPLATES]
        return choice_of(
            options,
            connection={name: options.get(name) for name in _CONNECTION},
            uses_tags=any("account_tags" in text for text in texts),
        )

    def _regions(self) -> hosts.Regions:
        return hosts.Regions(
            default=tuple(self.get_option("regions")),
            by_ou=self.get_option("regions_by_ou"),
            tag=self.get_option("regions_tag") or "",
        )

    def _snapshot(self, path: str, choice: Choice, *, cache: bool) -> tuple[Snapshot, bool]:
        """Return the accounts, and whether they come from the cache."""
        key = self.get_cache_key(path)
        is_cached, stored = self.get_cached_result(path, cache)
        if is_cached and isinstance(stored, dict) and stored.get("asked") == choice.as_dict():
            return t.cast("Snapshot", stored), True
        config = {"retries": _RETRIES, "max_pool_connections": _THREADS}
        snapshot = read(self.client("organizations", aws_config=config), choice)
        if self.get_option("cache"):
            self._cache[key] = dict(snapshot)
        return snapshot, False

    def _hostname(self, variables: hosts.Variables) -> str:
        template = self.get_option("hostname")
        if not template:
            return hosts.default_name(variables["account_name"])
        self.templar.available_variables = variables
        try:
            return str(self.templar.template(template))
        except AnsibleError as exc:
            name = f"{variables['account_id']} ({variables['account_name']})"
            raise PipelineError(f"hostname of account {name}: {exc}") from exc

    def _add_host(self, name: str, variables: hosts.Variables) -> None:
        known = self.inventory.hosts.get(name)
        other = known.vars.get("account_id") if known else None
        if other not in (None, variables["account_id"]):
            raise PipelineError(
                f"host {name} is account {other} already, in another source, and account"
                f" {variables['account_id']} here",
                cure="Give one of them another name",
            )
        self.inventory.add_host(name, group=self.inventory.add_group(_GROUP))
        for variable, value in variables.items():
            self.inventory.set_variable(name, variable, _plain(value))
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
        if "state" in variables:  # which no expression may lift
            self.inventory.set_variable(name, "state", variables["state"])
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        keyed_groups = self.get_option("keyed_groups")
        self._add_host_to_keyed_groups(keyed_groups, variables, name, strict=strict)


def _plain(value: t.Any) -> t.Any:
    """Trust text in which there is no template: other text reaches AWX as a mapping of its own."""
    if isinstance(value, str):
        return value if "{" in value else trust_as_template(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _message(path: str, exc: Exception) -> str:
    return (
        f"ERROR! {path}: {exc}\n{marker.PLUGIN} has ended Ansible: without these accounts the"
        " organization would look smaller."
    )
