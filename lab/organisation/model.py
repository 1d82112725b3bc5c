# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the lab seeds: accounts and the roles of both set-ups, read from a small file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ORGANISATION_FILE = Path(__file__).with_name("organisation.yml")
# Where an account is in the organization by default.
OU = "Workloads"
ORGANISATION_ID = "o-lab0000000"


@dataclass(frozen=True, kw_only=True)
class Access:
    """One way in: the role that an operator holds and the role that it assumes elsewhere."""

    operator_role: str
    access_role: str


@dataclass(frozen=True)
class Account:
    """An account as AWS Organizations has it.

    ou: the names of its OUs from the root, with slashes; empty is the root.
    """

    account_id: str
    name: str = ""
    ou: str = ""
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Organisation:
    """Accounts by name, and the two set-ups.

    organizational_units: where accounts are, by name: names of OUs from the root, with slashes.
    execution_policies: managed policies that the access role may attach, patterns allowed;
        {account} stands for the account's id.
    drift: for drift runs that may look and change nothing; only seeded when asked for.
    approver: for those who approve releases; only seeded when asked for.
    """

    management: str
    build: str
    primary_region: str
    deploy: dict[str, str]
    organizational_units: dict[str, str]
    execution_policies: tuple[str, ...]
    operator: Access
    management_access: Access
    drift: Access
    approver: Access

    @property
    def accounts(self) -> dict[str, str]:
        """Every account: name to id."""
        return {"management": self.management, "build": self.build, **self.deploy}


def load_organisation(path: Path = ORGANISATION_FILE) -> Organisation:
    """Read an organisation file. An id that is not a string of 12 digits raises ValueError."""
    data: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    organisation = Organisation(
        management=data["management"],
        build=data["build"],
        primary_region=data["primary_region"],
        deploy=dict(data["deploy"]),
        organizational_units=dict(data["organizational_units"]),
        execution_policies=tuple(data["execution_policies"]),
        operator=Access(**data["operator"]),
        management_access=Access(**data["management_access"]),
        drift=Access(**data["drift"]),
        approver=Access(**data["approver"]),
    )
    for name, account_id in organisation.accounts.items():
        check_account_id(account_id, name=name)
    return organisation


def check_account_id(account_id: object, *, name: str) -> None:
    """Refuse anything but a string of 12 digits: YAML reads an unquoted id as a number."""
    if not (isinstance(account_id, str) and len(account_id) == 12 and account_id.isdigit()):
        raise ValueError(f"account {name}: {account_id!r} is not a quoted string of 12 digits")


__all__ = (
    "ORGANISATION_FILE",
    "ORGANISATION_ID",
    "OU",
    "Access",
    "Account",
    "Organisation",
    "check_account_id",
    "load_organisation",
)
