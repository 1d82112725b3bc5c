# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One request, with all that AWS would know of it.

The simulator derives no context. Without aws:PrincipalArn and the like every denial would pass, and
prove nothing, so each request gets what AWS supplies with it.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.policy.export import Export, Policy
from tests.policy.simulator import Simulation

# An account that has nothing to do with the organisation, as documentation does.
FOREIGN = "999999999999"

_ANYTHING: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
_EVERYBODY: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}
_KNOWN_ISSUER = "accounts.google.com"
_ENCRYPTION_CONTEXT, _KNOWN_KMS_KEY = (
    re.compile(r"kms:EncryptionContext:[\w:]+"),
    "kms:RequestAlias",
)


@dataclass(frozen=True, kw_only=True)
class Request:
    """Somebody does something to something.

    principal: the ARN of a role or of an OIDC provider, or a service.
    account: the account of the resource; that of its policy's owner, or of its ARN, by default.
    administrator: the principal also has a policy that allows everything, so that only what
        others say of it, and its own denials, can refuse.
    trusted: the resource's own policy admits everybody, so that only the principal's can refuse.
    managed: its managed policies count, which are the user's choice.
    context: condition keys beside those that every request has.
    """

    principal: str
    action: str
    resource: str
    account: str = ""
    administrator: bool = False
    trusted: bool = False
    managed: bool = True
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)

    def __str__(self) -> str:
        keys = "".join(f", {key}={value}" for key, value in sorted(self.context.items()))
        more = " (with every permission of its own)" if self.administrator else ""
        more += " (trusted)" if self.trusted else ""
        more += "" if self.managed else " (without its managed policies)"
        return f"{self.principal}{more}: {self.action} on {self.resource}{keys}"

    def but(self, **changes: Any) -> Request:
        """Return the request with one fact changed; ``context`` changes one key of it."""
        if len(changes) != 1:
            raise ValueError(f"{len(changes)} facts differ: {', '.join(changes)}")
        context = changes.get("context")
        if context is None:
            return dataclasses.replace(self, **changes)
        if len(context) != 1:
            raise ValueError(f"{len(context)} keys differ: {', '.join(context)}")
        merged = {key: value for key, value in {**self.context, **context}.items() if value}
        return dataclasses.replace(self, context=merged)

    @property
    def is_service(self) -> bool:
        """Whether a service of AWS or an OIDC provider asks, and no role."""
        return not self.principal.startswith("arn:") or ":oidc-provider/" in self.principal

    def policies(self, export: Export) -> list[Policy]:
        """Return the policies that have a say in it."""
        other = export.of_resource(self.resource)
        return [*self._own(export), *self._bounds(export), *([other] if other else [])]

    def simulation(self, export: Export) -> Simulation:
        """Return what the simulator is to run."""
        other = export.of_resource(self.resource)
        identity = [{"name": one.name, "policy": one.document} for one in self._own(export)]
        if self.administrator:
            identity.append({"name": "administrator", "policy": _ANYTHING})
        simulation: Simulation = {
            "request": {
                "principal": self.principal,
                "action": self.action,
                "resource": {"resource": self.resource, "accountId": self._account(other)},
                "contextVariables": self._context(export),
            },
            "identityPolicies": identity,
            "serviceControlPolicies": [],
            "resourceControlPolicies": [],
        }
        if bounds := self._bounds(export):
            simulation["permissionBoundaryPolicies"] = [
                {"name": one.name, "policy": one.document} for one in bounds
            ]
        if self.trusted:
            is_taken = self.action.startswith("sts:")
            simulation["resourcePolicy"] = _EVERYBODY if is_taken else self._delegated(other)
        elif other:
            simulation["resourcePolicy"] = other.document
        issuer = self.principal.partition(":oidc-provider/")[2]
        if issuer:
            # The simulator knows the claims of a few issuers only, and drops those of all others.
            text = json.dumps(simulation).replace(issuer, _KNOWN_ISSUER)
            simulation = json.loads(text)
        if any(key.startswith("kms:EncryptionContext:") for key in self.context):
            # Nor does it know the keys of an encryption context.
            text = _ENCRYPTION_CONTEXT.sub(_KNOWN_KMS_KEY, json.dumps(simulation))
            simulation = json.loads(text)
        return simulation

    def _delegated(self, policy: Policy | None) -> dict[str, Any]:
        """The policy of a key that leaves everything to the policies of its account."""
        account = {"AWS": f"arn:aws:iam::{self._account(policy)}:root"}
        statement = {"Effect": "Allow", "Principal": account, "Action": "*", "Resource": "*"}
        return {"Version": "2012-10-17", "Statement": [statement]}

    def _own(self, export: Export) -> list[Policy]:
        policies = [] if self.is_service else export.identity(self.principal)
        return [one for one in policies if self.managed or one.kind != "managed"]

    def _bounds(self, export: Export) -> list[Policy]:
        return [] if self.is_service else export.bounds(self.principal)

    def _account(self, policy: Policy | None) -> str:
        of_arn = self.resource.split(":")[4] if self.resource.startswith("arn:") else ""
        of_arn = "" if of_arn == "aws" else of_arn  # a managed policy is there in every account
        of_principal = "" if self.is_service else self.principal.split(":")[4]
        return self.account or (policy.account if policy else "") or of_arn or of_principal

    def _context(self, export: Export) -> dict[str, str | list[str]]:
        found: dict[str, str | tuple[str, ...]] = {"aws:SecureTransport": "true"}
        if not self.is_service:
            found["aws:PrincipalArn"] = self.principal
            found["aws:PrincipalAccount"] = self.principal.split(":")[4]
            found["aws:PrincipalType"] = "AssumedRole"
            found["aws:PrincipalIsAWSService"] = "false"
            if found["aws:PrincipalAccount"] != FOREIGN:
                found["aws:PrincipalOrgID"] = export.organisation
                found["aws:PrincipalOrgPaths"] = (export.unit,)
        found.update(self.context)
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in found.items()
        }


@dataclass(frozen=True, kw_only=True)
class Denied:
    """A request that must be refused, and its twin: one fact differs, and it is allowed."""

    name: str
    twin: Request
    request: Request

    @classmethod
    def of(cls, name: str, twin: Request, **change: Any) -> Denied:
        """Return the case whose request is the *twin* with one fact changed."""
        return cls(name=name, twin=twin, request=twin.but(**change))


__all__ = ("FOREIGN", "Denied", "Request")
