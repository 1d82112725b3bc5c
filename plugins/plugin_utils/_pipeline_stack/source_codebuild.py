# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a source of type codebuild adds: two build projects and the starter. Pure."""

from __future__ import annotations

from .._pipeline.model import Pipeline
from .._pipeline.source import CODEBUILD, Source
from .assets import asset_statements, asset_variables
from .buildspec import compose_buildspec
from .connections import get_tokens
from .foundation import Foundation
from .part import Data, Part
from .project import make_project
from .pull_requests import repository, webhook_filter
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


def codebuild_source(pipeline: Pipeline, foundation: Foundation) -> Part:
    """Return what CodeBuild needs to build pushes and pull requests."""
    source = pipeline.source
    if source is None or source.type != CODEBUILD:
        return Part()
    return Part(
        resources={
            # When the build succeeds, all its artifacts are uploaded.
            **make_starter(pipeline, source, _SUCCEEDED),
            **_release(pipeline, foundation, source),
        },
        source_statements=(read_each_build(),),
    )


def _release(pipeline: Pipeline, foundation: Foundation, source: Source) -> Data:
    """Return the project that builds each push to the branch and uploads the artifacts."""
    primary, *secondary = _artifacts(pipeline.name, source)
    return make_project(
        "Release",
        "release",
        "Builds releases of ${PipelineName}",
        pipeline.build,
        pipeline=pipeline.name,
        source=repository(
            source, compose_buildspec(pipeline.build, source.artifacts[0], source.artifacts[1:])
        ),
        properties={
            # Without this, artifacts are encrypted with the AWS managed key aws/s3.
            "EncryptionKey": {"Ref": "KeyArn"},
            "SourceVersion": source.branch,
            "Triggers": {
                "Webhook": True,
                "FilterGroups": [webhook_filter("PUSH", "HEAD_REF", source.branch)],
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
            *asset_statements(pipeline, foundation),
            *get_tokens(source),
        ],
        variables=asset_variables(pipeline, foundation),
    )


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


__all__ = ("codebuild_source",)
