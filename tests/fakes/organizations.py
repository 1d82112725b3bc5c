# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS Organizations, as its API answers."""

from __future__ import annotations

from typing import Any

from tests.fakes.service import FakeService, Refusal

MANAGEMENT, ORGANIZATION, ROOT = "555555555555", "o-example000", "r-root"
_ARN = f"arn:aws:organizations::{MANAGEMENT}"


class FakeOrganizations(FakeService):
    """OUs and accounts; the first page of a list is empty, and the others have two items."""

    def __init__(self) -> None:
        super().__init__("organizations")
        self.client = self.clients["organizations"]
        self.ous: dict[str, tuple[str, str]] = {}  # by id: name and parent
        self.accounts: dict[str, dict[str, Any]] = {}
        self.parents: dict[str, str] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.is_used = True
        self.add(MANAGEMENT, "Management")

    def ou_id(self, path: str) -> str:
        """Return the id of an OU by its path, and make it if it is not there."""
        parent = ROOT
        for name in filter(None, path.split("/")):
            found = [ou for ou, place in self.ous.items() if place == (name, parent)]
            ou = found[0] if found else f"ou-root-{len(self.ous):08}"
            self.ous.setdefault(ou, (name, parent))
            parent = ou
        return parent

    def add(self, account_id: str, name: str, ou: str = "", **more: Any) -> None:
        """Add an account, active unless *state* is given, with *tags*."""
        self.parents[account_id] = self.ou_id(ou)
        self.tags[account_id] = more.pop("tags", {})
        state = {"State": more.pop("state", "ACTIVE")}
        self.accounts[account_id] = {"Id": account_id, "Name": name, **state, **more}

    def _describe_organization(self) -> dict[str, Any]:
        if not self.is_used:
            raise Refusal("AWSOrganizationsNotInUseException", "Your account is not a member")
        return {"Organization": {"Id": ORGANIZATION}}

    def _list_roots(self) -> dict[str, Any]:
        arn = f"{_ARN}:root/{ORGANIZATION}/{ROOT}"
        return {"Roots": [{"Id": ROOT, "Arn": arn, "Name": "Root"}]}

    def _list_organizational_units_for_parent(self, **request: str) -> dict[str, Any]:
        found = [
            {"Id": ou, "Name": name}
            for ou, (name, parent) in self.ous.items()
            if parent == request["ParentId"]
        ]
        return self._page("OrganizationalUnits", found, request)

    def _list_accounts_for_parent(self, **request: str) -> dict[str, Any]:
        found = [
            account
            for name, account in self.accounts.items()
            if self.parents[name] == request["ParentId"]
        ]
        return self._page("Accounts", found, request)

    def _list_tags_for_resource(self, **request: str) -> dict[str, Any]:
        tags = self.tags[request["ResourceId"]]
        found = [{"Key": key, "Value": value} for key, value in tags.items()]
        return self._page("Tags", found, request)

    @staticmethod
    def _page(name: str, items: list[Any], request: dict[str, str]) -> dict[str, Any]:
        begin = int(request.get("NextToken", -2))
        page = {name: items[begin : begin + 2] if begin >= 0 else []}
        return {**page, "NextToken": str(begin + 2)} if begin + 2 < len(items) else page
