# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a path was refused: what AWS reported, with what the look-ups saw. Pure."""

from __future__ import annotations

import typing as t

from .._organisation.regions import partition_of
from . import refusal
from .facts import Lookups, make_cause
from .model import Cause, FailedAction
from .refusal import Refusal, read_refusal

_SYNC_PROVIDER = "Lambda"
# Facts that explain a failure whatever it is, the first of them first.
_EVERYWHERE = ("account_suspended", "region_off")
_OF_KEY = ("key_disabled", "key_missing", "key_policy", "not_granted")
_OF_BUCKET = ("bucket_missing", "bucket_policy", "not_granted")
_OF_POLICY = {
    refusal.SCP: "scp",
    refusal.RCP: "rcp",
    refusal.BOUNDARY: "boundary",
    refusal.SESSION: "refused",
    refusal.ENDPOINT: "refused",
    refusal.TRUST: "trust",
}


def explain(failure: FailedAction, known: Lookups) -> Cause:
    """Return the cause of a failed action, or of a step before the first action.

    :param failure: without a stage where no pipeline ran: its stack was refused, or the upload.
    """
    return _Explanation(failure, known).cause()


class _Explanation:
    """One failure, with everything that is known of it."""

    def __init__(self, failure: FailedAction, known: Lookups) -> None:
        self._failure = failure
        self._known = known
        self._region = failure["region"]
        self._message = failure["summary"] or failure["code"] or "no reason given"
        self._refusal = read_refusal(
            self._message, code=failure["code"], partition=partition_of(self._region or "aws")
        )
        self._account_id = _account_of(
            failure["role_arn"], self._refusal.resource, self._refusal.principal
        )

    def cause(self) -> Cause:
        """Return the cause."""
        kind, fact = self._kind()
        return self._made(kind, fact)

    def _kind(self) -> tuple[str, Cause | None]:
        """Return the kind, and the look-up that shows it."""
        found = self._refusal
        if found.policy in _OF_POLICY and found.policy != refusal.TRUST:
            return _OF_POLICY[found.policy], None
        fact = self._find(*_EVERYWHERE)
        if fact:
            return fact["kind"], fact
        if found.condition == refusal.REGION:
            return "region_off", None
        if found.permission == "iam:PassRole":
            return "pass_role", self._find("role_policy")
        if found.permission == "sts:AssumeRole":
            return self._assume()
        if self._failure["provider"] == _SYNC_PROVIDER:
            return self._sync()
        if found.service == "kms" or found.key:
            return self._key()
        if found.service == "s3":
            return self._bucket()
        if found.permission:
            return self._own_policy("refused")
        return self._unnamed()

    def _sync(self) -> tuple[str, Cause | None]:
        """Return what stopped the function, which works for every region."""
        found = self._refusal
        fact = self._known.find(("sync_function",), "", "")
        gone = found.service == "lambda" and found.condition == refusal.GONE
        if fact or gone:
            return "sync_function", fact
        if found.condition == refusal.TIMEOUT:
            return "sync_timeout", None
        if found.service == "lambda":
            return "role_policy", None
        if found.service == "kms" and found.condition:
            return self._key()
        fact = self._known.find_in(self._message, (*_OF_KEY, *_OF_BUCKET))
        if fact and found.policy != refusal.IDENTITY:
            return fact["kind"], fact
        fact = self._known.find(("sync_role",), "", "")
        if fact or found.policy == refusal.IDENTITY:
            return "sync_role", fact
        return self._unnamed()

    def _assume(self) -> tuple[str, Cause | None]:
        kinds = ("role_missing", "trust")
        fact = self._find(*kinds, resource=self._refusal.resource or "") or self._find("no_access")
        if fact:
            return fact["kind"], fact
        if self._refusal.policy == refusal.IDENTITY:
            return "role_policy", None
        return "trust", None

    def _key(self) -> tuple[str, Cause | None]:
        if self._refusal.condition == refusal.DISABLED:
            return "key_disabled", self._find("key_disabled")
        if self._refusal.condition == refusal.GONE:
            return "key_missing", self._find("key_missing")
        fact = self._find(*_OF_KEY)
        if fact:
            return fact["kind"], fact
        return self._own_policy("key_policy")

    def _bucket(self) -> tuple[str, Cause | None]:
        if self._refusal.condition == refusal.GONE:
            return "bucket_missing", self._find("bucket_missing")
        fact = self._find(*_OF_BUCKET)
        if fact:
            return fact["kind"], fact
        if self._refusal.policy == refusal.RESOURCE:
            return "bucket_policy", None
        # CodePipeline reports an artifact that cannot be decrypted in the same words.
        fact = self._find(*_OF_KEY)
        if fact and not self._refusal.policy:
            return fact["kind"], fact
        return self._own_policy("bucket_policy")

    def _own_policy(self, otherwise: str) -> tuple[str, Cause | None]:
        """Return whether the caller's own policies refused, else *otherwise*."""
        fact = self._find("role_policy")
        if fact or self._refusal.policy == refusal.IDENTITY:
            return "role_policy", fact
        if self._refusal.policy == refusal.RESOURCE and self._refusal.service == "kms":
            return "key_policy", None
        return otherwise, None

    def _unnamed(self) -> tuple[str, Cause | None]:
        """Return the kind of a message that names no permission."""
        if self._refusal.condition == refusal.QUOTA:
            return "quota", self._find("quota")
        if self._failure["code"] == "PermissionError" or "denied" in self._message.lower():
            fact = self._find("role_missing", "trust", *_OF_KEY, *_OF_BUCKET, "role_policy")
            fact = fact or self._find("no_access")
            return (fact["kind"], fact) if fact else ("refused", None)
        if self._failure["provider"] == "CloudFormation":
            return "stack_failed", None
        return "failed", None

    def _find(self, *kinds: str, resource: str = "") -> Cause | None:
        """Return the first fact of *kinds* here."""
        return self._known.find(kinds, self._account_id, self._region, resource=resource)

    def _made(self, kind: str, fact: Cause | None) -> Cause:
        found, message = self._refusal, self._message
        if fact and fact["message"] not in message:
            message = f"{message.rstrip('.')}. Seen: {fact['message']}"
        principal = found.principal or self._failure["role_arn"] or None
        resource = found.resource or (fact and fact["resource"]) or None
        organisation = self._known.organisation
        cause = make_cause(
            kind,
            message,
            host=self._host(kind),
            account_id=self._account_id,
            # What refused before an action ran is in the pipeline's own region.
            region=self._region or (organisation.primary_region if organisation else ""),
            stage=self._failure["stage"] or None,
            principal=principal,
            permission=found.permission,
            resource=resource,
            inventory=self._known.inventory,
        )
        return cause if fact is None else t.cast("Cause", {**cause, "cure": fact["cure"]})

    def _host(self, kind: str) -> str:
        """Return the host whose stack has what refused."""
        of_region = kind.startswith(("bucket_", "key_", "not_"))
        account_id = "" if of_region else self._account_id
        region = "" if kind.startswith("sync_") else self._region
        return self._known.host_of(account_id, region)


def _account_of(*arns: str | None) -> str:
    """Return the account of the first ARN that has one."""
    for arn in arns:
        parts = (arn or "").split(":")
        if len(parts) > 4 and parts[4]:
            return parts[4]
    return ""


__all__ = ("Refusal", "explain")
