# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What approvals add: their actions, and topics of their own. Pure."""

from __future__ import annotations

import re
import typing as t

from .._pipeline.approval import Approval
from .._pipeline.model import Pipeline
from .actions import Action, kind
from .foundation import Foundation
from .part import Data, Part
from .roles import allow, sub, use_key, use_keys_of_topics
from .topics import digest, make_topic

_SHARED = "ApprovalTopicArn"
_NOT_OF_TOPICS = re.compile(r"[^A-Za-z0-9_-]")


def approvals(pipeline: Pipeline, _foundation: Foundation) -> Part:
    """Return what the pipeline needs to ask somebody."""
    asked = [(wave.name, wave.approval) for wave in pipeline.waves if wave.approval]
    is_shared = any(not approval.asks_elsewhere for _wave, approval in asked)
    own = sorted({approval.topic for _wave, approval in asked} - {""})
    resources: Data = {}
    ours = [{"Ref": _SHARED}] if is_shared else []
    for wave, approval in asked:
        if approval.mail:
            resources |= _topic(wave, approval)
            ours.append({"Ref": f"{_topic_kind(wave)}Topic"})
    return Part(
        primary_outputs=(_SHARED,) if is_shared else (),
        resources=resources,
        pipeline_statements=(
            *(_publish_on_ours(ours) if ours else ()),
            *(_publish_on_own(own) if own else ()),
        ),
    )


def approve(pipeline: Pipeline, wave: str, approval: Approval) -> Action:
    """Return the action that waits for somebody."""
    question = approval.question(expands=pipeline.expands)
    topic = f"{_topic_kind(wave)}Topic" if approval.mail else _SHARED
    configuration: dict[str, t.Any] = {"NotificationArn": approval.topic or {"Ref": topic}}
    if question:
        configuration["CustomData"] = question
    if approval.link:
        configuration["ExternalEntityLink"] = approval.link
    return {
        "Name": "approve",
        "ActionTypeId": kind("Approval", "Manual"),
        "Configuration": configuration,
        **({"TimeoutInMinutes": approval.timeout} if approval.timeout else {}),
    }


def _topic(wave: str, approval: Approval) -> Data:
    """Return the topic of a wave, called as topics of notifications are: ``*-notices``."""
    name = _NOT_OF_TOPICS.sub("-", wave)
    if name != wave:
        name = f"{name}-{digest(wave)}"
    return make_topic(
        _topic_kind(wave),
        sub("Approvals of ${PipelineName}"),
        {"Ref": "KeyArn"},
        approval.mail,
        TopicName=sub(f"${{PipelineName}}-approval-{name}-notices"),
    )


def _topic_kind(wave: str) -> str:
    return f"Approval{digest(wave)}"


def _publish_on_ours(topics: list[Data]) -> list[Data]:
    return [
        allow("AskForApproval", "sns:Publish", topics if len(topics) > 1 else topics[0]),
        # The topics are encrypted with this key.
        use_key("EncryptQuestions", "sns"),
    ]


def _publish_on_own(topics: list[str]) -> list[Data]:
    return [
        allow("AskOnOwnTopics", "sns:Publish", topics),
        use_keys_of_topics(
            "EncryptForOwnTopics", "arn:${AWS::Partition}:kms:${AWS::Region}:*:key/*", topics
        ),
    ]


__all__ = ("approvals", "approve")
