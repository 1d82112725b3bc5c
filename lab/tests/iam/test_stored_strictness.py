# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policies as the services store them, with the ids of roles that are gone.

MiniStack alone accepts what each test expects to be refused or different: see lab/README.md.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab import Lab
from lab.clients import Clients
from lab.tests.drifting import (
    ACCOUNT,
    NAMING,
    REGION,
    ROOT,
    TEMPLATE,
    TRUST,
    Drifting,
)
from lab.tests.stacks import (
    allowed,
    eventually,
    refused,
    statements,
)


class Role:
    """A role of another account, which policies name; it can go and come back."""

    ACCOUNT = "333333333333"

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.name = lab, name
        self.iam = lab.client("iam", self.ACCOUNT)
        self.arn = f"arn:aws:iam::{self.ACCOUNT}:role/{name}"
        self.id = self.make()

    def make(self) -> str:
        root = {"AWS": f"arn:aws:iam::{self.ACCOUNT}:root"}
        trust = statements({"Principal": root, "Action": "sts:AssumeRole"})
        made = self.iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=json.dumps(trust))
        everything = json.dumps(statements({"Action": "*", "Resource": "*"}))
        self.iam.put_role_policy(RoleName=self.name, PolicyName="all", PolicyDocument=everything)
        return str(made["Role"]["RoleId"])

    def make_again(self) -> str:
        self.iam.delete_role_policy(RoleName=self.name, PolicyName="all")
        self.iam.delete_role(RoleName=self.name)
        return self.make()

    def client(self, service: str) -> Any:
        clients = Clients(self.lab.url)
        credentials = clients.assume(self.ACCOUNT, self.name, REGION)
        return clients.client(service, region=REGION, credentials=credentials)


def principals(policy: str | dict[str, Any]) -> list[Any]:
    document = json.loads(policy) if isinstance(policy, str) else policy
    return [statement["Principal"]["AWS"] for statement in document["Statement"]]


@pytest.fixture
def role(lab: Lab, stack: Drifting) -> Role:
    return Role(lab, f"named-{stack.name}")


@pytest.fixture
def trusting(stack: Drifting, role: Role) -> Drifting:
    """A stack whose bucket, key and role name another account's role."""
    named = {"Principal": {"AWS": role.arn}, "Resource": "*"}
    template = json.loads(json.dumps({name: TEMPLATE[name] for name in NAMING}))
    key = template["Key"]["Properties"]["KeyPolicy"]["Statement"]
    key.append({"Effect": "Allow", **named, "Action": "kms:DescribeKey"})
    grant = template["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
    grant["Principal"] = {"AWS": role.arn}
    trust = statements({"Principal": {"AWS": role.arn}, "Action": "sts:AssumeRole"})
    template["Role"]["Properties"]["AssumeRolePolicyDocument"] = trust
    stack.make(template)
    return stack


def test_a_role_made_again_leaves_a_dead_principal(trusting: Drifting, role: Role) -> None:
    """Nor does CloudFormation see it, by either of its ways."""
    s3, kms, iam = (trusting.lab.client(name, ACCOUNT) for name in ("s3", "kms", "iam"))
    bucket, key, name = (trusting.physical_id(one) for one in ("Bucket", "Key", "Role"))
    s3.put_object(Bucket=bucket, Key="key", Body=b"", ServerSideEncryption="AES256")
    trusted = f"arn:aws:iam::{ACCOUNT}:role/{name}"

    def reaches() -> list[bool]:
        """Whether the role reads the bucket, sees the key, and assumes the other role."""
        return [
            allowed(lambda: role.client("s3").get_object(Bucket=bucket, Key="key")),
            allowed(lambda: role.client("kms").describe_key(KeyId=key_arn)),
            allowed(
                lambda: role.client("sts").assume_role(RoleArn=trusted, RoleSessionName="test")
            ),
        ]

    key_arn = kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"]
    assert reaches() == [True, True, True]
    again = role.make_again()
    assert again != role.id
    assert principals(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == [role.id]
    key_policy = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    assert principals(key_policy) == [ROOT, role.id]
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    assert principals(trust) == [role.id]
    assert reaches() == [False, False, False]
    assert trusting.drifted() == {}
    assert trusting.reverting()["Status"] == "FAILED"
    dead = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    assert "Invalid principal" in refused(lambda: s3.put_bucket_policy(Bucket=bucket, Policy=dead))
    s3.put_bucket_policy(Bucket=bucket, Policy=dead.replace(role.id, role.arn))
    assert reaches() == [True, False, False]


def test_a_role_that_its_stack_replaces_is_dead_too(stack: Drifting) -> None:
    trust = {"AssumeRolePolicyDocument": TRUST}
    stack.make({"Role": {"Type": "AWS::IAM::Role", "Properties": trust}})
    iam, name = stack.lab.client("iam", ACCOUNT), stack.physical_id("Role")
    role = iam.get_role(RoleName=name)["Role"]
    named = statements({"Principal": {"AWS": role["Arn"]}, "Action": "kms:*", "Resource": "*"})
    kms = stack.lab.client("kms", "444444444444")
    key = kms.create_key(Policy=json.dumps(named))["KeyMetadata"]["KeyId"]
    stack.api.delete_stack(StackName=stack.name)
    eventually(
        lambda: (
            principals(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
            == [role["RoleId"]]
        )
    )


def test_policies_are_stored_as_the_services_write_them(lab: Lab, stack: Drifting) -> None:
    """What means the same has not drifted."""
    template = json.loads(json.dumps({name: TEMPLATE[name] for name in NAMING}))
    key = template["Key"]["Properties"]["KeyPolicy"]["Statement"][0]
    grant = template["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
    trust = statements({"Principal": {"AWS": [ACCOUNT]}, "Action": ["sts:AssumeRole"]})
    template["Role"]["Properties"]["AssumeRolePolicyDocument"] = trust
    for statement in (key, grant):
        statement["Principal"] = {"AWS": [ACCOUNT]}
        statement["Action"] = [statement["Action"]]
    stack.make(template)
    s3, kms, iam = (lab.client(name, ACCOUNT) for name in ("s3", "kms", "iam"))
    bucket, key_id, name = (stack.physical_id(one) for one in ("Bucket", "Key", "Role"))
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    (stored,) = json.loads(policy)["Statement"]
    assert (stored["Principal"], stored["Action"]) == ({"AWS": ROOT}, "s3:GetObject")
    trusted = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert (trusted["Principal"], trusted["Action"]) == ({"AWS": ROOT}, "sts:AssumeRole")
    key_policy = kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"]
    assert principals(key_policy) == [[ROOT]]
    assert stack.drifted() == {}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(statements(grant_of(bucket))))
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == policy
    added = statements(grant_of(bucket), {**grant_of(bucket), "Sid": "Added"})
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(added))
    differences = stack.detect()["BucketPolicy"]["PropertyDifferences"]
    assert [one["PropertyPath"] for one in differences] == ["/PolicyDocument/Statement/1"]
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
    again = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert again == trusted
    assert stack.drifted() == {}


def grant_of(bucket: str) -> dict[str, Any]:
    return {
        "Principal": {"AWS": [ACCOUNT]},
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{bucket}/*"],
    }
