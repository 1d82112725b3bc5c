# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds of one pipeline at the same time, with the real template and the real starter."""

from __future__ import annotations

import functools
import json
from typing import Any

import pytest

from lab import Lab
from lab.tests.applications import Foundation
from lab.tests.codebuild.test_builds import client, started
from lab.tests.stacks import eventually

NAMES = ("application", "function")
RELEASE = "hello-release"


@pytest.fixture(scope="module")
def foundation(running_lab: Lab) -> Foundation:
    found = Foundation(running_lab)
    found.install("hello")
    return found


def begin(foundation: Foundation, content: str) -> str:
    """Begin a build of two artifacts, which runs until it is ended."""
    files = {f"{name}.zip": f"{content} {name}".encode() for name in NAMES}
    return foundation.lab.start_build(RELEASE, files, seconds=600)


def taken(foundation: Foundation) -> list[list[str]]:
    """What each execution took, by its versions: the content of both artifacts."""
    bucket, s3 = foundation.outputs["BuildBucketName"], foundation.reader()
    versions = client(foundation, "s3").list_object_versions(Bucket=bucket, Prefix="builds/hello/")
    content = {
        found["VersionId"]: s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read()
        for found in versions["Versions"]
    }

    def revisions(execution: dict[str, Any]) -> dict[str, str] | None:
        """The versions of both artifacts, once both are there."""
        api = client(foundation, "codepipeline")
        found = api.get_pipeline_execution(
            pipelineName="hello", pipelineExecutionId=execution["pipelineExecutionId"]
        )["pipelineExecution"]["artifactRevisions"]
        return {one["name"]: one["revisionId"] for one in found} if len(found) == 2 else None

    executions = [
        eventually(functools.partial(revisions, execution))
        for execution in started(foundation, "hello")
    ]
    return [[content[versions[name]].decode() for name in NAMES] for versions in executions]


def newest(foundation: Foundation) -> list[str]:
    """What a start by hand would take."""
    bucket, s3 = foundation.outputs["BuildBucketName"], foundation.reader()
    return [
        s3.get_object(Bucket=bucket, Key=f"hello/{name}.zip")["Body"].read().decode()
        for name in NAMES
    ]


def has_started(foundation: Foundation, count: int) -> bool:
    return len(started(foundation, "hello")) == count


def failed(foundation: Foundation) -> list[dict[str, Any]]:
    """The events in the starter's dead-letter queue."""
    url = f"https://sqs.{foundation.region}.amazonaws.com/{foundation.account}/hello-starter"
    answer = client(foundation, "sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )
    return list(answer.get("Messages", []))


def test_builds_at_the_same_time_are_released_whole_or_superseded(foundation: Foundation) -> None:
    first, second, third = (begin(foundation, content) for content in ("one", "two", "three"))
    for number, build in enumerate((second, third), start=1):
        assert foundation.lab.end_build(build)["buildStatus"] == "SUCCEEDED"
        eventually(functools.partial(has_started, foundation, number))
    assert foundation.lab.end_build(first)["buildStatus"] == "SUCCEEDED"
    foundation.lab.wait_for_events()

    # The first ended last: what it would release is in the others already.
    assert taken(foundation) == [
        ["two application", "two function"],
        ["three application", "three function"],
    ]
    assert newest(foundation) == ["three application", "three function"]
    assert failed(foundation) == []


def test_an_event_that_cannot_start_the_pipeline_is_in_the_queue_and_can_be_repeated(
    foundation: Foundation,
) -> None:
    iam, role = client(foundation, "iam"), "hello-starter"
    policy = iam.get_role_policy(RoleName=role, PolicyName="Starter")["PolicyDocument"]
    broken = json.dumps(policy).replace("StartPipelineExecution", "StopPipelineExecution")
    iam.put_role_policy(RoleName=role, PolicyName="Starter", PolicyDocument=broken)
    before = len(started(foundation, "hello"))
    build = foundation.lab.end_build(begin(foundation, "lost"))
    [message] = eventually(lambda: failed(foundation))
    assert "StartPipelineExecution" in message["MessageAttributes"]["ErrorMessage"]["StringValue"]
    assert json.loads(message["Body"])["detail"]["build-id"] == build["arn"]
    assert len(started(foundation, "hello")) == before

    iam.put_role_policy(RoleName=role, PolicyName="Starter", PolicyDocument=json.dumps(policy))
    client(foundation, "lambda").invoke(FunctionName=role, Payload=message["Body"])
    assert taken(foundation)[before:] == [["lost application", "lost function"]]
