# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A CodeBuild project with its role and log group. Pure."""

from __future__ import annotations

import typing as t

from .._pipeline.build import Build
from .part import Data
from .roles import allow, attribute, make_role, sub, trusts_service

_LOG_RETENTION_DAYS = 365


def make_project(
    logical_id: str,
    name: str,
    description: str,
    build: Build,
    *,
    source: Data,
    properties: Data,
    statements: t.Sequence[Data],
) -> Data:
    """Return the resources of the project ``<pipeline>-<name>``.

    :param logical_id: how the logical ids of project, role and log group begin.
    :param source: the project's source, without its buildspec.
    :param properties: of the project that do not follow from the build.
    :param statements: what builds may do, their log aside.
    """
    project, role, log = f"{logical_id}Project", f"{logical_id}Role", f"{logical_id}LogGroup"
    full_name = f"${{PipelineName}}-{name}"
    return {
        project: {
            "Type": "AWS::CodeBuild::Project",
            "Properties": {
                "Name": sub(full_name),
                "Description": sub(description),
                "ServiceRole": attribute(role),
                "Source": {**source, "BuildSpec": build.buildspec},
                "Environment": _environment(build),
                **properties,
                "LogsConfig": {
                    "CloudWatchLogs": {"Status": "ENABLED", "GroupName": {"Ref": log}},
                },
            },
        },
        log: {
            "Type": "AWS::Logs::LogGroup",
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Delete",
            "Properties": {
                "LogGroupName": sub(f"/aws/codebuild/{full_name}"),
                "RetentionInDays": _LOG_RETENTION_DAYS,
            },
        },
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
                allow("WriteLog", ["logs:CreateLogStream", "logs:PutLogEvents"], attribute(log)),
            ],
        ),
    }


def _environment(build: Build) -> Data:
    return {
        "Type": build.container_type,
        "Image": build.image,
        "ComputeType": build.compute_type,
        "PrivilegedMode": False,
        "EnvironmentVariables": [
            {"Name": name, "Type": "PLAINTEXT", "Value": value}
            for name, value in build.environment.items()
        ],
    }


__all__ = ("make_project",)
