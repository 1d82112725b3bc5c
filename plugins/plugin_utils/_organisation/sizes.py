# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What fits into the policies of the foundation, with the partition's ARNs. Pure.

Sizes are in characters without white space, as IAM counts. What a template has without the values
that are counted here is a constant with some room; tests compare it with the templates.
"""

from __future__ import annotations

import json
import typing as t

from .model import DEPLOY_ACCOUNTS, REGIONAL, STACK_NAMES, Host, Organisation
from .problems import Problems
from .regions import partition_of
from .variables import Variables

# A role's inline policies name each region's bucket twice and its key once: SyncArtifacts has all.
MOST_REGIONS = 32
BUCKET_POLICY_LIMIT = 20_480
ROLE_LIMIT = 10_240  # all inline policies of a role

_MOST_ACCOUNTS = 250  # one parameter (4,096 bytes) would hold 315
_BUCKET_POLICY_REST = 3_000  # with the longest names
_CODEPIPELINE_ROLE_REST = 2_300
_CLOUDFORMATION_ROLE_REST = 2_500

_ID = "1" * 12
_KEY_ID = "01234567-89ab-cdef-0123-456789abcdef"


def most_accounts(partition: str) -> int:
    """Return how many accounts fit into the policies of a region.

    The bucket policy names each account twice, and S3 may count an id as its root's ARN.
    """
    account = len(f'"arn:{partition}:iam::{_ID}:root",')
    return min(_MOST_ACCOUNTS, (BUCKET_POLICY_LIMIT - _BUCKET_POLICY_REST) // (2 * account))


def check_sizes(organisation: Organisation, variables: Variables, problems: Problems) -> None:
    """Add what does not fit."""
    partition = partition_of(organisation.primary_region)
    most = most_accounts(partition)
    for region in () if organisation.grants_organization else organisation.regions:
        count = len(organisation.granted(region))
        if count > most:
            problems.add(
                f"region {region}: {count} deploy accounts, and its policies hold {most}",
                "Set grant_mode: organization, or spread the accounts over two organisations",
            )
    if len(organisation.regions) > MOST_REGIONS:
        problems.add(
            f"{len(organisation.regions)} regions, and the policies of a role hold {MOST_REGIONS}",
            "Remove regions that nothing is deployed to",
        )
    for host in organisation.foundation:
        if not problems.of(host.name):
            for name, size in _roles_of(host, organisation, variables, partition):
                if size > ROLE_LIMIT:
                    problems.add(
                        f"{name}: the role's policies have {size} characters, and IAM takes"
                        f" {ROLE_LIMIT}",
                        "Use fewer or shorter ones, fewer regions or shorter names",
                        host.name,
                    )


def _roles_of(
    host: Host, organisation: Organisation, variables: Variables, partition: str
) -> t.Iterator[tuple[str, int]]:
    """Yield the size of each role of *host* that may become too large, with what makes it so."""
    if host.group != DEPLOY_ACCOUNTS:
        return
    arn = f"arn:{partition}"
    bucket = f"{arn}:s3:::{longest_bucket(organisation)}"
    buckets = [bucket] * len(host.regions)
    keys = [f"{arn}:kms:{region}:{_ID}:key/{_KEY_ID}" for region in host.regions]
    pipeline, cloudformation = organisation.role_names.values()
    names = [pipeline, cloudformation, host.access_role_name or "", *_stack_names(organisation)]
    names.append(host.stack_name)
    yield (
        "regions",
        _CODEPIPELINE_ROLE_REST
        + _size([*_objects(buckets), *buckets, *keys, *names, cloudformation, cloudformation]),
    )
    policies = [*variables.get(host.name, "deploy_account_execution_policies", [])]
    names_of_boundary = ("deploy_account_permissions_boundary_arn", "permissions_boundary_arn")
    boundaries = (variables.get(host.name, name, "") for name in names_of_boundary)
    policies.append(next((arn for arn in boundaries if arn), ""))
    yield (
        "deploy_account_execution_policies",
        _CLOUDFORMATION_ROLE_REST
        + _size([*_objects(buckets), *_objects(buckets), *keys, *policies, *names]),
    )


def _objects(buckets: t.Sequence[str]) -> list[str]:
    return [f"{bucket}/*" for bucket in buckets]


def longest_bucket(organisation: Organisation) -> str:
    """Return the longest name that CloudFormation gives a pipeline or asset bucket."""
    return f"{max(_stack_names(organisation), key=len)}-pipelinebucket-{'x' * 13}"[:63]


def _stack_names(organisation: Organisation) -> list[str]:
    regional = [host.stack_name for host in organisation.of(REGIONAL)]
    return [organisation.primary.stack_name, *(regional[:1] or [STACK_NAMES[REGIONAL][1]])]


def _size(texts: t.Sequence[str]) -> int:
    return len(json.dumps(texts, separators=(",", ":")))


__all__ = (
    "BUCKET_POLICY_LIMIT",
    "MOST_REGIONS",
    "ROLE_LIMIT",
    "check_sizes",
    "longest_bucket",
    "most_accounts",
)
