# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may use a key by way of another service."""

from __future__ import annotations

from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import kms

from ..iam.authorisation import Principal


def refusal_to_use(
    caller: Principal, action: str, key_id: str, *, service: str, encryption_context: dict[str, str]
) -> str:
    """Why a caller may not use a key by way of a service, or empty text.

    key_id: an ARN; an id or alias means a key of the caller's own account. service: such as s3.
    """
    arn = key_id if key_id.startswith("arn:") else _own_key(key_id)
    region, owner = arn.split(":")[3:5]
    record = kms._keys.get_scoped(owner, region, arn.rpartition("/")[2])
    if record is None:
        return f"Key '{key_id}' does not exist"
    context = {
        "kms:viaservice": f"{service}.{region}.amazonaws.com",
        **{
            f"kms:encryptioncontext:{name.lower()}": value
            for name, value in encryption_context.items()
        },
    }
    if caller.is_root:
        return _root_refusal(caller, action, arn, record["Policy"], context)
    return caller.check(
        action, arn, region=region, policy=record["Policy"], owner=owner, context=context
    )


def state_problem(key_id: str) -> tuple[str, str] | None:
    """Code and message where a key is in no state to be used, as S3 reports it."""
    arn = key_id if key_id.startswith("arn:") else _own_key(key_id)
    region, owner = arn.split(":")[3:5]
    record = kms._keys.get_scoped(owner, region, arn.rpartition("/")[2])
    state = record["KeyState"] if record else "Enabled"
    if state == "Disabled":
        return "KMS.DisabledException", f"{arn} is disabled."
    if state.startswith("Pending"):
        waits = {"PendingDeletion": "deletion", "PendingImport": "import"}[state]
        return "KMS.KMSInvalidStateException", f"{arn} is pending {waits}."
    return None


def _root_refusal(
    caller: Principal, action: str, key_arn: str, policy: Any, context: dict[str, Any]
) -> str:
    """Why an account's root may not use a key: it has no policies of its own."""
    request = iam_evaluator.EvalContext(
        principal_arn=caller.arn,
        principal_type="Root",
        principal_account=caller.account,
        action=action,
        resource_arn=key_arn,
        region=key_arn.split(":")[3],
        service_context=context,
    )
    if iam_evaluator.evaluate_resource_policy(policy, request).decision == "Allow":
        return ""
    return (
        f"User: {caller.arn} is not authorized to perform: {action} on resource: {key_arn} "
        f"because no resource-based policy allows the {action} action"
    )


def _own_key(key_id: str) -> str:
    if key_id.startswith("alias/"):
        key_id = str(kms._aliases.get(kms._alias_arn(key_id), ""))
    return f"arn:aws:kms:{get_region()}:{get_account_id()}:key/{key_id}"


__all__ = ("refusal_to_use", "state_problem")
