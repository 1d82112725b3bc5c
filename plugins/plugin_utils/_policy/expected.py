# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policies of a deployed template, and how to read them from AWS."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from .._stack.model import Resource
from .carriers import (
    DocumentSubject,
    FunctionSubject,
    Permission,
    RoleExpectation,
    RoleSubject,
    Subject,
)
from .live import LivePolicies, RoleSettings
from .resolver import Deployed, Resolver, Unresolvable

Data = dict[str, t.Any]

_INLINE_TYPES = ("AWS::IAM::Policy", "AWS::IAM::RolePolicy")
_ROLE_PROPERTIES = (
    "AssumeRolePolicyDocument",
    "Policies",
    "ManagedPolicyArns",
    "MaxSessionDuration",
    "PermissionsBoundary",
)
# AddPermission's names of a permission's properties, and the conditions that AWS makes of them.
_CONDITIONS = {
    "EventSourceToken": ("StringEquals", "lambda:EventSourceToken"),
    "PrincipalOrgID": ("StringEquals", "aws:PrincipalOrgID"),
    "SourceAccount": ("StringEquals", "AWS:SourceAccount"),
    "SourceArn": ("ArnLike", "AWS:SourceArn"),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Carrier:
    """Something that carries policies, not read yet.

    :param read: reads its policies; raises Gone if it does not exist, else PipelineError.
    :param parts: logical ids of the other resources that are compared with it.
    """

    resource: Resource
    read: t.Callable[[], Subject]
    parts: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Unresolved:
    """A resource whose policy cannot be resolved from the template."""

    resource: Resource
    why: str


def expected_carriers(
    deployed: Deployed, live: LivePolicies
) -> tuple[list[Carrier], list[Unresolved]]:
    """Return what carries policies in the stack, and what cannot be resolved.

    Raises Unresolvable when nothing of the template can be resolved.
    """
    template = _Template(deployed, live)
    makers: list[tuple[str, t.Callable[[Resource], list[Carrier]]]] = [
        ("AWS::S3::BucketPolicy", template.bucket_policy),
        ("AWS::KMS::Key", template.key),
        ("AWS::IAM::Role", template.role),
        ("AWS::SNS::TopicPolicy", template.topic_policy),
        ("AWS::Lambda::Function", template.function),
        ("AWS::S3::Bucket", template.bare_bucket),
    ]
    carriers: list[Carrier] = []
    unresolved: list[Unresolved] = []
    for resource_type, make in makers:
        for resource in template.resources(resource_type):
            try:
                carriers += make(resource)
            except Unresolvable as exc:
                unresolved.append(Unresolved(resource=resource, why=str(exc)))
    return carriers, unresolved


class _Template:
    """What the template gives each kind of resource."""

    def __init__(self, deployed: Deployed, live: LivePolicies) -> None:
        self._resolver = Resolver(deployed)
        self._live = live
        self._resources = {resource.logical_id: resource for resource in deployed.resources}

    def resources(self, resource_type: str) -> list[Resource]:
        """Return the resources of a type; without those that CloudFormation never created."""
        found = (self._resources.get(name) for name in self._resolver.resource_ids(resource_type))
        return [resource for resource in found if resource is not None and resource.physical_id]

    def bucket_policy(self, resource: Resource) -> list[Carrier]:
        bucket = str(self._property(resource, "Bucket"))
        document = self._property(resource, "PolicyDocument")
        return [self._bucket_document(resource, "PolicyDocument", bucket, document)]

    def bare_bucket(self, resource: Resource) -> list[Carrier]:
        """Return a bucket without a policy, where the template gives it none."""
        with_policy = {
            self._resolver.property(logical_id, "Bucket")
            for logical_id in self._resolver.resource_ids("AWS::S3::BucketPolicy")
        }
        bucket = resource.physical_id
        if bucket in with_policy:
            return []
        return [self._bucket_document(resource, "BucketPolicy", bucket, None)]

    def _bucket_document(
        self, resource: Resource, prop: str, bucket: str, document: Data | None
    ) -> Carrier:
        return self._document(
            resource,
            prop,
            f"policy of bucket {bucket}",
            document,
            read=functools.partial(self._live.bucket, bucket),
            put=functools.partial(self._live.put_bucket, bucket),
        )

    def key(self, resource: Resource) -> list[Carrier]:
        key_id = resource.physical_id
        document = self._property(resource, "KeyPolicy")
        if document is None:
            raise Unresolvable("the template gives the key no policy, so AWS gives it its default")
        return [
            self._document(
                resource,
                "KeyPolicy",
                f"policy of key {key_id}",
                document,
                read=functools.partial(self._live.key, key_id),
                put=functools.partial(self._live.put_key, key_id),
            )
        ]

    def topic_policy(self, resource: Resource) -> list[Carrier]:
        document = self._property(resource, "PolicyDocument")
        return [
            self._document(
                resource,
                "PolicyDocument",
                f"policy of topic {topic}",
                document,
                read=functools.partial(self._live.topic, topic),
                put=functools.partial(self._live.put_topic, topic),
            )
            for topic in self._property(resource, "Topics")
        ]

    def role(self, resource: Resource) -> list[Carrier]:
        name = resource.physical_id
        own = {
            key: value
            for key in _ROLE_PROPERTIES
            if (value := self._property(resource, key)) is not None
        }
        inline = {
            str(policy["PolicyName"]): (resource, policy["PolicyDocument"])
            for policy in own.get("Policies", [])
        }
        parts = []
        for policy_id in self._resolver.resource_ids(*_INLINE_TYPES):
            roles = self._resolver.property(policy_id, "Roles", [])
            if name in [*roles, self._resolver.property(policy_id, "RoleName")]:
                policy = str(self._resolver.property(policy_id, "PolicyName"))
                document = self._resolver.property(policy_id, "PolicyDocument")
                inline[policy] = (self._resources.get(policy_id, resource), document)
                parts.append(policy_id)
        expected = RoleExpectation(
            name=name,
            trust=own["AssumeRolePolicyDocument"],
            inline=inline,
            attached=self._attached(name, own),
            settings=RoleSettings(
                boundary=str(own.get("PermissionsBoundary", "")),
                session_seconds=int(own.get("MaxSessionDuration", RoleSettings.session_seconds)),
            ),
            own=own,
        )

        def read() -> Subject:
            actual = self._live.role(name)
            return RoleSubject(
                resource,
                expected,
                actual=actual,
                partition=self._resolver.partition,
                live=self._live,
            )

        return [Carrier(resource=resource, read=read, parts=tuple(parts))]

    def _attached(self, role: str, own: Data) -> frozenset[str]:
        attached = set(own.get("ManagedPolicyArns", []))
        for policy_id in self._resolver.resource_ids("AWS::IAM::ManagedPolicy"):
            is_of_role = role in self._resolver.property(policy_id, "Roles", [])
            if is_of_role and policy_id in self._resources:
                attached.add(self._resources[policy_id].physical_id)
        return frozenset(attached)

    def function(self, resource: Resource) -> list[Carrier]:
        arn = self._resolver.resolve({"Fn::GetAtt": [resource.logical_id, "Arn"]})
        permissions = [
            _permission(self._resolver, self._resources[logical_id], arn)
            for logical_id in self._resolver.resource_ids("AWS::Lambda::Permission")
            if self._resolver.property(logical_id, "FunctionName") in (arn, resource.physical_id)
            and logical_id in self._resources
        ]

        def read() -> Subject:
            actual = self._live.function(resource.physical_id)
            return FunctionSubject(
                resource,
                permissions,
                actual=actual,
                partition=self._resolver.partition,
                live=self._live,
            )

        parts = tuple(permission.resource.logical_id for permission in permissions)
        return [Carrier(resource=resource, read=read, parts=parts)]

    def _property(self, resource: Resource, name: str) -> t.Any:
        return self._resolver.property(resource.logical_id, name)

    def _document(
        self,
        resource: Resource,
        prop: str,
        what: str,
        document: Data | None,
        *,
        read: t.Callable[[], Data | None],
        put: t.Callable[[t.Any], None],
    ) -> Carrier:
        def read_subject() -> Subject:
            return DocumentSubject(
                resource,
                prop=prop,
                what=what,
                document=document,
                actual=read(),
                partition=self._resolver.partition,
                put=put,
            )

        return Carrier(resource=resource, read=read_subject)


def _permission(resolver: Resolver, resource: Resource, function_arn: str) -> Permission:
    """Return the policy statement that AWS makes of a template's permission."""
    given = resolver.properties(resource.logical_id)
    known = {"FunctionName", "Action", "Principal", *_CONDITIONS}
    if not given.keys() <= known:
        names = ", ".join(sorted(given.keys() - known))
        raise Unresolvable(f"{resource} sets {names}, which is not known here")
    sid, principal = resource.physical_id.rpartition("|")[2], str(given["Principal"])
    statement: Data = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": principal} if principal.count(".") else {"AWS": principal},
        "Action": given["Action"],
        "Resource": function_arn,
    }
    for name, (operator, key) in _CONDITIONS.items():
        if name in given:
            statement.setdefault("Condition", {}).setdefault(operator, {})[key] = given[name]
    request = {name: str(value) for name, value in given.items() if name != "FunctionName"}
    return Permission(
        resource=resource, statement=statement, request={"StatementId": sid, **request}
    )


__all__ = ("Carrier", "Unresolved", "expected_carriers")
