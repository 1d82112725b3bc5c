# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What builds and tests of a pipeline may never do, whatever policies they get. Pure.

Their code is the team's, and so are the policies that the team gives them. Two denials are in the
roles themselves. The foundation's buckets are out of reach by a permissions boundary: no denial
can except a prefix of one bucket and leave other buckets alone.
"""

from __future__ import annotations

from .._pipeline.model import Pipeline
from .._pipeline.source import S3
from .foundation import Foundation, store_regions
from .part import Data, Part
from .roles import BOUNDARY, sub

# CodePipeline writes artifacts below so many characters of a pipeline's name.
STORE_PREFIX = 20
# How CloudFormation names a region's bucket: the stack's name comes before it.
_OF_STACK = "-pipelinebucket-"


def build_boundary(pipeline: Pipeline, foundation: Foundation) -> Part:
    """Return the boundary of the pipeline's builds and tests, if it has any."""
    is_built = pipeline.source is not None and pipeline.source.type != S3
    if not is_built and not any(wave.tests for wave in pipeline.waves):
        return Part()
    return Part(
        primary_outputs=("BuildBucketName",),
        resources={
            BOUNDARY: {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {
                    "Path": "/crossaccount/",
                    "ManagedPolicyName": sub("${PipelineName}-build"),
                    "Description": sub("Bounds builds and tests of ${PipelineName}"),
                    "PolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": _statements(pipeline, foundation),
                    },
                },
            }
        },
    )


def denials() -> list[Data]:
    """Return what the role of a build denies itself."""
    return [
        {
            "Sid": "DenyPassingRoles",
            "Effect": "Deny",
            "Action": "iam:PassRole",
            "Resource": "*",
        },
        # Its own role is among them, with this denial and its boundary.
        {
            "Sid": "DenyUsingIamOnFoundationRoles",
            "Effect": "Deny",
            "Action": "iam:*",
            "Resource": sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/crossaccount/*"),
        },
        {
            "Sid": "DenyUsingIamOnBoundaries",
            "Effect": "Deny",
            "Action": "iam:*",
            "Resource": sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/crossaccount/*"),
        },
    ]


def _statements(pipeline: Pipeline, foundation: Foundation) -> list[Data]:
    buckets = _foundation_buckets(foundation)
    own = [
        sub("arn:${AWS::Partition}:s3:::${BuildBucketName}/${PipelineName}/*"),
        # Where a push is built, each build has a prefix of its own.
        sub("arn:${AWS::Partition}:s3:::${BuildBucketName}/builds/${PipelineName}/*"),
        sub(f"${{PipelineBucketArn}}/{pipeline.name[:STORE_PREFIX]}/*"),
        *(
            f"{arn}/{pipeline.name}/*"
            for region in store_regions(pipeline, foundation.region)
            if (arn := foundation.asset_bucket_arn(region))
        ),
    ]
    return [
        {
            "Sid": "EverythingButBuckets",
            "Effect": "Allow",
            "NotAction": "s3:*",
            "Resource": "*",
        },
        {
            "Sid": "OtherBuckets",
            "Effect": "Allow",
            "Action": "s3:*",
            "NotResource": buckets,
        },
        {
            "Sid": "OwnObjects",
            "Effect": "Allow",
            "Action": "s3:*",
            "Resource": own,
        },
        {
            "Sid": "SeeFoundationBuckets",
            "Effect": "Allow",
            "Action": [
                "s3:GetBucketAcl",
                "s3:GetBucketLocation",
                "s3:GetEncryptionConfiguration",
                "s3:ListBucket",
            ],
            "Resource": buckets,
        },
    ]


def _foundation_buckets(foundation: Foundation) -> list[str | Data]:
    """Return patterns for the buckets of the foundation and what they hold, in every region."""
    names = [foundation.bucket_name(region) for region in sorted(foundation.register)]
    heads = {
        f"{name.partition(_OF_STACK)[0]}-*" if _OF_STACK in name else f"{name}*" for name in names
    }
    patterns = [f"arn:{foundation.partition}:s3:::{head}" for head in sorted(heads)]
    return [*patterns, sub("arn:${AWS::Partition}:s3:::${BuildBucketName}*")]


__all__ = ("STORE_PREFIX", "build_boundary", "denials")
