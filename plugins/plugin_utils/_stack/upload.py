# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Templates too large for a request go through a bucket, named by their content."""

from __future__ import annotations

import functools
import hashlib
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code

from .._aws.gateway import Client
from .._errors import ErrorHandler

# A caller who may not list the bucket is told 403 of an object that is not there.
_NOT_THERE = ("404", "403")


class TemplateStore:
    """The bucket that large templates go through.

    :param open_client: opens S3 in the bucket's account and region, which are those of the stacks;
        called when a template has to go there.
    """

    def __init__(self, open_client: t.Callable[[], Client], bucket: str) -> None:
        self._open_client = open_client
        self._bucket = bucket

    @functools.cached_property
    def _client(self) -> Client:
        return self._open_client()

    def url_of(self, body: str) -> str:
        """Return where CloudFormation reads *body*, which is written there unless it is there."""
        content = body.encode("ascii")
        key = f"templates/{hashlib.sha256(content).hexdigest()}.template"
        if not self._holds(key, len(content)):
            self._put(key, content)
        return f"{self._client.meta.endpoint_url.rstrip('/')}/{self._bucket}/{key}"

    @ErrorHandler.common_error_handler("look for the template in its bucket")  # type: ignore[untyped-decorator]
    def _holds(self, key: str, size: int) -> bool:
        try:
            found = self._client.head_object(Bucket=self._bucket, Key=key)
        except is_boto3_error_code(_NOT_THERE):
            return False
        return bool(found["ContentLength"] == size)

    @ErrorHandler.common_error_handler("upload the template")  # type: ignore[untyped-decorator]
    def _put(self, key: str, content: bytes) -> None:
        # Not with the bucket's key: CloudFormation reads with the caller's rights, who has no use
        # of it.
        self._client.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=content,
            ServerSideEncryption="AES256",
        )


__all__ = ("TemplateStore",)
