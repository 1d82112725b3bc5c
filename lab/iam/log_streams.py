# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a call on a log stream is about."""

from __future__ import annotations

from typing import Any

from ministack.core import iam_actions

_ON_STREAMS = ("CreateLogStream", "PutLogEvents")


def install() -> None:
    """The resource of CreateLogStream and PutLogEvents.

    AWS: the stream, so a policy names a group's ARN with :* as CloudFormation gives it. MiniStack:
    the group without it, so the policy that is right on AWS is refused.
    """
    stock = iam_actions.extract_resource_arn

    def extracted(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any
    ) -> str:
        arn: str = stock(service, method, path, headers, body, *rest)
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if service == "logs" and action in _ON_STREAMS and arn != "*":
            stream = iam_actions._safe_json_field(body, "logStreamName")
            return f"{arn}:log-stream:{stream}"
        return arn

    iam_actions.extract_resource_arn = extracted


__all__ = ("install",)
