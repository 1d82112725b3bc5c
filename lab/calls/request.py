# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what a request is about: service, action, who calls, and on what."""

from __future__ import annotations

import json
import re
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import parse_qs, unquote

from ministack.core import iam_actions
from ministack.core.iam_evaluator import AmbiguousAccessKeyError, find_iam_access_key_account
from ministack.services import iam, sts

from .call import Request

_CREDENTIAL = re.compile(r"([^/\s=]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
_ACCOUNT_ID = re.compile(r"\d{12}")
# Parameters that name what a call is about, the first one found wins.
_NAMES = (
    "StackName",
    "RoleArn",
    "RoleName",
    "PolicyArn",
    "UserName",
    "KeyId",
    "AliasName",
    "TopicArn",
    "FunctionName",
    "logGroupName",
    "Name",
    "Rule",
)


def read_request(scope: MutableMapping[str, Any], body: bytes) -> Request:
    """Describe an HTTP request. What cannot be known is an empty string."""
    headers = {
        key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]
    }
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    credential = _CREDENTIAL.search(
        headers.get("authorization", "") or query.get("X-Amz-Credential", [""])[0]
    )
    key_id, region, service = credential.groups() if credential else ("", "", "")
    account, principal = _caller(key_id)
    parameters = _parameters(headers, body, query)
    return Request(
        service=service,
        action=_action(service, scope, headers, body, query, parameters),
        account=account,
        region=region,
        principal=principal,
        resource=_resource(service, scope["path"], parameters),
        method=scope["method"],
    )


def _caller(key_id: str) -> tuple[str, str]:
    """Account and ARN behind an access key id; an account's own id is its root."""
    if _ACCOUNT_ID.fullmatch(key_id):
        return key_id, f"arn:aws:iam::{key_id}:root"
    session = sts._sessions.get(key_id)
    if session:
        return str(session.get("AccountId", "")), str(session.get("Arn", ""))
    try:
        account = find_iam_access_key_account(key_id) if key_id else None
    except AmbiguousAccessKeyError:
        account = None
    if not account:
        return "", ""
    key = iam._access_keys.get_scoped(account, None, key_id) or {}
    return account, f"arn:aws:iam::{account}:user/{key.get('UserName', '')}"


def _parameters(
    headers: dict[str, str], body: bytes, query: dict[str, list[str]]
) -> dict[str, Any]:
    """The parameters of a Query or JSON call; REST bodies are left alone."""
    content_type = headers.get("content-type", "")
    if content_type.startswith("application/x-www-form-urlencoded"):
        form = parse_qs(body.decode("utf-8", "replace"))
        return {name: values[0] for name, values in form.items()}
    if "x-amz-target" in headers:
        try:
            data = json.loads(body or b"{}")
        except ValueError:
            return {}
        return data if isinstance(data, dict) else {}
    return {name: values[0] for name, values in query.items()}


def _action(
    service: str,
    scope: MutableMapping[str, Any],
    headers: dict[str, str],
    body: bytes,
    query: dict[str, list[str]],
    parameters: dict[str, Any],
) -> str:
    """The API action; for REST services the name of its IAM action."""
    if "Action" in parameters and "x-amz-target" not in headers:
        return str(parameters["Action"])
    if "x-amz-target" in headers:
        return headers["x-amz-target"].rpartition(".")[2]
    action = iam_actions.extract_iam_action(
        service, scope["method"], scope["path"], headers, body, query
    )
    return action.partition(":")[2] if action else str(scope["method"])


def _resource(service: str, path: str, parameters: dict[str, Any]) -> str:
    """What the call is about. A stack is always given by its name."""
    if service == "s3":
        return unquote(path).lstrip("/").partition("/")[0]
    if service == "lambda":
        _unused, _unused, name = path.partition("/functions/")
        return unquote(name.partition("/")[0])
    for name in _NAMES:
        value = parameters.get(name)
        if isinstance(value, str) and value:
            if service == "cloudformation" and value.startswith("arn:"):
                return value.split("/")[1]
            return value
    return ""


__all__ = ("read_request",)
