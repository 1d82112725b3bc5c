# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds and uploads on the lab, and the pipelines that they start: with the real template."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import Lab, LabError
from lab.tests.applications import Foundation
from lab.tests.release_templates import failure
from lab.tests.stacks import eventually
from tools.environment import ROOT

FILES = {"application.zip": b"an application", "function.zip": b"a function"}
RELEASE = "hello-release"


@pytest.fixture(scope="module")
def foundation(running_lab: Lab) -> Foundation:
    """The primary stack, with the two sample applications on it."""
    found = Foundation(running_lab)
    for sample in ("hello", "uploaded"):
        found.install(sample)
    return found


def client(foundation: Foundation, service: str) -> Any:
    return foundation.lab.client(service, foundation.account)


def started(foundation: Foundation, pipeline: str) -> list[dict[str, Any]]:
    """The executions that events, or the starter, have started, the oldest first."""
    api = client(foundation, "codepipeline")
    found = api.list_pipeline_executions(pipelineName=pipeline)["pipelineExecutionSummaries"]
    return [one for one in reversed(found) if one["trigger"]["triggerType"] != "CreatePipeline"]


def without(policy: dict[str, Any], action: str) -> dict[str, Any]:
    """A policy with one permission less."""
    statements = []
    for statement in policy["Statement"]:
        listed = statement["Action"]
        listed = [listed] if isinstance(listed, str) else listed
        kept = [one for one in listed if one != action]
        # A policy holds one statement at least.
        statements.append({**statement, "Action": kept or "sts:GetCallerIdentity"})
    return {**policy, "Statement": statements}


@pytest.fixture
def take(foundation: Foundation) -> Iterator[Callable[[str, str, str], None]]:
    """Take a permission out of a role's policy, until the test is over."""
    iam = client(foundation, "iam")
    before: list[tuple[str, str, dict[str, Any]]] = []

    def taken(role: str, policy: str, action: str) -> None:
        document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        before.append((role, policy, document))
        put(role, policy, without(document, action))

    def put(role: str, policy: str, document: dict[str, Any]) -> None:
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document))

    yield taken
    for one in before:
        put(*one)


# Builds


def test_a_build_uploads_what_it_leaves_as_its_role(foundation: Foundation) -> None:
    began = time.time()
    build = foundation.lab.build(RELEASE, FILES)
    assert build["buildStatus"] == "SUCCEEDED"
    bucket = foundation.outputs["BuildBucketName"]
    place = f"builds/hello/{build['id'].partition(':')[2]}"
    assert build["artifacts"]["location"] == f"arn:aws:s3:::{bucket}/{place}/application.zip"
    assert [one["artifactIdentifier"] for one in build["secondaryArtifacts"]] == ["function"]
    s3 = foundation.reader()
    for name, content in FILES.items():
        found = s3.get_object(Bucket=bucket, Key=f"{place}/{name}")
        assert found["Body"].read() == content
        assert found["ServerSideEncryption"] == "aws:kms"
        assert found["SSEKMSKeyId"] == foundation.outputs["KeyArn"]
    # The pipeline that it starts puts objects too, elsewhere.
    puts = [
        one
        for one in foundation.lab.calls(since=began)
        if one.action == "PutObject" and one.resource == bucket
    ]
    assert len(puts) == 2
    assert all("assumed-role/hello-release/AWSCodeBuild-" in one.principal for one in puts)


def test_a_large_artifact_is_uploaded_in_parts(
    foundation: Foundation, take: Callable[[str, str, str], None]
) -> None:
    large = {**FILES, "function.zip": b"0" * (9 << 20)}
    assert failure(foundation.lab.build(RELEASE, large)) == ""
    take(RELEASE, "Release", "kms:Decrypt")
    assert "kms:Decrypt" in failure(foundation.lab.build(RELEASE, large))


@pytest.mark.parametrize(
    ("action", "phase"),
    [
        ("logs:CreateLogStream", "PROVISIONING"),
        ("logs:PutLogEvents", "PROVISIONING"),
        ("codeconnections:GetConnection", "DOWNLOAD_SOURCE"),
        ("codeconnections:GetConnectionToken", "DOWNLOAD_SOURCE"),
        ("s3:PutObject", "UPLOAD_ARTIFACTS"),
        ("kms:GenerateDataKey", "UPLOAD_ARTIFACTS"),
    ],
)
def test_a_build_fails_for_want_of_a_permission(
    foundation: Foundation, take: Callable[[str, str, str], None], action: str, phase: str
) -> None:
    take(RELEASE, "Release", action)
    executions = len(started(foundation, "hello"))
    build = foundation.lab.build(RELEASE, FILES)
    assert build["buildStatus"] == "FAILED"
    assert failure(build).startswith(f"{phase}: ")
    assert f"not authorized to perform: {action}" in failure(build)
    foundation.lab.wait_for_events()
    assert len(started(foundation, "hello")) == executions


def test_a_build_of_a_pull_request_leaves_nothing(foundation: Foundation) -> None:
    began = time.time()
    build = foundation.lab.build("hello-pull-request")
    assert build["buildStatus"] == "SUCCEEDED"
    called = {one.action for one in foundation.lab.calls(since=began)}
    assert called == {"CreateLogStream", "PutLogEvents"}


def test_a_build_that_is_stopped_starts_nothing(foundation: Foundation) -> None:
    executions = len(started(foundation, "hello"))
    build_id = foundation.lab.start_build(RELEASE, FILES, seconds=600)
    api = client(foundation, "codebuild")
    assert api.stop_build(id=build_id)["build"]["buildStatus"] == "STOPPED"
    foundation.lab.wait_for_events()
    assert api.batch_get_builds(ids=[build_id])["builds"][0]["buildStatus"] == "STOPPED"
    assert len(started(foundation, "hello")) == executions


def test_files_that_a_project_does_not_have_are_a_mistake(foundation: Foundation) -> None:
    with pytest.raises(LabError, match=r"no artifact called other.zip, but application.zip"):
        foundation.lab.start_build(RELEASE, {"other.zip": b""})


def test_a_build_by_hand(foundation: Foundation, tmp_path: Path) -> None:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)

    def by_hand(*files: str) -> subprocess.CompletedProcess[str]:
        directory = str(foundation.lab.directory)
        command = [sys.executable, "-m", "lab", "--directory", directory]
        return subprocess.run(
            [*command, "build", RELEASE, *(str(tmp_path / file) for file in files)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    made = by_hand(*FILES)
    assert made.returncode == 0
    assert made.stdout.endswith("has SUCCEEDED.\n")
    failed = by_hand("application.zip")
    assert failed.returncode == 1
    assert failed.stdout.endswith("has FAILED.\n")
    assert failed.stderr == "UPLOAD_ARTIFACTS: CLIENT_ERROR: no matching artifact paths found\n"
    assert "none.zip" in by_hand("none.zip").stderr


# What is started


def test_a_build_starts_its_pipeline_once(foundation: Foundation) -> None:
    before = len(started(foundation, "hello"))
    assert foundation.lab.build(RELEASE, FILES)["buildStatus"] == "SUCCEEDED"
    assert foundation.lab.build("hello-pull-request")["buildStatus"] == "SUCCEEDED"
    foundation.lab.wait_for_events()
    executions = started(foundation, "hello")
    assert len(executions) == before + 1
    assert "assumed-role/hello-starter/" in executions[-1]["trigger"]["triggerDetail"]


def test_an_upload_starts_its_pipeline_with_its_version(foundation: Foundation) -> None:
    s3, bucket = foundation.uploader("uploaded"), foundation.outputs["BuildBucketName"]
    before = len(started(foundation, "uploaded"))
    s3.put_object(Bucket=bucket, Key="uploaded/application.zip", Body=b"1")
    put = s3.put_object(Bucket=bucket, Key="uploaded/function.zip", Body=b"1")
    [execution] = eventually(lambda: started(foundation, "uploaded")[before:])
    revisions = eventually(
        lambda: next(
            (
                {one["actionName"]: one["revisionId"] for one in found["sourceRevisions"]}
                for found in started(foundation, "uploaded")
                if found["pipelineExecutionId"] == execution["pipelineExecutionId"]
                and len(found["sourceRevisions"]) == 2
            ),
            None,
        )
    )
    assert revisions["function"] == put["VersionId"]


def refused_start(foundation: Foundation) -> bool:
    """Whether an upload starts nothing."""
    before = len(started(foundation, "uploaded"))
    foundation.uploader("uploaded").put_object(
        Bucket=foundation.outputs["BuildBucketName"], Key="uploaded/function.zip", Body=b"1"
    )
    foundation.lab.wait_for_events()
    return len(started(foundation, "uploaded")) == before


def test_a_rule_starts_nothing_without_the_permission(
    foundation: Foundation, take: Callable[[str, str, str], None]
) -> None:
    take("uploaded-start", "Start", "codepipeline:StartPipelineExecution")
    foundation.lab.clear_decisions()
    assert refused_start(foundation)
    [decision] = [one for one in foundation.lab.decisions() if "-start/" in one["principal"]]
    assert decision["action"] == "codepipeline:StartPipelineExecution"
    assert not decision["allowed"]


def test_a_rule_starts_nothing_with_a_role_that_does_not_trust_it(foundation: Foundation) -> None:
    iam, name = client(foundation, "iam"), "uploaded-start"
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    other = json.dumps(trust).replace("events.amazonaws.com", "lambda.amazonaws.com")
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=other)
    assert refused_start(foundation)
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
    assert not refused_start(foundation)


# Drift


def test_the_drift_of_a_project_is_not_looked_at(foundation: Foundation) -> None:
    api, name = foundation.api, "hello-pipeline"
    detection = api.detect_stack_drift(StackName=name)["StackDriftDetectionId"]
    status = api.describe_stack_drift_detection_status
    eventually(
        lambda: status(StackDriftDetectionId=detection)["DetectionStatus"] == "DETECTION_COMPLETE"
    )
    found = {
        one["LogicalResourceId"]: one["StackResourceDriftStatus"]
        for one in api.describe_stack_resource_drifts(StackName=name)["StackResourceDrifts"]
    }
    assert not {"ReleaseProject", "PullRequestProject"} & found.keys()
    assert set(found.values()) == {"IN_SYNC"}
    assert {"Pipeline", "StartRule", "ReleaseRole"} <= found.keys()
