# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections to providers of repositories, which can be read: each is there and available."""

from __future__ import annotations

import functools
import json
import sys
from typing import Any

from ministack import app
from ministack.core import iam_evaluator, router
from ministack.core.responses import (
    error_response_json,
    get_account_id,
    get_region,
    json_response,
)

from ..iam.authorisation import Principal

Response = tuple[int, dict[str, str], bytes]

# Both names of the service, with the prefix of their requests' targets (botocore's models).
_TARGETS = {
    "codeconnections": "CodeConnections_20231201",
    "codestar-connections": "CodeStar_connections_20191201",
}


def install() -> None:
    """Add both services to MiniStack's router.

    AWS: somebody makes a connection and completes it in the console. MiniStack: has neither service.
    """
    for service, target in _TARGETS.items():
        prefix = f"com.amazonaws.{service.replace('codestar-', 'codestar.')}.{target}"
        router.SERVICE_PATTERNS[service] = {"target_prefixes": [prefix]}
        app.SERVICE_HANDLERS[service] = functools.partial(_handle, service)
        app.SERVICE_REGISTRY[service] = {"module": "connections"}
        app._loaded_modules["connections"] = sys.modules[__name__]


def reset() -> None:
    """Forget nothing: no connection is stored."""


async def _handle(
    service: str,
    _method: str,
    _path: str,
    headers: dict[str, str],
    body: bytes,
    _query: dict[str, Any],
) -> Response:
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    if operation != "GetConnection":
        return _error("UnknownOperationException", f"{operation} is not there")
    arn = str(json.loads(body or b"{}").get("ConnectionArn", ""))
    caller = Principal(arn=iam_evaluator.caller_arn())
    if refusal := caller.check(f"{service}:{operation}", arn, region=get_region()):
        return _error("AccessDeniedException", refusal)
    account = get_account_id()
    if f":{get_region()}:{account}:connection/" not in arn:
        return _error("ResourceNotFoundException", f"Connection {arn} not found")
    connection = {"ConnectionArn": arn, "OwnerAccountId": account, "ConnectionStatus": "AVAILABLE"}
    found: Response = json_response(
        {"Connection": connection}, content_type="application/x-amz-json-1.0"
    )
    return found


def _error(code: str, message: str) -> Response:
    found: Response = error_response_json(code, message, 400)
    return found


__all__ = ("install", "reset")
