# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What approvals add. Pure."""

from __future__ import annotations

from .._pipeline.model import Pipeline
from .foundation import Foundation
from .part import Part
from .roles import allow, sub


def approvals(pipeline: Pipeline, _foundation: Foundation) -> Part:
    """Return what the pipeline needs to ask somebody."""
    if not any(wave.approval for wave in pipeline.waves):
        return Part()
    return Part(
        primary_outputs=("ApprovalTopicArn",),
        pipeline_statements=(
            allow("AskForApproval", "sns:Publish", {"Ref": "ApprovalTopicArn"}),
            # The topic is encrypted with this key.
            allow(
                "EncryptQuestions",
                ["kms:Decrypt", "kms:GenerateDataKey"],
                {"Ref": "KeyArn"},
                StringEquals={"kms:ViaService": sub("sns.${AWS::Region}.${AWS::URLSuffix}")},
            ),
        ),
    )


__all__ = ("approvals",)
