# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plugin as Ansible uses it: next to static files, with its cache, and when it fails."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible import constants
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import inventory_loader
from ansible.template import is_trusted_as_template
from ansible.vars.manager import VariableManager
from ansible_collections.crossaccount.pipeline.plugins.inventory import organizations
from ansible_collections.crossaccount.pipeline.plugins.inventory.organizations import (
    InventoryModule,
)

from tests.fakes.organizations import FakeOrganizations
from tests.fakes.service import refuse

OPTIONS: dict[str, Any] = {
    "plugin": "crossaccount.pipeline.organizations",
    "organizational_units": ["Workloads"],
    "regions": ["us-east-1"],
}
STATIC = {
    "primary": {"hosts": {"build": {}}},
    "deploy_accounts": {"hosts": {"production": {"deploy_account_read_alarms": True}}},
}


def option_definitions() -> dict[str, Any]:
    """The plugin's options with those of its fragments, as Ansible's own loader joins them."""
    documentation = yaml.safe_load(organizations.DOCUMENTATION)
    found: dict[str, Any] = {}
    for fragment in documentation["extends_documentation_fragment"]:
        *collection, name = fragment.removesuffix(".plugins").split(".")
        package = f"ansible_collections.{'.'.join(collection)}"
        package = package.replace("ansible_collections.ansible.builtin", "ansible")
        module = importlib.import_module(f"{package}.plugins.doc_fragments.{name}")
        attribute = "PLUGINS" if fragment.endswith(".plugins") else "DOCUMENTATION"
        text = getattr(module.ModuleDocFragment, attribute, "{}")
        found |= yaml.safe_load(text).get("options", {})
    for name, option in documentation["options"].items():
        found[name] = {**found.get(name, {}), **option}
    return found


@pytest.fixture(autouse=True)
def loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an inventory use this plugin and that of YAML files."""
    name = InventoryModule.NAME
    constants.config.initialize_plugin_configuration_definitions(
        "inventory", name, option_definitions()
    )

    def plugins(_manager: InventoryManager) -> list[Any]:
        plugin = InventoryModule()
        plugin._load_name = plugin._original_path = plugin.ansible_name = name
        plugin._redirected_names = [name]
        return [plugin, inventory_loader.get("yaml")]

    monkeypatch.setattr(InventoryManager, "_fetch_inventory_plugins", plugins)


@pytest.fixture
def organization(monkeypatch: pytest.MonkeyPatch) -> FakeOrganizations:
    found = FakeOrganizations()
    found.add("333333333333", "Testing", "Workloads/Testing")
    found.add("444444444444", "Production", "Workloads/Production", tags={"stage": "last"})
    monkeypatch.setattr(InventoryModule, "client", lambda _self, _service, **_more: found.client)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "inventory"
    found.mkdir()
    (found / "hosts.yml").write_text(yaml.safe_dump(STATIC))
    return found


def parse(folder: Path, *, flush: bool = False, **options: Any) -> InventoryManager:
    """The inventory of static files and a file of the plugin."""
    text = yaml.safe_dump({**OPTIONS, **options}, width=1000)
    (folder / "organizations.yml").write_text(text)
    manager = InventoryManager(loader=DataLoader(), sources=None)
    manager._sources = [str(folder)]
    manager.parse_sources(cache=not flush)
    return manager


def variables(manager: InventoryManager, host: str) -> dict[str, Any]:
    found: dict[str, Any] = VariableManager(loader=DataLoader(), inventory=manager).get_vars(
        host=manager.get_host(host)
    )
    return found


def groups(manager: InventoryManager) -> dict[str, list[str]]:
    return {
        name: sorted(hosts)
        for name, hosts in manager.get_groups_dict().items()
        if name not in ("all", "ungrouped")
    }


def test_accounts_join_the_hosts_of_static_files(
    organization: FakeOrganizations, folder: Path
) -> None:
    inventory = parse(folder)
    assert groups(inventory) == {
        "primary": ["build"],
        "deploy_accounts": ["production", "testing"],
    }
    found = variables(inventory, "production")
    assert found["account_id"] == "444444444444"
    assert found["regions"] == ["us-east-1"]
    assert found["deploy_account_read_alarms"] is True
    mark = found["organizations_inventory"]
    assert mark == variables(inventory, "testing")["organizations_inventory"]
    assert mark["source"] == str(folder / "organizations.yml")
    assert (mark["accounts"], mark["cached"]) == (2, False)


def test_groups_and_names_come_from_ous_and_tags(
    organization: FakeOrganizations, folder: Path
) -> None:
    inventory = parse(
        folder,
        hostname="{{ account_name | lower }}-{{ account_id }}",
        keyed_groups=[
            {"key": "account_ous", "prefix": "ou"},
            {"key": "account_tags.stage | default('none')", "prefix": "stage"},
        ],
        groups={"abroad": "'eu-west-1' in regions"},
        compose={"regions": "['us-east-1', 'eu-west-1'] if 'stage' in account_tags else regions"},
    )
    production, testing = "production-444444444444", "testing-333333333333"
    assert groups(inventory) == {
        "primary": ["build"],
        "deploy_accounts": ["production", production, testing],
        "ou_Workloads": [production, testing],
        "ou_Workloads_Production": [production],
        "ou_Workloads_Testing": [testing],
        "stage_last": [production],
        "stage_none": [testing],
        "abroad": [production],
    }


def test_no_expression_makes_a_closed_account_present(
    organization: FakeOrganizations, folder: Path
) -> None:
    organization.accounts["444444444444"]["State"] = "PENDING_CLOSURE"
    inventory = parse(folder, compose={"state": "'present'"})
    assert variables(inventory, "production")["state"] == "quarantined"
    assert variables(inventory, "testing")["state"] == "present"


def test_host_vars_have_the_last_word(organization: FakeOrganizations, folder: Path) -> None:
    (folder / "host_vars").mkdir()
    (folder / "host_vars" / "production.yml").write_text("regions: [eu-west-1]")
    assert variables(parse(folder), "production")["regions"] == ["eu-west-1"]


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ({"organizational_units": ["Workload"]}, "no such OU:\n  - Workload. Did you mean Workl"),
        ({"organizational_units": None}, "organizational_units"),
        ({"nested": "ture"}, "nested is neither true nor false"),
        ({"region_tag": "regions"}, "unknown option region_tag. Did you mean regions_tag?"),
        ({"tags": {"stage": "first"}}, "no account is in the chosen OUs with the chosen tags"),
        ({"hostname": "{{ account_nam }}"}, "hostname of account 333333333333 (Testing): "),
        ({"hostname": "one"}, "host name one: accounts 333333333333 (Testing), 444444444444"),
        ({"compose": {"a": "b.c"}}, "Could not set a for host testing"),
        ({"groups": {"a": "account_tags.stage == 'last'"}}, "Could not add host testing to group"),
        ({"keyed_groups": [{"key": "account_tags.stage"}]}, "Could not generate group for host"),
        ({"regions": []}, "host testing, production: no regions"),
    ],
)
def test_every_failure_ends_the_process(
    organization: FakeOrganizations, folder: Path, options: dict[str, Any], cause: str
) -> None:
    """Ansible would go on with the hosts of the static file."""
    with pytest.raises(SystemExit) as caught:
        parse(folder, **options)
    text = str(caught.value.code)
    assert text.startswith(f"ERROR! {folder / 'organizations.yml'}: ")
    assert cause in text


def test_a_refused_call_ends_the_process(organization: FakeOrganizations, folder: Path) -> None:
    refusal = refuse("AccessDeniedException", "You don't have permissions.")
    organization.before("ListAccountsForParent", refusal)
    with pytest.raises(SystemExit, match=r"cannot be read.*Allow organizations:ListAccountsFor"):
        parse(folder)


def test_a_host_of_another_account_is_not_taken_over(
    organization: FakeOrganizations, folder: Path
) -> None:
    static = {"deploy_accounts": {"hosts": {"production": {"account_id": "222222222222"}}}}
    (folder / "hosts.yml").write_text(yaml.safe_dump(static))
    with pytest.raises(SystemExit, match="host production is account 222222222222 already"):
        parse(folder)


def test_only_text_without_templates_is_trusted(
    organization: FakeOrganizations, folder: Path
) -> None:
    """AWX gets other text as a mapping; whoever names accounts and tags writes no templates."""
    organization.add("666666666666", "{{ 6 * 7 }}", "Workloads", tags={"a": "{{ 1 }}", "b": "c"})
    inventory = parse(folder, hostname="{{ account_id }}", compose={"tags": "account_tags"})
    found = inventory.get_host("666666666666").vars
    assert found["account_name"] == "{{ 6 * 7 }}"
    assert not is_trusted_as_template(found["account_name"])
    assert not is_trusted_as_template(found["account_tags"]["a"])
    assert is_trusted_as_template(found["account_tags"]["b"])
    assert is_trusted_as_template(found["organizations_inventory"]["read"])


# The cache


@pytest.fixture
def cached(tmp_path: Path) -> dict[str, Any]:
    return {
        "cache": True,
        "cache_plugin": "jsonfile",
        "cache_connection": str(tmp_path / "cache"),
    }


def test_a_cached_reading_is_marked(
    organization: FakeOrganizations, folder: Path, cached: dict[str, Any]
) -> None:
    first = variables(parse(folder, **cached), "production")["organizations_inventory"]
    calls = len(organization.calls)
    organization.add("666666666666", "New", "Workloads")
    second = parse(folder, **cached)
    assert len(organization.calls) == calls
    assert groups(second)["deploy_accounts"] == ["production", "testing"]
    mark = variables(second, "production")["organizations_inventory"]
    assert mark == {**first, "cached": True}
    flushed = parse(folder, flush=True, **cached)
    assert groups(flushed)["deploy_accounts"] == ["new", "production", "testing"]
    assert groups(parse(folder, **cached)) == groups(flushed)


def test_a_cache_for_another_choice_is_not_used(
    organization: FakeOrganizations, folder: Path, cached: dict[str, Any]
) -> None:
    parse(folder, **cached)
    changed = parse(folder, **cached, organizational_units=["Workloads/Testing"])
    mark = variables(changed, "testing")["organizations_inventory"]
    assert (mark["accounts"], mark["cached"]) == (1, False)


def test_a_cache_does_not_hide_a_refusal(
    organization: FakeOrganizations, folder: Path, cached: dict[str, Any]
) -> None:
    parse(folder, **cached)
    organization.before("ListRoots", refuse("AccessDeniedException", "no"))
    with pytest.raises(SystemExit, match="the root of the organization cannot be read"):
        parse(folder, flush=True, **cached)
