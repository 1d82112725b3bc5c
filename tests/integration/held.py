# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWS holds, asked as the root of each account; and what it has to hold for an inventory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from botocore.exceptions import ClientError

from lab import Lab
from tests.integration.inventory import Inventory
from tests.integration.playbook import StackName

REGIONAL, PRIMARY, DEPLOY = "CrossAccountRegional", "CrossAccountPrimary", "CrossAccountDeploy"
CODEPIPELINE, CLOUDFORMATION = "CrossAccountCodePipeline", "CrossAccountCloudFormation"
# The access roles' own stacks, which an administrator installs.
_ADMINISTRATORS = frozenset({"AccessRole", "DriftAccessRole", "ExecutionPolicy"})
# Every region that a test may have used.
_REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-2", "ap-northeast-1")

Data = dict[str, Any]


class Held:
    """What a lab's accounts hold. Nothing is cached."""

    def __init__(self, lab: Lab, inventory: Inventory) -> None:
        self._lab = lab
        self._inventory = inventory
        self._client = lab.client

    def stacks(self) -> dict[StackName, Data]:
        """Every stack of every account, in every region, but the administrators' own."""
        return {
            StackName(account_id, region, stack["StackName"]): stack
            for account_id in self._account_ids()
            for region in _REGIONS
            for stack in self._client("cloudformation", account_id, region)
            .get_paginator("describe_stacks")
            .paginate()
            .build_full_result()["Stacks"]
            if stack["StackName"] not in _ADMINISTRATORS
        }

    def stack(self, name: StackName) -> Data:
        """One stack. It must exist."""
        client = self._client("cloudformation", name.account_id, name.region)
        (stack,) = client.describe_stacks(StackName=name.name)["Stacks"]
        return dict(stack)

    def status(self, name: StackName) -> str:
        """The status of a stack; empty when it does not exist."""
        try:
            return str(self.stack(name)["StackStatus"])
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            return ""

    def change_sets(self, stacks: Iterable[StackName]) -> list[str]:
        """The ids of stacks' change sets that wait to be executed, or cannot be."""
        return [
            entry["ChangeSetId"]
            for name in stacks
            for entry in self._client(
                "cloudformation", name.account_id, name.region
            ).list_change_sets(StackName=name.name)["Summaries"]
            if not entry["ExecutionStatus"].startswith("EXECUTE_")
        ]

    def parameters(self, name: StackName) -> dict[str, str]:
        """The parameters of a stack."""
        return {
            entry["ParameterKey"]: entry["ParameterValue"]
            for entry in self.stack(name)["Parameters"]
        }

    def outputs(self, name: StackName) -> dict[str, str]:
        """The outputs of a stack."""
        return {
            entry["OutputKey"]: entry["OutputValue"]
            for entry in self.stack(name).get("Outputs", [])
        }

    def beginnings(self, name: StackName) -> list[str]:
        """The operations that a stack went through, newest first: CREATE, UPDATE or the like."""
        client = self._client("cloudformation", name.account_id, name.region)
        pages = client.get_paginator("describe_stack_events").paginate(StackName=name.name)
        return [
            str(event["ResourceStatus"]).removesuffix("_IN_PROGRESS")
            for page in pages
            for event in page["StackEvents"]
            if event["PhysicalResourceId"] == event["StackId"]
            and event["ResourceStatus"].endswith("_IN_PROGRESS")
        ]

    def tags(self, name: StackName) -> dict[str, str]:
        """The tags of a stack."""
        return {entry["Key"]: entry["Value"] for entry in self.stack(name)["Tags"]}

    # The organisation's own places

    @property
    def primary(self) -> StackName:
        """The primary stack."""
        return self.foundation(self._inventory.primary_region)

    def foundation(self, region: str) -> StackName:
        """The build account's stack in a region."""
        name = PRIMARY if region == self._inventory.primary_region else REGIONAL
        return StackName(self._inventory.build_account_id, region, name)

    def deploy(self, host: str) -> StackName:
        """A deploy account's stack."""
        account_id = self._inventory.accounts[host].account_id
        return StackName(account_id, self._inventory.primary_region, DEPLOY)

    def stack_of(self, host: str) -> StackName:
        """The stack of any host."""
        if host in self._inventory.accounts:
            return self.deploy(host)
        if host in self._inventory.pipelines:
            return self.primary._replace(name=f"{host}-pipeline")
        return self.foundation(host if host in self._inventory.regional else self.primary.region)

    def register(self) -> dict[str, tuple[str, str]]:
        """The register as the primary stack holds it: region to key ARN and bucket ARN."""
        parameters = self.parameters(self.primary)
        columns = ("Regions", "RegionKeyArns", "RegionBucketArns")
        rows = zip(*(_items(parameters[column]) for column in columns), strict=True)
        return {region: (key, bucket) for region, key, bucket in rows}

    def store(self, region: str) -> tuple[str, str]:
        """Key ARN and bucket ARN of a region, as its own stack tells them."""
        outputs = self.outputs(self.foundation(region))
        return outputs["KeyArn"], outputs["PipelineBucketArn"]

    def assets(self, region: str) -> str:
        """ARN of a region's asset bucket."""
        return self.outputs(self.foundation(region))["AssetBucketArn"]

    def data_of(self, region: str) -> set[str]:
        """The ARNs of the key and the buckets of the build account's stack in a region."""
        outputs = self.outputs(self.foundation(region))
        names = ("KeyArn", "PipelineBucketArn", "AssetBucketArn", "BuildBucketArn")
        return {outputs[name] for name in names if name in outputs}

    # Data, whether a stack owns it or not

    def owned_data(self) -> set[str]:
        """The ARNs of the keys and buckets that are part of stacks of the build account."""
        found = set()
        for name in self.stacks():
            if name.account_id != self._inventory.build_account_id:
                continue
            client = self._client("cloudformation", name.account_id, name.region)
            pages = client.get_paginator("list_stack_resources").paginate(StackName=name.name)
            for page in pages:
                for one in page["StackResourceSummaries"]:
                    physical_id = one.get("PhysicalResourceId", "")
                    if one["ResourceType"] == "AWS::S3::Bucket":
                        found.add(f"arn:aws:s3:::{physical_id}")
                    elif one["ResourceType"] == "AWS::KMS::Key":
                        found.add(f"arn:aws:kms:{name.region}:{name.account_id}:key/{physical_id}")
        return found

    def data(self) -> set[str]:
        """The ARNs of every bucket, and of every key that is not being deleted."""
        return self.buckets() | {arn for arn, date in self.keys().items() if date is None}

    def retained(self) -> set[str]:
        """The ARNs of keys and buckets that no stack owns any more."""
        return self.data() - self.owned_data()

    def buckets(self) -> set[str]:
        """The ARNs of the build account's buckets."""
        buckets = self._client("s3", self._inventory.build_account_id).list_buckets()["Buckets"]
        return {f"arn:aws:s3:::{bucket['Name']}" for bucket in buckets}

    def keys(self) -> dict[str, str | None]:
        """The keys of the build account by ARN, each with the day of its deletion if there is."""
        found: dict[str, str | None] = {}
        for region in _REGIONS:
            kms = self._client("kms", self._inventory.build_account_id, region)
            for entry in kms.list_keys()["Keys"]:
                metadata = kms.describe_key(KeyId=entry["KeyArn"])["KeyMetadata"]
                date = metadata.get("DeletionDate")
                found[entry["KeyArn"]] = date.date().isoformat() if date else None
        return found

    # Policies, as the services themselves answer

    def bucket_policy(self, arn: str, region: str) -> Data:
        """The policy of a bucket of the build account."""
        client = self._client("s3", self._inventory.build_account_id, region)
        policy: Data = json.loads(client.get_bucket_policy(Bucket=arn.split(":::")[1])["Policy"])
        return policy

    def key_policy(self, arn: str, region: str) -> Data:
        """The policy of a key of the build account."""
        client = self._client("kms", self._inventory.build_account_id, region)
        policy: Data = json.loads(client.get_key_policy(KeyId=arn, PolicyName="default")["Policy"])
        return policy

    def granted(self, region: str) -> tuple[set[str], set[str]]:
        """The other accounts that the policies of a region's key and of its bucket admit."""
        key, bucket = self.store(region)
        policies = (self.key_policy(key, region), self.bucket_policy(bucket, region))
        in_key, in_bucket = (
            _admitted(policy) - {self._inventory.build_account_id} for policy in policies
        )
        return in_key, in_bucket

    def role_policies(self, account_id: str, role: str) -> list[Data]:
        """The inline policies of a role."""
        client = self._client("iam", account_id)
        names = client.list_role_policies(RoleName=role)["PolicyNames"]
        return [
            _document(client.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
            for name in sorted(names)
        ]

    def reach(self, account_id: str, role: str) -> set[str]:
        """The keys and buckets that a role's inline policies allow it, by ARN."""
        return {
            resource.removesuffix("/*")
            for policy in self.role_policies(account_id, role)
            for statement in policy["Statement"]
            if statement["Effect"] == "Allow"
            for resource in _as_list(statement["Resource"])
            if re.match(r"arn:aws:(s3|kms):", resource)
        }

    def everything(self) -> Data:
        """All that a run of the bootstrap could change, to be compared with another moment."""
        build = self._inventory.build_account_id
        buckets = self._client("s3", build).list_buckets()["Buckets"]
        stacks = self.stacks()
        return {
            "stacks": stacks,
            "change sets": sorted(self.change_sets(stacks)),
            "buckets": {bucket["Name"]: self._bucket(bucket["Name"]) for bucket in buckets},
            "keys": {
                key["KeyArn"]: self.key_policy(key["KeyArn"], region)
                for region in _REGIONS
                for key in self._client("kms", build, region).list_keys()["Keys"]
            },
            "roles": {
                role["Arn"]: (
                    _document(role["AssumeRolePolicyDocument"]),
                    self.role_policies(account_id, role["RoleName"]),
                )
                for account_id in self._account_ids()
                for role in self._client("iam", account_id).list_roles()["Roles"]
            },
        }

    def _bucket(self, name: str) -> Data | None:
        client = self._client("s3", self._inventory.build_account_id)
        try:
            policy: Data = json.loads(client.get_bucket_policy(Bucket=name)["Policy"])
        except ClientError:
            return None
        return policy

    def _account_ids(self) -> list[str]:
        organisation = self._lab.organisation
        added = (account.account_id for account in self._inventory.accounts.values())
        return sorted({organisation.build, *organisation.deploy.values(), *added})


def check_complete(
    held: Held,
    inventory: Inventory,
    *,
    without: Iterable[str] = (),
    not_granted: Iterable[str] = (),
    standing: Iterable[str] = (),
) -> None:
    """Assert that AWS holds what the inventory says, no more and no less.

    without: hosts whose stack is missing. not_granted: accounts' hosts that no policy admits.
    standing: hosts that are to be absent, and whose stacks stand all the same.
    """
    left = inventory.absent - set(standing)
    missing, outside = {*without, *left}, set(not_granted)
    accounts = {
        name: account
        for name, account in inventory.accounts.items()
        if not (account.quarantined or account.absent)
    }
    stacks = held.stacks()
    expected = {held.foundation(region) for region in inventory.regions}
    expected |= {held.deploy(name) for name in inventory.accounts}
    expected |= {held.stack_of(name) for name in inventory.pipelines}
    assert stacks.keys() == expected - {held.stack_of(name) for name in missing}
    for name, stack in stacks.items():
        assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), name
        protected = name.name in (REGIONAL, PRIMARY)
        assert stack.get("EnableTerminationProtection", False) is protected, name
    assert held.change_sets(stacks) == []

    regions = [region for region in inventory.regions if region not in missing]
    stores = {region: held.store(region) for region in regions}
    registered = set(regions) - {inventory.primary_region} - inventory.absent
    others = {region: stores[region] for region in registered}
    assert held.register() == others
    for region in regions:
        wanted = {
            account.account_id
            for name, account in accounts.items()
            if region in account.regions and name not in outside
        }
        assert held.granted(region) == (wanted, wanted), region
    for host in accounts.keys() - missing:
        account = accounts[host]
        reached = [region for region in account.regions if region in stores]
        wanted = {arn for region in reached for arn in stores[region]}
        assert held.reach(account.account_id, CODEPIPELINE) == wanted, host
        wanted |= {held.assets(region) for region in reached}
        assert held.reach(account.account_id, CLOUDFORMATION) == wanted, host


def _items(value: str) -> list[str]:
    return value.split(",") if value else []


def _as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _document(value: str | Data) -> Data:
    """IAM gives a document as data or, URL-encoded, as text."""
    return json.loads(unquote(value)) if isinstance(value, str) else value


def _admitted(policy: Data) -> set[str]:
    """The account ids that a policy allows something."""
    return {
        account_id
        for statement in policy["Statement"]
        if statement["Effect"] == "Allow"
        for account_id in re.findall(r"\d{12}", json.dumps(statement["Principal"]))
    }


__all__ = ("CLOUDFORMATION", "CODEPIPELINE", "DEPLOY", "PRIMARY", "REGIONAL", "Held",
           "check_complete")  # fmt: skip
