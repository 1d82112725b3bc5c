# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Seeds accounts, access roles and operators through the API, as an administrator would."""

from __future__ import annotations

import json
from pathlib import Path
from string import Template
from typing import Any

from tests.lab.aws import Clients
from tests.lab.organisation import Organisation

_FILES = Path(__file__).parents[2] / "playbooks" / "files"
_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
_ACCESS_STACK = "CrossAccountAccess"


class Seeder:
    """Makes the roles of both set-ups."""

    def __init__(self, clients: Clients, organisation: Organisation) -> None:
        self._clients = clients
        self._organisation = organisation

    def seed(self) -> None:
        """Seed every account of the organisation."""
        organisation = self._organisation
        self._seed_operator()
        self._seed_administrator()
        self._seed_organization_role(organisation.build)
        for account_id in organisation.deploy.values():
            self.seed_account(account_id)

    def seed_account(self, account_id: str) -> None:
        """Give a deploy account the access roles of both set-ups."""
        self._seed_access_role(account_id)
        self._seed_organization_role(account_id)

    def trust_of(self, account_id: str) -> dict[str, dict[str, Any]]:
        """The access roles of an account and the trust policy that each has when seeded."""
        organisation = self._organisation
        trusts = {
            organisation.management_access.access_role: _trust(
                f"arn:aws:iam::{organisation.management}:root"
            )
        }
        if account_id != organisation.build:
            trusts[organisation.operator.access_role] = _trust(self._operator_arn)
        return trusts

    @property
    def _operator_arn(self) -> str:
        organisation = self._organisation
        return f"arn:aws:iam::{organisation.build}:role/{organisation.operator.operator_role}"

    def _iam(self, account_id: str) -> Any:
        return self._clients.root("iam", account_id, self._organisation.primary_region)

    def _seed_operator(self) -> None:
        """Set-up A: the operator in the build account, with the documented policy and no more."""
        organisation = self._organisation
        name = organisation.operator.operator_role
        self._create_role(
            organisation.build, name, _trust(f"arn:aws:iam::{organisation.build}:root")
        )
        self._iam(organisation.build).put_role_policy(
            RoleName=name,
            PolicyName="operator",
            PolicyDocument=operator_policy(organisation),
        )

    def _seed_administrator(self) -> None:
        """Set-up B: an administrator of the management account."""
        organisation = self._organisation
        name = organisation.management_access.operator_role
        self._create_role(
            organisation.management, name, _trust(f"arn:aws:iam::{organisation.management}:root")
        )
        self._iam(organisation.management).attach_role_policy(
            RoleName=name, PolicyArn=_ADMINISTRATOR
        )

    def _seed_organization_role(self, account_id: str) -> None:
        """The role that AWS Organizations makes in an account that it makes."""
        name = self._organisation.management_access.access_role
        self._create_role(account_id, name, self.trust_of(account_id)[name])
        self._iam(account_id).attach_role_policy(RoleName=name, PolicyArn=_ADMINISTRATOR)

    def _seed_access_role(self, account_id: str) -> None:
        """Set-up A: the access role, from the template that the collection ships."""
        name = self._organisation.operator.access_role
        template = _FILES / "access-role.template"
        if not template.exists():
            print(f"{template.name} is not there yet: {name} gets AdministratorAccess for now.")
            self._create_role(account_id, name, self.trust_of(account_id)[name])
            self._iam(account_id).attach_role_policy(RoleName=name, PolicyArn=_ADMINISTRATOR)
            return
        raise NotImplementedError

    def _create_role(self, account_id: str, name: str, trust: dict[str, Any]) -> None:
        self._iam(account_id).create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(trust),
            MaxSessionDuration=43200,
        )


def operator_policy(organisation: Organisation) -> str:
    """The operator's policy with the placeholders filled."""
    path = _FILES / "operator-policy.json"
    if not path.exists():
        print(f"{path.name} is not there yet: the operator may do everything for now.")
        statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return Template(path.read_text(encoding="utf-8")).substitute(
        BuildAccountId=organisation.build,
        AccessRoleName=organisation.operator.access_role,
        Partition="aws",
    )


def _trust(principal: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


__all__ = ("Seeder", "operator_policy")
