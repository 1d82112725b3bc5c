# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles that may do what a test says, and what they reach."""

from __future__ import annotations

import base64
import json
from typing import Any

from lab import Lab
from lab.clients import Clients
from lab.tests.stacks import (
    allowed,
    key_policy,
    statements,
)

ACCOUNT = "222222222222"
REGION = "us-east-1"
OTHER = "333333333333"


class Caller:
    """A role of the account that may do what a test says, and CloudFormation seen by it."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.iam, self.name = lab.client("iam", ACCOUNT), name
        root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        statement = {"Effect": "Allow", "Principal": root, "Action": "sts:AssumeRole"}
        service = {**statement, "Principal": {"Service": "cloudformation.amazonaws.com"}}
        self.iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(
                {"Version": "2012-10-17", "Statement": [statement, service]}
            ),
        )
        self.arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
        self.clients = Clients(lab.url)
        self.credentials = self.clients.assume(ACCOUNT, name, REGION)
        self.stacks = self.client("cloudformation")

    def client(self, service: str) -> Any:
        return self.clients.client(service, region=REGION, credentials=self.credentials)

    def may(self, *actions: str, resource: str = "*", **condition: Any) -> None:
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource, **condition}
        self.iam.put_role_policy(
            RoleName=self.name,
            PolicyName="test",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )


class Store:
    """A bucket of the account, encrypted with a key of the account, as the templates make them."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.s3, self.kms = lab.client("s3", ACCOUNT), lab.client("kms", ACCOUNT)
        self.name = name.lower()[:60]
        self.objects = f"arn:aws:s3:::{self.name}/*"
        self.key = self.kms.create_key()["KeyMetadata"]["Arn"]
        self.s3.create_bucket(Bucket=self.name)
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": self.key}
        self.s3.put_bucket_encryption(
            Bucket=self.name,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": default}]
            },
        )
        self.s3.put_object(Bucket=self.name, Key="key", Body=b"data")

    def grant(self, *actions: str, to: str, effect: str = "Allow", **more: Any) -> None:
        grant = {"Principal": {"AWS": to}, "Action": list(actions), "Resource": self.objects}
        document = statements({**grant, "Effect": effect, **more})
        self.s3.put_bucket_policy(Bucket=self.name, Policy=json.dumps(document))

    def grant_key(self, *actions: str, to: str, **more: Any) -> None:
        document = key_policy(to, *actions)
        document["Statement"][0].update(more)
        document["Statement"] += key_policy(ACCOUNT, "kms:*")["Statement"]
        self.kms.put_key_policy(KeyId=self.key, PolicyName="default", Policy=json.dumps(document))


class Stranger(Caller):
    """A role of another account."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.iam, self.name = lab.client("iam", OTHER), name
        root = {"AWS": f"arn:aws:iam::{OTHER}:root"}
        trust = statements({"Principal": root, "Action": "sts:AssumeRole"})
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        self.arn = f"arn:aws:iam::{OTHER}:role/{name}"
        self.clients = Clients(lab.url)
        self.credentials = self.clients.assume(OTHER, name, REGION)

    def reads(self, store: Store) -> bool:
        return allowed(lambda: self.client("s3").get_object(Bucket=store.name, Key="key"))

    def writes(self, store: Store, **more: Any) -> bool:
        return allowed(
            lambda: self.client("s3").put_object(Bucket=store.name, Key="new", Body=b"", **more)
        )


def with_token(
    lab: Lab, role_arn: str, service: str, *, issuer: str, audience: str, subject: str
) -> Any:
    """A client of a role that is assumed with an OIDC token."""
    claims = {"iss": f"https://{issuer}", "aud": audience, "sub": subject}
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    clients = Clients(lab.url)
    answer = clients.root("sts", ACCOUNT, REGION).assume_role_with_web_identity(
        RoleArn=role_arn, RoleSessionName="job", WebIdentityToken=f"e30.{payload}.signature"
    )["Credentials"]
    credentials = {
        "aws_access_key_id": answer["AccessKeyId"],
        "aws_secret_access_key": answer["SecretAccessKey"],
        "aws_session_token": answer["SessionToken"],
    }
    return clients.client(service, region=REGION, credentials=credentials)


def only(role: str) -> dict[str, Any]:
    return {"Condition": {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::*:role/{role}"}}}
