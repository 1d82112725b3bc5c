# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A role of the lab with its stack, and what a person or a playbook does with it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.patience import Patience
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack import (
    template as _template,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.api import StackApi
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.converge import Converger
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.model import Desired
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.recover import (
    delete_with_role,
    plan_recovery,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.upload import (
    TemplateStore,
)
from botocore.exceptions import ClientError

from lab import FILES, Hook, Lab, ResourceRule, Rule
from lab.clients import Clients
from lab.tests.stacks import Stacks

REGION = "us-east-1"
DEPLOY = "222222222222"
TEMPLATES = FILES.parents[1] / "roles"
ALLOW_ALL = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "Update:*",
                            "Resource": "*"}]}  # fmt: skip
PIPELINE = {
    "name": "one",
    "roleArn": "arn:aws:iam::111111111111:role/one",
    "artifactStore": {"type": "S3", "location": "one"},
    "stages": [
        {
            "name": category,
            "actions": [
                {
                    "name": category,
                    "actionTypeId": {
                        "category": category,
                        "owner": "AWS",
                        "provider": provider,
                        "version": "1",
                    },
                    **more,
                }
            ],
        }
        for category, provider, more in (
            (
                "Source",
                "S3",
                {
                    "configuration": {"S3Bucket": "one", "S3ObjectKey": "one.zip"},
                    "outputArtifacts": [{"name": "one"}],
                },
            ),
            ("Approval", "Manual", {}),
        )
    ],
}
EVERYTHING = {"one": "tag", "another": "tag"}


def render(role: str) -> str:
    return _template.render(TEMPLATES / role / "files" / f"{role}.template")


@dataclass
class Subject:
    """A role of the lab, its stack, and two states of that stack, of which one has empty lists.

    last: the resource that is made last. policy_names: the policies that the role has for this.
    """

    lab: Lab
    account: str
    role: str
    policy_names: tuple[str, ...]
    template: str
    name: str
    empty: dict[str, str]
    full: dict[str, str]
    last: str
    changed_template: str
    credentials: dict[str, str]
    clients: Clients = field(init=False)
    policies: dict[str, dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.clients = Clients(self.lab.url)
        self.iam = self.lab.client("iam", self.account)
        self.root = Stacks(self.lab.client("cloudformation", self.account), self.name)
        self.policies = {
            name: self.iam.get_role_policy(RoleName=self.role, PolicyName=name)["PolicyDocument"]
            for name in self.policy_names
        }
        self.api = self.client("cloudformation")

    def client(self, service: str) -> Any:
        return self.clients.client(service, region=REGION, credentials=self.credentials)

    @contextmanager
    def without(self, action: str) -> Iterator[None]:
        """Take a permission out of its policies for a while."""
        concerned = {
            name: policy for name, policy in self.policies.items() if action in actions_of(policy)
        }
        for name, policy in concerned.items():
            statements = []
            for statement in policy["Statement"]:
                left = [one for one in listed(statement["Action"]) if one != action]
                if left:
                    statements.append({**statement, "Action": left})
            self._put(name, {**policy, "Statement": statements})
        try:
            yield
        finally:
            for name, policy in concerned.items():
                self._put(name, policy)

    def _put(self, name: str, policy: dict[str, Any]) -> None:
        document = json.dumps(policy)
        self.iam.put_role_policy(RoleName=self.role, PolicyName=name, PolicyDocument=document)

    def converge(
        self,
        parameters: dict[str, str],
        *,
        tags: dict[str, str] | None = None,
        template: str = "",
        stack_policy: dict[str, Any] | None = None,
        check_mode: bool = False,
        bucket: str = "",
    ) -> None:
        """As the role, with the engine of the collection."""
        desired = Desired(
            name=self.name,
            template=template or self.template,
            parameters=parameters,
            tags=EVERYTHING if tags is None else tags,
            capabilities=("CAPABILITY_NAMED_IAM",),
            termination_protection=True,
            stack_policy=stack_policy,
        )
        patience = Patience(20, report=print, sleep=lambda _: time.sleep(0.02))
        templates = TemplateStore(lambda: self.client("s3"), bucket) if bucket else None
        converger = Converger(
            StackApi(self.api),
            desired,
            patience=patience,
            check_mode=check_mode,
            templates=templates,
        )
        converger.run()

    def install(self, parameters: dict[str, str] | None = None) -> None:
        """As root, in the state with empty lists."""
        values = self.empty if parameters is None else parameters
        self.root.create(
            self.template,
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in values.items()],
            Tags=[{"Key": key, "Value": value} for key, value in EVERYTHING.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )

    def expect(self, *statuses: str) -> None:
        """Raise, with the reasons, unless the stack has come to rest in one of the statuses."""
        found = self.root.wait()
        if found not in statuses:
            events = self.root.api.describe_stack_events(StackName=self.name)["StackEvents"]
            reasons = (event.get("ResourceStatusReason", "") for event in events)
            raise PipelineError(f"{self.name} is {found}: {' '.join(reasons)}")

    def clear(self) -> None:
        """As root: no stack, no faults."""
        self.lab.set_resource_faults([])
        self.lab.set_hooks([])
        self.lab.set_faults([])
        try:
            # A stack in review waits for ever.
            if self.root.status() != "REVIEW_IN_PROGRESS":
                self.root.wait()
        except ClientError:
            return
        self.root.api.update_termination_protection(
            StackName=self.name, EnableTerminationProtection=False
        )
        self.root.api.delete_stack(StackName=self.name)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                self.root.describe()
            except ClientError:
                return
            time.sleep(0.03)
        raise AssertionError(f"{self.name} does not go: {self.root.status()}")


def access_policy() -> dict[str, Any]:
    """That of access-role.template; statements behind a condition are among the others."""
    role = _template.parse((FILES / "access-role.template").read_text(encoding="utf-8"))
    document = role["Resources"]["AccessRole"]["Properties"]["Policies"][0]["PolicyDocument"]
    return {"Statement": list(statements_in(document))}


def statements_in(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict) and "Effect" in node:
        yield node
    elif isinstance(node, (dict, list)):
        for item in node.values() if isinstance(node, dict) else node:
            yield from statements_in(item)


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def actions_of(policy: dict[str, Any]) -> set[str]:
    return {action for one in policy["Statement"] for action in listed(one["Action"])}


# What another version of a template may change: a property to another value, or to nothing.
CHANGES: dict[str, dict[str, Any]] = {
    "AWS::CodeBuild::Project": {
        "Triggers": {"Webhook": True, "FilterGroups": [[{"Type": "EVENT", "Pattern": "PUSH"}]]}
    },
    "AWS::CodePipeline::Pipeline": {"ExecutionMode": "SUPERSEDED"},
    "AWS::KMS::Alias": {"TargetKeyId": {"Ref": "Key"}},
    "AWS::KMS::Key": {"Description": "Another", "EnableKeyRotation": None, "Enabled": None},
    "AWS::S3::Bucket": {
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
        "PublicAccessBlockConfiguration": {"BlockPublicAcls": True},
        "VersioningConfiguration": {"Status": "Suspended"},
        "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": False}},
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
            ]
        },
    },
    "AWS::Logs::LogGroup": {"RetentionInDays": None},
    "AWS::SNS::Topic": {"DisplayName": "Another"},
    "AWS::Lambda::Function": {
        "Code": {"ZipFile": "def handler(event, context): pass"},
        "DeadLetterConfig": None,
        "ReservedConcurrentExecutions": None,
    },
    "AWS::SQS::Queue": {"MessageRetentionPeriod": 60},
    "AWS::Events::Rule": {"Targets": []},
    "AWS::IAM::ManagedPolicy": {
        "PolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
        }
    },
    "AWS::IAM::Role": {"Description": "Another", "Policies": []},
}


def changed(template: dict[str, Any]) -> dict[str, Any]:
    for resource in template["Resources"].values():
        properties = resource["Properties"]
        for name, value in CHANGES.get(resource["Type"], {}).items():
            if value is None:
                properties.pop(name, None)
            elif name in properties:
                properties[name] = value
        if resource["Type"] == "AWS::IAM::Role":
            trust = properties["AssumeRolePolicyDocument"]
            trust["Statement"] += [{**first, "Sid": "Again"} for first in trust["Statement"][:1]]
    return template


def shortened(template: dict[str, Any]) -> dict[str, Any]:
    """Return a template that fits a request: its functions do nothing."""
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"]["Code"] = {"ZipFile": "def handler(event, context): return 1"}
    return template


# Paths: what a person or a playbook does. Each begins without a stack and raises when it fails.


def create(subject: Subject) -> None:
    subject.converge(subject.empty)


def create_in_check_mode(subject: Subject) -> None:
    subject.converge(subject.full, check_mode=True)


def update(subject: Subject) -> None:
    subject.install()
    subject.converge(subject.full, tags={"one": "new"})
    subject.converge(subject.empty)


def update_in_check_mode(subject: Subject) -> None:
    subject.install()
    subject.converge(subject.full, check_mode=True)


def change_template(subject: Subject) -> None:
    """Another version of the template, and back."""
    subject.install()
    subject.converge(subject.empty, template=subject.changed_template)
    subject.converge(subject.empty)


def set_stack_policy(subject: Subject) -> None:
    subject.install()
    subject.converge(subject.empty, stack_policy=ALLOW_ALL)


def fail_first_creation(subject: Subject) -> None:
    subject.lab.set_resource_faults([ResourceRule(logical_id=subject.last, operation="create")])
    try:
        subject.converge(subject.empty)
    except PipelineError as error:
        if "AccessDenied" in str(error) or "not authorized" in str(error):
            raise
    subject.expect("ROLLBACK_COMPLETE")


def make_again(subject: Subject) -> None:
    """A stack that never existed properly."""
    subject.lab.set_resource_faults([ResourceRule(logical_id=subject.last, operation="create")])
    subject.install()
    subject.lab.set_resource_faults([])
    subject.converge(subject.empty)


def read_why_a_name_is_refused(subject: Subject) -> None:
    """Early validation, which only DescribeEvents explains."""
    subject.lab.client("sns", subject.account).create_topic(Name="taken")
    template = _template.parse(subject.template)
    template["Resources"]["Taken"] = {
        "Type": "AWS::SNS::Topic",
        "Properties": {"TopicName": "taken"},
    }
    _expect_refusal(subject, "Taken (AWS::SNS::Topic)", template=json.dumps(template))


def read_why_a_hook_refuses(subject: Subject) -> None:
    hook = Hook(
        type_name="Private::Guard::Rules", reason="failed", rule="A_RULE", stack=subject.name
    )
    subject.lab.set_hooks([hook])
    _expect_refusal(subject, "A_RULE")


def _expect_refusal(subject: Subject, reason: str, *, template: str = "") -> None:
    """Raise unless the stack is refused with that reason."""
    try:
        subject.converge(subject.empty, template=template)
    except PipelineError as error:
        if reason not in str(error):
            raise


def continue_rollback(subject: Subject) -> None:
    """The first reply is lost: the token tells AWS that the second request is the same."""
    subject.install()
    subject.lab.set_faults([Rule(action="ContinueUpdateRollback", after=True, count=1)])
    subject.lab.set_stack_status(subject.account, REGION, subject.name, "UPDATE_ROLLBACK_FAILED")
    subject.converge(subject.empty)


def roll_back(subject: Subject) -> None:
    """As above."""
    subject.install()
    subject.lab.set_faults([Rule(action="RollbackStack", after=True, count=1)])
    subject.lab.set_stack_status(subject.account, REGION, subject.name, "UPDATE_FAILED")
    subject.converge(subject.empty)


def detect_drift(subject: Subject) -> None:
    subject.install()
    api, name = subject.api, subject.name
    detection = api.detect_stack_drift(StackName=name)["StackDriftDetectionId"]
    status = api.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
    drifts = api.describe_stack_resource_drifts(StackName=name)["StackResourceDrifts"]
    if status["DetectionStatus"] != "DETECTION_COMPLETE":
        raise PipelineError(str([drift.get("DriftStatusReason") for drift in drifts]))


def delete(subject: Subject) -> None:
    subject.install(subject.full)
    subject.api.update_termination_protection(
        StackName=subject.name, EnableTerminationProtection=False
    )
    subject.root.name = subject.root.describe()["StackId"]
    try:
        subject.api.delete_stack(StackName=subject.name)
        time.sleep(0.02)
        subject.expect("DELETE_COMPLETE")
    finally:
        subject.root.name = subject.name


def upload_template(subject: Subject) -> None:
    """A template that is too large for a request."""
    bucket = "crossaccountprimary-templates"
    s3 = subject.lab.client("s3", subject.account)
    s3.create_bucket(Bucket=bucket)
    for found in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
        s3.delete_object(Bucket=bucket, Key=found["Key"])
    template = {**_template.parse(subject.template), "Metadata": {"Large": "x" * 52_000}}
    subject.converge(subject.empty, template=json.dumps(template), bucket=bucket)


def find_retained_data(subject: Subject) -> None:
    key = subject.lab.client("kms", subject.account).create_key()["KeyMetadata"]["KeyId"]
    subject.client("resourcegroupstaggingapi").get_resources(ResourceTypeFilters=["s3"])
    subject.client("kms").describe_key(KeyId=key)


def read_pipelines(subject: Subject) -> None:
    root = subject.lab.client("codepipeline", subject.account)
    if not root.list_pipelines()["pipelines"]:
        root.create_pipeline(pipeline=PIPELINE)
    api = subject.client("codepipeline")
    for live in api.list_pipelines()["pipelines"]:
        api.get_pipeline(name=live["name"])


def read_the_organization(subject: Subject) -> None:
    subject.client("organizations").describe_organization()


def reach_accounts(subject: Subject) -> None:
    role = f"arn:aws:iam::{DEPLOY}:role/{subject.lab.organisation.operator.access_role}"
    subject.client("sts").assume_role(
        RoleArn=role,
        RoleSessionName="lab",
        SourceIdentity="alice",
        Tags=[{"Key": "team", "Value": "platform"}],
    )


def recover_a_first_deployment(subject: Subject) -> None:
    """A stack that a pipeline could not create, deleted with the role that made it."""
    subject.install()
    failed = Stacks(subject.root.api, "hello")
    role = f"arn:aws:iam::{subject.account}:role/CrossAccountCloudFormation"
    subject.lab.set_resource_faults([ResourceRule(logical_id="Bucket", operation="create")])
    failed.create({"Bucket": {"Type": "AWS::S3::Bucket"}}, RoleARN=role)
    api, patience = StackApi(subject.api), Patience(20, report=print)
    name = "CrossAccountCloudFormation"
    try:
        recovery = plan_recovery(api, "hello", role_name=name, patience=patience)
        if recovery.found is None or recovery.refusal:
            raise PipelineError(f"hello is not found, or is refused: {recovery.refusal}")
        delete_with_role(api, recovery.found, role_name=name, patience=patience)
    finally:
        subject.root.api.delete_stack(StackName="hello")


def read_whether_a_region_is_on(subject: Subject) -> None:
    subject.client("account").get_region_opt_status(RegionName="eu-south-1")


ACCESS_PATHS = {
    path.__name__: path for path in (recover_a_first_deployment, read_whether_a_region_is_on)
}
PIPELINE_PATHS = {upload_template.__name__: upload_template}
OPERATOR_PATHS = {
    path.__name__: path
    for path in (find_retained_data, read_pipelines, read_the_organization, reach_accounts)
}
PATHS: dict[str, Callable[[Subject], None]] = {
    path.__name__: path
    for path in (
        create,
        create_in_check_mode,
        update,
        update_in_check_mode,
        change_template,
        set_stack_policy,
        fail_first_creation,
        make_again,
        read_why_a_name_is_refused,
        read_why_a_hook_refuses,
        continue_rollback,
        roll_back,
        detect_drift,
        delete,
    )
}
