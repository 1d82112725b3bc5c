# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads every policy of an organisation, with read calls only, on the lab or on AWS."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code

# The organization that every account but a foreign one is in, and where.
ORGANISATION = "o-lab0000000"
UNIT = f"{ORGANISATION}/r-lab0/ou-lab0-workload/"

Kind = Literal["trust", "inline", "managed", "boundary", "resource"]
Document = dict[str, Any]
# A boto3 client for a service in an account and a region.
Clients = Callable[[str, str, str], Any]


class Stack(NamedTuple):
    """One stack whose resources count."""

    account: str
    region: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Policy:
    """One policy document.

    owner: the ARN of what it belongs to: the role, the bucket, the key, the topic.
    account: that of the owner. made_by: the logical id in a stack of ours; empty for the rest.
    """

    owner: str
    account: str
    kind: Kind
    name: str
    document: Document
    made_by: str = ""

    @property
    def title(self) -> str:
        """How a report calls it."""
        return f"{self.made_by or self.owner} {self.name} ({self.kind})"

    @property
    def statements(self) -> list[Document]:
        """Its statements, also where the document holds a single one."""
        found = self.document["Statement"]
        return found if isinstance(found, list) else [found]

    def without(self, index: int) -> Policy:
        """Return the policy without one of its statements."""
        kept = [one for number, one in enumerate(self.statements) if number != index]
        return replace(self, document={**self.document, "Statement": kept})

    def without_action(self, index: int, key: str, action: str) -> Policy:
        """Return the policy without one action of a statement's ``Action`` or ``NotAction``."""
        statements = list(self.statements)
        rest = [one for one in statements[index][key] if one != action]
        statements[index] = {**statements[index], key: rest}
        return replace(self, document={**self.document, "Statement": statements})


@dataclass(frozen=True)
class Resource:
    """One resource of a stack."""

    stack: Stack
    logical_id: str
    type: str
    physical_id: str


@dataclass
class Export:
    """All policies, and what the stacks hold.

    unread: managed policies that are attached and that the reader may not see.
    attachments: pairs of a role and a managed policy, by their ARNs.
    organisation, unit: where the accounts are, as conditions see it.
    """

    policies: list[Policy] = field(default_factory=list)
    resources: list[Resource] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    attachments: list[tuple[str, str]] = field(default_factory=list)
    organisation: str = ORGANISATION
    unit: str = UNIT

    def identity(self, role_arn: str) -> list[Policy]:
        """Return the policies that say what a role may do."""
        kinds = ("inline", "managed")
        return [one for one in self.policies if one.owner == role_arn and one.kind in kinds]

    def bounds(self, role_arn: str) -> list[Policy]:
        """Return the permissions boundary of a role, if it has one."""
        return [one for one in self.policies if one.owner == role_arn and one.kind == "boundary"]

    def attached(self, role_arn: str) -> list[str]:
        """Return the ARNs of a role's managed policies."""
        return [policy for role, policy in self.attachments if role == role_arn]

    def of_resource(self, arn: str) -> Policy | None:
        """Return the policy of a bucket (also by an object), key, topic, or a role's trust."""
        is_object = arn.split(":")[2:3] == ["s3"]
        owner = arn.partition("/")[0] if is_object else arn
        found = (one for one in self.policies if one.owner == owner)
        return next((one for one in found if one.kind in ("trust", "resource")), None)

    def physical_id(self, stack: Stack, logical_id: str) -> str:
        """Return what a resource of a stack is called. Raises KeyError."""
        for one in self.resources:
            if (one.stack, one.logical_id) == (stack, logical_id):
                return one.physical_id
        raise KeyError(f"{stack.name} in {stack.account} {stack.region} has no {logical_id}")


def read_export(
    clients: Clients, stacks: Iterable[Stack], *, roles: Iterable[tuple[str, str]] = ()
) -> Export:
    """Read the policies of everything in *stacks*, and of more *roles* (account, name)."""
    export = Export()
    for stack in stacks:
        cloudformation = clients("cloudformation", stack.account, stack.region)
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack.name)
        for page in pages:
            for summary in page["StackResourceSummaries"]:
                resource = Resource(
                    stack=stack,
                    logical_id=summary["LogicalResourceId"],
                    type=summary["ResourceType"],
                    physical_id=summary.get("PhysicalResourceId", ""),
                )
                _add_resource(export, clients, resource)
    for account, name in roles:
        _add_role(export, clients("iam", account, "us-east-1"), account, name)
    return export


def _add_resource(export: Export, clients: Clients, resource: Resource) -> None:
    export.resources.append(resource)
    stack, name = resource.stack, resource.physical_id
    made_by = f"{stack.name}/{resource.logical_id}"
    if resource.type == "AWS::IAM::Role":
        iam = clients("iam", stack.account, stack.region)
        _add_role(export, iam, stack.account, name, made_by=made_by)
    elif resource.type in _READERS:
        owner, document = _READERS[resource.type](clients, stack, name)
        policy = Policy(
            owner=owner,
            account=stack.account,
            kind="resource",
            name=resource.type.rpartition("::")[2],
            document=json.loads(document),
            made_by=made_by,
        )
        export.policies.append(policy)


def _bucket(clients: Clients, stack: Stack, name: str) -> tuple[str, str]:
    s3 = clients("s3", stack.account, stack.region)
    partition = s3.meta.partition
    return f"arn:{partition}:s3:::{name}", s3.get_bucket_policy(Bucket=name)["Policy"]


def _key(clients: Clients, stack: Stack, name: str) -> tuple[str, str]:
    kms = clients("kms", stack.account, stack.region)
    arn = kms.describe_key(KeyId=name)["KeyMetadata"]["Arn"]
    return arn, kms.get_key_policy(KeyId=name, PolicyName="default")["Policy"]


def _topic(clients: Clients, stack: Stack, name: str) -> tuple[str, str]:
    sns = clients("sns", stack.account, stack.region)
    return name, sns.get_topic_attributes(TopicArn=name)["Attributes"]["Policy"]


_READERS = {
    "AWS::S3::Bucket": _bucket,
    "AWS::KMS::Key": _key,
    "AWS::SNS::Topic": _topic,
}


def _add_role(export: Export, iam: Any, account: str, name: str, *, made_by: str = "") -> None:
    role = iam.get_role(RoleName=name)["Role"]

    def add(kind: Kind, policy_name: str, document: Document) -> None:
        policy = Policy(
            owner=role["Arn"],
            account=account,
            kind=kind,
            name=policy_name,
            document=document,
            made_by=made_by,
        )
        export.policies.append(policy)

    def add_managed(kind: Kind, arn: str) -> None:
        try:
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
        except is_boto3_error_code(["AccessDenied", "NoSuchEntity"]):
            export.unread.add(arn)
        else:
            add(kind, arn.rpartition("/")[2], found["Document"])

    add("trust", "trust", role["AssumeRolePolicyDocument"])
    for page in iam.get_paginator("list_role_policies").paginate(RoleName=name):
        for inline in page["PolicyNames"]:
            found = iam.get_role_policy(RoleName=name, PolicyName=inline)
            add("inline", inline, found["PolicyDocument"])
    for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=name):
        for attached in page["AttachedPolicies"]:
            arn = attached["PolicyArn"]
            export.attachments.append((role["Arn"], arn))
            add_managed("managed", arn)
    if boundary := role.get("PermissionsBoundary"):
        add_managed("boundary", boundary["PermissionsBoundaryArn"])


__all__ = (
    "ORGANISATION",
    "UNIT",
    "Clients",
    "Export",
    "Policy",
    "Resource",
    "Stack",
    "read_export",
)
