# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What somebody does to an organisation by hand, and how each is put right by hand.

As the root of an account: AWS asks for no permission, and no call counts as the run's.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab import Lab
from tests.integration.held import CLOUDFORMATION, CODEPIPELINE, Held
from tests.integration.playbook import StackName
from tests.integration.waiting import wait_until

Data = dict[str, Any]
Undo = Callable[[], object]

REGION_A, REGION_B, PRIMARY_HOST = "ap-southeast-2", "eu-west-1", "build"
# The stack of an unknown hand: in an account and region of the organisation, with our tag.
UNKNOWN = StackName("333333333333", "us-east-1", "Forgotten")
ADDED_POLICY = "ByHand"
_EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


@dataclass(frozen=True, kw_only=True)
class Trace:
    """What a report has to say of it: where, and at least the beginning of the property."""

    kind: str
    host: str
    resource: str = ""
    property: str = ""

    def fits(self, finding: Data) -> bool:
        """Whether a finding of a report is this."""
        return all(
            finding[name] == getattr(self, name) for name in ("kind", "host", "resource")
        ) and str(finding["property"]).startswith(self.property)


class Tamperer:
    """Does them to a bootstrapped organisation. Each returns how to undo it."""

    def __init__(self, lab: Lab, held: Held) -> None:
        self._lab = lab
        self._held = held

    def bucket_policy(self) -> Undo:
        """An account that is no target may read the artifacts of a region."""
        s3, bucket = self._client("s3", REGION_B), self._id(REGION_B, "PipelineBucket")
        before = s3.get_bucket_policy(Bucket=bucket)["Policy"]
        grant = {
            "Sid": "ByHand",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{self._lab.organisation.management}:root"},
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{bucket}/*",
        }
        s3.put_bucket_policy(Bucket=bucket, Policy=_with(before, grant))
        return lambda: s3.put_bucket_policy(Bucket=bucket, Policy=before)

    def key_policy(self) -> Undo:
        """The administrators of the key may use it."""
        kms, key = self._client("kms", PRIMARY_HOST), self._id(PRIMARY_HOST, "Key")
        before = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
        account_id = self._held.primary.account_id
        grant = {
            "Sid": "ByHand",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{account_id}:root"},
            "Action": "kms:Decrypt",
            "Resource": "*",
        }

        def put(policy: str) -> None:
            kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)

        put(_with(before, grant))
        return lambda: put(before)

    def rotation(self) -> Undo:
        """A key is not rotated any more."""
        kms, key = self._client("kms", REGION_A), self._id(REGION_A, "Key")
        kms.disable_key_rotation(KeyId=key)
        return lambda: kms.enable_key_rotation(KeyId=key)

    def disabled_key(self) -> Undo:
        """Nothing can be encrypted or read in a region."""
        kms, key = self._client("kms", REGION_B), self._id(REGION_B, "Key")
        kms.disable_key(KeyId=key)
        return lambda: kms.enable_key(KeyId=key)

    def no_concurrency(self) -> Undo:
        """Copies between regions never run."""
        function = self._id(PRIMARY_HOST, "SyncArtifactsFunction")
        api = self._client("lambda", PRIMARY_HOST)
        api.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
        return lambda: api.delete_function_concurrency(FunctionName=function)

    def boundary(self) -> Undo:
        """CloudFormation may only read."""
        iam = self._client("iam", "development")
        iam.put_role_permissions_boundary(
            RoleName=CLOUDFORMATION,
            PermissionsBoundary="arn:aws:iam::aws:policy/ReadOnlyAccess",
        )
        return lambda: iam.delete_role_permissions_boundary(RoleName=CLOUDFORMATION)

    def added_policy(self) -> Undo:
        """The role that pipelines act with may do everything."""
        iam = self._client("iam", "development")
        policy = {"RoleName": CODEPIPELINE, "PolicyName": ADDED_POLICY}
        iam.put_role_policy(**policy, PolicyDocument=json.dumps(_EVERYTHING))
        return lambda: iam.delete_role_policy(**policy)

    def detached_policy(self) -> Undo:
        """CloudFormation may not make what it deploys."""
        iam = self._client("iam", "development")
        attached = iam.list_attached_role_policies(RoleName=CLOUDFORMATION)["AttachedPolicies"]
        policy = {"RoleName": CLOUDFORMATION, "PolicyArn": attached[0]["PolicyArn"]}
        iam.detach_role_policy(**policy)
        return lambda: iam.attach_role_policy(**policy)

    def trust(self) -> Undo:
        """Everybody of the build account may deploy."""
        iam = self._client("iam", "testing")
        before = iam.get_role(RoleName=CODEPIPELINE)["Role"]["AssumeRolePolicyDocument"]
        statements = [
            {name: value for name, value in statement.items() if name != "Condition"}
            for statement in before["Statement"]
        ]

        def put(document: Data) -> None:
            iam.update_assume_role_policy(
                RoleName=CODEPIPELINE, PolicyDocument=json.dumps(document)
            )

        put({**before, "Statement": statements})
        return lambda: put(before)

    def timeout(self) -> Undo:
        """Copies between regions end too early."""
        function = self._id(PRIMARY_HOST, "SyncArtifactsFunction")
        api = self._client("lambda", PRIMARY_HOST)
        before = api.get_function_configuration(FunctionName=function)["Timeout"]
        api.update_function_configuration(FunctionName=function, Timeout=3)
        return lambda: api.update_function_configuration(FunctionName=function, Timeout=before)

    def alias(self) -> Undo:
        """The alias of a region's key names another key."""
        kms, alias = self._client("kms", REGION_B), self._id(REGION_B, "KeyAlias")
        other = kms.create_key(Description="Of nobody")["KeyMetadata"]["KeyId"]
        kms.update_alias(AliasName=alias, TargetKeyId=other)
        key = self._id(REGION_B, "Key")
        return lambda: kms.update_alias(AliasName=alias, TargetKeyId=key)

    def deleted_stack(self) -> Undo:
        """An account's stack is deleted."""
        stack = self._held.deploy("production")
        api = self._client("cloudformation", "production")
        api.update_termination_protection(StackName=stack.name, EnableTerminationProtection=False)
        api.delete_stack(StackName=stack.name)
        wait_until(lambda: self._held.status(stack) == "", "it is deleted")
        return by_a_run

    def parameter(self) -> Undo:
        """A region's stack is updated by hand, with a value of another mind."""
        stack = self._held.foundation(REGION_A)
        api = self._client("cloudformation", REGION_A)
        given = [
            {"ParameterKey": name, "UsePreviousValue": True}
            for name in self._held.parameters(stack)
            if name != "ArtifactRetentionDays"
        ]
        given.append({"ParameterKey": "ArtifactRetentionDays", "ParameterValue": "90"})
        api.update_stack(StackName=stack.name, UsePreviousTemplate=True, Parameters=given)
        wait_until(lambda: self._held.status(stack) == "UPDATE_COMPLETE", "it is updated")
        return by_a_run

    def register(self) -> Undo:
        """A region leaves the register by hand; its key and bucket stay in it."""
        stack = self._held.primary
        api = self._client("cloudformation", PRIMARY_HOST)
        given = [
            {"ParameterKey": name, "UsePreviousValue": True}
            for name in self._held.parameters(stack)
            if name != "Regions"
        ]
        given.append({"ParameterKey": "Regions", "ParameterValue": REGION_A})
        api.update_stack(
            StackName=stack.name,
            UsePreviousTemplate=True,
            Parameters=given,
            Capabilities=["CAPABILITY_IAM"],
        )
        wait_until(lambda: self._held.status(stack) == "UPDATE_COMPLETE", "it is updated")
        return by_a_run

    def tag(self) -> Undo:
        """A key loses the tag by which it is found."""
        kms, key = self._client("kms", REGION_A), self._id(REGION_A, "Key")
        found = kms.list_resource_tags(KeyId=key)["Tags"]
        (tag,) = [one for one in found if one["TagKey"] == "crossaccount:group"]
        kms.untag_resource(KeyId=key, TagKeys=[tag["TagKey"]])
        return lambda: kms.tag_resource(KeyId=key, Tags=[tag])

    def unknown_stack(self) -> Undo:
        """A stack with our tag that no host stands for."""
        api = self._lab.client("cloudformation", UNKNOWN.account_id, UNKNOWN.region)
        topic = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
        api.create_stack(
            StackName=UNKNOWN.name,
            TemplateBody=json.dumps(topic),
            Tags=[{"Key": "crossaccount:group", "Value": "deploy_accounts"}],
        )
        wait_until(lambda: self._held.status(UNKNOWN) == "CREATE_COMPLETE", "it is created")
        return lambda: api.delete_stack(StackName=UNKNOWN.name)

    def dead_principal(self) -> str:
        """A role may read the artifacts of a region, and goes. Its id is returned."""
        account_id, region = self._held.deploy("testing").account_id, REGION_A
        iam = self._lab.client("iam", account_id)
        root = {"AWS": f"arn:aws:iam::{account_id}:root"}
        trust = {"Effect": "Allow", "Principal": root, "Action": "sts:AssumeRole"}
        role = iam.create_role(
            RoleName="Reader",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )["Role"]
        s3, bucket = self._client("s3", region), self._id(region, "PipelineBucket")
        grant = {
            "Sid": "ByHand",
            "Effect": "Allow",
            "Principal": {"AWS": role["Arn"]},
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{bucket}/*",
        }
        before = s3.get_bucket_policy(Bucket=bucket)["Policy"]
        s3.put_bucket_policy(Bucket=bucket, Policy=_with(before, grant))
        iam.delete_role(RoleName="Reader")
        return str(role["RoleId"])

    def unseen(self) -> None:
        """What CloudFormation does not look at, all of it in the primary stack."""
        role = self._id(PRIMARY_HOST, "SyncArtifactsRole")
        administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
        iam = self._client("iam", PRIMARY_HOST)
        iam.attach_role_policy(RoleName=role, PolicyArn=administrator)
        iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=administrator)
        sns, topic = self._client("sns", PRIMARY_HOST), self._id(PRIMARY_HOST, "ApprovalTopic")
        before = sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]
        grant = {
            "Sid": "ByHand",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{self._lab.organisation.management}:root"},
            "Action": "sns:Publish",
            "Resource": topic,
        }
        sns.set_topic_attributes(
            TopicArn=topic, AttributeName="Policy", AttributeValue=_with(before, grant)
        )
        self._client("lambda", PRIMARY_HOST).add_permission(
            FunctionName=self._id(PRIMARY_HOST, "SyncArtifactsFunction"),
            StatementId="ByHand",
            Action="lambda:InvokeFunction",
            Principal=self._lab.organisation.management,
        )

    def unapproved(self, application: str) -> None:
        """A pipeline releases to production unasked, and what starts it is off."""
        api = self._client("codepipeline", PRIMARY_HOST)
        pipeline = api.get_pipeline(name=application)["pipeline"]
        for stage in pipeline["stages"]:
            stage["actions"] = [
                action
                for action in stage["actions"]
                if action["actionTypeId"]["category"] != "Approval"
            ]
        api.update_pipeline(pipeline=pipeline)
        self._client("events", PRIMARY_HOST).disable_rule(Name=f"{application}-start")
        builds = self._client("codebuild", PRIMARY_HOST)
        [project] = builds.batch_get_projects(names=[f"{application}-release"])["projects"]
        source = {**project["source"], "buildspec": "another.yml"}
        builds.update_project(name=project["name"], source=source)
        self._client("iam", PRIMARY_HOST).put_role_policy(
            RoleName=f"{application}-pipeline",
            PolicyName=ADDED_POLICY,
            PolicyDocument=json.dumps(_EVERYTHING),
        )

    def _client(self, service: str, host: str) -> Any:
        stack = self._held.stack_of(host)
        return self._lab.client(service, stack.account_id, stack.region)

    def _id(self, host: str, logical_id: str) -> str:
        """The physical id of a resource of a host's stack."""
        answer = self._client("cloudformation", host).describe_stack_resource(
            StackName=self._held.stack_of(host).name, LogicalResourceId=logical_id
        )
        return str(answer["StackResourceDetail"]["PhysicalResourceId"])


def _with(policy: str, statement: Data) -> str:
    document = json.loads(policy)
    return json.dumps({**document, "Statement": [*document["Statement"], statement]})


def by_a_run() -> None:
    """Undone by a run of the bootstrap, and by nothing else."""


# By kind: how it is done, and what a report says of it.
KINDS: dict[str, tuple[Callable[[Tamperer], Undo], Trace]] = {
    "bucket policy": (
        Tamperer.bucket_policy,
        Trace(
            kind="policy",
            host=REGION_B,
            resource="PipelineBucketPolicy",
            property="PolicyDocument",
        ),
    ),
    "key policy": (
        Tamperer.key_policy,
        Trace(kind="policy", host=PRIMARY_HOST, resource="Key", property="KeyPolicy"),
    ),
    "rotation off": (
        Tamperer.rotation,
        Trace(kind="drifted", host=REGION_A, resource="Key", property="EnableKeyRotation"),
    ),
    "key disabled": (
        Tamperer.disabled_key,
        Trace(kind="drifted", host=REGION_B, resource="Key", property="Enabled"),
    ),
    "no concurrency": (
        Tamperer.no_concurrency,
        Trace(
            kind="drifted",
            host=PRIMARY_HOST,
            resource="SyncArtifactsFunction",
            property="ReservedConcurrentExecutions",
        ),
    ),
    "boundary": (
        Tamperer.boundary,
        Trace(
            kind="drifted",
            host="development",
            resource="CloudFormationRole",
            property="PermissionsBoundary",
        ),
    ),
    "role policy added": (
        Tamperer.added_policy,
        Trace(kind="policy", host="development", resource="CodePipelineRole", property="Policies"),
    ),
    "policy detached": (
        Tamperer.detached_policy,
        Trace(
            kind="policy",
            host="development",
            resource="CloudFormationRole",
            property="ManagedPolicyArns",
        ),
    ),
    "trust changed": (
        Tamperer.trust,
        Trace(
            kind="policy",
            host="testing",
            resource="CodePipelineRole",
            property="AssumeRolePolicyDocument",
        ),
    ),
    "timeout": (
        Tamperer.timeout,
        Trace(
            kind="drifted", host=PRIMARY_HOST, resource="SyncArtifactsFunction", property="Timeout"
        ),
    ),
    "alias moved": (
        Tamperer.alias,
        Trace(kind="drifted", host=REGION_B, resource="KeyAlias", property="TargetKeyId"),
    ),
    "stack deleted": (Tamperer.deleted_stack, Trace(kind="missing", host="production")),
    "parameter": (
        Tamperer.parameter,
        Trace(kind="outdated", host=REGION_A, property="Parameters.ArtifactRetentionDays"),
    ),
    "tag removed": (
        Tamperer.tag,
        Trace(kind="drifted", host=REGION_A, resource="Key", property="Tags"),
    ),
    # No host stands for it.
    "unknown stack": (Tamperer.unknown_stack, Trace(kind="orphaned", host="")),
}

__all__ = ("ADDED_POLICY", "KINDS", "UNKNOWN", "Tamperer", "Trace", "Undo", "by_a_run")
