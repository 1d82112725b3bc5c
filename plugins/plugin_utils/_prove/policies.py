# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a deployed stack's policies should be, and how the live ones differ."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from .._aws.gateway import AccountSession
from .._errors import PipelineError
from .._organisation.model import Host
from .._policy.carriers import PolicyDifference
from .._policy.expected import Carrier, expected_carriers
from .._policy.live import Gone, LivePolicies
from .._policy.resolver import Deployed, Unresolvable
from .._stack.api import StackApi
from .._stack.model import Resource
from .._stack.status import was_created

_TRUST = "AssumeRolePolicyDocument"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Differing:
    """The policies of one resource that differ.

    :param message: what differs; that it does not exist, where *gone*.
    :param trust: what of it is the trust policy of a role; empty for none.
    """

    resource: Resource
    message: str
    trust: str = ""
    gone: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class StackPolicies:
    """A deployed stack, and what of its policies differs.

    :param parameters: as CloudFormation stores them, lists joined with commas.
    :param unread: what could not be read, and why.
    """

    parameters: t.Mapping[str, str]
    resources: tuple[Resource, ...]
    differing: tuple[Differing, ...]
    unread: tuple[str, ...] = ()

    def physical_id(self, logical_id: str) -> str:
        """Return the physical id of a resource; empty without it."""
        found = (item for item in self.resources if item.logical_id == logical_id)
        return next((item.physical_id for item in found), "")


def read_stack_policies(
    session: AccountSession, host: Host, logical_ids: t.Collection[str]
) -> StackPolicies | None:
    """Return how the policies of some resources differ from their stack's template.

    None where the stack does not stand. Raises PipelineError.
    """
    api = StackApi.of(session, host.region)
    found = api.find(host.stack_name)
    if found is None or not was_created(found.status):
        return None
    resources = tuple(Resource.from_summary(entry) for entry in api.resources(found.stack_id))
    deployed = Deployed.from_stack(found, api.template(found.stack_id), resources)
    live = LivePolicies(session, host.region, host.account_id)
    try:
        carriers, unresolved = expected_carriers(deployed, live)
    except Unresolvable as exc:
        return StackPolicies(
            parameters=found.parameters, resources=resources, differing=(), unread=(str(exc),)
        )
    unread = [
        f"{item.resource}: {item.why}"
        for item in unresolved
        if item.resource.logical_id in logical_ids
    ]
    differing: list[Differing] = []
    for carrier in carriers:
        if carrier.resource.logical_id not in logical_ids:
            continue
        try:
            difference = _read(carrier)
        except PipelineError as exc:
            unread.append(f"{carrier.resource}: {exc}")
        else:
            differing += [difference] if difference else []
    return StackPolicies(
        parameters=found.parameters,
        resources=resources,
        differing=tuple(differing),
        unread=tuple(unread),
    )


def _read(carrier: Carrier) -> Differing | None:
    try:
        differences = [item for item in carrier.read().differences() if _may_refuse(item)]
    except Gone as exc:
        return Differing(resource=carrier.resource, message=str(exc), gone=True)
    if not differences:
        return None
    trust = [item for item in differences if item.property.startswith(_TRUST)]
    return Differing(
        resource=carrier.resource,
        message=_joined(item for item in differences if item not in trust),
        trust=_joined(trust),
    )


def _joined(differences: t.Iterable[PolicyDifference]) -> str:
    return "; ".join(dict.fromkeys(item.message for item in differences))


def _may_refuse(difference: PolicyDifference) -> bool:
    """Return whether it can take something away; what only allows more cannot."""
    if difference.difference != "ADD":
        return True
    try:
        return '"Deny"' in json.dumps(json.loads(difference.actual))
    except ValueError:
        return True


__all__ = ("Differing", "StackPolicies", "read_stack_policies")
