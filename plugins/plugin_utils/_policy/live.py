# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Live policies of one account and region: read and restored."""

from __future__ import annotations

import dataclasses
import functools
import json
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code

from .._aws.gateway import AccountSession, Client
from .._errors import ErrorHandler, PipelineError
from .document import parse

Data = dict[str, t.Any]


class Gone(PipelineError):
    """The resource that carries the policy does not exist."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RoleSettings:
    """What limits a role besides its policies.

    :param boundary: ARN of its permissions boundary; empty for none.
    :param session_seconds: the longest session; AWS's default is an hour.
    """

    boundary: str = ""
    session_seconds: int = 3_600

    def as_properties(self) -> dict[str, str]:
        """Return it by the names of a template's properties."""
        return {
            "MaxSessionDuration": str(self.session_seconds),
            "PermissionsBoundary": self.boundary,
        }


@dataclasses.dataclass(frozen=True, kw_only=True)
class LiveRole:
    """The policies and settings of a role.

    :param inline: documents by the names of the policies.
    :param attached: ARNs of managed policies.
    """

    trust: Data | None
    inline: dict[str, Data | None]
    attached: frozenset[str]
    settings: RoleSettings


class LivePolicies:
    """The policies of one account and region. Every method raises PipelineError.

    Those that read raise Gone when the resource that carries the policy does not exist.
    """

    def __init__(self, session: AccountSession, region: str, account_id: str) -> None:
        self._client = functools.cache(lambda service: session.client(service, region))
        self._account_id = account_id

    @property
    def _s3(self) -> Client:
        return self._client("s3")

    @property
    def _iam(self) -> Client:
        return self._client("iam")

    # Reading

    @ErrorHandler.common_error_handler("read the bucket's policy")  # type: ignore[untyped-decorator]
    def bucket(self, name: str) -> Data | None:
        """Return the policy of a bucket of this account, None without one."""
        try:
            answer = self._s3.get_bucket_policy(Bucket=name, ExpectedBucketOwner=self._account_id)
        except is_boto3_error_code("NoSuchBucketPolicy"):
            return None
        except is_boto3_error_code("NoSuchBucket") as exc:
            raise Gone(f"bucket {name} does not exist") from exc
        return parse(answer["Policy"])

    @ErrorHandler.common_error_handler("read the key's policy")  # type: ignore[untyped-decorator]
    def key(self, key_id: str) -> Data | None:
        """Return the policy of a key."""
        try:
            answer = self._client("kms").get_key_policy(KeyId=key_id, PolicyName="default")
        except is_boto3_error_code("NotFoundException") as exc:
            raise Gone(f"key {key_id} does not exist") from exc
        return parse(answer["Policy"])

    @ErrorHandler.common_error_handler("read the role's policies")  # type: ignore[untyped-decorator]
    def role(self, name: str) -> LiveRole:
        """Return the trust, inline and attached policies of a role, and its settings."""
        try:
            role = self._iam.get_role(RoleName=name)["Role"]
        except is_boto3_error_code(["NoSuchEntity", "NoSuchEntityException"]) as exc:
            raise Gone(f"role {name} does not exist") from exc
        names = [
            policy
            for page in self._iam.get_paginator("list_role_policies").paginate(RoleName=name)
            for policy in page["PolicyNames"]
        ]
        attached = self._iam.get_paginator("list_attached_role_policies").paginate(RoleName=name)
        return LiveRole(
            trust=parse(role.get("AssumeRolePolicyDocument")),
            inline={
                policy: parse(
                    self._iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
                )
                for policy in names
            },
            attached=frozenset(
                policy["PolicyArn"] for page in attached for policy in page["AttachedPolicies"]
            ),
            settings=RoleSettings(
                boundary=role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""),
                session_seconds=role.get("MaxSessionDuration", RoleSettings.session_seconds),
            ),
        )

    @ErrorHandler.common_error_handler("read the topic's policy")  # type: ignore[untyped-decorator]
    def topic(self, arn: str) -> Data | None:
        """Return the policy of a topic."""
        try:
            answer = self._client("sns").get_topic_attributes(TopicArn=arn)
        except is_boto3_error_code(["NotFound", "NotFoundException"]) as exc:
            raise Gone(f"topic {arn} does not exist") from exc
        return parse(answer["Attributes"].get("Policy"))

    @ErrorHandler.common_error_handler("read the function's policy")  # type: ignore[untyped-decorator]
    def function(self, name: str) -> Data | None:
        """Return the policy of a function, None without one or without the function."""
        try:
            answer = self._client("lambda").get_policy(FunctionName=name)
        except is_boto3_error_code("ResourceNotFoundException"):
            return None
        return parse(answer["Policy"])

    # Putting back

    @ErrorHandler.common_error_handler("put the bucket's policy back")  # type: ignore[untyped-decorator]
    def put_bucket(self, name: str, document: Data | None) -> None:
        """Give a bucket of this account this policy, or remove its policy."""
        owner = {"Bucket": name, "ExpectedBucketOwner": self._account_id}
        if document is None:
            self._s3.delete_bucket_policy(**owner)
        else:
            self._s3.put_bucket_policy(**owner, Policy=json.dumps(document))

    @ErrorHandler.common_error_handler("put the key's policy back")  # type: ignore[untyped-decorator]
    def put_key(self, key_id: str, document: Data) -> None:
        """Give a key this policy."""
        self._client("kms").put_key_policy(
            KeyId=key_id, PolicyName="default", Policy=json.dumps(document)
        )

    @ErrorHandler.common_error_handler("put the role's trust policy back")  # type: ignore[untyped-decorator]
    def put_trust(self, role: str, document: Data) -> None:
        """Give a role this trust policy."""
        self._iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(document))

    @ErrorHandler.common_error_handler("put the role's policy back")  # type: ignore[untyped-decorator]
    def put_inline(self, role: str, name: str, document: Data | None) -> None:
        """Give a role this inline policy, or remove it."""
        if document is None:
            self._iam.delete_role_policy(RoleName=role, PolicyName=name)
        else:
            self._iam.put_role_policy(
                RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document)
            )

    @ErrorHandler.common_error_handler("attach the role's policy again")  # type: ignore[untyped-decorator]
    def attach(self, role: str, arn: str) -> None:
        """Attach a managed policy to a role."""
        self._iam.attach_role_policy(RoleName=role, PolicyArn=arn)

    @ErrorHandler.common_error_handler("detach the policy from the role")  # type: ignore[untyped-decorator]
    def detach(self, role: str, arn: str) -> None:
        """Detach a managed policy from a role."""
        self._iam.detach_role_policy(RoleName=role, PolicyArn=arn)

    @ErrorHandler.common_error_handler("put the role's setting back")  # type: ignore[untyped-decorator]
    def put_role_setting(self, role: str, prop: str, value: str) -> None:
        """Give a role this MaxSessionDuration or PermissionsBoundary; empty removes it."""
        if prop == "MaxSessionDuration":
            self._iam.update_role(RoleName=role, MaxSessionDuration=int(value))
        elif value:
            self._iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=value)
        else:
            self._iam.delete_role_permissions_boundary(RoleName=role)

    @ErrorHandler.common_error_handler("put the topic's policy back")  # type: ignore[untyped-decorator]
    def put_topic(self, arn: str, document: Data) -> None:
        """Give a topic this policy."""
        self._client("sns").set_topic_attributes(
            TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(document)
        )

    @ErrorHandler.common_error_handler("permit the function's invocation again")  # type: ignore[untyped-decorator]
    def add_permission(self, function: str, permission: t.Mapping[str, str]) -> None:
        """Add a statement to a function's policy."""
        self._client("lambda").add_permission(FunctionName=function, **permission)

    @ErrorHandler.common_error_handler("remove the function's permission")  # type: ignore[untyped-decorator]
    def remove_permission(self, function: str, sid: str) -> None:
        """Remove a statement from a function's policy."""
        self._client("lambda").remove_permission(FunctionName=function, StatementId=sid)


__all__ = ("Gone", "LivePolicies", "LiveRole", "RoleSettings")
