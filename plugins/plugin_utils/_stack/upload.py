# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bucket for large templates, each named by its content."""

from __future__ import annotations

import functools
import hashlib
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code

from .._aws.gateway import Client
from .._errors import ErrorHandler

# S3 answers 403 for a missing object to a caller who may not list the bucket.
_MISSING = ("404", "403")


class TemplateStore:
    """The bucket that holds large templates.

    :param open_client: opens S3 in the account and region of the stacks and the bucket; called for
        the first template.
    :param prefix: what the names of its templates begin with.
    """

    def __init__(
        self, open_client: t.Callable[[], Client], bucket: str, *, prefix: str = ""
    ) -> None:
        self._open_client = open_client
        self._bucket = bucket
        self._prefix = prefix

    @functools.cached_property
    def _client(self) -> Client:
        return self._open_client()

    def url_of(self, body: str) -> str:
        """Return the URL of *body*, uploaded unless the bucket holds it already."""
        content = body.encode("ascii")
        key = f"templates/{self._prefix}{hashlib.sha256(content).hexdigest()}.template"
        if not self._holds(key, len(content)):
            self._put(key, content)
        return f"{self._client.meta.endpoint_url.rstrip('/')}/{self._bucket}/{key}"

    @ErrorHandler.common_error_handler("find the template in its bucket")  # type: ignore[untyped-decorator]
    def _holds(self, key: str, size: int) -> bool:
        try:
            found = self._client.head_object(Bucket=self._bucket, Key=key)
        except is_boto3_error_code(_MISSING):
            return False
        return bool(found["ContentLength"] == size)

    @ErrorHandler.common_error_handler("upload the template")  # type: ignore[untyped-decorator]
    def _put(self, key: str, content: bytes) -> None:
        # Not with the bucket's key: CloudFormation reads with the caller's permissions, and the
        # caller may not use that key.
        self._client.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=content,
            ServerSideEncryption="AES256",
        )


__all__ = ("TemplateStore",)
