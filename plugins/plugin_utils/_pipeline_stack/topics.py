# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Topics for notifications and approvals, in the primary stack and in those of pipelines. Pure."""

from __future__ import annotations

import hashlib
import typing as t

from .._pipeline.notifications import Notifications
from .part import Data, Part

MAIL, CHAT = "Notification", "Chat"


def organisation_topics(notifications: Notifications) -> Part:
    """Return the organisation's topics, for the primary stack; none if nobody hears of anything."""
    if not notifications.names_somebody:
        return Part()
    key = {"Fn::GetAtt": ["Key", "Arn"]}
    name = "Pipeline notifications"
    resources = make_topic(MAIL, name, key, notifications.mail)
    outputs = {"NotificationTopicArn": _output("Topic for what becomes of releases", MAIL)}
    if notifications.chat:
        resources |= make_topic(CHAT, name, key)
        outputs["ChatTopicArn"] = _output("Topic for chat configurations", CHAT)
    return Part(resources=resources, outputs=outputs)


def make_topic(
    kind: str, display_name: t.Any, key: Data, addresses: t.Sequence[str] = (), **properties: t.Any
) -> Data:
    """Return a topic that is encrypted with *key*, its policy and its subscribers.

    :param kind: how the logical ids begin.
    :param addresses: mail addresses that subscribe to it.
    :param properties: of the topic, in addition.
    """
    topic = f"{kind}Topic"
    return {
        topic: {
            "Type": "AWS::SNS::Topic",
            "Properties": {**properties, "DisplayName": display_name, "KmsMasterKeyId": key},
        },
        # Grants nothing: publishers and subscribers belong to this account.
        f"{kind}TopicPolicy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {
                "Topics": [{"Ref": topic}],
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "DenyRequestsWithoutTls",
                            "Effect": "Deny",
                            "Principal": "*",
                            "Action": "sns:Publish",
                            "Resource": {"Ref": topic},
                            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                        }
                    ],
                },
            },
        },
        **{
            f"{kind}Address{digest(address)}": {
                "Type": "AWS::SNS::Subscription",
                "Properties": {
                    "TopicArn": {"Ref": topic},
                    "Protocol": "email",
                    "Endpoint": address,
                },
            }
            for address in addresses
        },
    }


def digest(text: str) -> str:
    """Return what stands for *text* in a logical id."""
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:12]


def _output(description: str, kind: str) -> Data:
    return {"Description": description, "Value": {"Ref": f"{kind}Topic"}}


__all__ = ("CHAT", "MAIL", "digest", "make_topic", "organisation_topics")
