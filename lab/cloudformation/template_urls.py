# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Templates that CloudFormation reads from a bucket."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlparse

from ministack.core import iam_evaluator
from ministack.services import cloudformation
from ministack.services.cloudformation import handlers, helpers

from ..iam.authorisation import Principal
from ..s3.storage import refusal_to_read

Answer = tuple[str | None, Any]


def install() -> None:
    """Read them with the caller's rights.

    AWS: the caller must be allowed to read the object, and to use its key. MiniStack: reads it.
    """
    resolve = helpers._resolve_document

    def resolved(parameters: dict[str, Any], body_key: str, url_key: str, label: str) -> Answer:
        url = cloudformation._p(parameters, url_key)
        if url and not cloudformation._p(parameters, body_key):
            caller = Principal(
                arn=iam_evaluator.caller_arn(), calls_via="cloudformation.amazonaws.com"
            )
            if refusal_to_read(caller, urlparse(url).path):
                return None, handlers._error("ValidationError", "S3 error: Access Denied")
        answer: Answer = resolve(parameters, body_key, url_key, label)
        return answer

    helpers._resolve_document = resolved


__all__ = ("install",)
