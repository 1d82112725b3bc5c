# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is in the lab's organization, and where.

For the rest of the lab: `organization_of` and `organization_path` of an account.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ministack.core.responses import get_region, request_scope
from ministack.services import organizations

from ..organisation.model import ORGANISATION_ID

Record = dict[str, Any]

ROOT_ID = "r-lab0"


def management() -> str:
    """The management account; empty before an organization is there."""
    return next((account for account, _key in list(organizations._orgs._data)), "")


def organization_of(account_id: str) -> str | None:
    """The id of an account's organization; None for an account that is in none."""
    return ORGANISATION_ID if account(account_id) else None


def organization_path(account_id: str) -> str | None:
    """Where an account is, as aws:PrincipalOrgPaths has it: o-.../r-.../ou-.../, or None."""
    found = account(account_id)
    if not found:
        return None
    return "/".join([ORGANISATION_ID, *reversed([*_ancestors(found["_ParentId"])]), ""])


def scopes(account_id: str) -> frozenset[str]:
    """The ids to which policies for an account may be attached: its own, its OUs', the root's."""
    found = account(account_id)
    return frozenset({account_id, *_ancestors(found["_ParentId"])}) if found else frozenset()


def is_active(account_id: str) -> bool:
    """Whether an account works; one outside of the organization does."""
    found = account(account_id)
    return not found or found.get("State", "ACTIVE") == "ACTIVE"


def account(account_id: str) -> Record | None:
    """The record of an account of the organization."""
    found: Record | None = organizations._accounts.get_scoped(management(), None, account_id)
    return found


def delegated() -> dict[str, list[str]]:
    """The delegated administrators, each with the services that it administers."""
    record = organizations._orgs.get_scoped(management(), None, "self")
    found: dict[str, list[str]] = record["_delegated"]
    return found


def create(management_id: str) -> None:
    """Make the organization of a management account, which is in the root."""
    with request_scope(management_id, get_region()):
        organizations.reset()
        organizations._ensure_org()
        record = organizations._orgs["self"]
        arn = f"arn:aws:organizations::{management_id}"
        record |= {
            "Id": ORGANISATION_ID,
            "Arn": f"{arn}:organization/{ORGANISATION_ID}",
            "MasterAccountArn": f"{arn}:account/{ORGANISATION_ID}/{management_id}",
            "_delegated": {},
        }
        (root,) = [organizations._roots.pop(name) for name in list(organizations._roots)]
        root |= {"Id": ROOT_ID, "Arn": f"{arn}:root/{ORGANISATION_ID}/{ROOT_ID}"}
        organizations._roots[ROOT_ID] = root
        everyone = organizations._attachments[organizations.FULL_ACCESS_POLICY_ID]
        everyone[:] = [ROOT_ID, management_id]
    place(management_id, name="management")


def place(
    account_id: str, *, name: str = "", ou: str = "", tags: Mapping[str, str] | None = None
) -> None:
    """Put an account into an OU, which is made; an account that is there moves.

    ou: the names from the root, separated by slashes; empty is the root.
    """
    owner = management()
    with request_scope(owner, get_region()):
        parent = ROOT_ID
        for part in filter(None, ou.split("/")):
            parent = make_ou(part, parent)
        if account_id not in organizations._attachments[organizations.FULL_ACCESS_POLICY_ID]:
            organizations._attachments[organizations.FULL_ACCESS_POLICY_ID].append(account_id)
        organizations._accounts[account_id] = {
            "Id": account_id,
            "Arn": f"arn:aws:organizations::{owner}:account/{ORGANISATION_ID}/{account_id}",
            "Email": f"{account_id}@example.com",
            "Name": name or f"Account {account_id}",
            "State": "ACTIVE",
            "JoinedMethod": "INVITED" if account_id == owner else "CREATED",
            "JoinedTimestamp": int(time.time()),
            "_ParentId": parent,
        }
        organizations._tags[account_id] = dict(tags or {})


def make_ou(name: str, parent: str) -> str:
    """The id of an OU of the management account of the request, which is made if need be."""
    for ou in organizations._ous.values():
        if (ou["Name"], ou["_ParentId"]) == (name, parent):
            return str(ou["Id"])
    ou_id = f"ou-{ROOT_ID[2:]}-{hashlib.sha256(f'{parent}/{name}'.encode()).hexdigest()[:8]}"
    arn = f"arn:aws:organizations::{management()}:ou/{ORGANISATION_ID}/{ou_id}"
    organizations._ous[ou_id] = {"Id": ou_id, "Arn": arn, "Name": name, "_ParentId": parent}
    return ou_id


def _ancestors(parent: str) -> Iterator[str]:
    """The ids from an account's parent up to the root."""
    while parent != ROOT_ID:
        yield parent
        parent = organizations._ous.get_scoped(management(), None, parent)["_ParentId"]
    yield ROOT_ID


__all__ = (
    "ORGANISATION_ID",
    "ROOT_ID",
    "account",
    "create",
    "delegated",
    "is_active",
    "make_ou",
    "management",
    "organization_of",
    "organization_path",
    "place",
    "scopes",
)
