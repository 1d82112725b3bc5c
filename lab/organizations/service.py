# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Organizations for all accounts of the lab: who may call it, about what, and in pages."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from botocore.validate import ParamValidator
from ministack.core import iam_actions
from ministack.core.responses import (
    error_response_json,
    get_account_id,
    get_region,
    json_response,
    request_scope,
)
from ministack.services import organizations

from ..clients import service_model
from ..settings import Settings
from . import accounts, members
from .requests import Data, RefusedError

Response = tuple[int, dict[str, str], bytes]

_JSON = "application/x-amz-json-1.1"
# What every member may ask; all else is for the management account.
_FOR_MEMBERS = ("DescribeOrganization",)
# What a delegated administrator may ask too.
_READING = ("Describe", "List")
_NOT_PERMITTED = "You don't have permissions to access this resource."
_NOT_A_MEMBER = "Your account is not a member of an organization."


def install(settings: Settings) -> None:
    """Answer for one organization, strictly.

    AWS: an account belongs to one organization; its management account and delegated
    administrators read it, in pages of at most 20 that may be empty while more follow; OUs and
    accounts are resources of policies. MiniStack: every account is the management account of an
    organization of its own, lists are whole, and policies see one resource. Some operations are
    missing, and an account has the field Status, which AWS has replaced by State.
    """
    stock = organizations.handle_request

    async def answered(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        owner, caller = members.management(), get_account_id()
        if not members.account(caller):
            return _error("AWSOrganizationsNotInUseException", _NOT_A_MEMBER)
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        if not _may(caller, operation):
            return _error("AccessDeniedException", _NOT_PERMITTED)
        request = json.loads(body or b"{}")
        if problem := _problem(operation, request):
            return _error("InvalidInputException", problem)
        with request_scope(owner, get_region()):
            answer: Response = (
                _own(accounts.OPERATIONS[operation], request)
                if operation in accounts.OPERATIONS
                else await stock(method, path, headers, body, query)
            )
            return _page(answer, operation, request, settings.organization_page)

    organizations.handle_request = answered
    _resources()


def _own(operation: Callable[[Data], Data], request: Data) -> Response:
    try:
        found: Response = json_response(operation(request), content_type=_JSON)
    except RefusedError as error:
        return _error(error.code, str(error))
    return found


def _may(caller: str, operation: str) -> bool:
    """Whether the caller's account may ask; its policies are asked before."""
    if caller == members.management() or operation in _FOR_MEMBERS:
        return True
    return operation.startswith(_READING) and caller in members.delegated()


def _model() -> Any:
    return service_model("organizations")


def _problem(operation: str, request: Data) -> str:
    """What is wrong with a request by botocore's model, and what its pages ask for."""
    if operation not in _model().operation_names:
        return f"{operation} is not there"
    shape = _model().operation_model(operation).input_shape
    problems = str(ParamValidator().validate(request, shape).generate_report()) if shape else ""
    if request.get("MaxResults", 1) > 20:
        return "You specified an invalid value for MaxResults: at most 20."
    return problems


def _page(answer: Response, operation: str, request: Data, most: int) -> Response:
    """One page of a list. The first of several is empty, as it may be on AWS."""
    status, _headers, body = answer
    shape = _model().operation_model(operation).output_shape
    if status != 200 or shape is None or "NextToken" not in shape.members:
        return answer
    data = json.loads(body)
    (name,) = [name for name in data if name != "NextToken"]
    asked = {key: value for key, value in request.items() if key not in ("NextToken", "MaxResults")}
    about = [operation, asked]
    items, size = data[name], min(most, request.get("MaxResults", most))
    begin = 0
    if token := request.get("NextToken"):
        try:
            of, begin = json.loads(base64.urlsafe_b64decode(token))
        except ValueError:
            of = None
        if of != about:
            return _error(
                "InvalidInputException", "You provided a value for NextToken that is not valid."
            )
    elif len(items) > size:
        size = 0
    data = {name: items[begin : begin + size]}
    if begin + size < len(items):
        data["NextToken"] = base64.urlsafe_b64encode(
            json.dumps([about, begin + size]).encode()
        ).decode()
    found: Response = json_response(data, content_type=_JSON)
    return found


def _resources() -> None:
    """What a call is about, as policies name it."""
    stock = iam_actions.extract_resource_arn

    def extracted(service: str, *rest: Any) -> str:
        if service == "organizations":
            _method, _path, _headers, body, *_more = rest
            return _resource(json.loads(body or b"{}"))
        arn: str = stock(service, *rest)
        return arn

    iam_actions.extract_resource_arn = extracted


def _resource(request: Data) -> str:
    names = ("ParentId", "ResourceId", "AccountId", "ChildId", "OrganizationalUnitId", "TargetId")
    name = next((str(request[key]) for key in names if request.get(key)), "")
    arn = f"arn:aws:organizations::{members.management()}"
    for prefix, kind in (("r-", "root"), ("ou-", "ou")):
        if name.startswith(prefix):
            return f"{arn}:{kind}/{members.ORGANISATION_ID}/{name}"
    return f"{arn}:account/{members.ORGANISATION_ID}/{name}" if name.isdigit() else "*"


def _error(code: str, message: str) -> Response:
    found: Response = error_response_json(code, message, 400)
    return found


__all__ = ("install",)
