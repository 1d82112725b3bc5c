# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds: what each field makes of the projects, and exactly what it lets them do."""

from __future__ import annotations

import fnmatch
import json
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.template import (
    compose_parameters,
    compose_template,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.template import parse

from tests.unit.roles.templates import BASE, resolve_template
from tools import sample_pipelines
from tools.sample_pipelines import PRIMARY_OUTPUTS, foundation

Data = dict[str, Any]

HERE = "us-east-1:111111111111"
KEY = f"arn:aws:kms:{HERE}:key/01234567-89ab-cdef-0123-456789abcdef"
VPC = {"vpc_id": "vpc-01", "subnet_ids": ["subnet-01"], "security_group_ids": ["sg-01"]}


def composed(build: Data, **source: Any) -> Data:
    """The resources of a pipeline with this build."""
    data = sample_pipelines.hello()
    data["source"] |= source
    [read] = sample_pipelines.read({**data, "build": build})
    text = compose_template(read, BASE.read_text("ascii"), foundation())
    parameters = compose_parameters(read, foundation(), PRIMARY_OUTPUTS)
    return resolve_template(parse(text), **parameters)


def project(resources: Data, name: str = "Release") -> Data:
    found: Data = resources[f"{name}Project"]["Properties"]
    return found


def allowed(resources: Data, name: str = "Release") -> set[tuple[str, str]]:
    """Every action with its resource that a role's own policy allows."""
    [policy] = resources[f"{name}Role"]["Properties"]["Policies"]
    return {
        (action, resource)
        for statement in policy["PolicyDocument"]["Statement"]
        for action in _listed(statement["Action"])
        for resource in _listed(statement["Resource"])
    }


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def added(build: Data, name: str = "Release") -> set[tuple[str, str]]:
    """What a build may do because of its fields alone."""
    return allowed(composed(build), name) - allowed(composed({}), name)


@pytest.mark.parametrize("name", ["Release", "PullRequest"])
def test_an_image_of_a_private_registry_is_pulled_by_the_role(name: str) -> None:
    build = {"image": "333333333333.dkr.ecr.eu-west-1.amazonaws.com/tools/build:1"}
    repository = "arn:aws:ecr:eu-west-1:333333333333:repository/tools/build"

    found = project(composed(build), name)["Environment"]
    assert found["ImagePullCredentialsType"] == "SERVICE_ROLE"
    assert added(build, name) == {
        ("ecr:BatchCheckLayerAvailability", repository),
        ("ecr:BatchGetImage", repository),
        ("ecr:GetDownloadUrlForLayer", repository),
        ("ecr:GetAuthorizationToken", "*"),
    }


def test_credentials_of_another_registry_are_in_a_secret() -> None:
    secret = f"arn:aws:secretsmanager:{HERE}:secret:registry-AbCdEf"
    build = {"image": "registry.example.com/build:1", "registry_secret_arn": secret}

    found = project(composed(build))["Environment"]
    assert found["ImagePullCredentialsType"] == "SERVICE_ROLE"
    assert found["RegistryCredential"] == {
        "Credential": secret,
        "CredentialProvider": "SECRETS_MANAGER",
    }
    assert added(build) == {("secretsmanager:GetSecretValue", secret)}


@pytest.mark.parametrize(
    ("build", "kind"),
    [
        ({"image": "registry.example.com/build:1", "architecture": "arm64"}, "ARM_CONTAINER"),
        ({"image": "example/arm64-tools", "architecture": "x86_64"}, "LINUX_CONTAINER"),
    ],
)
def test_an_architecture_counts_more_than_the_images_name(build: Data, kind: str) -> None:
    assert project(composed(build))["Environment"]["Type"] == kind


def test_variables_come_from_parameters_and_secrets() -> None:
    build = {
        "environment": {
            "PLAIN": "text",
            "TOKEN": {"parameter": "/hello/token", "key_arn": KEY},
            "PASSWORD": {"secret": "hello/login", "json_key": "password"},
        }
    }

    found = composed(build)
    assert project(found)["Environment"]["EnvironmentVariables"][:3] == [
        {"Name": "PLAIN", "Type": "PLAINTEXT", "Value": "text"},
        {"Name": "TOKEN", "Type": "PARAMETER_STORE", "Value": "/hello/token"},
        {"Name": "PASSWORD", "Type": "SECRETS_MANAGER", "Value": "hello/login:password"},
    ]
    assert added(build) == {
        ("ssm:GetParameters", f"arn:aws:ssm:{HERE}:parameter/hello/token"),
        (
            "secretsmanager:GetSecretValue",
            f"arn:aws:secretsmanager:{HERE}:secret:hello/login-??????",
        ),
        ("kms:Decrypt", KEY),
    }


def test_a_pull_request_gets_plain_variables_alone() -> None:
    """Nobody has reviewed its code, which may use whatever its role and its machine reach."""
    build = {
        "environment": {"PLAIN": "text", "TOKEN": {"parameter": "token"}},
        "vpc": VPC,
        "cache": "s3",
        "managed_policy_arns": ["arn:aws:iam::aws:policy/AmazonS3FullAccess"],
    }

    found = composed(build)
    names = [
        item["Name"]
        for item in project(found, "PullRequest")["Environment"]["EnvironmentVariables"]
    ]
    assert "PLAIN" in names
    assert "TOKEN" not in names
    assert not {"VpcConfig", "Cache"} & project(found, "PullRequest").keys()
    assert "ManagedPolicyArns" not in found["PullRequestRole"]["Properties"]
    assert added(build, "PullRequest") == set()


def test_a_build_in_a_network_makes_interfaces_in_its_subnets() -> None:
    build = {"vpc": VPC}
    interfaces = f"arn:aws:ec2:{HERE}:network-interface/*"

    assert project(composed(build))["VpcConfig"] == {
        "VpcId": "vpc-01",
        "Subnets": ["subnet-01"],
        "SecurityGroupIds": ["sg-01"],
    }
    assert {pair for pair in added(build) if pair[1] != "*"} == {
        ("ec2:CreateNetworkInterface", interfaces),
        ("ec2:CreateNetworkInterface", f"arn:aws:ec2:{HERE}:subnet/subnet-01"),
        ("ec2:CreateNetworkInterface", f"arn:aws:ec2:{HERE}:security-group/sg-01"),
        ("ec2:DeleteNetworkInterface", interfaces),
        ("ec2:CreateNetworkInterfacePermission", interfaces),
    }


def test_a_cache_is_the_releases_own() -> None:
    bucket = foundation().register["us-east-1"]["bucket_arn"]

    assert project(composed({"cache": "s3"}))["Cache"] == {
        "Type": "S3",
        "Location": f"{bucket.rpartition(':')[2]}/hello/build-cache",
    }
    assert added({"cache": "s3"}) == {
        ("s3:GetObject", f"{bucket}/hello/build-cache/*"),
        ("s3:PutObject", f"{bucket}/hello/build-cache/*"),
        ("s3:GetBucketAcl", bucket),
        ("s3:GetBucketLocation", bucket),
        ("s3:ListBucket", bucket),
    }
    assert project(composed({"cache": "local", "privileged": True}))["Cache"] == {
        "Type": "LOCAL",
        "Modes": ["LOCAL_CUSTOM_CACHE", "LOCAL_DOCKER_LAYER_CACHE", "LOCAL_SOURCE_CACHE"],
    }
    assert added({"cache": "local", "privileged": True}) == set()


@pytest.mark.parametrize(
    ("name", "groups"), [("Release", "hello-release-*"), ("PullRequest", "hello-pull-request-*")]
)
def test_reports_go_to_groups_of_the_project(name: str, groups: str) -> None:
    arn = f"arn:aws:codebuild:{HERE}:report-group/{groups}"

    assert added({"reports": True}, name) == {
        (f"codebuild:{action}", arn)
        for action in (
            "BatchPutCodeCoverages",
            "BatchPutTestCases",
            "CreateReport",
            "CreateReportGroup",
            "UpdateReport",
        )
    }


def test_a_build_has_further_policies_a_timeout_and_logs() -> None:
    policy = "arn:aws:iam::aws:policy/AmazonECS_FullAccess"
    found = composed(
        {"managed_policy_arns": [policy], "timeout_minutes": 120, "log_retention_days": 30}
    )

    assert found["ReleaseRole"]["Properties"]["ManagedPolicyArns"] == [policy]
    assert project(found)["TimeoutInMinutes"] == 120
    assert found["ReleaseLogGroup"]["Properties"]["RetentionInDays"] == 30


def test_commands_become_a_build_specification() -> None:
    build = {"commands": ["npm ci", "echo ${HOME}"]}
    artifacts = [
        {"name": "application", "object": "application.zip"},
        {"name": "function", "object": "function.zip", "directory": "dist/function"},
    ]
    found = composed(build, artifacts=artifacts)

    assert json.loads(project(found)["Source"]["BuildSpec"]) == {
        "version": "0.2",
        "phases": {"build": {"commands": ["npm ci", "echo ${HOME}"]}},
        "artifacts": {
            "files": ["**/*"],
            "secondary-artifacts": {
                "function": {"files": ["**/*"], "base-directory": "dist/function"}
            },
        },
    }
    assert "artifacts" not in json.loads(project(found, "PullRequest")["Source"]["BuildSpec"])


def _may_write(document: Data, arn: str) -> bool:
    """Whether a policy without conditions allows to write an object."""

    def covers(patterns: Any) -> bool:
        return any(fnmatch.fnmatchcase(arn, pattern) for pattern in _listed(patterns))

    def applies(statement: Data) -> bool:
        actions = _listed(statement.get("Action", []))
        if not {"s3:*", "s3:PutObject"} & set(actions):
            return False
        if "NotResource" in statement:
            return not covers(statement["NotResource"])
        return covers(statement["Resource"])

    return any(applies(statement) for statement in document["Statement"])


def test_builds_are_bounded_to_the_pipelines_own_objects() -> None:
    found = composed({})
    document = found["BuildBoundary"]["Properties"]["PolicyDocument"]
    builds = f"arn:aws:s3:::{PRIMARY_OUTPUTS['BuildBucketName']}"
    stores = {region: item["bucket_arn"] for region, item in foundation().register.items()}

    for arn in (
        f"{builds}/hello/a.zip",
        f"{builds}/builds/hello/1/a.zip",
        f"{stores['us-east-1']}/hello/a",
        "arn:aws:s3:::mine/a",
    ):
        assert _may_write(document, arn), arn
    for arn in (
        f"{builds}/another/a.zip",
        f"{builds}/another/hello/a.zip",
        f"{builds}/builds/another/1/a.zip",
        f"{stores['us-east-1']}/another/a",
        f"{stores['eu-west-1']}/hello/a",
        f"{builds}/templates/hello.template",
    ):
        assert not _may_write(document, arn), arn


def test_releases_have_the_boundary_of_builds_and_pull_requests_need_none() -> None:
    found = composed({})

    assert found["ReleaseRole"]["Properties"]["PermissionsBoundary"].startswith(
        "crossaccountregional-buildboundary-"
    )
    assert "PermissionsBoundary" not in found["PullRequestRole"]["Properties"]


def test_a_boundary_fits_into_a_managed_policy() -> None:
    data = sample_pipelines.many_regions()
    [read] = sample_pipelines.read(data)
    found = compose_template(read, BASE.read_text("ascii"), foundation())
    document = parse(found)["Resources"]["BuildBoundary"]["Properties"]["PolicyDocument"]

    assert len(json.dumps(document, separators=(",", ":"))) < 6_144
