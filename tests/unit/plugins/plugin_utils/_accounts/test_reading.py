# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts are read whole, or not at all."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._accounts.model import (
    Choice,
    path_of,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._accounts.reading import read
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError

from tests.fakes.organizations import ROOT, FakeOrganizations
from tests.fakes.service import refuse


@pytest.fixture
def organization() -> FakeOrganizations:
    found = FakeOrganizations()
    found.add("111111111111", "Build", "Infrastructure")
    found.add("222222222222", "Development", "Workloads/Development")
    found.add("333333333333", "Testing", "Workloads/Testing")
    found.add("444444444444", "Production", "Workloads/Production", tags={"stage": "last"})
    found.add("666666666666", "Shared", "Workloads")
    return found


def names(organization: FakeOrganizations, *ous: str, **choice: Any) -> list[str]:
    """The names of the accounts that a choice reads."""
    chosen = Choice(ous=ous, **choice)
    return sorted(account["name"] for account in read(organization.client, chosen)["accounts"])


def test_an_ou_is_named_by_its_path_or_id(organization: FakeOrganizations) -> None:
    everything = ["Development", "Production", "Shared", "Testing"]
    assert names(organization, "Workloads") == everything
    assert names(organization, organization.ou_id("Workloads")) == everything
    assert names(organization, "Workloads", nested=False) == ["Shared"]
    assert names(organization, "Workloads/Testing", "Workloads/Production") == [
        "Production",
        "Testing",
    ]


def test_ous_that_overlap_are_read_once(organization: FakeOrganizations) -> None:
    found = names(organization, "Workloads", "Workloads/Testing", organization.ou_id("Workloads"))
    assert found == ["Development", "Production", "Shared", "Testing"]


def test_the_root_is_everything_but_the_management_account(organization: FakeOrganizations) -> None:
    assert names(organization, "/") == names(organization, ROOT)
    assert len(names(organization, "/")) == 5
    assert names(organization, "/", nested=False) == []


def test_what_is_below_an_excluded_ou_is_left_out(organization: FakeOrganizations) -> None:
    organization.add("777777777777", "Inner", "Workloads/Testing/Inner")
    found = names(organization, "/", excluded_ous=("Workloads/Testing", "Infrastructure"))
    assert found == ["Development", "Production", "Shared"]


def test_pages_are_read_to_the_last(organization: FakeOrganizations) -> None:
    for number in range(9):
        organization.add(f"80000000000{number}", f"Account {number}", "Workloads/Many")
    assert len(names(organization, "Workloads/Many")) == 9


def test_only_what_a_path_concerns_is_read(organization: FakeOrganizations) -> None:
    names(organization, "Workloads/Testing")
    listed = [
        request["ParentId"]
        for operation, request in organization.calls
        if operation == "ListOrganizationalUnitsForParent" and "NextToken" not in request
    ]
    assert sorted(listed) == sorted(
        [ROOT, organization.ou_id("Workloads"), organization.ou_id("Workloads/Testing")]
    )


def test_tags_are_read_where_they_are_needed(organization: FakeOrganizations) -> None:
    choice = Choice(ous=("Workloads",))
    untagged = read(organization.client, choice)["accounts"]
    assert {account["name"]: account["tags"] for account in untagged}["Production"] is None
    assert "ListTagsForResource" not in organization.asked
    tagged = read(organization.client, dataclasses.replace(choice, needs_tags=True))["accounts"]
    assert {path_of(account): account["tags"] for account in tagged} == {
        "Workloads": {},
        "Workloads/Development": {},
        "Workloads/Testing": {},
        "Workloads/Production": {"stage": "last"},
    }


def test_an_account_has_a_state_also_by_its_older_name(organization: FakeOrganizations) -> None:
    organization.add("777777777777", "Closed", "Old", state="PENDING_CLOSURE")
    organization.add("888888888888", "Older", "Old")
    organization.accounts["888888888888"] |= {"Status": "SUSPENDED"}
    del organization.accounts["888888888888"]["State"]
    found = read(organization.client, Choice(ous=("Old",)))["accounts"]
    assert [account["state"] for account in found] == ["PENDING_CLOSURE", "SUSPENDED"]


@pytest.mark.parametrize(
    "operation",
    [
        "ListRoots",
        "ListOrganizationalUnitsForParent",
        "ListAccountsForParent",
        "ListTagsForResource",
    ],
)
def test_whatever_is_refused_names_its_permission(
    organization: FakeOrganizations, operation: str
) -> None:
    organization.before(operation, refuse("AccessDeniedException", "You don't have permissions."))
    with pytest.raises(PipelineError, match="cannot be read") as caught:
        read(organization.client, Choice(ous=("Workloads",), needs_tags=True))
    assert f"permissions. Allow organizations:{operation}, and use" in str(caught.value)


def test_a_later_page_that_is_refused_is_no_shorter_list(organization: FakeOrganizations) -> None:
    for number in range(5):
        organization.add(f"80000000000{number}", f"Account {number}", "Many")
    hook = refuse("AccessDeniedException", "You don't have permissions.")
    for _page in range(2):
        organization.before("ListAccountsForParent", lambda: None)
    organization.before("ListAccountsForParent", hook)
    with pytest.raises(PipelineError, match="the accounts of Many cannot be read"):
        read(organization.client, Choice(ous=("Many",)))


@pytest.mark.parametrize("field", ["ous", "excluded_ous", "regions_by_ou"])
def test_an_ou_that_is_not_there_is_an_error(organization: FakeOrganizations, field: str) -> None:
    wrong: dict[str, Any] = {field: ("Workloads/Prodution", "ou-root-99999999")}
    choice = dataclasses.replace(Choice(ous=("Workloads",)), **wrong)
    with pytest.raises(PipelineError) as caught:
        read(organization.client, choice)
    assert str(caught.value) == (
        "the organization has no such OU:\n"
        "  - Workloads/Prodution. Did you mean Workloads/Production?\n"
        "  - ou-root-99999999. Correct it, or remove it from this file"
    )


def test_an_account_that_moves_meanwhile_is_an_error(organization: FakeOrganizations) -> None:
    listed = organization._list_accounts_for_parent

    def everywhere(**request: str) -> dict[str, Any]:
        if request["ParentId"] == organization.ou_id("Workloads/Testing"):
            return {"Accounts": [organization.accounts["444444444444"]]}
        return listed(**request)

    organization._list_accounts_for_parent = everywhere  # type: ignore[method-assign]
    with pytest.raises(PipelineError, match="account 444444444444 was moved"):
        read(organization.client, Choice(ous=("Workloads",)))
