# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A CodeBuild project with its role and log group. Pure."""

from __future__ import annotations

import typing as t

from .._pipeline.build import LOCAL, S3_CACHE, Build
from .build_access import build_statements
from .build_boundary import STORE_PREFIX, denials
from .logs import make_log_group, write_log
from .part import Data
from .roles import attribute, make_role, sub, trusts_service


def make_project(
    logical_id: str,
    name: str,
    description: str,
    build: Build,
    *,
    pipeline: str,
    source: Data,
    properties: Data,
    statements: t.Sequence[Data],
    variables: t.Sequence[Data] = (),
    is_bounded: bool = True,
) -> Data:
    """Return the resources of the project ``<pipeline>-<name>``.

    :param logical_id: how the logical ids of project, role and log group begin.
    :param pipeline: the name of the pipeline.
    :param source: the project's source, with its buildspec.
    :param properties: of the project that do not follow from the build.
    :param statements: what builds may do that does not follow from the build.
    :param variables: of the build, in addition to its own.
    :param is_bounded: whether its role has the boundary and denials of builds; a role without
        policies that users choose needs none.
    """
    project, role, log = f"{logical_id}Project", f"{logical_id}Role", f"{logical_id}LogGroup"
    full_name = f"${{PipelineName}}-{name}"
    cache = f"{pipeline[:STORE_PREFIX]}/build-cache"
    return {
        project: {
            "Type": "AWS::CodeBuild::Project",
            "Properties": {
                "Name": sub(full_name),
                "Description": sub(description),
                "ServiceRole": attribute(role),
                "Source": source,
                "Environment": _environment(build, variables),
                "TimeoutInMinutes": build.timeout_minutes,
                **_network(build),
                **_cache(build, source, cache),
                **properties,
                "LogsConfig": {
                    "CloudWatchLogs": {"Status": "ENABLED", "GroupName": {"Ref": log}},
                },
            },
        },
        log: make_log_group(f"/aws/codebuild/{full_name}", build.log_retention_days),
        role: make_role(
            name,
            description,
            trust=[
                trusts_service(
                    "codebuild",
                    "arn:${AWS::Partition}:codebuild:${AWS::Region}:${AWS::AccountId}:project/"
                    f"{full_name}",
                )
            ],
            policy=logical_id,
            statements=[
                *statements,
                *build_statements(build, full_name, cache),
                write_log(log),
                *(denials() if is_bounded else []),
            ],
            is_bounded=is_bounded,
            managed_policies=build.managed_policy_arns,
        ),
    }


def _environment(build: Build, more: t.Sequence[Data]) -> Data:
    found: Data = {
        "Type": build.container_type,
        "Image": build.image,
        "ComputeType": build.compute_type,
        "PrivilegedMode": build.privileged,
        "EnvironmentVariables": [*_variables(build), *more],
    }
    if build.registry_secret_arn:
        found["RegistryCredential"] = {
            "Credential": build.registry_secret_arn,
            "CredentialProvider": "SECRETS_MANAGER",
        }
    if build.ecr_image or build.registry_secret_arn:
        # CodeBuild pulls as the project's role, and not by itself.
        found["ImagePullCredentialsType"] = "SERVICE_ROLE"
    return found


def _variables(build: Build) -> t.Iterator[Data]:
    for name, item in build.environment.items():
        if item.output:  # the action sets it
            continue
        if item.parameter:
            kind, value = "PARAMETER_STORE", item.parameter
        elif item.secret:
            kind = "SECRETS_MANAGER"
            value = f"{item.secret}:{item.json_key}" if item.json_key else item.secret
        else:
            kind, value = "PLAINTEXT", item.value
        yield {"Name": name, "Type": kind, "Value": value}


def _network(build: Build) -> Data:
    vpc = build.vpc
    if vpc is None:
        return {}
    return {
        "VpcConfig": {
            "VpcId": vpc.vpc_id,
            "Subnets": list(vpc.subnet_ids),
            "SecurityGroupIds": list(vpc.security_group_ids),
        }
    }


def _cache(build: Build, source: Data, cache: str) -> Data:
    """Return the cache of a project, which no other project shares."""
    if build.cache == S3_CACHE:
        # The name of the bucket is the last part of its ARN.
        bucket = {"Fn::Select": [5, {"Fn::Split": [":", {"Ref": "PipelineBucketArn"}]}]}
        location = {"Fn::Join": ["/", [bucket, cache]]}
        return {"Cache": {"Type": "S3", "Location": location}}
    if build.cache == LOCAL:
        modes = ["LOCAL_CUSTOM_CACHE"]
        modes += ["LOCAL_DOCKER_LAYER_CACHE"] if build.privileged else []
        modes += [] if source["Type"] == "CODEPIPELINE" else ["LOCAL_SOURCE_CACHE"]
        return {"Cache": {"Type": "LOCAL", "Modes": modes}}
    return {}


__all__ = ("make_project",)
