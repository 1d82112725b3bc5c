# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Buckets of other accounts, and the permissions that SSE-KMS needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import unquote

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import s3

from ..calls.faults import wire_error
from ..iam.authorisation import Principal
from ..kms.uses import refusal_to_use, state_problem

Response = tuple[int, dict[str, str], bytes]
Service = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Response]]

_ALGORITHM = "x-amz-server-side-encryption"
_KEY_ID = "x-amz-server-side-encryption-aws-kms-key-id"
# Requests on an object that neither read nor write its data.
_NOT_DATA = frozenset({"acl", "legal-hold", "retention", "tagging", "torrent", "attributes"})
_READS = ("GET", "HEAD")


def install() -> None:
    """Restore all of it."""
    _key_id_of_uploads()
    _buckets_of_others()
    _copies_to_others()
    handler = _of_expected_owner(_encrypted(_bound_root(app.SERVICE_HANDLERS["s3"])))
    app.SERVICE_HANDLERS["s3"] = handler


def _key_id_of_uploads() -> None:
    """s3:x-amz-server-side-encryption-aws-kms-key-id of an upload.

    AWS: the key that the request names; for a part, that of the upload's own request. MiniStack:
    not there, so a statement about it never holds.
    """
    context = iam_actions._s3_object_context

    def with_key_id(
        iam_action: str, query_params: dict[str, Any], path: str, headers: dict[str, str]
    ) -> dict[str, Any]:
        found: dict[str, Any] = context(iam_action, query_params, path, headers)
        if iam_action == "s3:PutObject" and (key_id := _named_key(query_params, headers)):
            found[f"s3:{_KEY_ID}"] = key_id
        return found

    iam_actions._s3_object_context = with_key_id


def _named_key(query: dict[str, Any], headers: dict[str, str]) -> str:
    upload_id = query.get("uploadId")
    upload = s3._multipart_uploads.get(upload_id[0] if isinstance(upload_id, list) else upload_id)
    if not upload:
        return headers.get(_KEY_ID, "")
    return s3._stored_sse_headers(upload).get(_KEY_ID, "") if upload["requested_sse"] else ""


def _buckets_of_others() -> None:
    """A bucket of another account.

    AWS: the bucket policy must let the calling role in, and so must the role's own policies.
    MiniStack: asks the bucket policy about the root of the caller's account, which no condition on
    a role matches.
    """
    stock = s3._foreign_bucket_allows

    def allows(
        owner_account: str, bucket_name: str, key: str, method: str,
        query_params: dict[str, Any], caller: str, headers: dict[str, str] | None = None,
    ) -> bool:  # fmt: skip
        arn = iam_evaluator.caller_arn()
        if not caller or arn.endswith(":root"):
            return bool(
                stock(owner_account, bucket_name, key, method, query_params, caller, headers)
            )
        decision = _bucket_decision(
            arn, owner_account, f"/{bucket_name}/{key}", method, query_params, headers or {}
        )
        return decision == "Allow"

    s3._foreign_bucket_allows = allows


def _copies_to_others() -> None:
    """A copy into a bucket of another account.

    AWS: reads the source in the account that has it. MiniStack: looks for it in the target's.
    """
    stock = s3._copy_object

    def copied(bucket: str, key: str, headers: dict[str, str]) -> Response:
        source = headers.get("x-amz-copy-source", "").partition("?")[0]
        name, _slash, source_key = unquote(source).lstrip("/").partition("/")
        owner = s3._bucket_owner_account(name)
        if owner is None or owner == get_account_id():
            answer: Response = stock(bucket, key, headers)
            return answer
        place = (name, source_key)
        # Lent for the time of the copy, in which nothing else runs.
        s3._buckets[name] = s3._buckets.get_scoped(owner, None, name)
        s3._object_versions[place] = s3._object_versions.get_scoped(owner, None, place)
        try:
            answer = stock(bucket, key, headers)
        finally:
            del s3._buckets[name], s3._object_versions[place]
        return answer

    s3._copy_object = copied


def _bound_root(stock: Service) -> Service:
    """A bucket policy's Deny for the root of the bucket's own account.

    AWS: holds, but for the policy itself, which root can always change. MiniStack: root may all.
    """

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        arn, account = iam_evaluator.caller_arn(), get_account_id()
        owned = s3._bucket_owner_account(_split(path)[0]) == account
        bound = owned and arn.endswith(":root") and "policy" not in query
        if bound and _bucket_decision(arn, account, path, method, query, headers) == "Deny":
            return _denied("Access Denied")
        return await stock(method, path, headers, body, query)

    return handle


def _of_expected_owner(stock: Service) -> Service:
    """The account that a request expects a bucket to belong to.

    AWS: access is denied where it is another's. MiniStack: does not look at it.
    """

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        source = headers.get("x-amz-copy-source", "")
        for name, where in (
            ("x-amz-expected-bucket-owner", path),
            ("x-amz-source-expected-bucket-owner", source),
        ):
            owner = s3._bucket_owner_account(_split(where)[0])
            if owner and headers.get(name, owner) != owner:
                return _denied("Access Denied")
        return await stock(method, path, headers, body, query)

    return handle


def _bucket_decision(
    arn: str, owner: str, path: str, method: str, query: dict[str, Any], headers: dict[str, str]
) -> str:
    """The decision of the bucket policy alone."""
    bucket, key = _split(path)
    action = f"s3:{iam_actions._s3_action(method, path, query)}"
    with request_scope(owner, get_region()):
        context = iam_actions.s3_service_context(action, query, path, headers)
    request = iam_evaluator.EvalContext(
        principal_arn=arn,
        principal_type="AssumedRole",
        principal_account=arn.split(":")[4],
        action=action,
        resource_arn=f"arn:aws:s3:::{bucket}/{key}".rstrip("/"),
        region=get_region(),
        service_context={name.lower(): value for name, value in context.items()},
    )
    policy = s3._bucket_policies.get_scoped(owner, None, bucket)
    decision: str = iam_evaluator.evaluate_resource_policy(policy, request).decision
    return decision


def _encrypted(stock: Service) -> Service:
    """Objects that are encrypted with a KMS key.

    AWS: who reads one must be let by the key's policy and its own to decrypt, who writes one to
    make a data key; a part of an upload takes both. The account's root is let by the key's policy
    or not at all, and nobody may while the key is disabled. MiniStack: does not ask about the key.
    """

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        caller = Principal(arn=iam_evaluator.caller_arn())
        for action, key_id, object_path in _key_uses(method, path, headers, query):
            if refusal := _refusal(caller, action, key_id, object_path):
                return _denied(refusal)
            if key_id and (problem := state_problem(key_id)):
                content_type, answer = wire_error(service="s3", code=problem[0], message=problem[1])
                return 400, {"Content-Type": content_type}, answer
        return await stock(method, path, headers, body, query)

    return handle


def _key_uses(
    method: str, path: str, headers: dict[str, str], query: dict[str, Any]
) -> Iterator[tuple[str, str, str]]:
    """Each use of a key that a request means: the action, the key and the object."""
    if not _split(path)[1] or _NOT_DATA & query.keys():
        return
    if method in _READS and "uploadId" not in query:
        yield "kms:Decrypt", _key_of_object(path), path
    if method == "PUT" or (method == "POST" and "uploads" in query):
        yield "kms:GenerateDataKey", _key_of_upload(path, headers), path
    if method in ("POST", "PUT") and "uploadId" in query:
        yield "kms:Decrypt", _key_of_upload(path, headers), path
    if source := headers.get("x-amz-copy-source"):
        source_path = f"/{source.partition('?')[0].lstrip('/')}"
        yield "kms:Decrypt", _key_of_object(source_path), source_path


def _key_of_upload(path: str, headers: dict[str, str]) -> str:
    if headers.get(_ALGORITHM, "aws:kms") != "aws:kms":
        return ""
    return headers.get(_KEY_ID) or _default_key(path)


def _key_of_object(path: str) -> str:
    bucket, key = _split(path)
    owner = s3._bucket_owner_account(bucket)
    record = s3._buckets.get_scoped(owner, None, bucket) if owner else None
    stored = record["objects"].get(key) if record else None
    if not stored:
        return ""
    headers = s3._stored_sse_headers(stored)
    return headers.get(_KEY_ID, "") if headers.get(_ALGORITHM) else _default_key(path)


def _default_key(path: str) -> str:
    bucket, _unused = _split(path)
    owner = s3._bucket_owner_account(bucket)
    if not owner:
        return ""
    with request_scope(owner, get_region()):
        key: str = s3._bucket_default_sse_headers(bucket).get(_KEY_ID, "")
    return key


def _refusal(caller: Principal, action: str, key_id: str, path: str) -> str:
    """Why a caller may not use a key for an object; a key that is not named by ARN is its own."""
    if not key_id:
        return ""
    bucket, key = _split(path)
    encryption = s3._bucket_encryption.get_scoped(s3._bucket_owner_account(bucket), None, bucket)
    bucket_key = "<BucketKeyEnabled>true" in str(encryption)
    resource = f"arn:aws:s3:::{bucket}" if bucket_key else f"arn:aws:s3:::{bucket}/{key}"
    return refusal_to_use(
        caller, action, key_id, service="s3", encryption_context={"aws:s3:arn": resource}
    )


def refusal_to_read(caller: Principal, path: str) -> str:
    """Why a caller may not read an object, for a service that reads it for the caller."""
    bucket, _unused = _split(path)
    owner = s3._bucket_owner_account(bucket)
    policy = s3._bucket_policies.get_scoped(owner, None, bucket) if owner else None
    arn = f"arn:aws:s3:::{path.lstrip('/')}"
    refusal = caller.check("s3:GetObject", arn, region=get_region(), policy=policy, owner=owner)
    return refusal or _refusal(caller, "kms:Decrypt", _key_of_object(path), path)


def _split(path: str) -> tuple[str, str]:
    bucket, _unused, key = path.lstrip("/").partition("/")
    return bucket, key


def _denied(message: str) -> Response:
    content_type, answer = wire_error(service="s3", code="AccessDenied", message=message)
    return 403, {"Content-Type": content_type}, answer


__all__ = ("install", "refusal_to_read")
