# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deploy actions beside CloudFormation: files to S3, images to ECS, with the action's role.

Everything here talks to a running lab.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab import Lab
from lab.tests.world import (
    AWAY,
    BUILD,
    HOME,
    TARGET,
    World,
    action,
    failed,
    statement,
    zipped,
)

Data = dict[str, Any]

S3_ACTIONS = ("s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketVersioning", "s3:PutObject")
SERVICE_ACTIONS = ("ecs:DescribeServices", "ecs:UpdateService")
DEFINITION_ACTIONS = ("ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition")


@pytest.fixture
def world(lab: Lab) -> World:
    return World(lab)


def deploys(world: World, provider: str, files: dict[str, str], **configuration: str) -> str:
    """Release files with a deploy action of the other account and region; the execution's id."""
    s3 = world.lab.client("s3", BUILD, HOME)
    s3.put_object(Bucket=world.builds, Key="build.zip", Body=zipped(files))
    declaration = world.declaration()
    declaration["stages"][1]["actions"] = [
        action(
            "deploy",
            "Deploy",
            provider,
            region=AWAY,
            roleArn=world.role(TARGET, "deploy"),
            configuration=configuration,
            inputArtifacts=[{"name": "build"}],
        )
    ]
    return world.create(declaration)


def may(world: World, *statements: Data) -> None:
    """Let the role read artifacts, and do that."""
    stores = [f"arn:aws:s3:::{store['location']}/*" for store in world.stores.values()]
    keys = [store["encryptionKey"]["id"] for store in world.stores.values()]
    world.allow(
        world.role(TARGET, "deploy"),
        statement("s3:GetObject", resource=stores),
        statement("kms:Decrypt", resource=keys),
        *statements,
    )


# S3


@pytest.fixture
def site(world: World) -> str:
    name = f"site-{world.id}"
    world.lab.client("s3", TARGET, AWAY).create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": AWAY}
    )
    return name


def s3_statements(bucket: str, *without: str) -> Data:
    arn = f"arn:aws:s3:::{bucket}"
    return statement(*sorted(set(S3_ACTIONS) - set(without)), resource=[arn, f"{arn}/*"])


def test_the_files_of_an_artifact_are_deployed(world: World, site: str) -> None:
    may(world, s3_statements(site))
    files = {"index.html": "<p>hello", "css/site.css": "p {}"}
    given = {"BucketName": site, "Extract": "true", "ObjectKey": "v1", "CacheControl": "no-cache"}
    execution = deploys(world, "S3", files, **given)
    assert world.ended(execution) == "Succeeded"
    s3 = world.lab.client("s3", TARGET, AWAY)
    found = s3.get_object(Bucket=site, Key="v1/css/site.css")
    assert found["Body"].read() == b"p {}"
    assert found["CacheControl"] == "no-cache"
    assert s3.head_object(Bucket=site, Key="v1/index.html")["ContentType"] == "text/html"


def test_an_artifact_is_deployed_as_it_is_with_the_key_of_its_bucket(
    world: World, site: str
) -> None:
    key = world.lab.client("kms", TARGET, AWAY).create_key()["KeyMetadata"]["Arn"]
    given = {"BucketName": site, "Extract": "false", "ObjectKey": "a.zip"}
    may(world, s3_statements(site))
    execution = deploys(world, "S3", {"a": "b"}, **given, KMSEncryptionKeyARN=key)
    assert world.ended(execution) == "Failed"
    assert "kms:GenerateDataKey" in failed(world.run(execution))[2]
    may(world, s3_statements(site), statement("kms:GenerateDataKey", resource=key))
    assert world.ended(world.start()) == "Succeeded"
    s3 = world.lab.client("s3", TARGET, AWAY)
    assert s3.head_object(Bucket=site, Key="a.zip")["SSEKMSKeyId"] == key


@pytest.mark.parametrize("missing", S3_ACTIONS)
def test_each_permission_of_an_s3_deployment_is_needed(
    world: World, site: str, missing: str
) -> None:
    may(world, s3_statements(site, missing))
    execution = deploys(world, "S3", {"a": "b"}, BucketName=site, Extract="true")
    assert world.ended(execution) == "Failed"
    assert missing in failed(world.run(execution))[2]


def test_an_artifact_that_is_not_extracted_needs_a_name(world: World) -> None:
    with pytest.raises(ClientError, match="missing required configuration 'ObjectKey'"):
        deploys(world, "S3", {}, BucketName="site", Extract="false")


# ECS


@pytest.fixture
def service(world: World) -> str:
    """A service without tasks, in a cluster of the same name."""
    name = f"web-{world.id}"
    ecs = world.lab.client("ecs", TARGET, AWAY)
    role = world.role(TARGET, "task")
    world.make_role(role, {"Service": "ecs-tasks.amazonaws.com"}, "s3:ListBucket")
    ecs.create_cluster(clusterName=name)
    made = ecs.register_task_definition(
        family=name,
        executionRoleArn=role,
        containerDefinitions=[{"name": "web", "image": "web:old", "memory": 128}],
    )
    ecs.create_service(
        cluster=name,
        serviceName=name,
        taskDefinition=made["taskDefinition"]["taskDefinitionArn"],
        desiredCount=0,
    )
    return name


def ecs_statements(world: World, name: str, *without: str) -> list[Data]:
    arn = f"arn:aws:ecs:{AWAY}:{TARGET}:service/{name}/{name}"
    tasks = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    wanted = [
        (SERVICE_ACTIONS, arn, {}),
        (DEFINITION_ACTIONS, "*", {}),
        (("iam:PassRole",), world.role(TARGET, "task"), {"Condition": tasks}),
    ]
    return [
        statement(*left, resource=resource, **more)
        for actions, resource, more in wanted
        if (left := [name for name in actions if name not in without])
    ]


def images(name: str = "web") -> dict[str, str]:
    return {"imagedefinitions.json": json.dumps([{"name": name, "imageUri": "web:new"}])}


def test_a_service_runs_the_images_of_an_artifact(world: World, service: str) -> None:
    may(world, *ecs_statements(world, service))
    execution = deploys(world, "ECS", images(), ClusterName=service, ServiceName=service)
    assert world.ended(execution) == "Succeeded", failed(world.run(execution))
    ecs = world.lab.client("ecs", TARGET, AWAY)
    (found,) = ecs.describe_services(cluster=service, services=[service])["services"]
    definition = ecs.describe_task_definition(taskDefinition=found["taskDefinition"])
    assert definition["taskDefinition"]["revision"] == 2
    (container,) = definition["taskDefinition"]["containerDefinitions"]
    assert container["image"] == "web:new"
    assert definition["taskDefinition"]["executionRoleArn"] == world.role(TARGET, "task")


@pytest.mark.parametrize("missing", [*SERVICE_ACTIONS, *DEFINITION_ACTIONS, "iam:PassRole"])
def test_each_permission_of_an_ecs_deployment_is_needed(
    world: World, service: str, missing: str
) -> None:
    may(world, *ecs_statements(world, service, missing))
    execution = deploys(world, "ECS", images(), ClusterName=service, ServiceName=service)
    assert world.ended(execution) == "Failed"
    assert missing in failed(world.run(execution))[2]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"other.json": "[]"}, "Did not find the image definition file imagedefinitions.json"),
        ({"imagedefinitions.json": "{"}, "invalid JSON"),
        (images("other"), "container other does not exist"),
    ],
)
def test_images_that_cannot_be_deployed_are_reported(
    world: World, service: str, files: dict[str, str], words: str
) -> None:
    may(world, *ecs_statements(world, service))
    execution = deploys(world, "ECS", files, ClusterName=service, ServiceName=service)
    assert world.ended(execution) == "Failed"
    assert words in failed(world.run(execution))[2]
