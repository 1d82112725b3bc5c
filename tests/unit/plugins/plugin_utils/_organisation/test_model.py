# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The organisation that an inventory describes, and what follows from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    STACK_NAMES,
    Host,
    Organisation,
)

from tests.fakes.inventory import BUILD, HOSTS_FILE, PRODUCTION, Inventory

ROOT = Path(__file__).resolve().parents[5]


@pytest.fixture
def inventory() -> Inventory:
    return Inventory()


def names(hosts: list[Host]) -> list[str]:
    return [host.name for host in hosts]


def retire(inventory: Inventory, region: str) -> None:
    """Make a region absent, as the rules require."""
    inventory.hosts[region]["state"] = "absent"
    for host in inventory.hosts.values():
        if region in host.get("regions", ()):
            host["regions"].remove(region)


def test_the_inventory_of_the_tests_is_the_one_that_is_shipped(inventory: Inventory) -> None:
    shipped = yaml.safe_load((ROOT / HOSTS_FILE).read_text(encoding="ascii"))
    del shipped["pipelines"]

    assert {group: sorted(content["hosts"]) for group, content in shipped.items()} == {
        group: sorted(members) for group, members in inventory.groups.items()
    }
    assert shipped["deploy_accounts"]["hosts"] == {
        name: {key: inventory.hosts[name][key] for key in ("account_id", "regions")}
        for name in inventory.groups["deploy_accounts"]
    }


def test_each_host_is_a_stack_and_how_to_reach_it(inventory: Inventory) -> None:
    inventory.hosts["build"]["role_arn"] = f"arn:aws:iam::{BUILD}:role/Build"
    inventory.add("pipelines", "hello", state="absent")
    organisation = inventory.read()

    assert organisation.hosts["eu-west-1"] == Host(
        name="eu-west-1",
        group="regional",
        account_id=BUILD,
        region="eu-west-1",
        stack_name="CrossAccountRegional",
        access_role_name="CrossAccountAccess",
    )
    assert organisation.hosts["production"] == Host(
        name="production",
        group="deploy_accounts",
        account_id=PRODUCTION,
        region="us-east-1",
        stack_name="CrossAccountDeploy",
        regions=("us-east-1", "eu-west-1", "ap-southeast-2"),
        access_role_name="CrossAccountAccess",
    )
    # A pipeline is reached as the primary is.
    assert organisation.hosts["hello"] == Host(
        name="hello",
        group="pipelines",
        account_id=BUILD,
        region="us-east-1",
        stack_name="hello-pipeline",
        state="absent",
        role_arn=f"arn:aws:iam::{BUILD}:role/Build",
        access_role_name="CrossAccountAccess",
    )
    assert organisation.primary is organisation.hosts["build"]
    assert "hello" not in names(organisation.foundation)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, (None, None, "CrossAccountAccess")),
        ({"aws_profile": "", "role_arn": ""}, (None, None, "CrossAccountAccess")),
        ({"aws_profile": "tools"}, ("tools", None, "CrossAccountAccess")),
        (
            {"role_arn": f"arn:aws:iam::{PRODUCTION}:role/path/Other"},
            (None, f"arn:aws:iam::{PRODUCTION}:role/path/Other", "CrossAccountAccess"),
        ),
        ({"access_role_name": None}, (None, None, "OrganizationAccountAccessRole")),
        ({"access_role_name": ""}, (None, None, None)),
    ],
)
def test_a_host_may_be_reached_in_another_way(
    inventory: Inventory, variables: dict[str, str], expected: tuple[str | None, ...]
) -> None:
    inventory.hosts["production"] |= variables

    host = inventory.read().hosts["production"]

    assert (host.profile, host.role_arn, host.access_role_name) == expected
    assert None not in host.target().values()


def test_a_host_may_ask_for_a_session_of_its_own(inventory: Inventory) -> None:
    session = {
        "external_id": "crossaccount",
        "session_name": "release-42",
        "session_duration": 900,
        "source_identity": "alice",
        "session_tags": {"team": "platform"},
    }
    inventory.hosts["build"] |= session
    inventory.add_pipeline("shop", testing=None)

    hosts = inventory.read().hosts

    for name in ("build", "shop"):
        assert hosts[name].target().items() >= session.items()


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({}, None),
        ({"awx_schedule_name": "every night"}, "every night"),
        ({"awx_schedule_name": "every night", "awx_user_name": "alice"}, "alice"),
        ({"awx_user_name": "alice", "session_name": "robot"}, "robot"),
    ],
)
def test_a_job_of_awx_works_as_its_user(
    inventory: Inventory, variables: dict[str, str], name: str | None
) -> None:
    inventory.shared |= variables

    assert inventory.read().hosts["testing"].session_name == name


@pytest.mark.parametrize(
    ("group", "name"),
    [("regional", "eu-west-1"), ("primary", "build"), ("deploy_accounts", "testing")],
)
def test_names_of_stacks_may_be_set(inventory: Inventory, group: str, name: str) -> None:
    inventory.shared[STACK_NAMES[group][0]] = "Another"

    assert inventory.read().hosts[name].stack_name == "Another"


def test_names_of_deploy_roles_have_defaults(inventory: Inventory) -> None:
    inventory.shared["codepipeline_role_name"] = "Another"

    assert inventory.read().role_names == {
        "codepipeline_role_name": "Another",
        "cloudformation_role_name": "CrossAccountCloudFormation",
    }


@pytest.mark.parametrize("state", ["present", "quarantined", "absent"])
def test_a_region_grants_the_present_accounts_that_list_it(
    inventory: Inventory, state: str
) -> None:
    inventory.hosts["testing"]["state"] = state

    organisation = inventory.read()

    testing = ["testing"] if state == "present" else []
    assert names(organisation.granted("eu-west-1")) == ["production", *testing]
    assert names(organisation.granted("ap-southeast-2")) == ["production"]
    assert names(organisation.granted("sa-east-1")) == []


def test_an_absent_region_has_no_foundation(inventory: Inventory) -> None:
    retire(inventory, "eu-west-1")

    organisation = inventory.read()

    assert organisation.hosts["eu-west-1"].is_absent
    assert organisation.regions == ["ap-southeast-2", "us-east-1"]


def test_an_account_and_its_region_may_be_absent_together(inventory: Inventory) -> None:
    inventory.hosts["production"] |= {"state": "absent", "regions": ["ap-southeast-2", "gone-1"]}
    inventory.hosts["ap-southeast-2"]["state"] = "absent"
    inventory.hosts["production"]["regions"] = ["ap-southeast-2", "sa-east-1"]

    assert inventory.read().regions == ["eu-west-1", "us-east-1"]


@pytest.mark.parametrize("missing", [True, False], ids=["missing", "empty"])
@pytest.mark.parametrize("group", ["regional", "deploy_accounts"])
def test_a_group_may_be_empty_or_missing(inventory: Inventory, group: str, missing: bool) -> None:
    inventory.remove(*list(inventory.groups[group]))
    if missing:
        del inventory.groups[group]
    for name in inventory.groups.get("deploy_accounts", []):
        inventory.hosts[name]["regions"] = ["us-east-1"]

    assert inventory.read().of(group) == []


def test_the_build_account_may_be_a_target_of_its_own(inventory: Inventory) -> None:
    inventory.add_account("build-as-target", BUILD)

    assert inventory.read().hosts["build-as-target"].account_id == BUILD


def test_a_teardown_makes_every_host_absent_but_quarantined_ones(inventory: Inventory) -> None:
    inventory.hosts["testing"]["state"] = "quarantined"
    inventory.add("pipelines", "hello")
    before = inventory.read()

    after = before.all_absent()

    assert {name for name, host in after.hosts.items() if not host.is_absent} == {"testing"}
    assert after.primary == after.hosts["build"]
    assert after.regions == ["us-east-1"]
    assert after.granted("us-east-1") == []
    assert not any(host.is_absent for host in before.hosts.values())


def test_a_slice_of_deploy_accounts_has_a_stand_in_for_the_primary(inventory: Inventory) -> None:
    inventory.remove("eu-west-1", "ap-southeast-2", "build")
    inventory.shared["primary_stack_name"] = "Another"

    organisation = inventory.read()

    assert organisation.is_slice
    assert organisation.primary == Host(
        name="(primary)",
        group="primary",
        account_id=BUILD,
        region="us-east-1",
        stack_name="Another",
        access_role_name="CrossAccountAccess",
    )
    assert organisation.primary.name not in organisation.hosts
    assert organisation.all_absent().primary.is_absent


@pytest.mark.parametrize("is_slice", [False, True])
def test_an_organisation_survives_as_plain_data(inventory: Inventory, is_slice: bool) -> None:
    inventory.hosts["production"]["role_arn"] = f"arn:aws:iam::{PRODUCTION}:role/Other"
    inventory.hosts["testing"]["session_tags"] = {"team": "platform"}
    if is_slice:
        inventory.remove("eu-west-1", "ap-southeast-2", "build")
    organisation = inventory.read().all_absent()

    data = json.loads(json.dumps(organisation.as_dict()))

    assert Organisation.from_dict(data) == organisation
