# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One organization for all accounts.

MiniStack alone accepts what each test expects to be refused or different: see lab/README.md.
"""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab import Account, Lab
from lab.tests.roles import ACCOUNT, Caller

MANAGEMENT, BUILD, OTHER = "555555555555", "111111111111", "333333333333"
OUTSIDE = "999999999999"
ARN = f"arn:aws:organizations::{MANAGEMENT}"
SERVICE = "member.org.stacksets.cloudformation.amazonaws.com"


@pytest.fixture
def organizations(lab: Lab) -> Any:
    return lab.client("organizations", MANAGEMENT)


@pytest.fixture
def administrator(lab: Lab, organizations: Any) -> Any:
    """The account of the caller administers a service for the organization."""
    request = {"AccountId": ACCOUNT, "ServicePrincipal": SERVICE}
    organizations.register_delegated_administrator(**request)
    yield
    organizations.deregister_delegated_administrator(**request)


def ous(organizations: Any, parent: str = "r-lab0") -> dict[str, str]:
    pages = organizations.get_paginator("list_organizational_units_for_parent")
    return {
        ou["Name"]: ou["Id"]
        for page in pages.paginate(ParentId=parent)
        for ou in page["OrganizationalUnits"]
    }


def code(call: Any, **request: Any) -> str:
    """The code with which a call is refused."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    return str(caught.value.response["Error"]["Code"])


def test_every_account_is_in_the_same_organization(lab: Lab) -> None:
    for account in (MANAGEMENT, BUILD, OTHER):
        organization = lab.client("organizations", account).describe_organization()["Organization"]
        assert organization["Id"] == "o-lab0000000"
        assert organization["MasterAccountId"] == MANAGEMENT
    outside = lab.client("organizations", OUTSIDE)
    assert code(outside.describe_organization) == "AWSOrganizationsNotInUseException"


def test_only_the_management_account_and_administrators_read(
    lab: Lab, organizations: Any, administrator: None
) -> None:
    assert len(organizations.list_accounts()["Accounts"]) >= 5
    assert code(lab.client("organizations", OTHER).list_accounts) == "AccessDeniedException"
    delegated = lab.client("organizations", ACCOUNT)
    assert len(delegated.list_accounts()["Accounts"]) >= 5
    assert code(delegated.close_account, AccountId=OTHER) == "AccessDeniedException"


def test_a_policy_may_name_ous_and_accounts(caller: Caller, administrator: None) -> None:
    api = caller.client("organizations")
    caller.may("organizations:ListRoots", "organizations:ListOrganizationalUnitsForParent")
    inside = ous(api)["Workloads"]
    reads = ("organizations:ListAccountsForParent", "organizations:ListTagsForResource")
    caller.may(*reads, resource=f"{ARN}:ou/o-lab0000000/{inside}")
    api.list_accounts_for_parent(ParentId=inside)
    assert code(api.list_accounts_for_parent, ParentId="r-lab0") == "AccessDeniedException"
    caller.may(*reads, resource=f"{ARN}:account/o-lab0000000/{OTHER}")
    api.list_tags_for_resource(ResourceId=OTHER)
    assert code(api.list_tags_for_resource, ResourceId=BUILD) == "AccessDeniedException"


def test_lists_have_pages_and_one_may_be_empty(lab: Lab, organizations: Any) -> None:
    lab.place_accounts(Account(f"66666666660{n}", ou="Paged") for n in range(5))
    lab.set_organization_page(2)
    parent = ous(organizations)["Paged"]
    pages = list(organizations.get_paginator("list_accounts_for_parent").paginate(ParentId=parent))
    assert [len(page["Accounts"]) for page in pages] == [0, 2, 2, 1]
    token = pages[0]["NextToken"]
    other = {"ParentId": "r-lab0", "NextToken": token}
    assert code(organizations.list_accounts_for_parent, **other) == "InvalidInputException"
    assert code(organizations.list_accounts, MaxResults=21) == "InvalidInputException"


def test_an_account_has_a_state_and_is_closed_after_a_while(lab: Lab, organizations: Any) -> None:
    lab.place_accounts([Account("666666666610", name="Closing")])
    organizations.close_account(AccountId="666666666610")

    def state() -> str:
        account = organizations.describe_account(AccountId="666666666610")["Account"]
        assert "Status" not in account
        return str(account["State"])

    assert [state(), state(), state()] == ["PENDING_CLOSURE", "CLOSED", "CLOSED"]
    assert code(organizations.close_account, AccountId=MANAGEMENT) == "ConstraintViolationException"


def test_an_account_moves_from_where_it_is_and_leaves(lab: Lab, organizations: Any) -> None:
    lab.place_accounts([Account("666666666620", ou="Before"), Account("666666666621", ou="After")])
    found = ous(organizations)
    account = {"AccountId": "666666666620"}
    move, delete = organizations.move_account, organizations.delete_organizational_unit
    way = {**account, "DestinationParentId": found["After"]}
    assert code(move, SourceParentId="r-lab0", **way) == "AccountNotFoundException"
    before = {"OrganizationalUnitId": found["Before"]}
    assert code(delete, **before) == "OrganizationalUnitNotEmptyException"
    move(SourceParentId=found["Before"], **way)
    delete(**before)
    assert "Before" not in ous(organizations)
    organizations.remove_account_from_organization(**account)
    assert code(organizations.describe_account, **account) == "AccountNotFoundException"


def test_an_ou_has_a_name_of_its_own_and_an_id_of_the_root(organizations: Any) -> None:
    outer = organizations.create_organizational_unit(ParentId="r-lab0", Name="Outer")
    outer_id = outer["OrganizationalUnit"]["Id"]
    request = {"ParentId": outer_id, "Name": "Inner"}
    inner = organizations.create_organizational_unit(**request)["OrganizationalUnit"]
    assert inner["Id"].startswith("ou-lab0-")
    assert inner["Arn"] == f"{ARN}:ou/o-lab0000000/{inner['Id']}"
    again = code(organizations.create_organizational_unit, **request)
    assert again == "DuplicateOrganizationalUnitException"
    missing = code(organizations.list_accounts_for_parent, ParentId="ou-lab0-00000000")
    assert missing == "ParentNotFoundException"


def test_a_caller_of_an_account_outside_has_no_organization(lab: Lab, caller: Caller) -> None:
    organization = {"aws:PrincipalOrgID": "o-lab0000000"}
    caller.may("sns:ListTopics", Condition={"StringEquals": organization})
    sns = caller.client("sns")
    sns.list_topics()
    lab.client("organizations", MANAGEMENT).remove_account_from_organization(AccountId=ACCOUNT)
    assert code(sns.list_topics) == "AuthorizationError"
