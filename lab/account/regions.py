# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The regions that an account has enabled, and calls in those that it has not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.core import iam_actions
from ministack.core.responses import error_response_json, get_account_id
from ministack.services import account

from ..calls.call import Request
from ..calls.faults import wire_error

Response = tuple[int, dict[str, str], bytes]

_TOKEN = "The security token included in the request is invalid."  # a message
# The error of each service; JSON services have the last.
_ERRORS = {
    "s3": ("InvalidToken", "The provided token is malformed or otherwise invalid."),
    "cloudformation": ("InvalidClientTokenId", _TOKEN),
    "iam": ("InvalidClientTokenId", _TOKEN),
    "sns": ("InvalidClientTokenId", _TOKEN),
    "sqs": ("InvalidClientTokenId", _TOKEN),
    "sts": ("InvalidClientTokenId", _TOKEN),
    "": ("UnrecognizedClientException", _TOKEN),
}
# The regions that accounts have disabled: account and region.
_disabled: set[tuple[str, str]] = set()


def install() -> None:
    """Enable and disable opt-in regions; all are enabled until somebody disables one.

    AWS: opt-in regions are off until an account enables them, and refuse its credentials until
    then. MiniStack: has no operation for it, says ENABLED of all, and asks nobody's permission.
    """
    account._DISPATCH |= {
        "/enableRegion": _enable,
        "/disableRegion": _disable,
        "/getRegionOptStatus": _with_status(account._DISPATCH["/getRegionOptStatus"]),
        "/listRegions": _with_statuses(account._DISPATCH["/listRegions"]),
    }
    _permissions()


def refusal(request: Request) -> tuple[int, str, bytes] | None:
    """Status, content type and body for a call in a region that its caller's account has not."""
    if request.root or (request.account, request.region) not in _disabled:
        return None
    code, message = _ERRORS.get(request.service, _ERRORS[""])
    return 403, *wire_error(service=request.service, code=code, message=message)


def _permissions() -> None:
    """Name the action and the resource of a call, as policies do."""
    stock_action, stock_resource = iam_actions.extract_iam_action, iam_actions.extract_resource_arn

    def action(service: str, method: str, path: str, *rest: Any) -> str | None:
        if service == "account":
            name = path.strip("/")
            return f"account:{name[:1].upper()}{name[1:]}"
        found: str | None = stock_action(service, method, path, *rest)
        return found

    def resource(service: str, *rest: Any) -> str:
        if service == "account":
            return f"arn:aws:account::{get_account_id()}:account"
        arn: str = stock_resource(service, *rest)
        return arn

    iam_actions.extract_iam_action = action
    iam_actions.extract_resource_arn = resource


def _enable(payload: dict[str, Any]) -> Response:
    _disabled.discard((get_account_id(), payload["RegionName"]))
    return _answer({})


def _disable(payload: dict[str, Any]) -> Response:
    region = payload["RegionName"]
    if region not in account._OPT_IN_REQUIRED:
        refused: Response = error_response_json(
            "ValidationException", f"Region {region} is enabled by default.", 400
        )
        return refused
    _disabled.add((get_account_id(), region))
    return _answer({})


def _with_status(stock: Callable[..., Response]) -> Callable[..., Response]:
    def answered(payload: dict[str, Any]) -> Response:
        status, headers, body = stock(payload)
        return status, headers, json.dumps(_shown(json.loads(body))).encode()

    return answered


def _with_statuses(stock: Callable[..., Response]) -> Callable[..., Response]:
    def answered(payload: dict[str, Any]) -> Response:
        wanted = payload.get("RegionOptStatusContains") or []
        _status, _headers, body = stock({})
        regions = [_shown(region) for region in json.loads(body)["Regions"]]
        found = [item for item in regions if not wanted or item["RegionOptStatus"] in wanted]
        return _answer({"Regions": found})

    return answered


def _shown(region: dict[str, Any]) -> dict[str, Any]:
    if (get_account_id(), region.get("RegionName")) in _disabled:
        return {**region, "RegionOptStatus": "DISABLED"}
    return region


def _answer(data: dict[str, Any]) -> Response:
    return 200, {"Content-Type": "application/json"}, json.dumps(data).encode()


__all__ = ("install", "refusal")
