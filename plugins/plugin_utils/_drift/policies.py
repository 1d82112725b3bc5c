# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The live policies of one stack against its template, and against what CloudFormation says."""

from __future__ import annotations

import functools
import typing as t

from .._errors import PipelineError
from .._policy.carriers import (
    DocumentSubject,
    FunctionSubject,
    Permission,
    Repair,
    RoleExpectation,
    RoleSubject,
    Subject,
)
from .._policy.live import Gone, LivePolicies
from .._policy.resolver import Deployed, Resolver, Unresolvable
from .detection import ResourceDrift
from .finding import Finding, Resource, Unchecked

Data = dict[str, t.Any]

# Resources that are a policy and nothing else: compared here, they are compared whole.
_POLICY_TYPES = frozenset(
    {
        "AWS::IAM::Policy",
        "AWS::IAM::RolePolicy",
        "AWS::Lambda::Permission",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::TopicPolicy",
    }
)
_INLINE_TYPES = ("AWS::IAM::Policy", "AWS::IAM::RolePolicy")
# AddPermission's names of a permission's properties, and the conditions that AWS makes of them.
_CONDITIONS = {
    "EventSourceToken": ("StringEquals", "lambda:EventSourceToken"),
    "PrincipalOrgID": ("StringEquals", "aws:PrincipalOrgID"),
    "SourceAccount": ("StringEquals", "AWS:SourceAccount"),
    "SourceArn": ("ArnLike", "AWS:SourceArn"),
}


class PolicyDrift:
    """The policies of one stack: made ready, read, and judged.

    :param deployed: the stack as it is deployed.
    :param live: the policies of its account and region.
    """

    def __init__(self, deployed: Deployed, live: LivePolicies) -> None:
        self._deployed = deployed
        self._live = live
        self._resources = {one.logical_id: one for one in deployed.resources}
        self._subjects: list[Subject] = []
        self._unread: list[Unchecked] = []
        self._gone: list[Resource] = []

    def read(self) -> None:
        """Read every policy. What cannot be resolved or read is told, and stops no other."""
        self._subjects, self._unread, self._gone = [], [], []
        try:
            resolver = Resolver(self._deployed)
            subjects = self._expected(resolver)
        except Unresolvable as exc:
            self._unread.append(Unchecked(why=f"its policies cannot be compared: {exc}"))
            return
        for subject in subjects:
            try:
                subject.read()
            except Gone:
                self._gone.append(subject.resource)
            except PipelineError as exc:
                self._unread.append(Unchecked(resource=subject.resource, why=str(exc)))
            else:
                self._subjects.append(subject)

    def judge(
        self, drifts: t.Sequence[ResourceDrift]
    ) -> tuple[list[Finding], list[Unchecked], set[tuple[str, str]]]:
        """Return what differs, what could not be compared, and the properties in dispute.

        A property is in dispute where CloudFormation expects something else than the template
        resolves to here: then nothing is said of it but that.
        """
        told = {drift.resource.logical_id: drift for drift in drifts}
        findings: list[Finding] = []
        unchecked = list(self._unread)
        disputes: set[tuple[str, str]] = set()
        for subject in self._subjects:
            logical_id = subject.resource.logical_id
            for prop in _disputed(subject, told.get(logical_id)):
                disputes.add((logical_id, prop))
                why = (
                    f"CloudFormation expects another {prop} than the template resolves to here, so"
                    " it was not compared with what is there"
                )
                unchecked.append(Unchecked(resource=subject.resource, why=why))
            findings += [
                one
                for one in subject.findings()
                if (one.resource.logical_id, _top(one)) not in disputes
            ]
        for resource in self._gone:
            drift = told.get(resource.logical_id)
            if drift is None or drift.status != "DELETED":
                message = f"{resource}: what carries its policy does not exist"
                findings.append(
                    Finding(kind="policy", resource=resource, difference="DELETED", message=message)
                )
        return findings, unchecked, disputes

    def repairs(self, disputes: t.Collection[tuple[str, str]]) -> list[Repair]:
        """Return the writes that put right what differs, and is not in dispute."""
        return [
            repair
            for subject in self._subjects
            for repair in subject.repairs()
            if (subject.resource.logical_id, repair.top) not in disputes
        ]

    def merge(
        self,
        drifted: t.Iterable[Finding],
        policies: t.Sequence[Finding],
        drifts: t.Iterable[ResourceDrift],
    ) -> list[Finding]:
        """Return both kinds of findings, each thing once: a policy by its statements.

        CloudFormation's word stays wherever the comparison here found nothing, unless it is only
        another way to write the same document.
        """
        seen = {(one.resource.logical_id, _top(one)) for one in policies}
        resources = {logical_id for logical_id, _property in seen}
        subjects = {subject.resource.logical_id: subject for subject in self._subjects}
        told = {drift.resource.logical_id: drift for drift in drifts}

        def is_told(finding: Finding) -> bool:
            logical_id, prop = finding.resource.logical_id, _top(finding)
            if (logical_id, prop) in seen:
                return True
            if finding.difference == "DELETED":
                return finding.resource.resource_type in _POLICY_TYPES and logical_id in resources
            subject, drift = subjects.get(logical_id), told.get(logical_id)
            if subject is None or drift is None or drift.expected is None or drift.actual is None:
                return False
            return _say_the_same(subject, prop, drift.expected, drift.actual) is True

        return [one for one in drifted if not is_told(one)] + list(policies)

    def still_unchecked(
        self, unchecked: t.Iterable[Unchecked], disputes: t.Collection[tuple[str, str]]
    ) -> list[Unchecked]:
        """Return those that the comparison here did not make up for."""
        compared = {subject.resource.logical_id for subject in self._subjects}
        compared |= self._compared_with_others()
        compared -= {logical_id for logical_id, _property in disputes}
        return [
            one
            for one in unchecked
            if one.resource.resource_type not in _POLICY_TYPES
            or one.resource.logical_id not in compared
        ]

    def _compared_with_others(self) -> set[str]:
        """Policies and permissions that were compared as a part of a role or function."""
        return {
            logical_id
            for subject in self._subjects
            for logical_id in self._parts.get(subject.resource.logical_id, ())
        }

    # What the template expects

    def _expected(self, resolver: Resolver) -> list[Subject]:
        self._parts: dict[str, list[str]] = {}
        makers: list[tuple[tuple[str, ...], t.Callable[[Resolver, Resource], list[Subject]]]] = [
            (("AWS::S3::BucketPolicy",), self._bucket_policy),
            (("AWS::KMS::Key",), self._key),
            (("AWS::IAM::Role",), self._role),
            (("AWS::SNS::TopicPolicy",), self._topic_policy),
            (("AWS::Lambda::Function",), self._function),
            (("AWS::S3::Bucket",), self._bare_bucket),
        ]
        result: list[Subject] = []
        for types, make in makers:
            for logical_id in resolver.resource_ids(*types):
                resource = self._resources.get(logical_id)
                if resource is None or not resource.physical_id:
                    continue  # CloudFormation never made it, which is the stack's status to tell
                try:
                    result += make(resolver, resource)
                except Unresolvable as exc:
                    why = f"its policy cannot be compared: {exc}"
                    self._unread.append(Unchecked(resource=resource, why=why))
        return result

    def _document(
        self,
        resource: Resource,
        prop: str,
        what: str,
        document: Data | None,
        *,
        partition: str,
        read: t.Callable[[], Data | None],
        put: t.Callable[[t.Any], None],
    ) -> Subject:
        return DocumentSubject(
            resource,
            prop=prop,
            what=what,
            document=document,
            partition=partition,
            read=read,
            put=put,
        )

    def _bucket_policy(self, resolver: Resolver, resource: Resource) -> list[Subject]:
        bucket = str(resolver.property(resource.logical_id, "Bucket"))
        return [
            self._document(
                resource,
                "PolicyDocument",
                f"policy of bucket {bucket}",
                resolver.property(resource.logical_id, "PolicyDocument"),
                partition=resolver.partition,
                read=functools.partial(self._live.bucket, bucket),
                put=functools.partial(self._live.put_bucket, bucket),
            )
        ]

    def _bare_bucket(self, resolver: Resolver, resource: Resource) -> list[Subject]:
        """A bucket that the template gives no policy has none."""
        with_policy = {
            resolver.property(logical_id, "Bucket")
            for logical_id in resolver.resource_ids("AWS::S3::BucketPolicy")
        }
        bucket = resource.physical_id
        if bucket in with_policy:
            return []
        return [
            self._document(
                resource,
                "BucketPolicy",
                f"policy of bucket {bucket}",
                None,
                partition=resolver.partition,
                read=functools.partial(self._live.bucket, bucket),
                put=functools.partial(self._live.put_bucket, bucket),
            )
        ]

    def _key(self, resolver: Resolver, resource: Resource) -> list[Subject]:
        key_id = resource.physical_id
        document = resolver.property(resource.logical_id, "KeyPolicy")
        if document is None:
            raise Unresolvable("the template gives the key no policy, and AWS a default one")
        return [
            self._document(
                resource,
                "KeyPolicy",
                f"policy of key {key_id}",
                document,
                partition=resolver.partition,
                read=functools.partial(self._live.key, key_id),
                put=functools.partial(self._live.put_key, key_id),
            )
        ]

    def _topic_policy(self, resolver: Resolver, resource: Resource) -> list[Subject]:
        document = resolver.property(resource.logical_id, "PolicyDocument")
        return [
            self._document(
                resource,
                "PolicyDocument",
                f"policy of topic {topic}",
                document,
                partition=resolver.partition,
                read=functools.partial(self._live.topic, topic),
                put=functools.partial(self._live.put_topic, topic),
            )
            for topic in resolver.property(resource.logical_id, "Topics")
        ]

    def _role(self, resolver: Resolver, resource: Resource) -> list[Subject]:
        name, logical_id = resource.physical_id, resource.logical_id
        own = {
            key: value
            for key in ("AssumeRolePolicyDocument", "Policies", "ManagedPolicyArns")
            if (value := resolver.property(logical_id, key)) is not None
        }
        inline = {
            str(policy["PolicyName"]): (resource, policy["PolicyDocument"])
            for policy in own.get("Policies", [])
        }
        parts = self._parts.setdefault(logical_id, [])
        for policy_id in resolver.resource_ids(*_INLINE_TYPES):
            roles = resolver.property(policy_id, "Roles", [])
            if name in [*roles, resolver.property(policy_id, "RoleName")]:
                policy = str(resolver.property(policy_id, "PolicyName"))
                document = resolver.property(policy_id, "PolicyDocument")
                inline[policy] = (self._resources.get(policy_id, resource), document)
                parts.append(policy_id)
        attached = set(own.get("ManagedPolicyArns", []))
        for policy_id in resolver.resource_ids("AWS::IAM::ManagedPolicy"):
            if name in resolver.property(policy_id, "Roles", []) and policy_id in self._resources:
                attached.add(self._resources[policy_id].physical_id)
        expected = RoleExpectation(
            name=name,
            trust=own["AssumeRolePolicyDocument"],
            inline=inline,
            attached=frozenset(attached),
            own=own,
        )
        return [RoleSubject(resource, expected, partition=resolver.partition, live=self._live)]

    def _function(self, resolver: Resolver, resource: Resource) -> list[Subject]:
        arn = resolver.resolve({"Fn::GetAtt": [resource.logical_id, "Arn"]})
        permissions = []
        parts = self._parts.setdefault(resource.logical_id, [])
        for logical_id in resolver.resource_ids("AWS::Lambda::Permission"):
            function = resolver.property(logical_id, "FunctionName")
            if function not in (arn, resource.physical_id):
                continue
            if logical_id in self._resources:
                permission = self._resources[logical_id]
                permissions.append(_permission(resolver, permission, arn))
                parts.append(logical_id)
        return [
            FunctionSubject(resource, permissions, partition=resolver.partition, live=self._live)
        ]


def _permission(resolver: Resolver, resource: Resource, function_arn: str) -> Permission:
    """Return what AWS makes of a permission of the template in the function's policy."""
    given = resolver.properties(resource.logical_id)
    known = {"FunctionName", "Action", "Principal", *_CONDITIONS}
    if not given.keys() <= known:
        names = ", ".join(sorted(given.keys() - known))
        raise Unresolvable(f"{resource} sets {names}, which is not understood here")
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


def _disputed(subject: Subject, drift: ResourceDrift | None) -> list[str]:
    """Return the properties that CloudFormation expects to be something else."""
    if drift is None or drift.expected is None:
        return []
    expected = subject.expected()
    return [
        prop for prop in expected if _say_the_same(subject, prop, expected, drift.expected) is False
    ]


def _say_the_same(subject: Subject, prop: str, one: Data, other: Data) -> bool | None:
    """Return whether two sets of properties say the same; what is in no known form does not."""
    try:
        return subject.same(prop, one, other)
    except (AttributeError, KeyError, TypeError, ValueError):
        return False


def _top(finding: Finding) -> str:
    return finding.property.partition(".")[0]


__all__ = ("PolicyDrift",)
