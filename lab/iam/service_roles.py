# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles that an AWS service assumes, to work for its user."""

from __future__ import annotations

import functools
import json
import os
import time
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam, sts

from ..clients import Clients
from .authorisation import Principal

_SECONDS = 3600.0


def install() -> None:
    """Let threads other than the event loop make sessions.

    MiniStack drops expired sessions while it makes one, and goes through them one by one: it would
    fail where another thread makes one meanwhile.
    """
    sts._evict_expired_sessions = _drop_expired


def _drop_expired() -> None:
    now = time.time()
    # The list is made in one step, so no other thread is in between.
    for key, session in list(sts._sessions.items()):
        ends = session.get("Expiration")
        if isinstance(ends, (int, float)) and ends < now:
            sts._sessions.pop(key, None)


class RoleRefusedError(Exception):
    """The role is not there, or does not trust the service."""


def principal(role_arn: str, *, service: str, source_arn: str, session: str) -> Principal:
    """The session of a role that a service has assumed.

    service: like codebuild.amazonaws.com. source_arn: what the service assumes it for, as
    aws:SourceArn has it. Raises RoleRefusedError.

    AWS: the role's trust policy must name the service, and its conditions hold. MiniStack: looks
    at no trust policy when a service acts.
    """
    account, name = role_arn.split(":")[4], role_arn.rpartition("/")[2]
    role = iam._roles.get_scoped(account, None, name)
    if role is None or role["Arn"] != role_arn or not _trusts(role, service, source_arn):
        raise RoleRefusedError(f"{service} is not authorized to perform AssumeRole on {role_arn}")
    return Principal(arn=f"arn:aws:sts::{account}:assumed-role/{name}/{session}")


def credentials(session: Principal) -> dict[str, str]:
    """Credentials of a session, for a client of the lab's own."""
    key, secret, token = (
        iam._gen_session_access_key(),
        iam._gen_secret(),
        iam._gen_session_token(),
    )
    sts.register_session(
        key,
        {
            "Arn": session.arn,
            "UserId": f"{session.role_name}:{session.arn.rpartition('/')[2]}",
            "SecretAccessKey": secret,
            "SessionToken": token,
            "Expiration": time.time() + _SECONDS,
            "AccountId": session.account,
            "PrincipalType": "AssumedRole",
        },
    )
    return {
        "aws_access_key_id": key,
        "aws_secret_access_key": secret,
        "aws_session_token": token,
    }


def session_arn(credentials: dict[str, str]) -> str:
    """Whose credentials these are."""
    return str(sts._sessions[credentials["aws_access_key_id"]]["Arn"])


def client_with(credentials: dict[str, str], service: str, *, region: str) -> Any:
    """A client of the lab itself, in whose process this runs; not for its event loop."""
    return _own_clients().client(service, region=region, credentials=credentials)


def root_client(service: str, *, account: str, region: str) -> Any:
    """The same as the root of an account."""
    return _own_clients().root(service, account, region)


@functools.cache
def _own_clients() -> Clients:
    return Clients(f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}")


def _trusts(role: dict[str, Any], service: str, source_arn: str) -> bool:
    document = role["AssumeRolePolicyDocument"]
    document = json.loads(document) if isinstance(document, str) else document
    statements = document["Statement"]
    statements = [statements] if isinstance(statements, dict) else statements
    region, account = source_arn.split(":")[3:5]
    request = iam_evaluator.EvalContext(
        # No ARN: nothing that names an account is about a service.
        principal_arn=service,
        principal_type="Service",
        principal_account="",
        action="sts:AssumeRole",
        resource_arn="*",
        region=region,
        service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": account},
    )
    # A trust policy has no resource; the evaluation wants one.
    policy = {"Statement": [{**statement, "Resource": "*"} for statement in statements]}
    result = iam_evaluator.evaluate_resource_policy(policy, request, service=service)
    return bool(result.decision == "Allow")


__all__ = (
    "RoleRefusedError",
    "client_with",
    "credentials",
    "install",
    "principal",
    "root_client",
    "session_arn",
)
