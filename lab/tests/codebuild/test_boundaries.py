# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a build cannot do on the lab, whatever policies it gets: with the real template."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab import Lab
from lab.tests.applications import Foundation
from lab.tests.stacks import statements

ROLE = "tested-release"


@pytest.fixture(scope="module")
def foundation(running_lab: Lab) -> Foundation:
    found = Foundation(running_lab)
    found.install("tested")
    return found


def as_build(foundation: Foundation, service: str) -> Any:
    """A client as the build's role with AmazonS3FullAccess, and everything in IAM."""
    arn = f"arn:aws:iam::{foundation.account}:role/crossaccount/build/{ROLE}"
    iam = foundation.lab.client("iam", foundation.account)
    principal = {"AWS": f"arn:aws:iam::{foundation.account}:root"}
    trust = json.dumps(statements({"Principal": principal, "Action": "sts:AssumeRole"}))
    iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=trust)
    iam.attach_role_policy(RoleName=ROLE, PolicyArn="arn:aws:iam::aws:policy/IAMFullAccess")
    return foundation.lab.client_of(service, arn, foundation.region)


def denied(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])


def test_a_build_overwrites_its_own_artifacts_alone(foundation: Foundation) -> None:
    s3 = as_build(foundation, "s3")
    builds = foundation.outputs["BuildBucketName"]
    store = foundation.outputs["PipelineBucketArn"].rpartition(":")[2]
    foundation.lab.client("s3", foundation.account).create_bucket(Bucket="of-the-team")

    s3.put_object(Bucket=builds, Key="tested/application.zip", Body=b"1")
    s3.put_object(Bucket=store, Key="tested/build-cache/1", Body=b"1")
    s3.put_object(Bucket="of-the-team", Key="anything", Body=b"1")
    for bucket in (builds, store):
        refusal = denied(s3.put_object, Bucket=bucket, Key="hello/application.zip", Body=b"1")
        assert refusal == "AccessDenied", bucket
        assert denied(s3.delete_bucket_policy, Bucket=bucket) == "AccessDenied", bucket


def test_a_build_does_not_lift_its_limits(foundation: Foundation) -> None:
    iam = as_build(foundation, "iam")
    policy = json.dumps(statements({"Action": "s3:*", "Resource": "*"}))
    trust = json.dumps(
        statements({"Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})
    )

    iam.create_role(RoleName="of-the-team", AssumeRolePolicyDocument=trust)
    refusals = (
        denied(iam.put_role_policy, RoleName=ROLE, PolicyName="more", PolicyDocument=policy),
        denied(iam.delete_role_permissions_boundary, RoleName=ROLE),
        denied(iam.delete_role_policy, RoleName=ROLE, PolicyName="Release"),
        denied(
            iam.create_policy_version,
            PolicyArn=f"arn:aws:iam::{foundation.account}:policy/crossaccount/tested-build",
            PolicyDocument=policy,
            SetAsDefault=True,
        ),
    )
    assert set(refusals) == {"AccessDenied"}
