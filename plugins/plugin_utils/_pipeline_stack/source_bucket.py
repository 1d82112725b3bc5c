# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What sources add that read the build bucket. Pure."""

from __future__ import annotations

from .._pipeline.model import Pipeline
from .foundation import Foundation
from .part import Part
from .roles import allow, sub


def bucket_sources(pipeline: Pipeline, _foundation: Foundation) -> Part:
    """Return what the source actions need that read the pipeline's part of the bucket."""
    if pipeline.source is None or pipeline.source.action_artifact:
        return Part()
    bucket = "arn:${AWS::Partition}:s3:::${BuildBucketName}"
    return Part(
        primary_outputs=("BuildBucketName",),
        source_statements=(
            allow(
                "ReadBuilds",
                [
                    "s3:GetObject",
                    "s3:GetObjectTagging",
                    "s3:GetObjectVersion",
                    "s3:GetObjectVersionTagging",
                ],
                sub(f"{bucket}/${{PipelineName}}/*"),
            ),
            # With ListBucket, a build that is not there yet gives "not found" instead of "access
            # denied".
            allow(
                "FindBuilds",
                [
                    "s3:GetBucketAcl",
                    "s3:GetBucketLocation",
                    "s3:GetBucketVersioning",
                    "s3:ListBucket",
                ],
                sub(bucket),
            ),
        ),
    )


__all__ = ("bucket_sources",)
