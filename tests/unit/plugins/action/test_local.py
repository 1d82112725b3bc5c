# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The actions that call nobody: the inventory as data, and the summary."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.utils.display import Display
from ansible_collections.crossaccount.pipeline.plugins.action import (
    bootstrap_summary,
    organisation_info,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils import _action
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    Organisation,
)

from tests.fakes.harness import run_action
from tests.fakes.inventory import Inventory


@pytest.fixture
def inventory() -> Inventory:
    return Inventory()


def variables(inventory: Inventory, play_hosts: list[str] | None) -> dict[str, Any]:
    """What Ansible gives a task of this inventory."""
    given: dict[str, Any] = {
        "groups": {"all": list(inventory.hosts), **inventory.groups},
        "hostvars": {name: {**inventory.shared, **own} for name, own in inventory.hosts.items()},
    }
    return given if play_hosts is None else given | {"ansible_play_hosts_all": play_hosts}


def organisation_of(inventory: Inventory, play_hosts: list[str] | None = None) -> dict[str, Any]:
    return run_action(
        organisation_info.ActionModule, {}, task_vars=variables(inventory, play_hosts)
    )


# organisation_info


@pytest.mark.parametrize("play_hosts", [None, ["build"]])
def test_an_inventory_is_told_as_data(inventory: Inventory, play_hosts: list[str] | None) -> None:
    result = organisation_of(inventory, play_hosts)

    assert set(result) == {"changed", "organisation", "foundation"}
    assert result["changed"] is False
    assert Organisation.from_data(result["organisation"]) == inventory.read()
    assert [stack["name"] for stack in result["foundation"]] == [
        "build",
        "ap-southeast-2",
        "eu-west-1",
    ]


def test_a_limit_reads_the_register_alone(inventory: Inventory) -> None:
    assert organisation_of(inventory, ["production"])["foundation"] == [
        {
            "name": "build",
            "account_id": "111111111111",
            "region": "us-east-1",
            "stack_name": "CrossAccountPrimary",
            "access_role_name": "CrossAccountAccess",
        }
    ]


@pytest.mark.parametrize("teardown", [False, True])
def test_a_teardown_reads_every_host_as_absent(inventory: Inventory, teardown: bool) -> None:
    inventory.hosts["testing"]["state"] = "quarantined"

    result = run_action(
        organisation_info.ActionModule,
        {"teardown": teardown},
        task_vars=variables(inventory, None),
    )

    organisation = inventory.read()
    assert Organisation.from_data(result["organisation"]) == (
        organisation.all_absent() if teardown else organisation
    )
    assert len(result["foundation"]) == 3


def test_a_bad_inventory_fails_the_task(inventory: Inventory) -> None:
    inventory.hosts["testing"]["account_id"] = 333333333333

    assert organisation_of(inventory) == {
        "failed": True,
        "changed": False,
        "msg": (
            "the inventory is not usable:\n  - host testing (inventories/org/hosts.yml):"
            " account_id 333333333333 is not text. Quote it"
        ),
    }


def test_a_bad_inventory_fails_whatever_the_limit_says(inventory: Inventory) -> None:
    inventory.hosts["testing"]["regions"] = []

    assert organisation_of(inventory, ["production"])["failed"]


def test_the_inventory_needs_no_botocore(
    inventory: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_action, "HAS_BOTOCORE", False)

    assert "failed" not in organisation_of(inventory)


# bootstrap_summary


@pytest.mark.parametrize(("check_mode", "word"), [(False, "created"), (True, "to create")])
def test_the_summary_is_shown_and_names_who_must_fail(
    inventory: Inventory, monkeypatch: pytest.MonkeyPatch, check_mode: bool, word: str
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(Display, "display", lambda _self, text, **_more: shown.append(text))
    given = variables(inventory, ["build", "eu-west-1"])
    given["hostvars"]["build"]["primary_result"] = {"operation": "create"}

    result = run_action(
        bootstrap_summary.ActionModule,
        {
            "organisation": inventory.read().as_data(),
            "plan": {"failures": {"eu-west-1": "refused"}, "orphans": []},
        },
        task_vars=given,
        check_mode=check_mode,
    )

    assert result == {
        "changed": False,
        "results": {"eu-west-1": "FAILED", "build": word},
        "applications": {},
        "failures": {"eu-west-1": "refused"},
    }
    (text,) = shown
    assert text.startswith("\nHOST       ACCOUNT")
    assert f"1 FAILED, 1 {word}" in text
    assert text.endswith("eu-west-1: refused\n")


def removal(
    inventory: Inventory, monkeypatch: pytest.MonkeyPatch, *, check_mode: bool
) -> tuple[dict[str, Any], str]:
    """Return the summary of a removal of eu-west-1, data and all, and what was shown."""
    shown: list[str] = []
    monkeypatch.setattr(Display, "display", lambda _self, text, **_more: shown.append(text))
    given = variables(inventory, ["eu-west-1"])
    kept = {"kind": "bucket", "name": "one", "region": "eu-west-1", "purged": True}
    given["hostvars"]["eu-west-1"]["regional_result"] = {
        "operation": "delete",
        "retained": [kept | {"deletion_date": None}],
        "stack": {"parameters": {"DeployAccountIds": "222222222222"}},
    }
    orphan = {"account_id": "1", "region": "eu-west-1", "stack_name": "Old"}
    result = run_action(
        bootstrap_summary.ActionModule,
        {
            "organisation": inventory.read().all_absent().as_data(),
            "plan": {"failures": {}, "orphans": [orphan]},
        },
        task_vars=given,
        check_mode=check_mode,
    )
    return result, shown[0]


def test_the_summary_shows_what_was_kept_and_what_nobody_owns(
    inventory: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, text = removal(inventory, monkeypatch, check_mode=False)

    assert result == {
        "changed": False,
        "results": {"eu-west-1": "removed"},
        "applications": {},
        "failures": {},
    }
    assert (
        "\neu-west-1: data without a stack\n  bucket one: emptied and deleted\n"
        "  their policies still name: 222222222222\n"
    ) in text
    assert "\nStacks of ours that no host stands for, left alone:\n  Old in 1 eu-west-1\n" in text


def applications_told(
    inventory: Inventory,
    monkeypatch: pytest.MonkeyPatch,
    play_hosts: list[str],
    plan: dict[str, Any] | None = None,
) -> tuple[dict[str, Any], str]:
    """Return the summary of a run in which the pipeline of broken failed, and what was shown."""
    shown: list[str] = []
    monkeypatch.setattr(Display, "display", lambda _self, text, **_more: shown.append(text))
    given = variables(inventory, play_hosts)
    given["hostvars"]["build"] |= {
        "primary_result": {"operation": "none"},
        "bootstrap_application_results": {"hello": "update"},
        "bootstrap_application_failures": {"broken": "it broke"},
    }
    result = run_action(
        bootstrap_summary.ActionModule,
        {
            "organisation": inventory.read().as_data(),
            "plan": plan,
            "applications": [{"name": name, "state": "present"} for name in ("hello", "broken")],
        },
        task_vars=given,
    )
    return result, shown[0]


def test_the_summary_tells_applications_and_fails_the_primary_with_them(
    inventory: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan: dict[str, Any] = {"failures": {}, "orphans": []}

    result, text = applications_told(inventory, monkeypatch, ["build"], plan)

    assert result == {
        "changed": False,
        "results": {"build": "unchanged"},
        "applications": {"hello": "updated", "broken": "FAILED"},
        "failures": {"build": "pipelines that are not complete: broken"},
    }
    assert text.startswith("\nHOST ")
    assert "\n1 unchanged\n\nAPPLICATION  ACCOUNT " in text
    assert text.endswith("\n\napplication broken: it broke\n")


def test_without_a_plan_only_applications_are_told(
    inventory: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, text = applications_told(inventory, monkeypatch, ["build"])

    assert (result["results"], list(result["failures"])) == ({}, ["build"])
    assert text.startswith("\nAPPLICATION  ACCOUNT ")


def test_what_else_the_primary_failed_with_is_not_lost(
    inventory: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = {"failures": {"build": "refused"}, "orphans": []}

    result, _text = applications_told(inventory, monkeypatch, ["build"], plan)

    assert result["failures"] == {"build": "refused"}


def test_applications_are_told_where_the_primary_is_in_the_play(
    inventory: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan: dict[str, Any] = {"failures": {}, "orphans": []}

    result, text = applications_told(inventory, monkeypatch, ["testing"], plan)

    assert result["applications"] == {}
    assert "APPLICATION" not in text


def test_check_mode_says_of_no_data_that_it_went(
    inventory: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, text = removal(inventory, monkeypatch, check_mode=True)

    assert result["results"] == {"eu-west-1": "to remove"}
    assert "\n  bucket one: to be emptied and deleted\n" in text
