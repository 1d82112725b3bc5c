# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What CodeBuild does as a project's role before any command runs: image, network, variables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError
from ministack.core.responses import get_account_id, get_region

from .projects import Data, principal_of

_ECR = re.compile(r"(\d{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.[a-z.]+/([\w./-]+?)(?:[:@].*)?")
_PULLS = ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer")
_SEES = ("DhcpOptions", "NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")


def provisioning_refusal(project: Data) -> str:
    """Why the machine cannot be had: its image, or its place in a VPC; empty when it can.

    AWS: pulls as the service role if the project says so, and makes network interfaces as it.
    """
    caller = principal_of(project, "AWSCodeBuild")
    refusals = (
        caller.check(action, resource, region=get_region(), context=context)
        for action, resource, context in (*_pulls(project), *_network(project))
    )
    return next((refusal for refusal in refusals if refusal), "")


def _pulls(project: Data) -> Iterator[tuple[str, str, Data]]:
    environment = project["environment"]
    if environment.get("imagePullCredentialsType") != "SERVICE_ROLE":
        return
    if credential := environment.get("registryCredential"):
        yield "secretsmanager:GetSecretValue", credential["credential"], {}
    if match := _ECR.fullmatch(environment["image"]):
        account, region, name = match.groups()
        yield "ecr:GetAuthorizationToken", "*", {}
        for action in _PULLS:
            yield f"ecr:{action}", f"arn:aws:ecr:{region}:{account}:repository/{name}", {}


def _network(project: Data) -> Iterator[tuple[str, str, Data]]:
    vpc = project.get("vpcConfig")
    if not vpc:
        return
    prefix = f"arn:aws:ec2:{get_region()}:{get_account_id()}"
    interface = f"{prefix}:network-interface/eni-0123abcd"
    for name in _SEES:
        yield f"ec2:Describe{name}", "*", {}
    groups = [f"{prefix}:security-group/{name}" for name in vpc["securityGroupIds"]]
    for subnet in vpc["subnets"]:
        arn = f"{prefix}:subnet/{subnet}"
        for resource in (interface, arn, *groups):
            yield "ec2:CreateNetworkInterface", resource, {}
        keys = {"ec2:subnet": arn, "ec2:authorizedservice": "codebuild.amazonaws.com"}
        yield "ec2:CreateNetworkInterfacePermission", interface, keys
        yield "ec2:DeleteNetworkInterface", interface, {"ec2:subnet": arn}


def variables_refusal(environment: Data, client: Any) -> str:
    """Why a variable has no value; empty when each has one.

    AWS: reads parameters and secrets as the service role. client: makes its clients.
    """
    for variable in environment.get("environmentVariables", []):
        kind, value = variable.get("type", "PLAINTEXT"), variable["value"]
        try:
            if kind == "PARAMETER_STORE":
                found = client("ssm").get_parameters(Names=[value], WithDecryption=True)
                if found["InvalidParameters"]:
                    return f"Parameter does not exist: {value}"
            elif kind == "SECRETS_MANAGER":
                client("secretsmanager").get_secret_value(SecretId=_secret_id(value))
        except ClientError as error:
            return str(error)
    return ""


def _secret_id(value: str) -> str:
    """The secret of `secret-id:json-key:version-stage:version-id`; an ARN has colons itself."""
    parts = value.split(":")
    return ":".join(parts[:7]) if value.startswith("arn:") else parts[0]


__all__ = ("provisioning_refusal", "variables_refusal")
