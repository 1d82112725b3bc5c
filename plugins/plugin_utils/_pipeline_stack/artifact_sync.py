# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What copies between regions add. Pure."""

from __future__ import annotations

from .._pipeline.model import Pipeline
from .foundation import Foundation, syncs_artifacts
from .part import Part
from .roles import allow, sub


def artifact_sync(pipeline: Pipeline, foundation: Foundation) -> Part:
    """Return what a stage needs that copies artifacts to other regions."""
    if not syncs_artifacts(pipeline, foundation.region):
        return Part()
    return Part(
        primary_outputs=("SyncArtifactsFunctionName",),
        source_statements=(
            allow(
                "InvokeSyncArtifacts",
                "lambda:InvokeFunction",
                sub(
                    "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}"
                    ":function:${SyncArtifactsFunctionName}"
                ),
            ),
            # CodePipeline lists functions before it invokes one. ListFunctions takes no resource.
            allow("FindSyncArtifacts", "lambda:ListFunctions", "*"),
        ),
    )


__all__ = ("artifact_sync",)
