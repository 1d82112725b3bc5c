# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Topics that are encrypted with a KMS key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import sns

from ..iam.authorisation import Principal
from ..kms.uses import refusal_to_use

Response = tuple[int, dict[str, str], bytes]

_AWS_MANAGED = "alias/aws/"


def install() -> None:
    """Ask about the key too."""
    sns._publish = _asking_for_key(sns._publish)


def _asking_for_key(publish: Callable[[dict[str, Any]], Response]) -> Callable[..., Response]:
    """Publishing to an encrypted topic.

    AWS: needs kms:GenerateDataKey and kms:Decrypt on the topic's key, with the topic's ARN as
    context (SNS developer guide, "Key management"). MiniStack: does not ask about the key.
    """

    def published(params: dict[str, Any]) -> Response:
        topic_arn = sns._normalize_arn(sns._p(params, "TopicArn") or sns._p(params, "TargetArn"))
        topic = sns._topic_by_arn_any_scope(topic_arn) if topic_arn else None
        key_id = (topic or {}).get("attributes", {}).get("KmsMasterKeyId", "")
        if key_id and not key_id.startswith(_AWS_MANAGED):
            caller = Principal(arn=iam_evaluator.caller_arn())
            for action in ("kms:GenerateDataKey", "kms:Decrypt"):
                refusal = refusal_to_use(
                    caller,
                    action,
                    key_id,
                    service="sns",
                    encryption_context={"aws:sns:topicArn": topic_arn},
                )
                if refusal:
                    denied: Response = sns._error("KMSAccessDenied", refusal, 400)
                    return denied
        return publish(params)

    return published


__all__ = ("install",)
