# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Seeds accounts, access roles and operators through the API, as an administrator would."""

from __future__ import annotations

import json
import time
from pathlib import Path
from string import Template
from typing import Any, Literal

from ..clients import Clients
from ..errors import LabError
from .model import ORGANISATION_ID, Access, Organisation

FILES = Path(__file__).parents[2] / "playbooks" / "files"
# The policies of the operator: for the foundation, for pipelines, for what builds and reports, and
# for canaries.
OPERATOR_POLICIES = ("operator", "operator-pipelines", "operator-builds", "operator-prove")
# AWS has a delegated administrator of some service only; which one does not matter for reading.
_DELEGATED_SERVICE = "account.amazonaws.com"
_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
# The stacks that install access roles, which the collection does not know.
_ACCESS_STACK, _DRIFT_ACCESS_STACK = "AccessRole", "DriftAccessRole"
_REVIEWER_STACK = "ReviewerRole"
# The stack with what stacks of pipelines may do.
_EXECUTION_STACK = "ExecutionPolicy"
_STACK_SECONDS = 60.0


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
        self.seed_accounts(list(organisation.deploy.values()))

    def seed_management(self) -> None:
        """Set-up B alone: what an organisation has before anything is installed."""
        organisation = self._organisation
        self._seed_administrator()
        for account_id in (organisation.build, *organisation.deploy.values()):
            self._seed_organization_role(account_id)

    def seed_accounts(self, account_ids: list[str]) -> None:
        """Give deploy accounts the access roles of both set-ups, all at once."""
        for account_id in account_ids:
            if account_id != self._organisation.build:  # which has it already
                self._seed_organization_role(account_id)
            self._start_access_stack(account_id)
            self._start_stack(account_id, _EXECUTION_STACK, "execution-policy.template")
        for account_id in account_ids:
            self._wait_for(account_id, _ACCESS_STACK)
            self._wait_for(account_id, _EXECUTION_STACK)

    def seed_drift_operator(self) -> None:
        """The role of drift runs, with the documented policy and no more, and its access roles."""
        organisation = self._organisation
        name = organisation.drift.operator_role
        self._create_role(organisation.build, name, trusts=organisation.build)
        self._root("iam", organisation.build).put_role_policy(
            RoleName=name, PolicyName="drift", PolicyDocument=drift_policy(organisation)
        )
        self._install(
            _DRIFT_ACCESS_STACK,
            "drift-access-role.template",
            DriftRoleArn=f"arn:aws:iam::{organisation.build}:role/{name}",
            RoleName=organisation.drift.access_role,
        )

    def seed_approver(self, pipeline: str) -> None:
        """The role that approves releases of a pipeline, and what it sees change sets with."""
        organisation = self._organisation
        name = organisation.approver.operator_role
        self._create_role(organisation.build, name, trusts=organisation.build)
        self._root("iam", organisation.build).put_role_policy(
            RoleName=name,
            PolicyName="approver",
            PolicyDocument=approver_policy(organisation, pipeline),
        )
        self._install(
            _REVIEWER_STACK,
            "reviewer-role.template",
            ApproverRoleArns=f"arn:aws:iam::{organisation.build}:role/{name}",
            BuildAccountId=organisation.build,
            RoleName=organisation.approver.access_role,
        )

    def seed_organization_reader(self) -> None:
        """Make the build account a delegated administrator whose operator reads the accounts."""
        organisation = self._organisation
        self._root("organizations", organisation.management).register_delegated_administrator(
            AccountId=organisation.build, ServicePrincipal=_DELEGATED_SERVICE
        )
        self._root("iam", organisation.build).put_role_policy(
            RoleName=organisation.operator.operator_role,
            PolicyName="organizations",
            PolicyDocument=organizations_policy(organisation),
        )

    def _install(self, name: str, template: str, **parameters: str) -> None:
        """Make a stack in every deploy account, all at once."""
        account_ids = list(self._organisation.deploy.values())
        for account_id in account_ids:
            self._start_stack(account_id, name, template, **parameters)
        for account_id in account_ids:
            self._wait_for(account_id, name)

    def set_access(self, account_id: str, effect: Literal["Allow", "Deny"]) -> None:
        """Let the access roles of an account admit those whom they trust, or refuse them."""
        organisation = self._organisation
        ways_in = (
            organisation.management_access,
            organisation.operator,
            organisation.drift,
            organisation.approver,
        )
        iam = self._root("iam", account_id)
        there = {role["RoleName"] for role in iam.list_roles()["Roles"]}
        for name in there & {way.access_role for way in ways_in}:
            trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
            statements = [{**statement, "Effect": effect} for statement in trust["Statement"]]
            iam.update_assume_role_policy(
                RoleName=name, PolicyDocument=json.dumps({**trust, "Statement": statements})
            )

    def _root(self, service: str, account_id: str) -> Any:
        return self._clients.root(service, account_id, self._organisation.primary_region)

    def _seed_operator(self) -> None:
        """Set-up A: the operator in the build account, with the documented policy and no more."""
        organisation = self._organisation
        name = organisation.operator.operator_role
        self._create_role(organisation.build, name, trusts=organisation.build)
        iam = self._root("iam", organisation.build)
        for policy in OPERATOR_POLICIES:
            document = operator_policy(organisation, policy)
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=document)

    def _seed_administrator(self) -> None:
        """Set-up B: an administrator of the management account."""
        organisation = self._organisation
        name = organisation.management_access.operator_role
        self._create_role(organisation.management, name, trusts=organisation.management)
        self._make_administrator(organisation.management, name)

    def _seed_organization_role(self, account_id: str) -> None:
        """The role that AWS Organizations makes in an account that it makes."""
        name = self._organisation.management_access.access_role
        self._create_role(account_id, name, trusts=self._organisation.management)
        self._make_administrator(account_id, name)

    def _make_administrator(self, account_id: str, role_name: str) -> None:
        self._root("iam", account_id).attach_role_policy(
            RoleName=role_name, PolicyArn=_ADMINISTRATOR
        )

    def _create_role(self, account_id: str, name: str, *, trusts: str) -> None:
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{trusts}:root"},
            "Action": "sts:AssumeRole",
        }
        self._root("iam", account_id).create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(
                {"Version": "2012-10-17", "Statement": [statement]}
            ),
            MaxSessionDuration=43200,
        )

    def _start_access_stack(self, account_id: str) -> None:
        """Set-up A: the access role, from the template that the collection ships."""
        organisation = self._organisation
        operator = f"arn:aws:iam::{organisation.build}:role/{organisation.operator.operator_role}"
        self._start_stack(
            account_id,
            _ACCESS_STACK,
            "access-role.template",
            OperatorRoleArn=operator,
            RoleName=organisation.operator.access_role,
            AllowedExecutionPolicyArns=",".join(organisation.execution_policies).format(
                account=account_id
            ),
        )

    def _start_stack(self, account_id: str, name: str, template: str, **parameters: str) -> None:
        """Begin to make a stack from a template that the collection ships."""
        self._root("cloudformation", account_id).create_stack(
            StackName=name,
            TemplateBody=(FILES / template).read_text(encoding="utf-8"),
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
            ],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )

    def _wait_for(self, account_id: str, name: str) -> None:
        stacks = self._root("cloudformation", account_id)
        deadline = time.monotonic() + _STACK_SECONDS
        status = "CREATE_IN_PROGRESS"
        while status == "CREATE_IN_PROGRESS" and time.monotonic() < deadline:
            status = stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
            if status == "CREATE_COMPLETE":
                return
            time.sleep(0.02)
        events = stacks.describe_stack_events(StackName=name)["StackEvents"]
        reasons = [
            event["ResourceStatusReason"]
            for event in events
            if event["ResourceStatus"] == "CREATE_FAILED"
        ]
        raise LabError(f"{name} in {account_id}: {status}. {' '.join(reasons)}")


def operator_policy(organisation: Organisation, name: str = "operator") -> str:
    """One of the operator's policies with the placeholders filled."""
    return _policy(name, organisation, organisation.operator)


def drift_policy(organisation: Organisation) -> str:
    """The policy of drift runs with the placeholders filled."""
    return _policy("drift", organisation, organisation.drift)


def approver_policy(organisation: Organisation, pipeline: str) -> str:
    """The policy of those who approve releases of a pipeline, with the placeholders filled."""
    return _filled(
        "approver",
        BuildAccountId=organisation.build,
        PipelineName=pipeline,
        ReviewerRoleName=organisation.approver.access_role,
    )


def organizations_policy(organisation: Organisation) -> str:
    """The policy of those who read the accounts, with the placeholders filled."""
    return _filled(
        "organizations",
        ManagementAccountId=organisation.management,
        OrganizationId=ORGANISATION_ID,
    )


def _policy(name: str, organisation: Organisation, access: Access) -> str:
    return _filled(name, BuildAccountId=organisation.build, AccessRoleName=access.access_role)


def _filled(name: str, **values: str) -> str:
    policy = Template((FILES / f"{name}-policy.json").read_text(encoding="utf-8"))
    return policy.substitute(Partition="aws", **values)


__all__ = (
    "FILES",
    "OPERATOR_POLICIES",
    "Seeder",
    "approver_policy",
    "drift_policy",
    "operator_policy",
    "organizations_policy",
)
