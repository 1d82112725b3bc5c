# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The code of a stack's functions and layers, taken out of a bucket."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from botocore.exceptions import ClientError
from ministack.core.responses import get_region
from ministack.services import cloudformation, lambda_svc, s3
from ministack.services.cloudformation import provisioners, stacks

from ..iam.authorisation import Principal
from ..iam.service_roles import client_with, credentials
from .permissions import principal_of

_FUNCTION = "AWS::Lambda::Function"
_LAYER = "AWS::Lambda::LayerVersion"

_reader: ContextVar[Principal | None] = ContextVar("reader", default=None)


def install() -> None:
    """Code in S3.

    AWS: read with the permissions that the stack is made with, be the bucket and its key of another
    account; a function or layer without its code is not made. MiniStack: read by nobody, from
    buckets of the own account alone; without code a function answers something.
    """
    on_worker_thread = stacks._runs_on_worker_thread
    # Who reads calls this server.
    with_code = (_FUNCTION, _LAYER)
    stacks._runs_on_worker_thread = lambda kind: kind in with_code or on_worker_thread(kind)
    handlers = provisioners._RESOURCE_HANDLERS[_FUNCTION]
    create, update = handlers["create"], handlers["update"]

    def created(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        return _reading_for(stack_name, lambda: create(logical_id, properties, stack_name))

    def updated(
        name: str, old: dict[str, Any], new: dict[str, Any], stack_name: str, logical_id: str
    ) -> Any:
        return _reading_for(stack_name, lambda: update(name, old, new, stack_name, logical_id))

    handlers.update({"create": created, "update": updated})
    stock = lambda_svc._fetch_code_from_s3

    def fetch(bucket: str, key: str, version_id: str | None = None) -> bytes | None:
        reader = _reader.get()
        if reader is None or reader.is_root:
            code: bytes | None = stock(bucket, key, version_id)
            return code
        return _read(reader, bucket, key, version_id)

    lambda_svc._fetch_code_from_s3 = fetch
    _layers()


def _layers() -> None:
    handlers = provisioners._RESOURCE_HANDLERS[_LAYER]
    create, stock = handlers["create"], s3._get_object_data

    def created(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        return _reading_for(stack_name, lambda: create(logical_id, properties, stack_name))

    def data(bucket: str, key: str) -> bytes | None:
        reader = _reader.get()
        if reader is None or reader.is_root:
            found: bytes | None = stock(bucket, key)
            return found
        return _read(reader, bucket, key, None)

    handlers["create"] = created
    s3._get_object_data = data


def _reading_for(stack_name: str, work: Callable[[], Any]) -> Any:
    token = _reader.set(principal_of(cloudformation._stacks[stack_name]))
    try:
        return work()
    finally:
        _reader.reset(token)


def _read(reader: Principal, bucket: str, key: str, version_id: str | None) -> bytes:
    client = client_with(credentials(reader), "s3", region=get_region())
    version = {"VersionId": version_id} if version_id else {}
    try:
        return bytes(client.get_object(Bucket=bucket, Key=key, **version)["Body"].read())
    except ClientError as error:
        details = error.response["Error"]
        raise ValueError(
            'Resource handler returned message: "Your access has been denied by S3, please make '
            f"sure your request credentials have permission to GetObject for {bucket}/{key}. S3 "
            f"Error Code: {details['Code']}. S3 Error Message: {details['Message']} "
            "(Service: Lambda, "
            'Status Code: 403)" (HandlerErrorCode: AccessDenied)'
        ) from error


__all__ = ("install",)
