# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What reports releases: a rule, a function with its role, and the pipeline's own topics. Pure."""

from __future__ import annotations

import typing as t

from .._pipeline.model import Pipeline
from .._pipeline.notifications import Notifications
from .._pipeline.source import CODEBUILD
from .foundation import Foundation
from .function import make_function
from .part import Data, Part
from .roles import PIPELINE_ARN, allow, attribute, sub, use_key, use_keys_of_topics
from .topics import CHAT, MAIL, make_topic

_TIMEOUT = 300
_TOPICS = {MAIL: "notices", CHAT: "chat"}
_ENDS = {
    "FAILED": {"release_failed", "approval_rejected"},
    "SUCCEEDED": {"release_succeeded"},
}


def notices(pipeline: Pipeline, _foundation: Foundation) -> Part:
    """Return what reports the pipeline's releases."""
    wanted = pipeline.notifications
    patterns = _patterns(pipeline)
    if not wanted.is_on or not patterns:
        return Part()
    resources: Data = {}
    outputs, primary_outputs = {}, []
    topics: list[t.Any] = []
    chats: list[t.Any] = []
    for name, kind, arns in (("mail", MAIL, topics), ("chat", CHAT, chats)):
        addresses = getattr(wanted, name)
        if name not in wanted.own:
            if wanted.shared and (addresses or name == "mail"):
                primary_outputs.append(f"{kind}TopicArn")
                arns.append({"Ref": f"{kind}TopicArn"})
        elif addresses:
            subscribers = addresses if name == "mail" else ()
            display_name = sub("Notifications of ${PipelineName}")
            resources |= make_topic(
                kind,
                display_name,
                {"Ref": "KeyArn"},
                subscribers,
                TopicName=sub(f"${{PipelineName}}-{_TOPICS[kind]}"),
            )
            arns.append({"Ref": f"{kind}Topic"})
            outputs[f"{kind}TopicArn"] = {
                "Description": f"Topic of this pipeline's notifications: {name}",
                "Value": {"Ref": f"{kind}Topic"},
            }
    resources |= _rule(patterns)
    resources |= make_function(
        "Notices",
        "notices",
        "Reports releases of ${PipelineName}",
        code="notify.py",
        environment=_variables(wanted, topics, chats),
        statements=_statements(wanted, [*topics, *chats]),
        rule="NoticesRule",
        Timeout=_TIMEOUT,
    )
    return Part(primary_outputs=tuple(primary_outputs), resources=resources, outputs=outputs)


def _patterns(pipeline: Pipeline) -> list[Data]:
    """Return what the rule looks for, one pattern for each kind of event."""
    events = set(pipeline.notifications.events)
    found = []
    if states := [state for state, kinds in _ENDS.items() if kinds & events]:
        found.append(_pattern("Pipeline", {"state": states}))
    asked = [wave for wave in pipeline.waves if wave.approval]
    # An approval with a topic or addresses of its own asks there, and nobody twice.
    elsewhere = [wave.name for wave in asked if wave.approval and wave.approval.asks_elsewhere]
    if "approval_waiting" in events and len(asked) > len(elsewhere):
        detail: Data = {"state": ["STARTED"], "type": {"category": ["Approval"]}}
        if elsewhere:
            stages = [stage for name in elsewhere for stage in (name, f"{name}-approve")]
            detail["stage"] = [{"anything-but": stages}]
        found.append(_pattern("Action", detail))
    source = pipeline.source
    if "build_failed" in events and source and source.type == CODEBUILD:
        found.append(
            {
                "source": ["aws.codebuild"],
                "detail-type": ["CodeBuild Build State Change"],
                "detail": {
                    "build-status": ["FAILED", "FAULT", "TIMED_OUT"],
                    "project-name": [sub("${PipelineName}-release")],
                },
            }
        )
    return found


def _pattern(what: str, detail: Data) -> Data:
    return {
        "source": ["aws.codepipeline"],
        "detail-type": [f"CodePipeline {what} Execution State Change"],
        "detail": {"pipeline": [{"Ref": "PipelineName"}], **detail},
    }


def _rule(patterns: list[Data]) -> Data:
    return {
        "NoticesRule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "Name": sub("${PipelineName}-notices"),
                "Description": sub("Reports releases of ${PipelineName}"),
                "State": "ENABLED",
                "EventPattern": patterns[0] if len(patterns) == 1 else {"$or": patterns},
                "Targets": [{"Id": "Notices", "Arn": attribute("NoticesFunction")}],
            },
        },
    }


def _variables(wanted: Notifications, topics: list[t.Any], chats: list[t.Any]) -> Data:
    """Return what the function takes from its environment."""
    variables = {
        "PIPELINE": {"Ref": "PipelineName"},
        "EVENTS": " ".join(wanted.events),
        "TOPICS": _joined([*topics, *wanted.topics]),
        "CHAT_TOPICS": _joined(chats),
        "WEBHOOKS": " ".join(wanted.webhooks),
        "FAILED_QUEUE": {"Ref": "NoticesQueue"},
    }
    return {name: value for name, value in variables.items() if value}


def _joined(arns: list[t.Any]) -> t.Any:
    """Return ARNs with spaces between them."""
    return {"Fn::Join": [" ", arns]} if arns else ""


def _statements(wanted: Notifications, own_topics: list[t.Any]) -> list[Data]:
    """Return what the function may do: what its pipeline's data names, and nothing else."""
    statements = [
        allow(
            "ReadReleases",
            ["codepipeline:GetPipelineExecution", "codepipeline:ListActionExecutions"],
            PIPELINE_ARN,
        ),
        *_publishing(own_topics, wanted.topics),
    ]
    if secrets := list(wanted.webhooks):
        statements += [
            allow("ReadWebhooks", "secretsmanager:GetSecretValue", secrets),
            # Their keys are not known here; a secret without one of its own needs none.
            allow(
                "DecryptWebhooks",
                "kms:Decrypt",
                sub("arn:${AWS::Partition}:kms:*:${AWS::AccountId}:key/*"),
                StringEquals={"kms:EncryptionContext:SecretARN": secrets},
            ),
        ]
    return statements


def _publishing(own: list[t.Any], others: t.Sequence[str]) -> list[Data]:
    """Return what publishing to topics takes: ours, and those of users with keys of their own."""
    statements = []
    if arns := [*own, *others]:
        statements.append(allow("Publish", "sns:Publish", arns))
    if own:
        statements.append(use_key("EncryptNotices", "sns"))
    if others:
        keys = "arn:${AWS::Partition}:kms:*:*:key/*"
        statements.append(use_keys_of_topics("EncryptForTopics", keys, others))
    return statements


__all__ = ("notices",)
