# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a build needs before its commands run on the lab: with the real template."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lab import Lab
from lab.tests.applications import Foundation
from lab.tests.release_templates import failure

ROLE, POLICY = "tested-release", "Release"
FILES = {"application.zip": b"an application"}


@pytest.fixture(scope="module")
def foundation(running_lab: Lab) -> Foundation:
    """The sample that has everything that a build may have, and what its variables name."""
    found = Foundation(running_lab)
    ssm = running_lab.client("ssm", found.account)
    ssm.put_parameter(Name="/tested/token", Value="a token", Type="String")
    secrets = running_lab.client("secretsmanager", found.account)
    secrets.create_secret(Name="tested/login", SecretString='{"password": "a password"}')
    found.install("tested")
    return found


@pytest.fixture
def policy(foundation: Foundation) -> Iterator[dict[str, Any]]:
    """The policy of the build's role, which is put back."""
    iam = foundation.lab.client("iam", foundation.account)
    document = iam.get_role_policy(RoleName=ROLE, PolicyName=POLICY)["PolicyDocument"]
    yield json.loads(json.dumps(document))
    iam.put_role_policy(RoleName=ROLE, PolicyName=POLICY, PolicyDocument=json.dumps(document))


def test_a_build_that_may_do_what_its_fields_grant_succeeds(foundation: Foundation) -> None:
    assert failure(foundation.lab.build(ROLE, FILES)) == ""


@pytest.mark.parametrize(
    ("action", "phase"),
    [
        ("ecr:BatchGetImage", "PROVISIONING"),
        ("ecr:GetAuthorizationToken", "PROVISIONING"),
        ("ec2:DescribeSubnets", "PROVISIONING"),
        ("ec2:CreateNetworkInterface", "PROVISIONING"),
        ("ec2:CreateNetworkInterfacePermission", "PROVISIONING"),
        ("ssm:GetParameters", "DOWNLOAD_SOURCE"),
        ("secretsmanager:GetSecretValue", "DOWNLOAD_SOURCE"),
    ],
)
def test_a_build_without_a_permission_fails_before_its_commands(
    foundation: Foundation, policy: dict[str, Any], action: str, phase: str
) -> None:
    for statement in policy["Statement"]:
        listed = statement["Action"]
        rest = [
            name for name in ([listed] if isinstance(listed, str) else listed) if name != action
        ]
        statement["Action"] = rest or "sts:GetCallerIdentity"
    foundation.lab.client("iam", foundation.account).put_role_policy(
        RoleName=ROLE, PolicyName=POLICY, PolicyDocument=json.dumps(policy)
    )

    found = failure(foundation.lab.build(ROLE, FILES))
    assert found.startswith(f"{phase}: ")
    assert action in found


def test_a_parameter_that_does_not_exist_fails_the_build(foundation: Foundation) -> None:
    ssm = foundation.lab.client("ssm", foundation.account)
    ssm.delete_parameter(Name="/tested/token")

    assert "Parameter does not exist: /tested/token" in failure(foundation.lab.build(ROLE, FILES))
