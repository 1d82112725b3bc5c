# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who a stack works for, and what that principal may do to one resource."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam

from .service_control import is_policy, words

# How many decisions are stored; no test needs more.
_NEWEST = 20_000


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One permission that was asked for, and the answer."""

    principal: str
    action: str
    resource: str
    allowed: bool


DECISIONS: deque[Decision] = deque(maxlen=_NEWEST)


@dataclass(frozen=True, kw_only=True)
class Principal:
    """A role's session, or an account's root, with its policies.

    arn: the session's. calls_via: the service that calls for it, empty for its own calls and
    those of a service that has assumed the role itself.
    """

    arn: str
    calls_via: str = ""

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]

    @property
    def is_root(self) -> bool:
        return self.arn.endswith(":root")

    @property
    def role_name(self) -> str:
        return str(iam_evaluator._role_name_from_assumed_arn(self.arn))

    def check(
        self,
        action: str,
        resource: str,
        *,
        region: str,
        policy: Any = None,
        owner: str | None = None,
        context: dict[str, Any] | None = None,
    ) -> str:
        """Empty when the principal may do that, else AWS's words for the refusal.

        policy: that of the resource, where it has one. owner: the resource's account. context:
        condition keys of the request, in lower case.
        """
        if self.is_root:
            return ""
        keys = dict(context or {})
        if self.calls_via:
            keys["aws:calledvia"] = [self.calls_via]
            keys["aws:viaawsservice"] = "true"
        request = iam_evaluator.EvalContext(
            principal_arn=self.arn,
            principal_type="AssumedRole",
            principal_account=self.account,
            action=action,
            resource_arn=resource,
            region=region,
            service_context=keys,
        )
        policies = iam_evaluator._gather_role_policies(self.role_name, self.account)
        limits = iam_evaluator._permissions_boundary(iam._roles, self.role_name, self.account)
        result = iam_evaluator.evaluate(request, policies, *limits)
        own = result.decision
        # A key's policy must allow also what is done in its own account.
        key = action.startswith("kms:") and policy is not None
        if policy is not None:
            result = iam_evaluator.combine_resource_policy(
                result, request, policy, owner, required=key, limits=tuple(limits)
            )
        allowed = result.decision == "Allow"
        DECISIONS.append(
            Decision(principal=self.arn, action=action, resource=resource, allowed=allowed)
        )
        if is_policy(result.resource_policy_arn):
            user = f"User: {self.arn} is not authorized to perform: {action}"
            return f"{user} on resource: {resource} {words(result.resource_policy_arn)}"
        by_resource = own == "Allow" and result.decision != "Deny"
        return "" if allowed else self._refusal(action, resource, result.decision, by_resource)

    def _refusal(self, action: str, resource: str, decision: str, by_resource: bool) -> str:
        kind = "resource-based" if by_resource else "identity-based"
        because = (
            "with an explicit deny"
            if decision == "Deny"
            else f"because no {kind} policy allows the {action} action"
        )
        return (
            f"User: {self.arn} is not authorized to perform: {action} on resource: {resource} "
            f"{because}"
        )


def decisions() -> list[dict[str, Any]]:
    """What was asked for, as JSON data."""
    return [asdict(decision) for decision in DECISIONS]


__all__ = ("DECISIONS", "Decision", "Principal", "decisions")
