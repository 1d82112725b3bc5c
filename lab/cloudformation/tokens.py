# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Request tokens: the same token means the same request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudformation
from ministack.services.cloudformation import handlers

Parameters = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[Parameters], Response]

_TOKENS = {
    "ContinueUpdateRollback": "ClientRequestToken",
    "CreateChangeSet": "ClientToken",
    "CreateStack": "ClientRequestToken",
    "DeleteStack": "ClientRequestToken",
    "ExecuteChangeSet": "ClientRequestToken",
    "RollbackStack": "ClientRequestToken",
    "UpdateStack": "ClientRequestToken",
}
# The account, region, action and token of each request that was accepted: its stack and answer.
_accepted: dict[tuple[str, ...], tuple[str, Response]] = {}


def install() -> None:
    """Make calls that carry a token idempotent.

    AWS: a second call with the token of one that was accepted gives its answer and does nothing;
    a token that was used for another stack is refused. MiniStack: does it again.
    """
    for action, parameter in _TOKENS.items():
        handlers._ACTION_HANDLERS[action] = _idempotent(
            action, parameter, handlers._ACTION_HANDLERS[action]
        )


def _idempotent(
    action: str,
    parameter: str,
    stock: Handler,
) -> Handler:
    def handle(parameters: Parameters) -> Response:
        token = cloudformation._p(parameters, parameter)
        if not token:
            return stock(parameters)
        name = cloudformation._p(parameters, "StackName")
        stack = handlers._resolve_stack(name)
        # By its id where there is one: a stack that was made again is another.
        subject = stack["StackId"] if stack else name
        key = (get_account_id(), get_region(), action, token)
        if key in _accepted:
            used_for, answer = _accepted[key]
            if used_for in (subject, stack and stack["StackName"]):
                return answer
            refusal: Response = handlers._error(
                "TokenAlreadyExistsException",
                f"A client request token already exists: {token}",
            )
            return refusal
        answer = stock(parameters)
        if answer[0] == 200:
            _accepted[key] = (subject, answer)
        return answer

    return handle


__all__ = ("install",)
