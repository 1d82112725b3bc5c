# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who hears of releases, for the organisation and for one pipeline. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.arn import parse_aws_arn

from .._fields import LIST, MAPPING, Field

EVENTS = (
    "release_failed",
    "build_failed",
    "approval_rejected",
    "approval_waiting",
    "release_succeeded",
)
_MOST_ADDRESSES = 50
_MOST_OTHERS = 10
_PARTITION = "arn:aws[a-z-]*"
TOPIC_ARN = rf"{_PARTITION}:sns:[a-z0-9-]+:\d{{12}}:[A-Za-z0-9_-]{{1,256}}"


def mail_field(doc: str, default_words: str = "") -> Field:
    """Return the field of those who subscribe to a topic by mail."""
    return Field(
        name="mail",
        type=LIST,
        default=[],
        maximum=_MOST_ADDRESSES,
        item=Field(
            required=True,
            pattern=r"[^\s@,]+@[^\s@,]+\.[^\s@,]+",
            words="a mail address",
            longest=254,
        ),
        unique=("",),
        kind="list of addresses",
        default_words=default_words,
        doc=doc,
    )


def _arns_field(name: str, pattern: str, words: str, doc: str) -> Field:
    return Field(
        name=name,
        type=LIST,
        default=[],
        maximum=_MOST_OTHERS,
        item=Field(required=True, pattern=pattern, words=words),
        unique=("",),
        kind="list of ARNs",
        doc=doc,
    )


def notifications_field(doc: str) -> Field:
    """Return the field ``notifications``."""
    return Field(
        name="notifications",
        type=MAPPING,
        default={},
        fix="Name mail addresses, topics, chats or webhooks",
        doc=doc,
        fields=(
            Field(
                name="events",
                type=LIST,
                default=list(EVENTS),
                item=Field(required=True, choices=EVENTS),
                unique=("",),
                default_words="all",
                doc="What is reported.",
            ),
            mail_field("Mail addresses. AWS asks each once to confirm."),
            _arns_field("topics", TOPIC_ARN, "the ARN of a topic", "SNS topics of your own."),
            _arns_field(
                "chat",
                rf"{_PARTITION}:chatbot::\d{{12}}:chat-configuration/"
                r"(slack-channel|microsoft-teams-channel)/[A-Za-z0-9_-]{1,128}",
                "the ARN of a configuration for a Slack or Teams channel",
                "Channels of Slack and Microsoft Teams: configurations of Amazon Q Developer in"
                " chat applications.",
            ),
            _arns_field(
                "webhooks",
                rf"{_PARTITION}:secretsmanager:[a-z0-9-]+:\d{{12}}:secret:"
                r"[A-Za-z0-9/_+=.@-]{1,512}",
                "the ARN of a secret",
                "Secrets of the build account that hold the address of a webhook.",
            ),
        ),
    )


NOTIFICATIONS = notifications_field(
    "Who hears of releases: [Notifications](notifications.md). A pipeline's own `notifications`"
    " replace these, field by field."
)


def foreign_problems(
    notifications: t.Mapping[str, t.Any], account_id: str
) -> t.Iterator[tuple[str, str, str]]:
    """Yield what must be in the build account and is not: field, what is wrong, what to do."""
    for name, words in (("chat", "a chat configuration"), ("webhooks", "a secret")):
        for text in notifications.get(name) or ():
            arn = parse_aws_arn(text) if isinstance(text, str) else None
            if arn and account_id and arn["account_id"] != account_id:
                yield (
                    f"notifications.{name}",
                    f"{text} is of another account than the build account {account_id}",
                    f"Name {words} of {account_id}",
                )


__all__ = (
    "EVENTS",
    "NOTIFICATIONS",
    "TOPIC_ARN",
    "foreign_problems",
    "mail_field",
    "notifications_field",
)
