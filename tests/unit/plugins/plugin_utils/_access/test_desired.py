# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stacks of access.yml, from the variables of their hosts, and what is refused."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._access.check import (
    read_settings_of,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._access.desired import (
    desired_access,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._access.kinds import KINDS
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._access.plan import (
    as_installer,
    kinds_of,
    taking_part,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._access.templates import (
    template,
    version,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.rules import (
    read_organisation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.model import Desired
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.template import parse

from tests.fakes.inventory import BUILD, PRODUCTION, Inventory
from tests.unit.roles.templates import policy_file, resolve

AWX = f"arn:aws:iam::{BUILD}:role/Awx"
SSO = "arn:aws:iam::555555555555:role/aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_Deploy_*"
# The version of each template, and a digest of what it does. Where a digest differs, write the new
# one, and if the version was released before, raise Version in the template by one and write that
# too: installed roles are then reported as outdated.
VERSIONS = {
    "access-role": (1, "1b776e86ad66"),
    "drift-access-role": (1, "dc01f8d6262e"),
    "drift-role": (2, "89ac0e1b34e2"),
    "execution-policy": (1, "9ca996d4ef1f"),
    "operator-role": (2, "901b267865d2"),
}


@pytest.fixture
def inventory() -> Inventory:
    inventory = Inventory()
    inventory.shared["operator_principals"] = [AWX]
    return inventory


def read(inventory: Inventory) -> Any:
    """Return the organisation, the accounts and their settings. Raises PipelineError."""
    variables = inventory.variables()
    organisation = read_organisation(variables, variables.problems)
    hosts = taking_part(organisation, list(organisation.hosts))
    settings = read_settings_of(hosts, variables)
    variables.problems.raise_any()
    return organisation, hosts, settings


def made(inventory: Inventory, name: str, kind: str) -> Desired:
    organisation, _hosts, settings = read(inventory)
    host = organisation.hosts[name]
    return desired_access(KINDS[kind], name, host.account_id, settings[name])


def kinds(inventory: Inventory, name: str) -> list[str]:
    organisation, _hosts, settings = read(inventory)
    return [kind.name for kind in kinds_of(organisation.hosts[name], settings[name])]


def test_a_template_that_changes_gets_another_version() -> None:
    found = {}
    for name in VERSIONS:
        data = parse(template(name))
        del data["Outputs"], data["Description"]
        text = json.dumps(data, sort_keys=True).encode()
        found[name] = (version(name), hashlib.sha256(text).hexdigest()[:12])

    assert found == VERSIONS


def test_the_operator_has_the_policies_of_the_files() -> None:
    principals = {"PrincipalArns": AWX, "PrincipalAccountIds": BUILD}
    resources = resolve("operator-role", **principals, Remediates="true", Purges="true")

    files = {
        "Foundation": "operator",
        "Pipelines": "operator-pipelines",
        "Builds": "operator-builds",
        "Canaries": "operator-prove",
        "Drift": "drift",
        "Remediation": "remediation",
        "Purge": "operator-purge",
    }
    for logical_id, name in files.items():
        assert resources[logical_id]["Properties"]["PolicyDocument"] == policy_file(name)
    # And only those that its variables give it.
    assert {"Drift", "Remediation", "Purge"} & set(resolve("operator-role", **principals)) == set()


def test_who_may_become_the_operator(inventory: Inventory) -> None:
    inventory.shared |= {"operator_principals": [SSO, AWX], "drift_principals": [SSO]}

    operator, drift = made(inventory, "build", "operator"), made(inventory, "build", "drift")

    assert operator.parameters["PrincipalArns"] == f"{AWX},{SSO}"
    assert operator.parameters["PrincipalAccountIds"] == f"{BUILD},555555555555"
    assert drift.parameters["PrincipalArns"] == SSO


def test_an_account_is_given_what_the_inventory_says(inventory: Inventory) -> None:
    inventory.shared |= {
        "deploy_account_stack_name": "Deploy",
        "external_id": "one-two",
        "permissions_boundary_arn": "arn:aws:iam::aws:policy/Boundary",
        "stack_tags": {"team": "platform"},
    }

    access = made(inventory, "production", "access")

    assert access.parameters == {
        "OperatorRoleArn": f"arn:aws:iam::{BUILD}:role/CrossAccountOperator",
        "RoleName": "CrossAccountAccess",
        "AllowedExecutionPolicyArns": "arn:aws:iam::aws:policy/One",
        "RequiredPermissionsBoundaryArn": "",
        "PermissionsBoundaryArn": "arn:aws:iam::aws:policy/Boundary",
        "DeployStackName": "Deploy",
        "CodePipelineRoleName": "CrossAccountCodePipeline",
        "CloudFormationRoleName": "CrossAccountCloudFormation",
        "ExternalId": "one-two",
    }
    assert access.tags == {
        "team": "platform",
        "crossaccount:access": "access",
        "crossaccount:host": "production",
        "crossaccount:stack": "CrossAccountAccess",
    }


def test_the_stacks_of_an_account(inventory: Inventory) -> None:
    """The example's policy where it is named, the access role where it is the way in."""
    example = f"arn:aws:iam::{PRODUCTION}:policy/CrossAccountExecution"
    inventory.hosts["production"]["deploy_account_execution_policies"] = [example]
    inventory.hosts["testing"]["aws_profile"] = "testing"
    inventory.add_account("target", BUILD)
    inventory.hosts["target"]["role_arn"] = f"arn:aws:iam::{BUILD}:role/CrossAccountAccess"

    assert kinds(inventory, "production") == ["execution", "access", "drift_access"]
    assert kinds(inventory, "development") == ["access", "drift_access"]
    assert kinds(inventory, "testing") == ["drift_access"]
    assert kinds(inventory, "target") == ["access", "drift_access"]
    assert kinds(inventory, "build") == ["operator", "drift"]


def test_the_installer_enters_without_the_session_of_the_operator(inventory: Inventory) -> None:
    inventory.shared |= {"external_id": "one-two", "session_tags": {"team": "platform"}}
    inventory.hosts["production"]["role_arn"] = f"arn:aws:iam::{PRODUCTION}:role/CrossAccountAccess"
    organisation, _hosts, settings = read(inventory)

    host = as_installer(organisation.hosts["production"], settings["production"])

    assert host.target() == {
        "name": "production",
        "account_id": PRODUCTION,
        "region": "us-east-1",
        "stack_name": "CrossAccountDeploy",
        "access_role_name": "OrganizationAccountAccessRole",
    }


@pytest.mark.parametrize(
    ("shared", "message"),
    [
        ({"operator_principals": []}, "operator_principals: is not set"),
        ({"operator_principals": [f"arn:aws:iam::{BUILD}:root"]}, "is not the ARN of a role or us"),
        ({"operator_principals": ["*"]}, "is not the ARN of a role or user"),
        (
            {"access_role_name": "organizationaccountaccessrole"},
            "access_role_name: organizationaccountaccessrole is the role that access.yml works with",
        ),
        ({"access_role_name": "ops/Access"}, "access_role_name: ops/Access has a path"),
        (
            {"drift_access_role_name": "CrossAccountAccess"},
            "CrossAccountAccess is the role of drift_access_role_name too",
        ),
        (
            {"drift_role_name": "CrossAccountOperator"},
            "drift_role_name: CrossAccountOperator is the role of operator_role_name too",
        ),
    ],
)
def test_what_would_lock_out_or_trust_everybody_is_refused(
    inventory: Inventory, shared: dict[str, Any], message: str
) -> None:
    inventory.shared |= shared

    with pytest.raises(PipelineError) as refused:
        read(inventory)

    assert message in str(refused.value)


def test_names_that_make_a_policy_too_long_are_refused(inventory: Inventory) -> None:
    inventory.shared |= {"primary_stack_name": "P" * 128, "regional_stack_name": "R" * 128}

    with pytest.raises(PipelineError, match=r"policy Foundation of .* would have 6,\d+ characters"):
        made(inventory, "build", "operator")
