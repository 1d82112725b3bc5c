# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The condition keys on which the design stands."""

from __future__ import annotations

from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.services import iam

from ..organizations import members
from ..settings import Settings


def install(settings: Settings) -> None:
    """Make the keys answer as AWS does."""
    _principal_arn()
    _organisation(settings)
    _secure_transport(settings)
    _role_of_stack()


def _principal_arn() -> None:
    """aws:PrincipalArn of a role's session.

    AWS: the ARN of the role, with its path. MiniStack: the ARN of the session.
    """
    resolve = iam_evaluator._resolve_condition_key

    def resolved(key: str, context: iam_evaluator.EvalContext) -> Any:
        if key.lower() == "aws:principalarn" and ":assumed-role/" in context.principal_arn:
            return role_arn(context.principal_arn)
        return resolve(key, context)

    iam_evaluator._resolve_condition_key = resolved


def _organisation(settings: Settings) -> None:
    """aws:PrincipalOrgID and aws:PrincipalOrgPaths.

    AWS: the organization of the caller's account, and where the account is in it. MiniStack: an
    organization of each account's own, and no path. Without a list of accounts, all are in the
    lab's.
    """
    resolve = iam_evaluator._resolve_condition_key

    def resolved(key: str, context: iam_evaluator.EvalContext) -> Any:
        account = context.principal_account
        if key.lower() == "aws:principalorgid" and account:
            anybody = members.ORGANISATION_ID if not settings.accounts else None
            return members.organization_of(account) or anybody
        if key.lower() == "aws:principalorgpaths" and account:
            path = members.organization_path(account)
            return [path] if path else None
        return resolve(key, context)

    iam_evaluator._resolve_condition_key = resolved


def role_arn(session_arn: str) -> str:
    """The ARN of the role behind a session's ARN; the session's own if the role is gone."""
    account_id = session_arn.split(":")[4]
    name = iam_evaluator._role_name_from_assumed_arn(session_arn)
    role = iam._roles.get_scoped(account_id, None, name)
    return str(role["Arn"]) if role else session_arn


def _secure_transport(settings: Settings) -> None:
    """aws:SecureTransport.

    AWS: true, since its endpoints speak TLS. MiniStack: false, since the lab speaks HTTP.
    A test sets secure_transport to false to see what a TLS-only statement denies.
    """
    pin = app.pin_request_origin

    def pinned(source_ip: str, secure_transport: bool) -> None:
        pin(source_ip, secure_transport or settings.secure_transport)

    app.pin_request_origin = pinned


def _role_of_stack() -> None:
    """cloudformation:RoleArn.

    AWS: the role that the request hands to the stack. MiniStack: not there, so a statement that
    demands a role never holds.
    """
    context = iam_actions.request_tag_context

    def with_role(
        service: str, iam_action: str, body: bytes, parameters: dict[str, Any]
    ) -> dict[str, Any]:
        found: dict[str, Any] = context(service, iam_action, body, parameters)
        role = parameters.get("RoleARN") if service == "cloudformation" else None
        if role:
            found["cloudformation:RoleArn"] = role[0] if isinstance(role, list) else role
        return found

    iam_actions.request_tag_context = with_role


__all__ = ("install", "role_arn")
