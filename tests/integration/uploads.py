# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects in the organisation's buckets, put there by a role that may: one of a pipeline."""

from __future__ import annotations

import json
from string import Template
from typing import Any

from lab import FILES, Lab

_NAME = "Uploads"


class Uploads:
    """The role of a pipeline of the build account, and what it does."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._build = lab.organisation.build
        trust = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{self._build}:root"},
            "Action": "sts:AssumeRole",
        }
        iam = lab.client("iam", self._build)
        role = iam.create_role(
            RoleName=_NAME,
            Path="/crossaccount/pipeline/",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )["Role"]
        allowed = {"Effect": "Allow", "Action": ["s3:*", "kms:*"], "Resource": "*"}
        iam.put_role_policy(
            RoleName=_NAME,
            PolicyName="uploads",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
        )
        answer = lab.client("sts", self._build).assume_role(
            RoleArn=role["Arn"], RoleSessionName="uploads"
        )["Credentials"]
        self._credentials = {
            "aws_access_key_id": answer["AccessKeyId"],
            "aws_secret_access_key": answer["SecretAccessKey"],
            "aws_session_token": answer["SessionToken"],
        }

    def put(self, bucket_arn: str, region: str, key: str, body: bytes) -> bytes:
        """Put an object into a bucket, and return what it holds."""
        self._s3(region).put_object(Bucket=_name(bucket_arn), Key=key, Body=body)
        return body

    def get(self, bucket_arn: str, region: str, key: str) -> bytes:
        """What an object holds."""
        answer = self._s3(region).get_object(Bucket=_name(bucket_arn), Key=key)
        return bytes(answer["Body"].read())

    def fill_with_versions(self, bucket_arn: str, region: str) -> None:
        """Leave several versions of several objects, some of them deleted, in a bucket."""
        name, s3 = _name(bucket_arn), self._s3(region)
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        for number in range(3):
            for key in ("a", "b/c", "d"):
                s3.put_object(Bucket=name, Key=key, Body=f"release {number}".encode())
        s3.delete_object(Bucket=name, Key="a")
        s3.delete_object(Bucket=name, Key="d")
        found = s3.list_object_versions(Bucket=name)
        assert len(found["Versions"]) == 9
        assert len(found["DeleteMarkers"]) == 2

    def _s3(self, region: str) -> Any:
        clients = self._lab._clients
        assert clients is not None
        return clients.client("s3", region=region, credentials=self._credentials)


def _name(bucket_arn: str) -> str:
    return bucket_arn.split(":::")[1]


def let_operator_purge(lab: Lab) -> None:
    """Give the operator what purge_data needs beyond its own policy: the policy that we ship."""
    policy = Template((FILES / "operator-purge-policy.json").read_text(encoding="utf-8"))
    lab.client("iam", lab.organisation.build).put_role_policy(
        RoleName=lab.organisation.operator.operator_role,
        PolicyName="purge",
        PolicyDocument=policy.substitute(BuildAccountId=lab.organisation.build, Partition="aws"),
    )


__all__ = ("Uploads", "let_operator_purge")
