# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds and tests in a pipeline: who starts them, who reads and writes the store.

Everything here talks to a running lab.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab import BuildResult, Lab
from lab.tests.world import (
    AWAY,
    BUILD,
    HOME,
    TEMPLATE,
    World,
    action,
    failed,
    statement,
    template,
    zipped,
)

Data = dict[str, Any]


class Builds:
    """A pipeline that builds what its source gives, and then deploys it."""

    def __init__(self, lab: Lab) -> None:
        self.world = World(lab)
        self.project = f"project-{self.world.id}"
        self.role = self.world.role(BUILD, "project")
        self.client = lab.client("codebuild", BUILD, HOME)
        service = {"Service": "codebuild.amazonaws.com"}
        self.world.make_role(self.role, service, "logs:*", "s3:*", "kms:*")
        pipeline = self.world.role(BUILD, "pipeline")
        self.world.allow(pipeline, *self.pipeline_may("codebuild:StartBuild"))
        self.create_project()

    def pipeline_may(self, *more: str) -> list[Data]:
        """What the pipeline's role may do: deploy, ask for builds, and more with its project."""
        arn = f"arn:aws:codebuild:{HOME}:{BUILD}:project/{self.project}"
        return [
            statement("sts:AssumeRole", "s3:*", "kms:*"),
            statement("codebuild:BatchGetBuilds", *more, resource=arn),
        ]

    def create_project(self, **properties: Any) -> None:
        self.client.create_project(
            **{
                "name": self.project,
                "serviceRole": self.role,
                "source": {"type": "CODEPIPELINE"},
                "artifacts": {"type": "CODEPIPELINE"},
                "environment": {
                    "type": "LINUX_CONTAINER",
                    "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
                    "computeType": "BUILD_GENERAL1_SMALL",
                    "environmentVariables": [{"name": "STAGE", "value": "of the project"}],
                },
                "encryptionKey": self.world.stores[HOME]["encryptionKey"]["id"],
                **properties,
            }
        )

    def action(self, name: str = "compile", category: str = "Build", **more: Any) -> Data:
        return action(
            name,
            category,
            "CodeBuild",
            **{
                "configuration": {"ProjectName": self.project},
                "inputArtifacts": [{"name": "source"}],
                "outputArtifacts": [{"name": "build"}],
                **more,
            },
        )

    def declaration(self, *actions: Data) -> Data:
        """The pipeline of the world, whose source is built first."""
        declaration = self.world.declaration()
        source = declaration["stages"][0]["actions"][0]
        source["outputArtifacts"] = [{"name": "source"}]
        stage = {"name": "Build", "actions": list(actions) or [self.action()]}
        declaration["stages"].insert(1, stage)
        return declaration

    def leave(self, **more: Any) -> None:
        """Let builds leave a template, and more."""
        left = {"artifacts": {"build": zipped({TEMPLATE: template("built")})}, **more}
        self.world.lab.set_build_results([BuildResult(project=self.project, **left)])

    def build(self, execution: str) -> Data:
        """The build of an execution."""
        result = self.world.run(execution)["compile"]["output"]["executionResult"]
        (found,) = self.client.batch_get_builds(ids=[result["externalExecutionId"]])["builds"]
        return dict(found)


@pytest.fixture
def builds(lab: Lab) -> Builds:
    made = Builds(lab)
    made.world.upload()
    return made


def message(builds: Builds, execution: str) -> str:
    assert builds.world.ended(execution) == "Failed"
    return failed(builds.world.run(execution))[2]


def test_what_a_build_leaves_is_deployed(builds: Builds) -> None:
    builds.leave()
    execution = builds.world.create(builds.declaration())
    assert builds.world.ended(execution) == "Succeeded"
    assert builds.world.display() == "built"
    build = builds.build(execution)
    assert build["initiator"] == f"codepipeline/{builds.world.name}"
    store = builds.world.stores[HOME]
    source = builds.world.run(execution)["compile"]["input"]["inputArtifacts"][0]["s3location"]
    assert build["sourceVersion"] == f"arn:aws:s3:::{store['location']}/{source['key']}"


def test_the_role_of_the_project_reads_and_writes_and_that_of_the_action_starts(
    builds: Builds,
) -> None:
    builds.leave()
    execution = builds.world.create(builds.declaration())
    assert builds.world.ended(execution) == "Succeeded"

    def called_by(role: str) -> list[str]:
        session = f"/{role}-{builds.world.id}/"
        return [call.action for call in builds.world.lab.calls() if session in call.principal]

    by_project, by_pipeline = called_by("project"), called_by("pipeline")
    assert [name for name in by_project if "Object" in name] == ["GetObject", "PutObject"]
    assert by_pipeline.count("StartBuild") == 1
    assert "BatchGetBuilds" in by_pipeline


@pytest.mark.parametrize("denied", ["s3:GetObject", "s3:PutObject", "kms:GenerateDataKey"])
def test_a_build_needs_the_permissions_of_its_role(builds: Builds, denied: str) -> None:
    builds.leave()
    deny = statement(denied) | {"Effect": "Deny"}
    builds.world.allow(builds.role, statement("logs:*", "s3:*", "kms:*"), deny)
    found = message(builds, builds.world.create(builds.declaration()))
    phase = "DOWNLOAD_SOURCE" if denied == "s3:GetObject" else "UPLOAD_ARTIFACTS"
    assert f"Phase: {phase}" in found
    assert denied in found


def test_a_build_cannot_be_started_without_the_permission(builds: Builds) -> None:
    builds.leave()
    builds.world.allow(builds.world.role(BUILD, "pipeline"), *builds.pipeline_may())
    assert "codebuild:StartBuild" in message(builds, builds.world.create(builds.declaration()))


def test_a_build_that_leaves_nothing_fails_the_action(builds: Builds) -> None:
    found = message(builds, builds.world.create(builds.declaration()))
    assert "no matching artifact paths found" in found


def test_a_failed_test_stops_the_release(builds: Builds) -> None:
    declaration = builds.declaration()
    source = declaration["stages"][0]["actions"][0]
    source["outputArtifacts"] = [{"name": "build"}]
    declaration["stages"][1]["actions"] = [
        builds.action("check", "Test", inputArtifacts=[{"name": "build"}], outputArtifacts=[])
    ]
    builds.leave(error="2 tests failed")
    execution = builds.world.create(declaration)
    assert "Phase: BUILD, COMMAND_EXECUTION_ERROR: 2 tests failed" in message(builds, execution)
    assert "prepare" not in builds.world.run(execution)
    builds.leave()
    builds.world.client.retry_stage_execution(
        pipelineName=builds.world.name,
        stageName="Build",
        pipelineExecutionId=execution,
        retryMode="FAILED_ACTIONS",
    )
    assert builds.world.ended(execution) == "Succeeded"


def test_exported_variables_reach_later_actions(builds: Builds) -> None:
    parameters = {"Parameters": {"Version": {"Type": "String"}}}
    built = zipped({TEMPLATE: json.dumps(json.loads(template("built")) | parameters)})
    builds.leave(artifacts={"build": built}, variables={"VERSION": "1.2"})
    declaration = builds.declaration(builds.action(namespace="build-variables"))
    prepare = declaration["stages"][2]["actions"][0]
    prepare["configuration"]["ParameterOverrides"] = json.dumps(
        {"Version": "#{build-variables.VERSION}"}
    )
    execution = builds.world.create(declaration)
    assert builds.world.ended(execution) == "Succeeded"
    assert builds.world.run(execution)["compile"]["output"]["outputVariables"] == {"VERSION": "1.2"}
    stacks = builds.world.lab.client("cloudformation", "222222222222", AWAY)
    (stack,) = stacks.describe_stacks(StackName=builds.world.stack)["Stacks"]
    assert stack["Parameters"] == [{"ParameterKey": "Version", "ParameterValue": "1.2"}]


def test_an_action_sets_variables_of_its_build(builds: Builds) -> None:
    builds.leave()
    given = [{"name": "RELEASE", "value": "#{codepipeline.PipelineExecutionId}"}]
    more = {"ProjectName": builds.project, "EnvironmentVariables": json.dumps(given)}
    execution = builds.world.create(builds.declaration(builds.action(configuration=more)))
    assert builds.world.ended(execution) == "Succeeded"
    found = builds.build(execution)["environment"]["environmentVariables"]
    assert {item["name"]: item["value"] for item in found} == {
        "STAGE": "of the project",
        "RELEASE": execution,
    }


def test_a_build_takes_several_artifacts_and_leaves_several(builds: Builds) -> None:
    built = zipped({TEMPLATE: template("built")})
    builds.leave(artifacts={"build": built, "other": b"other"})
    first = builds.action(outputArtifacts=[{"name": "build"}, {"name": "other"}])
    second = builds.action(
        "check",
        "Test",
        runOrder=2,
        inputArtifacts=[{"name": "build"}, {"name": "other"}],
        outputArtifacts=[],
        configuration={"ProjectName": builds.project, "PrimarySource": "other"},
    )
    execution = builds.world.create(builds.declaration(first, second))
    assert builds.world.ended(execution) == "Succeeded"
    result = builds.world.run(execution)["check"]["output"]["executionResult"]
    (build,) = builds.client.batch_get_builds(ids=[result["externalExecutionId"]])["builds"]
    assert "/other/" in build["sourceVersion"]
    assert [item["sourceIdentifier"] for item in build["secondarySourceVersions"]] == ["build"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"inputArtifacts": [{"name": "source"}, {"name": "more"}]}, "'PrimarySource'"),
        (
            {"configuration": {"ProjectName": "p", "PrimarySource": "no"}},
            "is not one of its inputs",
        ),
        ({"inputArtifacts": []}, "wrong number of input artifacts"),
        ({"configuration": {}}, "missing required configuration 'ProjectName'"),
    ],
)
def test_an_action_that_cannot_be_is_refused(builds: Builds, change: Data, words: str) -> None:
    with pytest.raises(ClientError, match=words):
        builds.world.create(builds.declaration(builds.action(**change)))


def test_a_project_of_a_pipeline_and_no_other_is_started_by_a_pipeline(builds: Builds) -> None:
    with pytest.raises(ClientError, match="needs an artifact of a pipeline"):
        builds.client.start_build(projectName=builds.project)
    builds.client.delete_project(name=builds.project)
    location = "https://github.com/example/hello.git"
    builds.create_project(
        source={"type": "GITHUB", "location": location}, artifacts={"type": "NO_ARTIFACTS"}
    )
    found = message(builds, builds.world.create(builds.declaration()))
    assert "source type must be set to CODEPIPELINE" in found
