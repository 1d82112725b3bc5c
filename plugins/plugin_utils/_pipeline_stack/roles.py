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


_USE_KEY = ("kms:Decrypt", "kms:GenerateDataKey")

# Releases of the pipeline itself.
PIPELINE_ARN = sub(
    "arn:${AWS::Partition}:codepipeline:${AWS::Region}:${AWS::AccountId}:${PipelineName}"
)


def use_key(sid: str, service: str = "s3", actions: t.Sequence[str] = _USE_KEY) -> Data:
    """Return the use of the primary region's key, only by way of *service*."""
    via = sub(f"{service}.${{AWS::Region}}.${{AWS::URLSuffix}}")
    return allow(sid, actions, {"Ref": "KeyArn"}, StringEquals={"kms:ViaService": via})


def use_keys_of_regions(sid: str, keys: t.Sequence[t.Any]) -> Data:
    """Return the use of *keys* of several regions, only by way of S3."""
    via = sub("s3.*.${AWS::URLSuffix}")
    return allow(sid, _USE_KEY, keys, StringLike={"kms:ViaService": via})


def use_keys_of_topics(sid: str, keys: str, topics: t.Sequence[str]) -> Data:
    """Return the use of *keys*, which are not known, for the messages of *topics* alone.

    A topic without a key of its own needs none.

    :param keys: a pattern of their ARNs, with parameters of the template.
    """
    context = {"kms:EncryptionContext:aws:sns:topicArn": list(topics)}
    return allow(sid, _USE_KEY, sub(keys), StringEquals=context)


def upload_builds(*prefixes: str) -> list[Data]:
    """Return what a role needs to upload to the pipeline's part of the build bucket.

    :param prefixes: of the objects; by default, the pipeline's own.
    """
    bucket = "arn:${AWS::Partition}:s3:::${BuildBucketName}"
    resources = [sub(f"{bucket}/{prefix}*") for prefix in prefixes or ("${PipelineName}/",)]
    return [
        allow("UploadBuilds", "s3:PutObject", resources if len(resources) > 1 else resources[0]),
        # Decrypt: S3 reads the parts of a multipart upload before it joins them.
        use_key("EncryptBuilds"),
    ]


__all__ = (
    "BOUNDARY",
    "PIPELINE_ARN",
    "allow",
    "attribute",
    "make_role",
    "sub",
    "trusts_service",
    "upload_builds",
    "use_key",
    "use_keys_of_regions",
    "use_keys_of_topics",
)
