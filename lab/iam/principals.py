# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Principals of resource and trust policies must exist, and are stored as on AWS."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode

from ministack import app
from ministack.services import iam
from ministack.services.cloudformation import provisioners

from ..calls.faults import wire_error
from ..settings import Settings
from .stored_policies import rewritten

Response = tuple[int, dict[str, str], bytes]
Service = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Response]]

_ACCOUNT = re.compile(r"(?:arn:aws:iam::)?(\d{12})(?::root)?")
_ROLE = re.compile(r"arn:aws:iam::(\d{12}):role/(?:.*/)?([^/]+)")
# The error of each service, and where CloudFormation has the policy.
_ERRORS = {
    "s3": ("MalformedPolicy", "Invalid principal in policy"),
    "kms": (
        "MalformedPolicyDocumentException",
        "Policy contains a statement with one or more invalid principals.",
    ),
    "iam": ("MalformedPolicyDocument", "Invalid principal in policy"),
}
_PROPERTIES = {
    "AWS::S3::BucketPolicy": ("s3", "PolicyDocument"),
    "AWS::KMS::Key": ("kms", "KeyPolicy"),
    "AWS::IAM::Role": ("iam", "AssumeRolePolicyDocument"),
}


def install(settings: Settings) -> None:
    """Refuse a bucket, key or trust policy that names an account or role that does not exist.

    AWS: "Invalid principal in policy". MiniStack: accepts anything.
    """
    for service in _ERRORS:
        app.SERVICE_HANDLERS[service] = _checked_api(
            service, app.SERVICE_HANDLERS[service], settings
        )
    for resource_type, (service, name) in _PROPERTIES.items():
        handler = provisioners._RESOURCE_HANDLERS[resource_type]
        for operation, position in (("create", 1), ("update", 2)):
            handler[operation] = _checked_resource(
                handler[operation], position, name, service, settings
            )


def _checked_api(service: str, stock: Service, settings: Settings) -> Service:
    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        policy = _policy(service, method, headers, body, query)
        if policy is not None and (invalid := _invalid(policy, settings)) is not None:
            code, message = _ERRORS[service]
            content_type, answer = wire_error(
                service=service, code=code, message=_named(service, message, invalid)
            )
            return 400, {"Content-Type": content_type}, answer
        if policy is not None:
            body = _with_policy(service, body, rewritten(service, policy))
        return await stock(method, path, headers, body, query)

    return handle


def _checked_resource(
    stock: Callable[..., Any], position: int, name: str, service: str, settings: Settings
) -> Callable[..., Any]:
    def handle(*arguments: Any, **more: Any) -> Any:
        properties = arguments[position]
        policy = properties.get(name)
        if policy and (invalid := _invalid(policy, settings)) is not None:
            code, message = _ERRORS[service]
            raise ValueError(
                f"{_named(service, message, invalid)} (Service: {service.title()}, "
                f"Status Code: 400, Error Code: {code})"
            )
        if policy:
            given = list(arguments)
            given[position] = {**properties, name: rewritten(service, policy)}
            arguments = tuple(given)
        return stock(*arguments, **more)

    return handle


def _named(service: str, message: str, principal: str) -> str:
    """IAM names the principal, the others do not."""
    return f'{message}: "AWS":"{principal}"' if service == "iam" else message


def _policy(
    service: str, method: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
) -> str | None:
    """The policy that a request sets, if it sets one."""
    if service == "s3":
        return body.decode() if method == "PUT" and "policy" in query else None
    if service == "kms":
        sets = headers.get("x-amz-target", "").endswith((".CreateKey", ".PutKeyPolicy"))
        return json.loads(body).get("Policy") if sets else None
    form = parse_qs(body.decode("utf-8", "replace"))
    if form.get("Action", [""])[0] not in ("CreateRole", "UpdateAssumeRolePolicy"):
        return None
    documents = form.get("AssumeRolePolicyDocument", form.get("PolicyDocument", []))
    return documents[0] if documents else None


def _with_policy(service: str, body: bytes, policy: str) -> bytes:
    """The body of a request with another policy."""
    if service == "s3":
        return policy.encode()
    if service == "kms":
        return json.dumps({**json.loads(body), "Policy": policy}).encode()
    form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    names = form.keys() & {"AssumeRolePolicyDocument", "PolicyDocument"}
    return urlencode({**form, **{name: [policy] for name in names}}, doseq=True).encode()


def _invalid(policy: str | dict[str, Any], settings: Settings) -> str | None:
    """The first principal that does not exist. Without a list of accounts all of them do."""
    if not settings.accounts:
        return None
    try:
        document = json.loads(policy) if isinstance(policy, str) else policy
    except ValueError:
        return None
    for principal in _principals(document):
        if not _exists(principal, settings):
            return principal
    return None


def _principals(document: dict[str, Any]) -> Iterator[str]:
    statements = document.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal", {})
        named = principal.get("AWS", []) if isinstance(principal, dict) else []
        yield from [named] if isinstance(named, str) else named


def _exists(principal: str, settings: Settings) -> bool:
    if principal == "*":
        return True
    if account := _ACCOUNT.fullmatch(principal):
        return account[1] in settings.accounts
    if role := _ROLE.fullmatch(principal):
        return iam._roles.get_scoped(role[1], None, role[2]) is not None
    if principal.startswith("AROA"):
        return any(role["RoleId"] == principal for role in iam._roles._data.values())
    return principal.startswith("arn:aws:sts::")


__all__ = ("install",)
