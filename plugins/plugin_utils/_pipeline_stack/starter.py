# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The starter: a function that releases each build as a whole, and sends it to developers. Pure."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from .._pipeline.model import Pipeline
from .._pipeline.source import Source
from .function import make_function
from .part import Data
from .roles import allow, attribute, sub, use_key, use_keys_of_regions
from .start import make_rule, start_pipeline

# The prefix of the build bucket below which each build has its own artifacts. Not below that of the
# pipeline: a lifecycle rule's prefix has no wildcard.
BUILDS = "builds"
# All environment variables of a function, in bytes.
ENVIRONMENT_LIMIT = 4_096

_BUCKET = "arn:${AWS::Partition}:s3:::${BuildBucketName}"
_EACH_BUILD = sub(f"{_BUCKET}/{BUILDS}/${{PipelineName}}/*")


def make_starter(pipeline: Pipeline, source: Source, pattern: Data) -> Data:
    """Return the resources of the starter and of the rule that invokes it.

    :param pattern: the events that it is invoked for.
    """
    return {
        **make_rule(
            "Invokes the starter of ${PipelineName}",
            pattern,
            {"Id": "Starter", "Arn": attribute("StarterFunction")},
        ),
        **make_function(
            "Starter",
            "starter",
            "Starts the pipeline of ${PipelineName} with one build",
            code="starter.py",
            environment={
                "PIPELINE": {"Ref": "PipelineName"},
                "BUILD_BUCKET": {"Ref": "BuildBucketName"},
                "BUCKET_OWNER": {"Ref": "AWS::AccountId"},
                "FAILED_QUEUE": {"Ref": "StarterQueue"},
                **_values(pipeline, source),
            },
            statements=_statements(pipeline, source),
            rule="StartRule",
            # One after the other: an older build must not overtake a newer one.
            ReservedConcurrentExecutions=1,
        ),
    }


def environment_size(pipeline: Pipeline, source: Source) -> int:
    """Return the bytes of the starter's environment that come from the pipeline's data."""
    return sum(len(name) + len(value) for name, value in _values(pipeline, source).items())


def read_each_build() -> Data:
    """Return the statement that lets the source role read builds where each has its own."""
    return allow(
        "ReadEachBuild",
        [
            "s3:GetObject",
            "s3:GetObjectTagging",
            "s3:GetObjectVersion",
            "s3:GetObjectVersionTagging",
        ],
        _EACH_BUILD,
    )


def _values(pipeline: Pipeline, source: Source) -> dict[str, str]:
    def compact(value: t.Any) -> str:
        return json.dumps(value, separators=(",", ":"))

    return {
        "ARTIFACTS": compact({artifact.name: artifact.object for artifact in source.artifacts}),
        "TRIGGER": (source.trigger or source.artifacts[0]).name,
        "RECEIVERS": compact([dataclasses.asdict(developer) for developer in pipeline.developers]),
    }


def _statements(pipeline: Pipeline, source: Source) -> list[Data]:
    statements = [
        start_pipeline(),
        # S3 asks for the second when a version is named.
        allow(
            "ReadBuilds",
            ["s3:GetObject", "s3:GetObjectVersion"],
            [*([_EACH_BUILD] if source.builds else []), sub(f"{_BUCKET}/${{PipelineName}}/*")],
        ),
        # Decrypt: S3 reads the parts of a multipart copy before it joins them.
        use_key("UseKey"),
    ]
    if source.builds:
        statements += [
            allow(
                "FindBuilds",
                ["codebuild:BatchGetBuilds", "codebuild:ListBuildsForProject"],
                sub(
                    "arn:${AWS::Partition}:codebuild:${AWS::Region}:${AWS::AccountId}"
                    ":project/${PipelineName}-release"
                ),
            ),
            # Where a start by hand finds the newest build.
            allow(
                "WriteNewestBuild",
                ["s3:AbortMultipartUpload", "s3:PutObject"],
                [
                    sub(f"{_BUCKET}/{pipeline.name}/{artifact.object}")
                    for artifact in source.artifacts
                ],
            ),
        ]
    if pipeline.developers:
        statements += _sends(pipeline)
    return statements


def _sends(pipeline: Pipeline) -> list[Data]:
    """Return what sending takes; the developers' bucket and key policies admit it too."""
    accounts = sorted({developer.account_id for developer in pipeline.developers})
    return [
        allow(
            "SendBuilds",
            ["s3:AbortMultipartUpload", "s3:PutObject"],
            [
                sub(f"arn:${{AWS::Partition}}:s3:::{developer.bucket}/${{PipelineName}}/*")
                for developer in pipeline.developers
            ],
        ),
        # Their keys are not known here.
        use_keys_of_regions(
            "EncryptForDevelopers",
            [sub(f"arn:${{AWS::Partition}}:kms:*:{account}:key/*") for account in accounts],
        ),
    ]


__all__ = ("BUILDS", "ENVIRONMENT_LIMIT", "environment_size", "make_starter", "read_each_build")
