# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delete a stack whose first deployment failed, so that the next one can create it."""

from __future__ import annotations

import dataclasses
import typing as t

from .._aws.patience import Patience
from .api import StackApi, existing
from .model import Found
from .operation import Operations
from .status import Verdict
from .template import parse

# Nothing was ever deployed completely. A stack in review blocks nothing: it can still be created.
NEVER_DEPLOYED = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED")
_RETAINED = ("Retain", "RetainExceptOnCreate", "Snapshot")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recovery:
    """What recovering would do.

    :param found: the stack as it is; None when it is gone.
    :param retained: what its deletion leaves, by DeletionPolicy.
    :param refusal: why it is left alone; empty when it can be deleted.
    """

    found: Found | None
    retained: tuple[str, ...] = ()
    refusal: str = ""


def plan_recovery(api: StackApi, name: str, *, role_name: str, patience: Patience) -> Recovery:
    """Return what recovering the stack called *name* would do. Raises PipelineError.

    :param role_name: the CloudFormation role of the account: only its stacks are ours.
    """
    found = Operations(api, patience).settled(name)
    if found is None or found.verdict is Verdict.ABSENT:
        return Recovery(found=None)
    refusal = _refusal(found, role_name)
    if refusal:
        return Recovery(found=found, refusal=refusal)
    return Recovery(found=found, retained=tuple(_retained(api, found)))


def delete_with_role(api: StackApi, found: Found, *, role_name: str, patience: Patience) -> None:
    """Delete *found* with its account's CloudFormation role. Raises PipelineError."""
    _arn, partition, _cloudformation, _region, account_id, _name = found.stack_id.split(":", 5)
    role_arn = f"arn:{partition}:iam::{account_id}:role/{role_name}"
    operations = Operations(api, patience)
    after = operations.carry_out(found, lambda: api.delete(found.stack_id, role_arn=role_arn))
    if after is not None and after.verdict is not Verdict.ABSENT:
        raise operations.failure(after)


def _refusal(found: Found, role_name: str) -> str:
    if found.status not in NEVER_DEPLOYED:
        return f"it is {found.status}, so it was deployed before"
    if found.role_arn.rpartition("/")[2] != role_name:
        return f"no pipeline deployed it: its role is not {role_name}"
    return "it has termination protection" if found.termination_protection else ""


def _retained(api: StackApi, found: Found) -> t.Iterator[str]:
    declared = parse(api.template(found.stack_id)).get("Resources", {})
    retained = [
        entry
        for entry in api.resources(found.stack_id)
        if declared.get(entry["LogicalResourceId"], {}).get("DeletionPolicy") in _RETAINED
    ]
    yield from existing(retained, frozenset(entry["ResourceType"] for entry in retained))


__all__ = ("NEVER_DEPLOYED", "Recovery", "delete_with_role", "plan_recovery")
