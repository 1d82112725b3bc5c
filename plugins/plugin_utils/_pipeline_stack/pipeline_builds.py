# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Projects that the pipeline itself starts, and its actions for them. Pure.

The source role starts a build. The build reads and writes the store as the project's own role.
"""

from __future__ import annotations

import typing as t

from .._pipeline.build import Build
from .actions import Action, kind
from .build_boundary import STORE_PREFIX
from .part import Data
from .project import make_project
from .roles import allow, attribute, sub, use_key

_SOURCE_ROLE = attribute("SourceRole")


def make_pipeline_project(
    logical_id: str,
    name: str,
    description: str,
    build: Build,
    *,
    pipeline: str,
    buildspec: str,
    writes: bool = False,
    statements: t.Sequence[Data] = (),
    variables: t.Sequence[Data] = (),
) -> Data:
    """Return the resources of a project that gets its source from the pipeline.

    :param writes: whether it has artifacts of its own.
    :param statements: what builds may do that does not follow from the build.
    :param variables: of the build, in addition to its own.
    """
    own = sub(f"${{PipelineBucketArn}}/{pipeline[:STORE_PREFIX]}/*")
    actions = ["s3:GetObject", "s3:GetObjectVersion", *(["s3:PutObject"] if writes else [])]
    return make_project(
        logical_id,
        name,
        description,
        build,
        pipeline=pipeline,
        source={"Type": "CODEPIPELINE", "BuildSpec": buildspec},
        properties={
            # Without this, artifacts are encrypted with the AWS managed key aws/s3.
            "EncryptionKey": {"Ref": "KeyArn"},
            "Artifacts": {"Type": "CODEPIPELINE"},
        },
        statements=[
            allow("ReadAndWriteArtifacts" if writes else "ReadArtifacts", actions, own),
            # CodeBuild checks who owns the bucket.
            allow(
                "FindArtifacts",
                ["s3:GetBucketAcl", "s3:GetBucketLocation"],
                {"Ref": "PipelineBucketArn"},
            ),
            # Decrypt: also because S3 reads the parts of a multipart upload before it joins them.
            use_key("UseKey") if writes else use_key("UseKey", actions=["kms:Decrypt"]),
            *statements,
        ],
        variables=variables,
    )


def start_builds(sid: str, logical_ids: t.Sequence[str]) -> Data:
    """Return what the source role needs to start builds of projects.

    :param logical_ids: how those of the projects begin.
    """
    arns = [attribute(f"{name}Project") for name in logical_ids]
    return allow(sid, ["codebuild:BatchGetBuilds", "codebuild:StartBuild"], arns)


def build_action(
    name: str,
    logical_id: str,
    *,
    category: str,
    inputs: t.Sequence[str],
    outputs: t.Sequence[str] = (),
) -> Action:
    """Return the action that runs a build of a project.

    :param category: ``Build`` or ``Test``.
    :param inputs: the artifacts that it gets; the first holds the build specification.
    """
    configuration: Data = {"ProjectName": {"Ref": f"{logical_id}Project"}}
    if len(inputs) > 1:
        configuration["PrimarySource"] = inputs[0]
    return {
        "Name": name,
        "ActionTypeId": kind(category, "CodeBuild"),
        "Region": {"Ref": "AWS::Region"},
        "RoleArn": _SOURCE_ROLE,
        "Configuration": configuration,
        "InputArtifacts": [{"Name": artifact} for artifact in inputs],
        **({"OutputArtifacts": [{"Name": artifact} for artifact in outputs]} if outputs else {}),
    }


__all__ = ("build_action", "make_pipeline_project", "start_builds")
