# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may do what: a missing permission stops a release where it is needed, and is named."""

from __future__ import annotations

import json
from collections.abc import Callable
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
    failed,
    statement,
    wait_for,
)

Data = dict[str, Any]


@pytest.fixture
def world(lab: Lab) -> World:
    return World(lab)


# Broken links


def _no_service_trust(world: World) -> None:
    world.trust(world.role(BUILD, "pipeline"), {"Service": "events.amazonaws.com"})


def _no_trust(world: World) -> None:
    world.trust(world.role(TARGET, "deploy"), {"AWS": f"arn:aws:iam::{TARGET}:root"})


def _no_assume(world: World) -> None:
    world.allow(world.role(BUILD, "pipeline"), statement("s3:*", "kms:*"))


def _no_pass_role(world: World) -> None:
    world.allow(world.role(TARGET, "deploy"), statement("s3:*", "kms:*", "cloudformation:*"))


def _no_source(world: World) -> None:
    store = world.stores[HOME]["location"]
    world.allow(
        world.role(BUILD, "pipeline"),
        statement("s3:*", resource=f"arn:aws:s3:::{store}/*"),
        statement("sts:AssumeRole", "kms:*"),
    )


def _not_in_bucket_policy(world: World) -> None:
    world.open_store(world.stores[AWAY], [BUILD], [BUILD, TARGET])


def _not_in_key_policy(world: World) -> None:
    world.open_store(world.stores[AWAY], [BUILD, TARGET], [BUILD])


def _no_key_of_destination(world: World) -> None:
    home = world.stores[HOME]["encryptionKey"]["id"]
    world.allow(
        world.role(BUILD, "pipeline"),
        statement("sts:AssumeRole", "s3:*"),
        statement("kms:*", resource=home),
    )


def _no_read(world: World) -> None:
    world.allow(
        world.role(TARGET, "deploy"), statement("kms:*", "cloudformation:*", "iam:PassRole")
    )


def _no_change_set(world: World) -> None:
    world.allow(
        world.role(TARGET, "deploy"),
        statement("s3:*", "kms:*", "cloudformation:Describe*", "iam:PassRole"),
    )


def _no_write(world: World) -> None:
    store = world.stores[AWAY]["location"]
    world.lab.client("s3", BUILD, AWAY).put_bucket_policy(
        Bucket=store,
        Policy=json.dumps(
            {
                "Statement": [
                    statement("s3:GetObject", resource=f"arn:aws:s3:::{store}/*")
                    | {"Principal": {"AWS": [TARGET]}},
                    statement("s3:PutObject", resource=f"arn:aws:s3:::{store}/*")
                    | {"Effect": "Deny", "Principal": "*"},
                ]
            }
        ),
    )


def _no_key(world: World) -> None:
    world.allow(world.role(TARGET, "deploy"), statement("s3:*", "cloudformation:*", "iam:PassRole"))


STORE, KEY = f"arn:aws:s3:::store-{AWAY}-", f"arn:aws:kms:{AWAY}:{BUILD}:key/"


@pytest.mark.parametrize(
    ("break_it", "action_name", "role", "permission", "resource"),
    [
        (_no_service_trust, "build", "", "AssumeRole", ""),
        (_no_source, "build", "pipeline", "s3:GetBucketVersioning", "arn:aws:s3:::builds-"),
        (_no_trust, "prepare", "pipeline", "sts:AssumeRole", f"arn:aws:iam::{TARGET}:role/deploy-"),
        (_no_assume, "prepare", "pipeline", "sts:AssumeRole", ""),
        (_no_write, "prepare", "pipeline", "s3:PutObject", STORE),
        (_no_key_of_destination, "prepare", "pipeline", "kms:GenerateDataKey", KEY),
        (_not_in_bucket_policy, "prepare", "deploy", "s3:GetObject", STORE),
        (_not_in_key_policy, "prepare", "deploy", "kms:Decrypt", KEY),
        (_no_read, "prepare", "deploy", "s3:GetObject", STORE),
        (_no_key, "prepare", "deploy", "kms:Decrypt", KEY),
        (_no_change_set, "prepare", "deploy", "cloudformation:CreateChangeSet", ""),
        (_no_pass_role, "prepare", "deploy", "iam:PassRole", ""),
    ],
)
def test_a_missing_permission_stops_the_release_where_it_is_needed(
    world: World,
    break_it: Callable[[World], None],
    action_name: str,
    role: str,
    permission: str,
    resource: str,
) -> None:
    assert world.ended(world.create()) == "Failed"  # there is no object yet
    break_it(world)
    world.upload()
    execution = world.start()
    assert world.ended(execution) == "Failed"
    _stage, name, message = failed(world.run(execution))
    message = message.replace('"', "")
    assert name == action_name
    assert f"not authorized to perform: {permission}" in message or not role
    assert permission in message
    if role:
        account = BUILD if role == "pipeline" else TARGET
        assert f"User: arn:aws:sts::{account}:assumed-role/{role}-{world.id}/" in message
    assert resource in message


@pytest.mark.parametrize(
    ("break_it", "who"),
    [(_no_service_trust, "CodePipeline"), (_no_trust, "pipeline"), (_no_assume, "pipeline")],
)
def test_a_pipeline_is_made_only_if_its_roles_can_be_assumed(
    world: World, break_it: Callable[[World], None], who: str
) -> None:
    world.lab.set_role_check(True)
    break_it(world)
    with pytest.raises(ClientError, match="is not authorized to perform AssumeRole on role") as at:
        world.create()
    assert at.value.response["Error"]["Code"] == "InvalidStructureException"
    assert who in str(at.value)


def test_an_account_has_a_quota_of_pipelines(world: World) -> None:
    world.create()
    world.lab.set_pipeline_quota(len(world.client.list_pipelines()["pipelines"]))
    with pytest.raises(ClientError, match="LimitExceededException"):
        world.client.create_pipeline(pipeline={**world.declaration(), "name": "another"})


# Who may


def test_operations_need_their_permission(world: World) -> None:
    world.upload()
    world.create(world.declaration(approval=True))
    wait_for(lambda: bool(world.token()))
    person = world.role(BUILD, "person")
    world.make_role(person, {"AWS": f"arn:aws:iam::{BUILD}:root"}, "codepipeline:Get*")
    client = world.lab.client_of("codepipeline", person, HOME)
    with pytest.raises(ClientError, match="codepipeline:PutApprovalResult"):
        world.answer(client=client)
    where = f"arn:aws:codepipeline:{HOME}:{BUILD}:{world.name}/Deploy/approve"
    world.allow(person, statement("codepipeline:PutApprovalResult", resource=where))
    world.answer(client=client)
    with pytest.raises(ClientError, match="codepipeline:StartPipelineExecution"):
        client.start_pipeline_execution(name=world.name)


def test_the_role_must_be_one_that_the_caller_may_pass(world: World) -> None:
    person = world.role(BUILD, "person")
    world.make_role(person, {"AWS": f"arn:aws:iam::{BUILD}:root"}, "codepipeline:*")
    client = world.lab.client_of("codepipeline", person, HOME)
    with pytest.raises(ClientError, match="iam:PassRole"):
        client.create_pipeline(pipeline=world.declaration())
    world.allow(
        person,
        statement("codepipeline:*"),
        statement("iam:PassRole", resource=world.role(BUILD, "pipeline")),
    )
    assert client.create_pipeline(pipeline=world.declaration())["pipeline"]["version"] == 1
