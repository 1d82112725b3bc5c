# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Source actions of repositories and registries: what starts them, what they take, as whom."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
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
    wait_for,
    zipped,
)

Data = dict[str, Any]

TAGS = {"tags": {"includes": ["v*"]}}
CONNECTION = f"arn:aws:codeconnections:{HOME}:{BUILD}:connection/0a1b2c3d"


class Sources(World):
    """A release whose source is a repository or an image, with a role of its own."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab)
        self.repository = f"example/{self.id}"
        self.filters: list[Data] = [{"branches": {"includes": ["main"]}}]
        self.kind = "CodeStarSourceConnection"
        self.settings: Data = {
            "ConnectionArn": CONNECTION,
            "FullRepositoryId": self.repository,
            "BranchName": "main",
            "DetectChanges": "false",
        }
        self.make_role(
            self.role(BUILD, "source"),
            {"AWS": f"arn:aws:iam::{BUILD}:root"},
            "s3:*", "kms:*",
        )  # fmt: skip
        self.permit("codeconnections:UseConnection", **self.only(self.repository))

    def only(self, repository: str, operator: str = "StringEquals") -> Data:
        return {"Condition": {operator: {"codeconnections:FullRepositoryId": repository}}}

    def permit(self, *actions: str, **more: Any) -> None:
        self.allow(
            self.role(BUILD, "source"), statement("s3:*", "kms:*"), statement(*actions, **more)
        )

    def source(self) -> Data:
        return action(
            "build",
            "Source",
            self.kind,
            roleArn=self.role(BUILD, "source"),
            configuration=self.settings,
            outputArtifacts=[{"name": "build"}],
        )

    def declaration(self, *, approval: bool = False, mode: str = "QUEUED") -> Data:
        found = super().declaration(approval=approval, mode=mode)
        if self.filters:
            git = {"sourceActionName": "build", "push": self.filters}
            found["triggers"] = [{"providerType": self.kind, "gitConfiguration": git}]
        return found

    def push(self, text: str = "one", **more: Any) -> str:
        files = more.pop("files", {TEMPLATE: template(text)})
        return str(self.lab.push(self.repository, files, **more)["commit"])

    def revisions(self, execution: str) -> list[Data]:
        found = self.client.list_pipeline_executions(pipelineName=self.name)
        summaries = found["pipelineExecutionSummaries"]
        return next(
            summary["sourceRevisions"]
            for summary in summaries
            if summary["pipelineExecutionId"] == execution
        )

    def settle(self) -> str:
        """Wait for the newest release; its id."""
        newest = self.executions()[0]
        self.ended(newest)
        return newest


@pytest.fixture
def world(lab: Lab) -> Sources:
    return Sources(lab)


def test_a_push_releases_exactly_its_commit(world: Sources) -> None:
    world.push("first")
    world.ended(world.create(world.declaration(approval=False)))
    first = world.push("second")
    second = world.push("third")
    wait_for(lambda: len(world.executions()) == 3)
    newest, older, _new = world.executions()
    assert world.ended(newest) == world.ended(older) == "Succeeded"
    assert world.display() == "third"
    assert [world.revisions(each)[0]["revisionId"] for each in (older, newest)] == [first, second]
    assert world.execution(newest)["trigger"] == {
        "triggerType": "WebhookV2",
        "triggerDetail": CONNECTION,
    }


def test_a_tag_releases_the_commit_that_it_marks(world: Sources) -> None:
    marked = world.push("first")
    world.filters = [TAGS]
    world.ended(world.create())
    world.push("second", branch="other")
    world.push(files={}, tag="v1")
    assert len(world.executions()) == 2
    assert world.revisions(world.settle())[0]["revisionId"] == marked


def test_a_pull_request_starts_with_the_commit_of_its_branch(world: Sources) -> None:
    world.push("first")
    declaration = world.declaration()
    git = declaration["triggers"][0]["gitConfiguration"]
    git["pullRequest"] = [{"branches": {"includes": ["main"]}, "events": ["OPEN"]}]
    del git["push"]
    world.ended(world.create(declaration))
    commit = world.push("second", branch="change", pull_request="OPEN")
    assert len(world.executions()) == 2
    assert world.revisions(world.settle())[0]["revisionId"] == commit


def test_a_source_that_detects_changes_starts_for_its_branch_alone(world: Sources) -> None:
    world.push("first")
    world.filters = []
    del world.settings["DetectChanges"]
    world.ended(world.create())
    world.push("second", branch="other")
    world.push("third", files={}, tag="v1")
    assert len(world.executions()) == 1
    world.push("fourth")
    assert len(world.executions()) == 2
    world.settle()


def test_a_start_may_name_the_commit(world: Sources) -> None:
    old = world.push("old")
    world.push("new")
    world.ended(world.create())
    revision = {"actionName": "build", "revisionType": "COMMIT_ID", "revisionValue": old}
    assert world.ended(world.start(sourceRevisions=[revision])) == "Succeeded"
    assert world.display() == "old"
    wrong = {**revision, "revisionType": "IMAGE_DIGEST"}
    with pytest.raises(ClientError, match="is not valid"):
        world.start(sourceRevisions=[wrong])


# Who uses the connection


@pytest.mark.parametrize(
    ("service", "repository", "operator", "allowed"),
    [
        ("codeconnections", "", "StringEquals", True),
        ("codeconnections", "example/other", "StringEquals", False),
        ("codestar-connections", "", "StringEquals", False),
    ],
)
def test_the_source_role_uses_the_connection_for_its_repository_alone(
    world: Sources, service: str, repository: str, operator: str, allowed: bool
) -> None:
    world.push()
    world.permit(f"{service}:UseConnection", **world.only(repository or world.repository, operator))
    execution = world.create()
    assert world.ended(execution) == ("Succeeded" if allowed else "Failed")
    if not allowed:
        _stage, name, message = failed(world.run(execution))
        assert name == "build"
        assert "Unable to use Connection" in message
        assert "codeconnections:UseConnection" in message


@pytest.mark.parametrize("service", ["codeconnections", "codestar-connections"])
def test_a_connection_is_read_by_those_who_may(world: Sources, service: str) -> None:
    reader = world.role(BUILD, "reader")
    world.make_role(reader, {"AWS": f"arn:aws:iam::{BUILD}:root"}, "sts:*")
    client = world.lab.client_of(service, reader)
    arn = CONNECTION.replace("codeconnections", service)
    with pytest.raises(ClientError, match=f"{service}:GetConnection"):
        client.get_connection(ConnectionArn=arn)
    world.allow(reader, statement(f"{service}:GetConnection", resource=arn))
    assert client.get_connection(ConnectionArn=arn)["Connection"]["ConnectionStatus"] == "AVAILABLE"


def test_a_branch_that_is_not_there_fails_the_source(world: Sources) -> None:
    execution = world.create()
    assert world.ended(execution) == "Failed"
    assert "No Branch [main] found" in failed(world.run(execution))[2]


def test_who_makes_a_pipeline_passes_it_its_connection(world: Sources) -> None:
    creator = world.role(BUILD, "creator")
    world.make_role(creator, {"AWS": f"arn:aws:iam::{BUILD}:root"}, "codepipeline:*")
    make = statement("codepipeline:*", "iam:PassRole")
    passed = {"codeconnections:PassedToService": "codepipeline.amazonaws.com"}
    client = world.lab.client_of("codepipeline", creator)
    world.allow(creator, make)
    with pytest.raises(ClientError, match="codeconnections:PassConnection"):
        client.create_pipeline(pipeline=world.declaration())
    world.allow(
        creator,
        make,
        statement(
            "codeconnections:PassConnection",
            resource=CONNECTION,
            Condition={"StringEquals": passed},
        ),
    )
    world.push()
    client.create_pipeline(pipeline=world.declaration())
    world.settle()


def test_a_clone_reference_is_for_builds_only(world: Sources) -> None:
    world.push()
    world.settings["OutputArtifactFormat"] = "CODEBUILD_CLONE_REF"
    execution = world.create()
    assert world.ended(execution) == "Failed"
    _stage, name, message = failed(world.run(execution))
    assert name == "prepare"
    assert "only CodeBuild actions can use" in message


def test_a_build_clones_by_its_own_role(world: Sources) -> None:
    role, project = world.role(BUILD, "project"), f"project-{world.id}"
    service = {"Service": "codebuild.amazonaws.com"}
    store = statement("logs:*", "s3:*", "kms:*")
    world.make_role(role, service, "logs:*")
    world.allow(role, store)
    world.allow(
        world.role(BUILD, "pipeline"),
        statement("sts:AssumeRole", "s3:*", "kms:*", "codebuild:*"),
    )
    world.lab.client("codebuild", BUILD, HOME).create_project(
        name=project,
        serviceRole=role,
        source={"type": "CODEPIPELINE"},
        artifacts={"type": "CODEPIPELINE"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        encryptionKey=world.stores[HOME]["encryptionKey"]["id"],
    )
    left = {"build": zipped({TEMPLATE: template("built")})}
    world.lab.set_build_results([BuildResult(project=project, artifacts=left)])
    world.settings["OutputArtifactFormat"] = "CODEBUILD_CLONE_REF"
    declaration = world.declaration()
    declaration["stages"][0]["actions"][0]["outputArtifacts"] = [{"name": "source"}]
    build = action(
        "compile",
        "Build",
        "CodeBuild",
        configuration={"ProjectName": project},
        inputArtifacts=[{"name": "source"}],
        outputArtifacts=[{"name": "build"}],
    )
    declaration["stages"].insert(1, {"name": "Build", "actions": [build]})
    world.push()
    refused = world.create(declaration)
    assert world.ended(refused) == "Failed"
    assert "codeconnections:UseConnection" in failed(world.run(refused))[2]
    use = statement("codeconnections:UseConnection", **world.only(world.repository))
    world.allow(role, store, use)
    world.push()
    assert world.ended(world.executions()[0]) == "Succeeded"
    assert world.display() == "built"


# Declarations


def _trigger(declaration: Data) -> Data:
    found: Data = declaration["triggers"][0]["gitConfiguration"]
    return found


def _tags_with_paths(declaration: Data) -> None:
    _trigger(declaration)["push"] = [{**TAGS, "filePaths": {"includes": ["a"]}}]


def _paths_alone(declaration: Data) -> None:
    _trigger(declaration)["push"] = [{"filePaths": {"includes": ["a"]}}]


def _four_filters(declaration: Data) -> None:
    _trigger(declaration)["push"] = [TAGS] * 4


def _nine_patterns(declaration: Data) -> None:
    _trigger(declaration)["push"] = [{"tags": {"includes": ["v*"] * 9}}]


def _of_nobody(declaration: Data) -> None:
    _trigger(declaration)["sourceActionName"] = "other"


def _twice(declaration: Data) -> None:
    declaration["triggers"] *= 2


def _of_v1(declaration: Data) -> None:
    declaration["pipelineType"] = "V1"


def _format(declaration: Data) -> None:
    _settings(declaration)["OutputArtifactFormat"] = "ZIP"


def _connection_name(declaration: Data) -> None:
    _settings(declaration)["ConnectionArn"] = "github"


def _repository_alone(declaration: Data) -> None:
    _settings(declaration)["FullRepositoryId"] = "hello"


def _settings(declaration: Data) -> Data:
    found: Data = declaration["stages"][0]["actions"][0]["configuration"]
    return found


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_tags_with_paths, "has tags with filePaths"),
        (_paths_alone, "has file paths without branches"),
        (_four_filters, "more than 3 filters for push"),
        (_nine_patterns, "over 8 patterns for tags"),
        (_of_nobody, "source action other is no CodeStarSourceConnection action"),
        (_twice, "has more than one trigger configuration"),
        (_of_v1, "for pipelines of type V2"),
        (_format, "OutputArtifactFormat of build is CODE_ZIP or CODEBUILD_CLONE_REF"),
        (_connection_name, "is not the ARN of a connection"),
        (_repository_alone, "needs the owner and the name"),
    ],
)
def test_a_wrong_source_or_trigger_is_refused(
    world: Sources, spoil: Callable[[Data], None], words: str
) -> None:
    declaration = world.declaration()
    spoil(declaration)
    with pytest.raises(ClientError) as caught:
        world.client.create_pipeline(pipeline=declaration)
    assert words in str(caught.value)


# Images, and CodeCommit


def start_rule(world: Sources, pattern: Data, revision: str, path: str) -> None:
    """A rule that starts the pipeline with the revision of the event."""
    role = world.role(BUILD, "starter")
    world.make_role(
        role, {"Service": "events.amazonaws.com"}, "codepipeline:StartPipelineExecution"
    )
    events = world.lab.client("events", BUILD, HOME)
    events.put_rule(Name=world.name, EventPattern=json.dumps(pattern))
    template = {"actionName": "build", "revisionType": revision, "revisionValue": "<revision>"}
    events.put_targets(
        Rule=world.name,
        Targets=[
            {
                "Id": "Pipeline",
                "Arn": f"arn:aws:codepipeline:{HOME}:{BUILD}:{world.name}",
                "RoleArn": role,
                "InputTransformer": {
                    "InputPathsMap": {"revision": path},
                    "InputTemplate": json.dumps({"sourceRevisions": [template]}),
                },
            }
        ],
    )


def test_an_image_push_starts_a_release_of_that_image(world: Sources) -> None:
    ecr = world.lab.client("ecr", BUILD, HOME)
    ecr.create_repository(repositoryName=world.id)
    world.kind, world.filters = "ECR", []
    world.settings = {"RepositoryName": world.id, "ImageTag": "release"}
    arn = f"arn:aws:ecr:{HOME}:{BUILD}:repository/{world.id}"
    world.permit("ecr:DescribeImages", resource=arn)
    declaration = world.declaration()
    deploy = declaration["stages"][1]["actions"]
    deploy[:] = [action("approve", "Approval", "Manual")]
    del declaration["artifactStores"][AWAY]
    declaration["stages"][1]["name"] = "Approve"
    failing = world.create(declaration)
    assert world.ended(failing) == "Failed"
    assert "ImageNotFoundException" in failed(world.run(failing))[2]
    detail = {"action-type": ["PUSH"], "image-tag": ["release"], "repository-name": [world.id]}
    pattern = {"source": ["aws.ecr"], "detail-type": ["ECR Image Action"], "detail": detail}
    start_rule(world, pattern, "IMAGE_DIGEST", "$.detail.image-digest")
    ecr.put_image(repositoryName=world.id, imageManifest="{}", imageTag="other")
    pushed = ecr.put_image(repositoryName=world.id, imageManifest='{"a": 1}', imageTag="release")
    digest = pushed["image"]["imageId"]["imageDigest"]
    wait_for(lambda: len(world.executions()) == 2)
    newest = world.executions()[0]
    wait_for(lambda: bool(world.token()))
    assert world.revisions(newest)[0]["revisionId"] == digest
    place = world.run(newest)["build"]["output"]["outputArtifacts"][0]["s3location"]
    s3 = world.lab.client("s3", BUILD, HOME)
    body = s3.get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        image = json.loads(archive.read("imageDetail.json"))
    assert image["ImageURI"] == f"{BUILD}.dkr.ecr.{HOME}.amazonaws.com/{world.id}@{digest}"
    assert image["ImageTags"] == ["release"]
    world.client.stop_pipeline_execution(
        pipelineName=world.name, pipelineExecutionId=newest, abandon=True
    )


CODECOMMIT = (
    "codecommit:GetBranch",
    "codecommit:GetCommit",
    "codecommit:GetUploadArchiveStatus",
    "codecommit:UploadArchive",
)


def test_a_push_to_codecommit_starts_a_release_of_that_commit(world: Sources) -> None:
    world.repository = f"arn:aws:codecommit:{HOME}:{BUILD}:{world.id}"
    world.kind, world.filters = "CodeCommit", []
    world.settings = {
        "RepositoryName": world.id,
        "BranchName": "main",
        "PollForSourceChanges": "false",
    }
    world.permit(*CODECOMMIT, resource=world.repository)
    world.push("first")
    world.ended(world.create())
    detail = {"referenceType": ["branch"], "referenceName": ["main"]}
    pattern = {"source": ["aws.codecommit"], "resources": [world.repository], "detail": detail}
    start_rule(world, pattern, "COMMIT_ID", "$.detail.commitId")
    world.push("other", branch="other")
    commit = world.push("second")
    wait_for(lambda: len(world.executions()) == 2)
    newest = world.settle()
    assert world.revisions(newest)[0]["revisionId"] == commit
    assert world.display() == "second"
    world.permit(*CODECOMMIT[1:], resource=world.repository)
    again = world.start()
    assert world.ended(again) == "Failed"
    assert "codecommit:GetBranch" in failed(world.run(again))[2]
