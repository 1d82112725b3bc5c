# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pipelines of the collection whose source is a repository or an image, up to their build.

The other regions only seem to be there, so that releases fail after it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab import BuildResult, Lab, Pipeline
from lab.client.pipeline import SECONDS
from lab.tests.applications import Foundation
from lab.tests.world import failed, wait_for, zipped

Data = dict[str, Any]

CONNECTED, CODECOMMIT = "example/group/connected", "arn:aws:codecommit:us-east-1:111111111111:"
REPOSITORY = "team/hello"
LEFT = {name: zipped({"file": name}) for name in ("application", "function")}
OVER = ("Succeeded", "Failed", "Superseded")


@pytest.fixture(scope="module")
def foundation(running_lab: Lab) -> Foundation:
    found = Foundation(running_lab)
    running_lab.client("ecr", found.account).create_repository(repositoryName=REPOSITORY)
    for sample in ("connected", "cloned", "committed", "imaged"):
        found.install(sample)
    return found


class Sample:
    """One of them, and how its release begins."""

    def __init__(self, foundation: Foundation, name: str) -> None:
        self.lab, self.name = foundation.lab, name
        self.client = foundation.lab.client("codepipeline", foundation.account)
        self.lab.set_build_results([BuildResult(project="*", artifacts=LEFT)])
        self._ecr = foundation.lab.client("ecr", foundation.account)

    def begin(self, text: str = "") -> str:
        """Push a commit, or an image; its revision."""
        number = len(self.executions)
        if self.name == "imaged":
            manifest = json.dumps({"number": number, "text": text})
            image = self._ecr.put_image(
                repositoryName=REPOSITORY, imageManifest=manifest, imageTag="release"
            )["image"]
            revision = str(image["imageId"]["imageDigest"])
        else:
            repository = f"{CODECOMMIT}committed" if self.name == "committed" else CONNECTED
            files = {"hello.template": f"{number} {text}"}
            revision = str(self.lab.push(repository, files)["commit"])
        wait_for(lambda: len(self.executions) > number, seconds=SECONDS)
        return revision

    @property
    def executions(self) -> list[Data]:
        """Its executions, the newest first."""
        return Pipeline(self.lab, self.name).executions

    def run(self, execution: Data) -> dict[str, Data]:
        """What became of each action of an execution, once that is over."""

        def is_over() -> bool:
            return next(
                each["status"] in OVER
                for each in self.executions
                if each["pipelineExecutionId"] == execution["pipelineExecutionId"]
            )

        wait_for(is_over, seconds=SECONDS)
        found = self.client.list_action_executions(
            pipelineName=self.name,
            filter={"pipelineExecutionId": execution["pipelineExecutionId"]},
        )["actionExecutionDetails"]
        return {each["actionName"]: each for each in found}


@pytest.fixture
def make(foundation: Foundation, lab: Lab) -> Callable[[str], Sample]:
    return lambda name: Sample(foundation, name)


@pytest.fixture
def take(foundation: Foundation) -> Iterator[Callable[[str, str, str], None]]:
    """Take an action from the policy of a sample's role, until the test ends."""
    iam = foundation.lab.client("iam", foundation.account)
    before: list[tuple[str, str, Any]] = []

    def taken(role: str, policy: str, action: str) -> None:
        found = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        before.append((role, policy, found))
        changed = json.loads(json.dumps(found))
        for statement in changed["Statement"]:
            actions = statement["Action"]
            actions = [actions] if isinstance(actions, str) else actions
            statement["Action"] = [each for each in actions if each != action] or ["sts:GetNothing"]
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(changed))

    yield taken
    for role, policy, document in before:
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document))


@pytest.mark.parametrize("name", ["connected", "cloned", "committed", "imaged"])
def test_a_push_is_built_with_its_own_revision(make: Callable[[str], Sample], name: str) -> None:
    sample = make(name)
    revisions = [sample.begin("one"), sample.begin("two")]

    for revision, execution in zip(reversed(revisions), sample.executions, strict=False):
        run = sample.run(execution)
        assert run["build"]["status"] == "Succeeded", failed(run)
        source = next(each for each in run.values() if each["stageName"] == "Source")
        assert source["output"]["executionResult"]["externalExecutionId"] == revision
        assert run["build"]["input"]["inputArtifacts"] == source["output"]["outputArtifacts"]
        made = run["build"]["output"]["outputArtifacts"]
        assert [each["name"] for each in made] == ["application", "function"]


@pytest.mark.parametrize(
    ("name", "role", "policy", "action", "stage"),
    [
        ("connected", "source", "Source", "codeconnections:UseConnection", "Source"),
        ("connected", "source", "Source", "codebuild:StartBuild", "Build"),
        ("connected", "source", "Source", "codebuild:BatchGetBuilds", "Build"),
        ("connected", "release", "Release", "s3:GetObject", "Build"),
        ("connected", "release", "Release", "s3:PutObject", "Build"),
        ("connected", "release", "Release", "kms:GenerateDataKey", "Build"),
        ("cloned", "release", "Release", "codeconnections:UseConnection", "Build"),
        ("committed", "source", "Source", "codecommit:GetRepository", "Source"),
        ("committed", "source", "Source", "codecommit:UploadArchive", "Source"),
        ("committed", "release", "Release", "codecommit:GitPull", "Build"),
        ("imaged", "source", "Source", "ecr:DescribeImages", "Source"),
    ],
)
def test_a_release_fails_for_want_of_a_permission(
    make: Callable[[str], Sample],
    take: Callable[[str, str, str], None],
    name: str,
    role: str,
    policy: str,
    action: str,
    stage: str,
) -> None:
    sample = make(name)
    take(f"{name}-{role}", policy, action)
    sample.begin()

    at, _action, message = failed(sample.run(sample.executions[0]))
    assert at == stage
    assert action in message


def test_a_push_that_waits_is_replaced_where_that_is_declared(
    make: Callable[[str], Sample],
) -> None:
    """With QUEUED it waits; with SUPERSEDED the newest goes on."""
    sample = make("connected")
    for mode, statuses in (
        ("QUEUED", ["InProgress", "InProgress"]),
        ("SUPERSEDED", ["InProgress", "Superseded"]),
    ):
        found = sample.client.get_pipeline(name=sample.name)["pipeline"]
        sample.client.update_pipeline(pipeline={**found, "executionMode": mode})
        sample.client.disable_stage_transition(
            pipelineName=sample.name, stageName="Build", transitionType="Inbound", reason="a test"
        )
        sample.begin("first")
        sample.begin("second")

        def is_as_declared(wanted: list[str] = statuses) -> bool:
            return [each["status"] for each in sample.executions[:2]] == wanted

        wait_for(is_as_declared, seconds=SECONDS)
        sample.client.enable_stage_transition(
            pipelineName=sample.name, stageName="Build", transitionType="Inbound"
        )
        sample.run(sample.executions[0])


def test_a_pull_request_is_built_and_not_released(
    make: Callable[[str], Sample], foundation: Foundation
) -> None:
    sample = make("connected")
    sample.begin()
    sample.run(sample.executions[0])
    before = len(sample.executions)
    codebuild = foundation.lab.client("codebuild", foundation.account)

    foundation.lab.push(CONNECTED, {"a": "b"}, branch="change", pull_request="OPEN")

    [build] = codebuild.list_builds_for_project(projectName="connected-pull-request")["ids"]
    wait_for(lambda: "endTime" in codebuild.batch_get_builds(ids=[build])["builds"][0])
    [found] = codebuild.batch_get_builds(ids=[build])["builds"]
    assert (found["buildStatus"], found["sourceVersion"]) == ("SUCCEEDED", "pr/1")
    assert len(sample.executions) == before
