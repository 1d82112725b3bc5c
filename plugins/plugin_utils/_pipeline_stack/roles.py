# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles of a pipeline's stack, and statements that they share. Pure.

A role's path says what trusts it: deploy accounts trust ``/crossaccount/pipeline/``, where the
pipeline's own role is alone. Every other role is below ``/crossaccount/build/``.
"""

from __future__ import annotations

import typing as t

from .part import Data

# The boundary of builds and tests, where the organisation demands none of its own.
BOUNDARY = "BuildBoundary"


def sub(text: str) -> Data:
    """Return *text* with its ``${...}`` resolved by CloudFormation."""
    return {"Fn::Sub": text}


def attribute(resource: str, name: str = "Arn") -> Data:
    """Return an attribute of a resource of the same template."""
    return {"Fn::GetAtt": [resource, name]}


def make_role(
    name: str,
    description: str,
    *,
    trust: t.Sequence[Data],
    policy: str,
    statements: t.Sequence[Data],
    managed_policies: t.Sequence[str] = (),
    is_bounded: bool = False,
) -> Data:
    """Return the role ``<pipeline>-<name>`` with one inline policy.

    :param policy: the name of the policy.
    :param managed_policies: the ARNs of those that it has in addition.
    :param is_bounded: whether it has the boundary of builds and tests.
    """
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "Path": "/crossaccount/build/",
            "RoleName": sub(f"${{PipelineName}}-{name}"),
            "Description": sub(description),
            "PermissionsBoundary": {
                "Fn::If": [
                    "HasPermissionsBoundary",
                    {"Ref": "PermissionsBoundaryArn"},
                    {"Ref": BOUNDARY if is_bounded else "AWS::NoValue"},
                ]
            },
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": list(trust)},
            **({"ManagedPolicyArns": list(managed_policies)} if managed_policies else {}),
            "Policies": [
                {
                    "PolicyName": policy,
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": list(statements)},
                }
            ],
        },
    }


def trusts_service(service: str, source_arn: str, *, account: bool = False) -> Data:
    """Return the trust in a service of AWS, for one of its resources.

    :param account: whether the service also sends the account (``aws:SourceAccount``).
    """
    condition: Data = {"ArnEquals": {"aws:SourceArn": sub(source_arn)}}
    if account:
        condition["StringEquals"] = {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    return {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": condition,
    }


# Statements


def allow(sid: str, actions: str | t.Sequence[str], resource: t.Any, **condition: t.Any) -> Data:
    """Return a statement that allows *actions* on *resource*.

    :param condition: by operator, such as ``StringEquals``.
    """
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": actions if isinstance(actions, str) else list(actions),
        "Resource": resource,
    }
    return {**statement, "Condition": condition} if condition else statement


def upload_builds(*prefixes: str) -> list[Data]:
    """Return what a role needs to upload to the pipeline's part of the build bucket.

    :param prefixes: of the objects; by default, the pipeline's own.
    """
    bucket = "arn:${AWS::Partition}:s3:::${BuildBucketName}"
    resources = [sub(f"{bucket}/{prefix}*") for prefix in prefixes or ("${PipelineName}/",)]
    return [
        allow("UploadBuilds", "s3:PutObject", resources if len(resources) > 1 else resources[0]),
        # Decrypt: S3 reads the parts of a multipart upload before it joins them.
        allow(
            "EncryptBuilds",
            ["kms:Decrypt", "kms:GenerateDataKey"],
            {"Ref": "KeyArn"},
            StringEquals={"kms:ViaService": sub("s3.${AWS::Region}.${AWS::URLSuffix}")},
        ),
    ]


__all__ = ("BOUNDARY", "allow", "attribute", "make_role", "sub", "trusts_service", "upload_builds")
