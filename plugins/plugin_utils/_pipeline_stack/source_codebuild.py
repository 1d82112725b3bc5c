# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a source of type codebuild adds: two build projects and the starter. Pure."""

from __future__ import annotations

import typing as t

from .._pipeline.model import Pipeline
from .._pipeline.source import CODEBUILD, Source
from .buildspec import compose_buildspec
from .foundation import Foundation
from .part import Data, Part
from .project import make_project
from .roles import allow, sub, upload_builds
from .starter import BUILDS, make_starter, read_each_build

_SUCCEEDED = {
    "source": ["aws.codebuild"],
    "detail-type": ["CodeBuild Build State Change"],
    "detail": {
        "build-status": ["SUCCEEDED"],
        "project-name": [sub("${PipelineName}-release")],
    },
}


def codebuild_source(pipeline: Pipeline, _foundation: Foundation) -> Part:
    """Return what CodeBuild needs to build pushes and pull requests."""
    source = pipeline.source
    if source is None or source.type != CODEBUILD:
        return Part()
    return Part(
        resources={
            # When the build succeeds, all its artifacts are uploaded.
            **make_starter(pipeline, source, _SUCCEEDED),
            **_release(pipeline, source),
            **_pull_request(pipeline, source),
        },
        source_statements=(read_each_build(),),
    )


def _release(pipeline: Pipeline, source: Source) -> Data:
    """Return the project that builds each push to the branch and uploads the artifacts."""
    primary, *secondary = _artifacts(pipeline.name, source)
    return make_project(
        "Release",
        "release",
        "Builds releases of ${PipelineName}",
        pipeline.build,
        pipeline=pipeline.name,
        source=_repository(
            source, compose_buildspec(pipeline.build, source.artifacts[0], source.artifacts[1:])
        ),
        properties={
            # Without this, artifacts are encrypted with the AWS managed key aws/s3.
            "EncryptionKey": {"Ref": "KeyArn"},
            "SourceVersion": source.branch,
            "Triggers": {
                "Webhook": True,
                "FilterGroups": [_filters("PUSH", "HEAD_REF", source.branch)],
            },
            "Artifacts": primary,
            "SecondaryArtifacts": secondary,
        },
        statements=[
            # The second is for a build that began before builds had places of their own.
            *upload_builds(f"{BUILDS}/${{PipelineName}}/", "${PipelineName}/"),
            # CodeBuild checks who owns the bucket.
            allow(
                "FindBuildBucket",
                ["s3:GetBucketAcl", "s3:GetBucketLocation"],
                sub("arn:${AWS::Partition}:s3:::${BuildBucketName}"),
            ),
            *_connection_statements(source),
        ],
    )


def _pull_request(pipeline: Pipeline, source: Source) -> Data:
    """Return the project that builds pull requests.

    Nobody has reviewed them: their code chooses the buildspec, and may use whatever the role may.
    So it reaches no bucket and no key, and cannot start a pipeline.
    """
    build = pipeline.build.for_pull_requests
    return make_project(
        "PullRequest",
        "pull-request",
        "Builds pull requests of ${PipelineName}",
        build,
        pipeline=pipeline.name,
        source=_repository(source, compose_buildspec(build)),
        properties={
            "Triggers": {
                "Webhook": True,
                # CodeBuild cannot filter forks. Instead, a fork's pull request is built only after
                # somebody who may push to the repository has approved that commit in a comment.
                "PullRequestBuildPolicy": {
                    "RequiresCommentApproval": "DISABLED" if source.forks else "FORK_PULL_REQUESTS",
                    "ApproverRoles": ["GITHUB_WRITE", "GITHUB_MAINTAIN", "GITHUB_ADMIN"],
                },
                "FilterGroups": [
                    _filters(
                        "PULL_REQUEST_CREATED, PULL_REQUEST_UPDATED, PULL_REQUEST_REOPENED",
                        "BASE_REF",
                        source.branch,
                    )
                ],
            },
            "Artifacts": {"Type": "NO_ARTIFACTS"},
        },
        statements=_connection_statements(source),
        is_bounded=False,
    )


def _repository(source: Source, buildspec: str) -> Data:
    return {
        "Type": "GITHUB",
        "Location": source.repository,
        "GitCloneDepth": 1,
        "BuildSpec": buildspec,
        "ReportBuildStatus": True,
        "Auth": {"Type": "CODECONNECTIONS", "Resource": source.connection_arn}
        if source.connection_arn
        else {"Type": "OAUTH"},
    }


def _filters(events: str, reference: str, branch: str) -> list[Data]:
    """Return the filter of a webhook: *events* on *branch* alone."""
    escaped = branch.replace(".", "[.]")
    return [
        {"Type": "EVENT", "Pattern": events},
        {"Type": reference, "Pattern": f"^refs/heads/{escaped}$"},
    ]


def _artifacts(name: str, source: Source) -> list[Data]:
    """Return what CodeBuild uploads: the primary artifact, then those that a buildspec names.

    Each build has a place of its own, so that builds at the same time mix nothing.
    """
    found: list[Data] = []
    for artifact in source.artifacts:
        path, _slash, file = f"{BUILDS}/{name}/{artifact.object}".rpartition("/")
        found.append(
            {
                "Type": "S3",
                "Location": {"Ref": "BuildBucketName"},
                "Path": path,
                "Name": file,
                "NamespaceType": "BUILD_ID",
                "Packaging": "ZIP",
                "OverrideArtifactName": False,
                "EncryptionDisabled": False,
                **({"ArtifactIdentifier": artifact.name} if found else {}),
            }
        )
    return found


def _connection_statements(source: Source) -> list[t.Any]:
    """Return what a build needs to clone over a connection."""
    arn = source.connection_arn
    if not arn:
        return []
    # A connection keeps the name of the service that it was made under, and so do its actions.
    service = arn.split(":")[2]
    return [
        # The token reaches every repository of the connection: nothing narrows it.
        allow("GetToken", [f"{service}:GetConnection", f"{service}:GetConnectionToken"], arn),
        # CreateProject checks it. IfExists, because it is not documented whether that check names
        # the repository.
        allow(
            "UseConnection",
            [f"{service}:UseConnection"],
            arn,
            StringEqualsIfExists={f"{service}:FullRepositoryId": source.full_repository_id},
        ),
    ]


__all__ = ("codebuild_source",)
