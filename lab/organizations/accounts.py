# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens to accounts and OUs: created, moved, closed, removed, made administrators."""

from __future__ import annotations

import json
from collections.abc import Callable

from ministack.services import organizations

from . import members
from .requests import Data, RefusedError


def create_ou(request: Data) -> Data:
    """Refuse a name that its parent has, and give ids and ARNs of AWS's form."""
    parent, name = request["ParentId"], request["Name"]
    _check_parent(parent, "ParentNotFoundException")
    if any((ou["_ParentId"], ou["Name"]) == (parent, name) for ou in organizations._ous.values()):
        raise RefusedError(
            "DuplicateOrganizationalUnitException",
            "An OU with the same name already exists in this parent.",
        )
    ou_id = members.make_ou(name, parent)
    organizations._tags[ou_id] = {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}
    return {"OrganizationalUnit": _public(organizations._ous[ou_id])}


def delete_ou(request: Data) -> Data:
    """Refuse an OU that holds something."""
    ou_id = request["OrganizationalUnitId"]
    if ou_id not in organizations._ous:
        raise RefusedError("OrganizationalUnitNotFoundException", f"{ou_id} is not there.")
    held = [*organizations._accounts.values(), *organizations._ous.values()]
    if any(record["_ParentId"] == ou_id for record in held):
        raise RefusedError("OrganizationalUnitNotEmptyException", f"{ou_id} is not empty.")
    del organizations._ous[ou_id]
    return {}


def list_children(request: Data) -> Data:
    """The ids below a parent, of OUs or of accounts."""
    _check_parent(request["ParentId"], "ParentNotFoundException")
    kind = request["ChildType"]
    store = organizations._accounts if kind == "ACCOUNT" else organizations._ous
    records = [record for record in store.values() if record["_ParentId"] == request["ParentId"]]
    return {"Children": [{"Id": record["Id"], "Type": kind} for record in records]}


def move(request: Data) -> Data:
    """Move an account from the parent where it is."""
    account = _account(request["AccountId"])
    _check_parent(request["SourceParentId"], "SourceParentNotFoundException")
    _check_parent(request["DestinationParentId"], "DestinationParentNotFoundException")
    if account["_ParentId"] == request["DestinationParentId"]:
        raise RefusedError("DuplicateAccountException", "The account is already there.")
    if account["_ParentId"] != request["SourceParentId"]:
        raise RefusedError("AccountNotFoundException", "The account is not in that parent.")
    account["_ParentId"] = request["DestinationParentId"]
    return {}


def close(request: Data) -> Data:
    """Begin to close an account; it is seen once while that goes on."""
    account = _account(request["AccountId"])
    if account["Id"] == members.management():
        raise RefusedError(
            "ConstraintViolationException", "You can't close the management account."
        )
    if account["State"] in ("PENDING_CLOSURE", "CLOSED"):
        raise RefusedError("AccountAlreadyClosedException", "The account is already closed.")
    account["State"] = "PENDING_CLOSURE"
    return {}


def remove(request: Data) -> Data:
    """Let an account leave the organization."""
    account = _account(request["AccountId"])
    if account["Id"] == members.management():
        raise RefusedError(
            "MasterCannotLeaveOrganizationException", "The management account cannot leave."
        )
    del organizations._accounts[account["Id"]]
    organizations._tags.pop(account["Id"], None)
    members.delegated().pop(account["Id"], None)
    return {}


def register_administrator(request: Data) -> Data:
    """Make an account administrator of a service."""
    account = _account(request["AccountId"])
    if account["Id"] == members.management():
        raise RefusedError(
            "ConstraintViolationException",
            "You cannot register the management account as delegated administrator.",
        )
    services = members.delegated().setdefault(account["Id"], [])
    if request["ServicePrincipal"] in services:
        raise RefusedError(
            "AccountAlreadyRegisteredException", "The account is a delegated administrator already."
        )
    services.append(request["ServicePrincipal"])
    return {}


def deregister_administrator(request: Data) -> Data:
    """Undo :func:`register_administrator`."""
    services = members.delegated().get(_account(request["AccountId"])["Id"], [])
    if request["ServicePrincipal"] not in services:
        raise RefusedError(
            "AccountNotRegisteredException", "The account is no delegated administrator."
        )
    services.remove(request["ServicePrincipal"])
    if not services:
        del members.delegated()[request["AccountId"]]
    return {}


def list_administrators(request: Data) -> Data:
    """The delegated administrators, of one service if it is named."""
    service = request.get("ServicePrincipal")
    return {
        "DelegatedAdministrators": [
            _shown(_account(account_id))
            for account_id, services in members.delegated().items()
            if not service or service in services
        ]
    }


def describe_organization(_request: Data) -> Data:
    """The organization."""
    return {"Organization": _public(organizations._orgs["self"])}


def create(request: Data) -> Data:
    """Make an account in the root, at once."""
    answer: Data = json.loads(organizations._create_account(request)[2])
    account_id = answer["CreateAccountStatus"]["AccountId"]
    tags = organizations._tags.get(account_id)
    members.place(account_id, name=request["AccountName"], tags=tags)
    return answer


def describe(request: Data) -> Data:
    """One account."""
    return {"Account": _shown(_account(request["AccountId"]))}


def list_all(_request: Data) -> Data:
    """All accounts."""
    return {"Accounts": [_shown(record) for record in organizations._accounts.values()]}


def list_of_parent(request: Data) -> Data:
    """The accounts directly in a root or OU."""
    parent = request["ParentId"]
    _check_parent(parent, "ParentNotFoundException")
    records = organizations._accounts.values()
    return {"Accounts": [_shown(record) for record in records if record["_ParentId"] == parent]}


def list_ous(request: Data) -> Data:
    """The OUs directly in a root or OU."""
    parent = request["ParentId"]
    _check_parent(parent, "ParentNotFoundException")
    records = organizations._ous.values()
    return {
        "OrganizationalUnits": [
            _public(record) for record in records if record["_ParentId"] == parent
        ]
    }


def _shown(account: Data) -> Data:
    """An account as it is answered. Its closure is over once it was seen."""
    found = _public(account)
    if account["State"] == "PENDING_CLOSURE":
        account["State"] = "CLOSED"
    return found


def _public(record: Data) -> Data:
    return {key: value for key, value in record.items() if not key.startswith("_")}


def _account(account_id: str) -> Data:
    account: Data | None = organizations._accounts.get(account_id)
    if account is None:
        raise RefusedError(
            "AccountNotFoundException", f"The account {account_id} is not in the organization."
        )
    return account


def _check_parent(parent: str, code: str) -> None:
    if parent != members.ROOT_ID and parent not in organizations._ous:
        raise RefusedError(code, f"We can't find a root or OU with the Id {parent}.")


OPERATIONS: dict[str, Callable[[Data], Data]] = {
    "CloseAccount": close,
    "CreateAccount": create,
    "CreateOrganizationalUnit": create_ou,
    "DeleteOrganizationalUnit": delete_ou,
    "DeregisterDelegatedAdministrator": deregister_administrator,
    "DescribeAccount": describe,
    "DescribeOrganization": describe_organization,
    "ListAccounts": list_all,
    "ListAccountsForParent": list_of_parent,
    "ListChildren": list_children,
    "ListDelegatedAdministrators": list_administrators,
    "ListOrganizationalUnitsForParent": list_ous,
    "MoveAccount": move,
    "RegisterDelegatedAdministrator": register_administrator,
    "RemoveAccountFromOrganization": remove,
}

__all__ = ("OPERATIONS",)
