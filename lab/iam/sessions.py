# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AssumeRole demands of a session: its name, duration, tags and source identity."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from ministack import app
from ministack.core import iam_evaluator
from ministack.services import iam, sts

from ..calls.faults import wire_error
from ..organizations import members
from .authorisation import Principal

Response = tuple[int, dict[str, str], bytes]
Service = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Response]]

_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
_SHORTEST, _LONGEST, _CHAINED = 900, 43_200, 3_600


class _RefusedError(Exception):
    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


def install() -> None:
    """Check the request of AssumeRole; the lab's own calls, as a root, are not checked.

    AWS: names, external id and duration have a form and limits; session tags and a source identity
    need sts:TagSession and sts:SetSourceIdentity of the caller's policies and of the role's trust.
    Nobody enters or leaves an account that is closed. MiniStack: checks the trust for tags, and
    none of the rest.
    """
    stock: Service = app.SERVICE_HANDLERS["sts"]

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if form.get("Action") == "AssumeRole":
            try:
                _check(form, sts._caller_identity(headers, query))
            except _RefusedError as exc:
                content_type, answer = wire_error(service="sts", code=exc.code, message=str(exc))
                return exc.status, {"Content-Type": content_type}, answer
        return await stock(method, path, headers, body, query)

    app.SERVICE_HANDLERS["sts"] = handle


def _check(form: dict[str, str], caller: Any) -> None:
    # What is not a mapping is an error of the credentials, which the service answers.
    if not isinstance(caller, dict) or caller["userArn"].endswith(":root"):
        return
    for name, pattern in (
        ("RoleSessionName", _NAME),
        ("SourceIdentity", _NAME),
        ("ExternalId", _EXTERNAL_ID),
    ):
        if name in form and not pattern.fullmatch(form[name]):
            raise _RefusedError(
                "ValidationError",
                f"1 validation error detected: Value '{form[name]}' at"
                f" '{name[0].lower()}{name[1:]}' failed to satisfy constraint: Member must satisfy"
                f" regular expression pattern: {pattern.pattern}",
            )
    role_arn = form.get("RoleArn", "")
    _check_accounts(role_arn, caller)
    account, _, name = role_arn.rpartition("/")
    role = iam._roles.get_scoped(account.split(":")[4], None, name) if account else None
    if role is None:
        return  # refused by the service
    _check_duration(int(form.get("DurationSeconds", _CHAINED)), role, caller)
    tags = {
        form[key]: form.get(key.replace(".Key", ".Value"), "")
        for key in form
        if re.fullmatch(r"Tags\.member\.\d+\.Key", key)
    }
    if tags:
        keys = {f"aws:requesttag/{key.lower()}": value for key, value in tags.items()}
        _check_identity("sts:TagSession", role_arn, caller, keys)
    if "SourceIdentity" in form:
        keys = {"sts:sourceidentity": form["SourceIdentity"]}
        _check_identity("sts:SetSourceIdentity", role_arn, caller, keys)
        _check_trust("sts:SetSourceIdentity", role, caller, keys)


def _check_accounts(role_arn: str, caller: dict[str, Any]) -> None:
    for account_id in (caller["accountId"], *role_arn.split(":")[4:5]):
        if not members.is_active(account_id):
            raise _RefusedError(
                "AccessDenied",
                f"User: {caller['userArn']} is not authorized to perform: sts:AssumeRole on"
                f" resource: {role_arn}",
                403,
            )


def may_assume(session: Principal, role_arn: str, region: str) -> bool:
    """Whether a session may assume a role, by its own policies and by the role's trust."""
    account_id, name = role_arn.split(":")[4], role_arn.rpartition("/")[2]
    role = iam._roles.get_scoped(account_id, None, name)
    if role is None or role["Arn"] != role_arn or not members.is_active(account_id):
        return False
    request = iam_evaluator.EvalContext(
        principal_arn=session.arn,
        principal_type="AssumedRole",
        principal_account=session.account,
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region=region,
        service_context={},
    )
    trusted = iam_evaluator.evaluate_trust_policy(
        role["AssumeRolePolicyDocument"], session.arn, request
    )
    return bool(trusted) and not session.check("sts:AssumeRole", role_arn, region=region)


def _check_duration(seconds: int, role: dict[str, Any], caller: dict[str, Any]) -> None:
    if not _SHORTEST <= seconds <= _LONGEST:
        raise _RefusedError("ValidationError", f"Value '{seconds}' at 'durationSeconds' is invalid")
    if seconds > int(role.get("MaxSessionDuration") or _CHAINED):
        raise _RefusedError(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )
    if seconds > _CHAINED and caller["principalType"] == "AssumedRole":
        raise _RefusedError(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by"
            " role chaining.",
        )


def _check_identity(
    action: str, role_arn: str, caller: dict[str, Any], keys: dict[str, str]
) -> None:
    """Ask the caller's own policies."""
    if caller["principalType"] != "AssumedRole":
        return  # a user's policies are not read here
    principal = Principal(arn=caller["userArn"])
    refusal = principal.check(action, role_arn, region="us-east-1", context=keys)
    if refusal:
        raise _RefusedError("AccessDenied", refusal, 403)


def _check_trust(
    action: str, role: dict[str, Any], caller: dict[str, Any], keys: dict[str, str]
) -> None:
    request = iam_evaluator.EvalContext(
        principal_arn=caller["userArn"],
        principal_type=caller["principalType"],
        principal_account=caller["accountId"],
        action=action,
        resource_arn=role["Arn"],
        region="us-east-1",
        service_context=keys,
        principal_keys=caller["principalKeys"],
    )
    if not iam_evaluator.evaluate_trust_policy(
        role["AssumeRolePolicyDocument"], caller["userArn"], request
    ):
        raise _RefusedError(
            "AccessDenied",
            f"User: {caller['userArn']} is not authorized to perform: {action} on resource:"
            f" {role['Arn']}",
            403,
        )


__all__ = ("install", "may_assume")
