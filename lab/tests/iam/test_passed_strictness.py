# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Templates in buckets, roles that are passed, log streams.

MiniStack alone accepts what each test expects to be refused or different: see lab/README.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from lab import Lab
from lab.clients import Clients
from lab.tests.release_templates import (
    ACCOUNT,
    REGION,
    create,
    pipeline,
    project,
    role,
    rule,
    somebody,
    statement,
)
from lab.tests.stacks import (
    TOPIC,
    Stacks,
    reasons,
    refused,
)


@pytest.fixture
def account() -> str:
    return ACCOUNT


# Templates in buckets


@pytest.mark.parametrize("denied", ["s3:GetObject", "kms:Decrypt"])
def test_a_template_is_read_with_the_rights_of_the_caller(lab: Lab, name: str, denied: str) -> None:
    s3, body = lab.client("s3", ACCOUNT), json.dumps({"Resources": {"Topic": TOPIC}})
    name = name.replace(":", "-").lower()
    key = lab.client("kms", ACCOUNT).create_key()["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket=name)
    s3.put_object(
        Bucket=name, Key="one", Body=body, ServerSideEncryption="aws:kms", SSEKMSKeyId=key
    )
    url = f"{lab.url}/{name}/one"
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    but_one = {"Effect": "Allow", "NotAction": denied, "Resource": "*"}
    other = somebody(lab, f"{name}-other", but_one)
    message = refused(lambda: other.create_stack(StackName=name, TemplateURL=url))
    assert message == "ValidationError: S3 error: Access Denied"
    own = Stacks(somebody(lab, f"{name}-own", everything), name)
    own.api.create_stack(StackName=name, TemplateURL=url)
    assert own.wait() == "CREATE_COMPLETE"


# Roles that are passed

PASSED: dict[str, Callable[[str], dict[str, Any]]] = {
    "codebuild": lambda name: project(name, ServiceRole="ROLE"),
    "codepipeline": lambda name: pipeline(name, RoleArn="ROLE"),
    "events": lambda name: rule(name, RoleArn="ROLE"),
}


@pytest.mark.parametrize("service", PASSED)
def test_whoever_gives_a_role_must_be_allowed_to_pass_it(lab: Lab, name: str, service: str) -> None:
    iam = lab.client("iam", ACCOUNT)
    trust = role(service)["Properties"]["AssumeRolePolicyDocument"]
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    other = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    api = somebody(
        lab,
        f"{name}-me",
        {"Effect": "Allow", "NotAction": "iam:PassRole", "Resource": "*"},
        statement("iam:PassRole", Condition=other),
    )
    own = Stacks(api, name)
    template = json.loads(json.dumps({"One": PASSED[service](name)}).replace("ROLE", arn))
    assert create(own, template) == "ROLLBACK_COMPLETE"
    assert f"iam:PassRole on resource: {arn}" in reasons(own)


def test_a_group_s_arn_with_an_asterisk_is_about_its_streams(lab: Lab, name: str) -> None:
    lab.client("logs", ACCOUNT).create_log_group(logGroupName=name)
    iam = lab.client("iam", ACCOUNT)
    trust = {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "sts:AssumeRole",
            }
        ]
    }
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}:*"
    policy = {"Statement": [statement("logs:CreateLogStream", arn)]}
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
    clients = Clients(lab.url)
    logs = clients.client("logs", region=REGION, credentials=clients.assume(ACCOUNT, name, REGION))
    logs.create_log_stream(logGroupName=name, logStreamName="one")
