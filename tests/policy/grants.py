# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policies that admit an organization, and whom they must not admit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._policy.resolver import (
    Deployed,
    Resolver,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.model import Resource
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.template import parse

from tests.policy.export import ORGANISATION, UNIT, Clients, Policy, Stack
from tests.policy.foundation import Account, Foundation
from tests.policy.release import Release, Store
from tests.policy.request import FOREIGN, Denied, Request

QUARANTINED = "555555555555"
# What has a policy that admits others, and where the template has it.
_POLICIES = {
    "Key": ("Key", "KeyPolicy"),
    "PipelineBucket": ("PipelineBucketPolicy", "PolicyDocument"),
    "AssetBucket": ("AssetBucketPolicy", "PolicyDocument"),
}


def admit_organization(foundation: Foundation, clients: Clients) -> Foundation:
    """Return the foundation with policies that admit a unit of its organization.

    As its stacks would make them. An account is quarantined, and the build account is excluded
    where it is no deploy account.
    """
    changed: dict[str, Policy] = {}
    for stack in (foundation.primary, *foundation.regional):
        for policy in _admitting(foundation, stack, clients):
            changed[policy.owner] = policy
    export = foundation.export
    policies = [changed.get(policy.owner, policy) for policy in export.policies]
    assert len(changed) == len(_POLICIES) * (1 + len(foundation.regional))
    return replace(foundation, export=replace(export, policies=policies), admits_organization=True)


def _admitting(foundation: Foundation, stack: Stack, clients: Clients) -> Iterator[Policy]:
    cloudformation = clients("cloudformation", stack.account, stack.region)
    found = cloudformation.describe_stacks(StackName=stack.name)["Stacks"][0]
    values = {one["ParameterKey"]: one["ParameterValue"] for one in found["Parameters"]}
    excluded = [QUARANTINED]
    if stack.region not in _regions_of_build_account(foundation):
        excluded.append(stack.account)
    values |= {
        "GrantMode": "organization",
        "DeployAccountIds": "",
        "OrganisationId": ORGANISATION,
        "OrganisationPaths": f"{UNIT}*",
        "ExcludedAccountIds": ",".join(excluded),
    }
    resources = [one for one in foundation.export.resources if one.stack == stack]
    resolver = Resolver(
        Deployed(
            stack_id=found["StackId"],
            template=parse(cloudformation.get_template(StackName=stack.name)["TemplateBody"]),
            parameters=values,
            resources=[
                Resource(
                    logical_id=one.logical_id,
                    physical_id=one.physical_id,
                    resource_type=one.type,
                )
                for one in resources
            ],
        )
    )
    for logical_id, (carrier, name) in _POLICIES.items():
        owner = foundation.export.physical_id(stack, logical_id)
        policy = next(
            one
            for one in foundation.export.policies
            if one.kind == "resource" and one.owner.endswith((f":{owner}", f"/{owner}"))
        )
        yield replace(policy, document=resolver.property(carrier, name))


def admitted(foundation: Foundation) -> list[Request]:
    """Return what the roles of every deploy account need of every region, also of a new one."""
    return [
        request
        for account in _others(foundation)
        for store, assets in _regions(foundation)
        for request in (
            *store.read(_role(foundation, account)),
            *store.find(_role(foundation, account), "ListBucket"),
            *assets.read(foundation.role(account.stack, "CloudFormationRole")),
        )
    ]


def denied(foundation: Foundation, release: Release) -> Iterator[Denied]:
    """Yield each fact that keeps somebody out, beside its twin.

    Each asks with every permission of its own, as an administrator of its account can give them.
    """
    account = _others(foundation)[0]
    roles = (_role(foundation, account), foundation.role(account.stack, "CloudFormationRole"))
    for store, assets in _regions(foundation):
        yield from _strangers(store.read(roles[0]) + store.find(roles[0]), store.region)
        yield from _strangers(assets.read(roles[1]), store.region)
        read, decrypt = (one.but(administrator=True) for one in store.read(roles[0]))
        yield Denied.of(
            f"a role of the organization decrypts what is not in a bucket of {store.region}",
            decrypt,
            context={"kms:ViaService": ""},
        )
        for action in ("s3:PutObject", "s3:DeleteObject", "s3:PutObjectAcl"):
            yield Denied.of(f"a role of the organization: {action}", read, action=action)
        for action in ("kms:GenerateDataKey", "kms:ScheduleKeyDeletion", "kms:CreateGrant"):
            yield Denied.of(f"a role of the organization: {action}", decrypt, action=action)
        find = store.find(roles[0])[0].but(administrator=True)
        for other in ("s3:PutBucketPolicy", "s3:DeleteBucket"):
            yield Denied.of(f"a role of the organization: {other}", find, action=other)
    yield from _build_account(foundation)
    writes = foundation.stores[foundation.primary.region].write(release.role)
    for twin in writes:
        yield Denied.of(
            f"a role of the organization writes to a store: {twin.action}",
            twin.but(administrator=True),
            principal=roles[0],
        )


def _strangers(requests: list[Request], region: str) -> Iterator[Denied]:
    for request in requests:
        twin = request.but(administrator=True)
        account = twin.principal.split(":")[4]
        role = twin.principal.rpartition("/")[2]
        what = f"{role}: {twin.action} in {region}, of"
        yield Denied.of(
            f"{what} another organization", twin, context={"aws:PrincipalOrgID": "o-other00000"}
        )
        unit = f"{ORGANISATION}/r-lab0/ou-lab0-other000/"
        yield Denied.of(f"{what} another unit", twin, context={"aws:PrincipalOrgPaths": (unit,)})
        for name, principal in {
            "an account outside": twin.principal.replace(account, FOREIGN),
            "a quarantined account": twin.principal.replace(account, QUARANTINED),
            "another name": twin.principal.replace(role, "Administrator"),
            "a path": twin.principal.replace(f"role/{role}", f"role/path/{role}"),
        }.items():
            yield Denied.of(f"{what} {name}", twin, principal=principal)


def _build_account(foundation: Foundation) -> Iterator[Denied]:
    """The build account's own roles of these names, where it is no deploy account.

    They belong to the account of bucket and key, so a policy that admits them is enough.
    """
    for account in foundation.accounts:
        if account.stack.account != foundation.primary.account:
            continue
        own, region = _role(foundation, account), account.regions[0]
        read, decrypt = foundation.stores[region].read(own)
        for other, store in foundation.stores.items():
            if other in account.regions:
                continue
            other_read, other_decrypt = store.read(own)
            yield Denied.of(
                f"the build account's role reads from {other}", read, resource=other_read.resource
            )
            # The key's region is in the service that calls, too: the same fact.
            yield Denied(
                name=f"the build account's role decrypts in {other}",
                twin=decrypt,
                request=other_decrypt,
            )


def _regions(foundation: Foundation) -> list[tuple[Store, Store]]:
    return [(store, foundation.assets[region]) for region, store in foundation.stores.items()]


def _others(foundation: Foundation) -> list[Account]:
    """Every deploy account but the build account, whose policies have the final say."""
    build = foundation.primary.account
    return [account for account in foundation.accounts if account.stack.account != build]


def _regions_of_build_account(foundation: Foundation) -> set[str]:
    build = foundation.primary.account
    return {
        region
        for account in foundation.accounts
        if account.stack.account == build
        for region in account.regions
    }


def _role(foundation: Foundation, account: Account) -> str:
    return foundation.role(account.stack, "CodePipelineRole")


__all__ = ("QUARANTINED", "admit_organization", "admitted", "denied")
