# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policies and settings of one account and region, as AWS stores them: in its own form."""

from __future__ import annotations

import copy
import json
import types
import urllib.parse
from typing import Any

from tests.fakes.service import FakeService, Refusal

Data = dict[str, Any]


class FakePolicies(FakeService):
    """What carries policies and settings.

    :ivar buckets: policies of buckets; None for a bucket without one.
    :ivar keys: policies of keys.
    :ivar topics: policies of topics.
    :ivar functions: policies of functions; None for a function without one.
    :ivar trusts: trust policies of roles.
    :ivar inline: inline policies of each role.
    :ivar attached: ARNs of the policies attached to each role.
    :ivar settings: other members of each role.
    :ivar concurrency: the reserved concurrency of functions.
    :ivar pipelines: declarations of pipelines.
    :ivar closed: the closed stages of each pipeline, with the reasons.
    :ivar projects: build projects, as BatchGetProjects answers.
    :ivar properties: what operations that read one property answer with, by their names.
    """

    def __init__(self, region: str = "us-east-1") -> None:
        services = ("s3", "kms", "iam", "sns", "lambda", "events", "codepipeline", "codebuild")
        super().__init__(*services, region=region)
        self.buckets: dict[str, Data | None] = {}
        self.keys: dict[str, Data] = {}
        self.topics: dict[str, Data] = {}
        self.functions: dict[str, Data | None] = {}
        self.trusts: dict[str, Data] = {}
        self.inline: dict[str, dict[str, Data]] = {}
        self.attached: dict[str, list[str]] = {}
        self.settings: dict[str, Data] = {}
        self.concurrency: dict[str, int] = {}
        self.pipelines: dict[str, Data] = {}
        self.closed: dict[str, dict[str, str]] = {}
        self.projects: dict[str, Data] = {}
        self.properties: dict[str, Data] = {}
        self.page_size = 100

    @property
    def session(self) -> Any:
        """The session that opens its clients."""
        return types.SimpleNamespace(client=lambda service, _region: self.clients[service])

    def add_role(self, name: str, trust: Data, **inline: Data) -> None:
        """Add a role with nothing attached."""
        self.trusts[name], self.inline[name] = copy.deepcopy(trust), copy.deepcopy(inline)
        self.attached[name] = []

    # S3

    def _get_bucket_policy(self, Bucket: str, ExpectedBucketOwner: str) -> Data:  # noqa: N803
        assert ExpectedBucketOwner
        if Bucket not in self.buckets:
            raise Refusal("NoSuchBucket", "The specified bucket does not exist")
        if self.buckets[Bucket] is None:
            raise Refusal("NoSuchBucketPolicy", "The bucket policy does not exist")
        return {"Policy": json.dumps(self.buckets[Bucket])}

    def _put_bucket_policy(
        self,
        Bucket: str,  # noqa: N803
        ExpectedBucketOwner: str,  # noqa: N803
        Policy: str,  # noqa: N803
    ) -> None:
        assert ExpectedBucketOwner
        self.buckets[Bucket] = json.loads(Policy)

    def _delete_bucket_policy(self, Bucket: str, ExpectedBucketOwner: str) -> None:  # noqa: N803
        assert ExpectedBucketOwner
        self.buckets[Bucket] = None

    # KMS

    def _get_key_policy(self, KeyId: str, PolicyName: str) -> Data:  # noqa: N803
        assert PolicyName == "default"
        if KeyId not in self.keys:
            raise Refusal("NotFoundException", f"Key '{KeyId}' does not exist")
        return {"Policy": json.dumps(self.keys[KeyId])}

    def _put_key_policy(self, KeyId: str, PolicyName: str, Policy: str) -> None:  # noqa: N803
        assert PolicyName == "default"
        self.keys[KeyId] = json.loads(Policy)

    # IAM

    def _get_role(self, RoleName: str) -> Data:  # noqa: N803
        if RoleName not in self.trusts:
            raise Refusal("NoSuchEntity", f"The role with name {RoleName} cannot be found.")
        trust = _encoded(self.trusts[RoleName])
        return {"Role": {"AssumeRolePolicyDocument": trust, **self.settings.get(RoleName, {})}}

    def _update_role(self, RoleName: str, MaxSessionDuration: int) -> None:  # noqa: N803
        self.settings[RoleName]["MaxSessionDuration"] = MaxSessionDuration

    def _put_role_permissions_boundary(self, RoleName: str, PermissionsBoundary: str) -> None:  # noqa: N803
        boundary = {"PermissionsBoundaryArn": PermissionsBoundary}
        self.settings.setdefault(RoleName, {})["PermissionsBoundary"] = boundary

    def _delete_role_permissions_boundary(self, RoleName: str) -> None:  # noqa: N803
        del self.settings[RoleName]["PermissionsBoundary"]

    def _list_role_policies(self, RoleName: str, Marker: str = "0") -> Data:  # noqa: N803
        return self._page("PolicyNames", sorted(self.inline[RoleName]), Marker)

    def _get_role_policy(self, RoleName: str, PolicyName: str) -> Data:  # noqa: N803
        return {
            "RoleName": RoleName,
            "PolicyName": PolicyName,
            "PolicyDocument": _encoded(self.inline[RoleName][PolicyName]),
        }

    def _list_attached_role_policies(self, RoleName: str, Marker: str = "0") -> Data:  # noqa: N803
        attached = [{"PolicyArn": arn} for arn in self.attached[RoleName]]
        return self._page("AttachedPolicies", attached, Marker)

    def _update_assume_role_policy(self, RoleName: str, PolicyDocument: str) -> None:  # noqa: N803
        self.trusts[RoleName] = json.loads(PolicyDocument)

    def _put_role_policy(
        self,
        RoleName: str,  # noqa: N803
        PolicyName: str,  # noqa: N803
        PolicyDocument: str,  # noqa: N803
    ) -> None:
        self.inline[RoleName][PolicyName] = json.loads(PolicyDocument)

    def _delete_role_policy(self, RoleName: str, PolicyName: str) -> None:  # noqa: N803
        del self.inline[RoleName][PolicyName]

    def _attach_role_policy(self, RoleName: str, PolicyArn: str) -> None:  # noqa: N803
        self.attached[RoleName].append(PolicyArn)

    def _detach_role_policy(self, RoleName: str, PolicyArn: str) -> None:  # noqa: N803
        self.attached[RoleName].remove(PolicyArn)

    # SNS

    def _get_topic_attributes(self, TopicArn: str) -> Data:  # noqa: N803
        if TopicArn not in self.topics:
            raise Refusal("NotFound", "Topic does not exist")
        return {"Attributes": {"TopicArn": TopicArn, "Policy": json.dumps(self.topics[TopicArn])}}

    def _set_topic_attributes(
        self,
        TopicArn: str,  # noqa: N803
        AttributeName: str,  # noqa: N803
        AttributeValue: str,  # noqa: N803
    ) -> None:
        assert AttributeName == "Policy"
        self.topics[TopicArn] = json.loads(AttributeValue)

    # Lambda

    def _get_policy(self, FunctionName: str) -> Data:  # noqa: N803
        policy = self.functions.get(FunctionName)
        if policy is None:
            raise Refusal("ResourceNotFoundException", "The resource you requested does not exist.")
        return {"Policy": json.dumps(policy)}

    def _add_permission(self, FunctionName: str, StatementId: str, **request: str) -> Data:  # noqa: N803
        principal = request["Principal"]
        statement: Data = {
            "Sid": StatementId,
            "Effect": "Allow",
            "Principal": {"Service": principal} if "." in principal else {"AWS": principal},
            "Action": request["Action"],
            "Resource": f"arn:aws:lambda:us-east-1:111111111111:function:{FunctionName}",
        }
        if "SourceArn" in request:
            statement["Condition"] = {"ArnLike": {"AWS:SourceArn": request["SourceArn"]}}
        policy = self.functions.get(FunctionName) or {"Version": "2012-10-17", "Statement": []}
        policy["Statement"].append(statement)
        self.functions[FunctionName] = policy
        return {"Statement": json.dumps(statement)}

    def _remove_permission(self, FunctionName: str, StatementId: str) -> None:  # noqa: N803
        policy = self.functions[FunctionName]
        assert policy is not None
        policy["Statement"] = [one for one in policy["Statement"] if one["Sid"] != StatementId]

    def _get_function(self, FunctionName: str) -> Data:  # noqa: N803
        found: Data = {"Configuration": self.properties.get("GetFunction", {})}
        if FunctionName in self.concurrency:
            reserved = self.concurrency[FunctionName]
            found["Concurrency"] = {"ReservedConcurrentExecutions": reserved}
        return found

    def _put_function_concurrency(
        self,
        FunctionName: str,  # noqa: N803
        ReservedConcurrentExecutions: int,  # noqa: N803
    ) -> None:
        self.concurrency[FunctionName] = ReservedConcurrentExecutions

    def _delete_function_concurrency(self, FunctionName: str) -> None:  # noqa: N803
        del self.concurrency[FunctionName]

    # CodePipeline and CodeBuild

    def _get_pipeline(self, name: str) -> Data:
        if name not in self.pipelines:
            raise Refusal("PipelineNotFoundException", f"Account has no pipeline {name}")
        return {"pipeline": copy.deepcopy(self.pipelines[name])}

    def _get_pipeline_state(self, name: str) -> Data:
        closed = self.closed.get(name, {})
        states = [
            {
                "stageName": stage["name"],
                "inboundTransitionState": {
                    "enabled": stage["name"] not in closed,
                    "disabledReason": closed.get(stage["name"], ""),
                },
            }
            for stage in self.pipelines[name]["stages"]
        ]
        return {"stageStates": states}

    def _update_pipeline(self, pipeline: Data) -> None:
        self.pipelines[pipeline["name"]] = copy.deepcopy(pipeline)

    def _batch_get_projects(self, names: list[str]) -> Data:
        return {"projects": [self.projects[name] for name in names if name in self.projects]}

    def _update_project(self, name: str, **members: Any) -> None:
        self.projects[name].update(copy.deepcopy(members))

    def _create_webhook(self, projectName: str, **members: Any) -> None:  # noqa: N803
        self.projects[projectName]["webhook"] = copy.deepcopy(members)

    def _update_webhook(self, projectName: str, **members: Any) -> None:  # noqa: N803
        self.projects[projectName]["webhook"].update(copy.deepcopy(members))

    def _delete_webhook(self, projectName: str) -> None:  # noqa: N803
        del self.projects[projectName]["webhook"]

    # One property

    def __getattr__(self, name: str) -> Any:
        """Answer an operation that reads a property with what the test has put there."""
        operation = "".join(part.capitalize() for part in name.strip("_").split("_"))
        answers = self.__dict__.get("properties", {})
        if operation not in answers:
            raise AttributeError(name)
        return lambda **_request: answers[operation]

    def _page(self, key: str, items: list[Any], marker: str) -> Data:
        begin = int(marker)
        end = begin + self.page_size
        more = {"Marker": str(end)} if end < len(items) else {}
        return {key: items[begin:end], "IsTruncated": bool(more), **more}


def _encoded(document: Data) -> str:
    """IAM answers with documents in the encoding of an address."""
    return urllib.parse.quote(json.dumps(document))
