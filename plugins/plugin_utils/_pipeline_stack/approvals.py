# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What approvals add. Pure."""

from __future__ import annotations

from .._pipeline.model import Pipeline
from .foundation import Foundation
from .part import Data, Part, join
from .roles import allow, sub

_ENCRYPT = ("kms:Decrypt", "kms:GenerateDataKey")


def approvals(pipeline: Pipeline, _foundation: Foundation) -> Part:
    """Return what the pipeline needs to ask somebody."""
    topics = {wave.approval.topic for wave in pipeline.waves if wave.approval}
    own = sorted(topics - {""})
    part = Part(pipeline_statements=tuple(_own_topics(own) if own else ()))
    return join([_shared_topic(), part]) if "" in topics else part


def _shared_topic() -> Part:
    return Part(
        primary_outputs=("ApprovalTopicArn",),
        pipeline_statements=(
            allow("AskForApproval", "sns:Publish", {"Ref": "ApprovalTopicArn"}),
            # The topic is encrypted with this key.
            allow(
                "EncryptQuestions",
                _ENCRYPT,
                {"Ref": "KeyArn"},
                StringEquals={"kms:ViaService": sub("sns.${AWS::Region}.${AWS::URLSuffix}")},
            ),
        ),
    )


def _own_topics(topics: list[str]) -> list[Data]:
    return [
        allow("AskOnOwnTopics", "sns:Publish", topics),
        # Their keys are not known here; a topic without one needs none.
        allow(
            "EncryptForOwnTopics",
            _ENCRYPT,
            sub("arn:${AWS::Partition}:kms:${AWS::Region}:*:key/*"),
            StringEquals={"kms:EncryptionContext:aws:sns:topicArn": topics},
        ),
    ]


__all__ = ("approvals",)
