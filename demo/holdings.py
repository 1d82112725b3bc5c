# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWS holds of a foundation: stacks, buckets, keys, and who may use them.

Everything is read from AWS, by the stacks' own names, and nothing from the playbook's results.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

PRIMARY_STACK, REGIONAL_STACK = "CrossAccountPrimary", "CrossAccountRegional"
DEPLOY_STACK = "CrossAccountDeploy"
_ROLES = ("CrossAccountCodePipeline", "CrossAccountCloudFormation")
_NOTHING, _BOTH = "-", "bucket, key"


class Aws(Protocol):
    """Where clients come from: the lab."""

    def client(self, service: str, account_id: str, region: str = ...) -> Any:
        """A boto3 client in an account."""


@dataclass(frozen=True, kw_only=True)
class Region:
    """The foundation of the build account in one region.

    granted: what the policies of pipeline bucket and key grant: account id to "bucket", "key".
    """

    name: str
    stack: str
    status: str
    key_arn: str
    pipeline_bucket: str
    build_bucket: str | None
    granted: Mapping[str, frozenset[str]]


@dataclass(frozen=True, kw_only=True)
class Account:
    """The foundation of one deploy account.

    reaches: what both of its roles hold: region to "bucket", "key".
    """

    name: str
    account_id: str
    status: str
    reaches: Mapping[str, frozenset[str]]


@dataclass(frozen=True, kw_only=True)
class Holdings:
    """What AWS holds."""

    regions: tuple[Region, ...]
    accounts: tuple[Account, ...]

    def usable(self, account: Account, region: Region) -> bool:
        """Whether an account may use bucket and key of a region: both sides must say so."""
        both = frozenset(("bucket", "key"))
        sides = (account.reaches.get(region.name), region.granted.get(account.account_id))
        return all(side == both for side in sides)

    def contradictions(self) -> list[str]:
        """Where one side grants what the other does not know, or a part of it only."""
        found = []
        for region in self.regions:
            for account in self.accounts:
                reaches = account.reaches.get(region.name, frozenset())
                granted = region.granted.get(account.account_id, frozenset())
                if reaches != granted or len(granted) == 1:
                    found.append(
                        f"{account.name} in {region.name}: its roles hold {sorted(reaches)},"
                        f" the policies there grant {sorted(granted)}"
                    )
        return found


def read_holdings(
    aws: Aws,
    *,
    build_account_id: str,
    primary_region: str,
    regions: Sequence[str],
    accounts: Mapping[str, str],
) -> Holdings:
    """Look for the foundation in every region of *regions* and in *accounts* (name to id).

    What has no stack is left out.
    """
    found = [
        region
        for name in sorted(regions)
        if (region := _read_region(aws, build_account_id, name, primary=name == primary_region))
    ]
    return Holdings(
        regions=tuple(found),
        accounts=tuple(
            account
            for name, account_id in accounts.items()
            if (account := _read_account(aws, name, account_id, primary_region, found))
        ),
    )


def _read_region(aws: Aws, account_id: str, name: str, *, primary: bool) -> Region | None:
    stack = _stack(aws, account_id, name, PRIMARY_STACK if primary else REGIONAL_STACK)
    if stack is None:
        return None
    outputs = {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}
    bucket, key_arn = outputs["PipelineBucketName"], outputs["KeyArn"]
    s3, kms = aws.client("s3", account_id, name), aws.client("kms", account_id, name)
    sides = {
        "bucket": _granted(s3.get_bucket_policy(Bucket=bucket)["Policy"], "s3:GetObject"),
        "key": _granted(
            kms.get_key_policy(KeyId=key_arn, PolicyName="default")["Policy"], "kms:Decrypt"
        ),
    }
    principals = {one for side in sides.values() for one in side} - {account_id}
    return Region(
        name=name,
        stack=stack["StackName"],
        status=stack["StackStatus"],
        key_arn=key_arn,
        pipeline_bucket=bucket,
        build_bucket=outputs.get("BuildBucketName"),
        granted={
            one: frozenset(what for what, side in sides.items() if one in side)
            for one in principals
        },
    )


def _read_account(
    aws: Aws, name: str, account_id: str, region: str, regions: Sequence[Region]
) -> Account | None:
    stack = _stack(aws, account_id, region, DEPLOY_STACK)
    if stack is None:
        return None
    iam = aws.client("iam", account_id)
    held = [_resources(iam, role) for role in _ROLES]
    return Account(
        name=name,
        account_id=account_id,
        status=stack["StackStatus"],
        reaches={
            one.name: frozenset(
                what
                for what, arn in (
                    ("bucket", f"arn:aws:s3:::{one.pipeline_bucket}/*"),
                    ("key", one.key_arn),
                )
                if all(arn in resources for resources in held)
            )
            for one in regions
        },
    )


def _stack(aws: Aws, account_id: str, region: str, name: str) -> dict[str, Any] | None:
    stacks = aws.client("cloudformation", account_id, region).describe_stacks()["Stacks"]
    return next((stack for stack in stacks if stack["StackName"] == name), None)


def _granted(policy: str, action: str) -> set[str]:
    """Return the accounts that a policy allows an action to."""
    granted = set()
    for statement in json.loads(policy)["Statement"]:
        if statement["Effect"] == "Allow" and action in _listed(statement["Action"]):
            # AWS keeps an account as its root's ARN.
            granted |= {
                one.split(":")[4] if ":" in one else one
                for one in _listed(statement["Principal"]["AWS"])
            }
    return granted


def _resources(iam: Any, role: str) -> set[str]:
    """Return the resources that the inline policies of a role allow something on."""
    held = set()
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for statement in document["Statement"]:
            if statement["Effect"] == "Allow":
                held |= set(_listed(statement["Resource"]))
    return held


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def as_table(holdings: Holdings, build_account_id: str) -> list[str]:
    """Return the holdings as two tables: accounts by regions, then buckets and keys."""
    accounts = holdings.accounts
    matrix = [
        ["", "build", *(account.name for account in accounts)],
        ["REGION", build_account_id, *(account.account_id for account in accounts)],
    ]
    for region in holdings.regions:
        cells = (_BOTH if holdings.usable(account, region) else _NOTHING for account in accounts)
        matrix.append([region.name, region.stack, *cells])
    matrix.append(["roles", "", *(DEPLOY_STACK for _account in accounts)])

    buckets = [["REGION", "KEY", "BUCKETS"]]
    for region in holdings.regions:
        key_id = region.key_arn.rpartition("/")[2]
        buckets.append([region.name, f"{key_id[:8]}...", region.pipeline_bucket])
        if region.build_bucket:
            buckets.append(["", "", region.build_bucket])
    return [*_columns(matrix), "", *_columns(buckets)]


def _columns(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


__all__ = ("Account", "Holdings", "Region", "as_table", "read_holdings")
