# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys of other accounts, by their ARN."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import kms

from ..calls.faults import wire_error
from ..iam.authorisation import Principal

Response = tuple[int, dict[str, str], bytes]
Service = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Response]]


def install() -> None:
    """Let a caller use a key of another account where both policies allow it."""
    app.SERVICE_HANDLERS["kms"] = _keys_of_others(app.SERVICE_HANDLERS["kms"])


def _keys_of_others(stock: Service) -> Service:
    """A key of another account, by its ARN.

    AWS: found; the key's policy and the caller's own must both allow. MiniStack: NotFoundException.
    """

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        arn = str(iam_actions._safe_json_field(body, "KeyId") or "")
        region, owner = (arn.split(":") + [""] * 5)[3:5]
        if not arn.startswith("arn:") or owner == get_account_id() or region != get_region():
            return await stock(method, path, headers, body, query)
        record = kms._keys.get_scoped(owner, region, arn.rpartition("/")[2])
        action = f"kms:{headers['x-amz-target'].rpartition('.')[2]}"
        caller = Principal(arn=iam_evaluator.caller_arn())
        policy = record["Policy"] if record else "{}"
        if refusal := caller.check(action, arn, region=region, policy=policy, owner=owner):
            content_type, answer = wire_error(
                service="kms", code="AccessDeniedException", message=refusal
            )
            return 400, {"Content-Type": content_type}, answer
        with request_scope(owner, region):
            return await stock(method, path, headers, body, query)

    return handle


__all__ = ("install",)
