# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stack of access.yml as it should be, from the variables of its host. Pure."""

from __future__ import annotations

import json
import re
import typing as t

from .._errors import PipelineError
from .._organisation.access_schema import ACCESS as VARIABLES
from .._organisation.model import DEPLOY_ACCOUNTS, PRIMARY, bucket_prefix
from .._organisation.regions import partition_of
from .._organisation.schema import (
    EXECUTION_POLICIES,
    HOST,
    ORGANISATION,
    RUN,
    setting_variable,
)
from .._organisation.settings import Lookup, read_variables
from .._stack.model import Desired
from .._stack.template import parse
from .kinds import ACCESS, DRIFT, DRIFT_ACCESS, EXECUTION, OPERATOR, Kind
from .templates import template

# IAM's limit of a managed policy, in characters other than white space.
POLICY_LIMIT = 6_144

_POLICIES = setting_variable(DEPLOY_ACCOUNTS, EXECUTION_POLICIES)
_REFERENCE = re.compile(r"\$\{([\w:]+)\}")

Settings = t.Mapping[str, t.Any]


def read_access_settings(lookup: Lookup) -> dict[str, t.Any]:
    """Return what the stacks of a host take, by variable. Raises PipelineError.

    :param lookup: gives the value of a variable, or None.
    """
    found = read_variables((*ORGANISATION, *VARIABLES, *HOST, *RUN, _POLICIES), lookup)
    if found["role_arn"]:
        found["access_role_name"] = found["role_arn"].rpartition("/")[2]
    return found


def desired_access(kind: Kind, host: str, account_id: str, settings: Settings) -> Desired:
    """Return the stack of this *kind* that the account of *host* should have.

    Raises PipelineError where CloudFormation or IAM would refuse it.
    """
    parameters = _PARAMETERS[kind.name](settings)
    name = str(settings[kind.stack_name])
    desired = Desired.from_values(
        name=name,
        template=template(kind.template),
        parameters=parameters,
        tags={
            **settings["stack_tags"],
            "crossaccount:access": kind.name,
            "crossaccount:host": host,
            "crossaccount:stack": name,
        },
        capabilities=("CAPABILITY_NAMED_IAM",),
    )
    if kind.group == PRIMARY:
        _check_sizes(desired, account_id, partition_of(settings["primary_region"]))
    return desired


def names_example(account_id: str, settings: Settings) -> bool:
    """Return whether the example's policy is one of the account's execution policies."""
    name = settings["execution_policy_name"]
    return any(
        arn.endswith(f":iam::{account_id}:policy/{name}") for arn in settings[_POLICIES.name]
    )


def _execution(settings: Settings) -> dict[str, t.Any]:
    return {
        "PolicyName": settings["execution_policy_name"],
        "CloudFormationRoleName": settings["cloudformation_role_name"],
    }


def _access(settings: Settings) -> dict[str, t.Any]:
    allowed = settings["allowed_execution_policies"] or settings[_POLICIES.name]
    return {
        "OperatorRoleArn": _role_of_build(settings, "operator_role_name"),
        "RoleName": settings["access_role_name"],
        "AllowedExecutionPolicyArns": sorted(allowed),
        "RequiredPermissionsBoundaryArn": settings["required_boundary_arn"],
        **_account(settings),
    }


def _drift_access(settings: Settings) -> dict[str, t.Any]:
    return {
        "DriftRoleArn": _role_of_build(settings, "drift_role_name"),
        "RoleName": settings["drift_access_role_name"],
        **_account(settings),
    }


def _account(settings: Settings) -> dict[str, t.Any]:
    return {
        "DeployStackName": settings["deploy_account_stack_name"],
        "CodePipelineRoleName": settings["codepipeline_role_name"],
        "CloudFormationRoleName": settings["cloudformation_role_name"],
        "ExternalId": settings["external_id"],
        **_boundary(settings),
    }


def _operator(settings: Settings) -> dict[str, t.Any]:
    return {
        **_role_in_build(settings, settings["operator_principals"]),
        "RoleName": settings["operator_role_name"],
        "AccessRoleName": settings["access_role_name"],
        "CodePipelineRoleName": settings["codepipeline_role_name"],
        "Remediates": settings["operator_remediates"],
        "Purges": settings["operator_purges"],
    }


def _drift(settings: Settings) -> dict[str, t.Any]:
    principals = settings["drift_principals"] or settings["operator_principals"]
    return {
        **_role_in_build(settings, principals),
        "RoleName": settings["drift_role_name"],
        "AccessRoleName": settings["drift_access_role_name"],
    }


def _role_in_build(settings: Settings, principals: t.Collection[str]) -> dict[str, t.Any]:
    primary, regional = settings["primary_stack_name"], settings["regional_stack_name"]
    return {
        "PrincipalArns": sorted(principals),
        "PrincipalAccountIds": sorted({arn.split(":")[4] for arn in principals}),
        "PrimaryStackName": primary,
        "RegionalStackName": regional,
        "PrimaryBucketPrefix": bucket_prefix(primary),
        "RegionalBucketPrefix": bucket_prefix(regional),
        **_boundary(settings),
    }


def _boundary(settings: Settings) -> dict[str, t.Any]:
    arn = settings["access_boundary_arn"] or settings["permissions_boundary_arn"]
    return {"PermissionsBoundaryArn": arn}


def _role_of_build(settings: Settings, variable: str) -> str:
    partition = partition_of(settings["primary_region"])
    return f"arn:{partition}:iam::{settings['build_account_id']}:role/{settings[variable]}"


_PARAMETERS: dict[str, t.Callable[[Settings], dict[str, t.Any]]] = {
    EXECUTION.name: _execution,
    ACCESS.name: _access,
    DRIFT_ACCESS.name: _drift_access,
    OPERATOR.name: _operator,
    DRIFT.name: _drift,
}


def _check_sizes(desired: Desired, account_id: str, partition: str) -> None:
    """Raise PipelineError if names make a managed policy too long for IAM."""
    values = {
        **desired.parameters,
        "AWS::Partition": partition,
        "AWS::AccountId": account_id,
    }
    for name, resource in parse(desired.template)["Resources"].items():
        if resource["Type"] != "AWS::IAM::ManagedPolicy":
            continue
        text = json.dumps(_filled(resource["Properties"]["PolicyDocument"], values))
        size = sum(not character.isspace() for character in text)
        if size > POLICY_LIMIT:
            raise PipelineError(
                f"policy {name} of {desired.name} would have {size:,} characters, and IAM allows"
                f" {POLICY_LIMIT:,}",
                cure="Choose shorter names of stacks and roles",
            )


def _filled(value: t.Any, values: t.Mapping[str, str]) -> t.Any:
    if isinstance(value, dict):
        if "Fn::Sub" in value:
            return _REFERENCE.sub(lambda match: values[match[1]], value["Fn::Sub"])
        return {key: _filled(item, values) for key, item in value.items()}
    return [_filled(item, values) for item in value] if isinstance(value, list) else value


__all__ = ("POLICY_LIMIT", "Settings", "desired_access", "names_example", "read_access_settings")
