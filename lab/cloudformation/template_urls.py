# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Templates that CloudFormation reads from a bucket."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any
from urllib.parse import urlparse

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import cloudformation, s3
from ministack.services.cloudformation import handlers, helpers

from ..iam.authorisation import Principal
from ..s3.storage import refusal_to_read

# Who reads the template of a nested stack; the caller reads every other.
READER: ContextVar[Principal | None] = ContextVar("template reader", default=None)

Answer = tuple[str | None, Any]


def install() -> None:
    """Read them with the caller's rights.

    AWS: the caller must be allowed to read the object, and to use its key; the bucket may be
    another account's. MiniStack: reads it, from buckets of the own account alone.
    """
    resolve = helpers._resolve_document

    def resolved(parameters: dict[str, Any], body_key: str, url_key: str, label: str) -> Answer:
        url = cloudformation._p(parameters, url_key)
        if url and not cloudformation._p(parameters, body_key):
            caller = READER.get() or Principal(
                arn=iam_evaluator.caller_arn(), calls_via="cloudformation.amazonaws.com"
            )
            path = urlparse(url).path
            if refusal_to_read(caller, path):
                return None, handlers._error("ValidationError", "S3 error: Access Denied")
            owner = s3._bucket_owner_account(path.split("/")[1]) or get_account_id()
            with request_scope(owner, get_region()):
                found: Answer = resolve(parameters, body_key, url_key, label)
            return found
        answer: Answer = resolve(parameters, body_key, url_key, label)
        return answer

    helpers._resolve_document = resolved


__all__ = ("READER", "install")
