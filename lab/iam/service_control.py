# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Service control policies of Organizations."""

from __future__ import annotations

from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.services import organizations

from ..organizations import members

_TYPE = "SERVICE_CONTROL_POLICY"


def install() -> None:
    """Let a Deny of a service control policy hold.

    AWS: a policy that is attached to an account, an OU above it or the root denies what the
    account's roles and users do, never the management account's. MiniStack: stores the policies.
    Allow lists have no effect here.
    """
    stock = iam_evaluator.evaluate
    stock_message = iam_actions._resource_policy_denial

    def evaluated(context: iam_evaluator.EvalContext, policies: Any, *limits: Any) -> Any:
        return _denial(context) or stock(context, policies, *limits)

    def message(service: str, action: str, principal_arn: str, resource_arn: str) -> str:
        if is_policy(resource_arn):
            user = f"User: {principal_arn} is not authorized to perform: {action}"
            return f"{user} {words(resource_arn)}"
        text: str = stock_message(service, action, principal_arn, resource_arn)
        return text

    iam_evaluator.evaluate = evaluated
    iam_actions._resource_policy_denial = message


def is_policy(arn: str) -> bool:
    """Whether an ARN is that of a service control policy."""
    return f"/{_TYPE.lower()}/" in arn


def words(arn: str) -> str:
    """How AWS ends the message of a denial."""
    return f"with an explicit deny in a service control policy: {arn}"


def _denial(context: iam_evaluator.EvalContext) -> iam_evaluator.EvalResult | None:
    account = context.principal_account
    owner = members.management()
    own = {policy_id for owner_id, policy_id in organizations._policies._data if owner_id == owner}
    if own == {organizations.FULL_ACCESS_POLICY_ID} or not own or account == owner:
        return None
    scopes = members.scopes(account)
    for policy_id in sorted(own):
        policy = organizations._policies.get_scoped(owner, None, policy_id)
        attached = organizations._attachments.get_scoped(owner, None, policy_id) or []
        if policy["Type"] != _TYPE or not scopes & set(attached) or "_Content" not in policy:
            continue
        statements = iam_evaluator.parse_policy_document(policy["_Content"])
        denied = iam_evaluator._first_match(context, statements, "Deny")
        if denied:
            return iam_evaluator.EvalResult(
                "Deny",
                context.principal_arn,
                denied.sid,
                "service control policy",
                resource_policy_arn=policy["Arn"],
            )
    return None


__all__ = ("install", "is_policy", "words")
