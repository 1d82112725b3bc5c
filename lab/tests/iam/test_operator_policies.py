# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documented policies are enough for everything, and nothing in them is too much.

Every path is gone once with the whole policy, and the lab notes what was asked for. Then it is gone
again for each permission, with that one taken out, and must fail for want of it.
"""

from __future__ import annotations

import importlib.util
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.patience import Patience
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.template import (
    compose_parameters,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack import (
    template as _template,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.api import StackApi
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.converge import Converger
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.model import Desired
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.upload import (
    TemplateStore,
)
from botocore.exceptions import ClientError

from lab import FILES, Lab, ResourceRule, load_organisation, operator_policy
from lab.clients import Clients
from lab.cloudformation.resource_permissions import TABLE
from lab.tests.stacks import Stacks
from tools.sample_pipelines import PRIMARY_OUTPUTS, foundation, pipeline, template

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

    last: the resource that is made last. beside: another policy that the role has for this.
    """

    lab: Lab
    account: str
    role: str
    policy_name: str
    template: str
    name: str
    empty: dict[str, str]
    full: dict[str, str]
    last: str
    changed_template: str
    credentials: dict[str, str]
    beside: str = ""
    clients: Clients = field(init=False)
    policies: dict[str, dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.clients = Clients(self.lab.url)
        self.iam = self.lab.client("iam", self.account)
        self.root = Stacks(self.lab.client("cloudformation", self.account), self.name)
        self.policies = {
            name: self.iam.get_role_policy(RoleName=self.role, PolicyName=name)["PolicyDocument"]
            for name in (self.policy_name, self.beside)
            if name
        }
        self.api = self.client("cloudformation")

    def client(self, service: str) -> Any:
        return self.clients.client(service, region=REGION, credentials=self.credentials)

    def put_policy(self, without: str = "") -> None:
        for name, policy in self.policies.items():
            statements = []
            for statement in policy["Statement"]:
                kept = [action for action in listed(statement["Action"]) if action != without]
                if kept:
                    statements.append({**statement, "Action": kept})
            document = json.dumps({"Version": "2012-10-17", "Statement": statements})
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
        patience = Patience(20, report=print, sleep=lambda _: time.sleep(0.005))
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
            time.sleep(0.01)
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


POLICIES = {
    "operator": json.loads(operator_policy(load_organisation())),
    "pipelines": json.loads(operator_policy(load_organisation(), "operator-pipelines")),
    "access": access_policy(),
}
_TAGS = "MiniStack does not ask for it, and whether AWS does is not documented clearly"
_UNUSED = "the engine does not call it"
UNSEEN: dict[str, dict[str, str]] = {
    "operator": {
        "cloudformation:DescribeStackResources": _UNUSED,
        "cloudformation:TagResource": _TAGS,
        "cloudformation:UntagResource": _TAGS,
        "kms:DisableKey": "no template of ours has the property Enabled",
        "kms:EnableKey": "no template of ours has the property Enabled",
    },
    "pipelines": {
        "cloudformation:DescribeStackResources": _UNUSED,
        "cloudformation:TagResource": _TAGS,
        "cloudformation:UntagResource": _TAGS,
    },
    "access": {
        "cloudformation:DescribeStackResources": _UNUSED,
        "cloudformation:TagResource": _TAGS,
        "cloudformation:UntagResource": _TAGS,
    },
}


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


def continue_rollback(subject: Subject) -> None:
    subject.install()
    subject.lab.set_stack_status(subject.account, REGION, subject.name, "UPDATE_ROLLBACK_FAILED")
    subject.converge(subject.empty)


def roll_back(subject: Subject) -> None:
    subject.install()
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


def find_kept_data(subject: Subject) -> None:
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


def reach_accounts(subject: Subject) -> None:
    role = f"arn:aws:iam::{DEPLOY}:role/{subject.lab.organisation.operator.access_role}"
    subject.client("sts").assume_role(RoleArn=role, RoleSessionName="lab")


PIPELINE_PATHS = {upload_template.__name__: upload_template}
OPERATOR_PATHS = {path.__name__: path for path in (find_kept_data, read_pipelines, reach_accounts)}
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
        continue_rollback,
        roll_back,
        detect_drift,
        delete,
    )
}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def operator(lab: Lab) -> Subject:
    arn = "arn:aws:kms:eu-west-1:111111111111:key/one"
    return Subject(
        lab=lab,
        account=lab.organisation.build,
        role=lab.organisation.operator.operator_role,
        policy_name="operator",
        template=render("primary"),
        name="CrossAccountPrimary",
        empty={},
        full={
            "DeployAccountIds": DEPLOY,
            "ArtifactRetentionDays": "100",
            "Regions": "eu-west-1",
            "RegionKeyArns": arn,
            "RegionBucketArns": "arn:aws:s3:::one",
            "ReplicationBucketArns": "arn:aws:s3:::two",
        },
        last="ReplicateArtifactsPermission",
        beside="operator-pipelines",
        credentials=Clients(lab.url).assume(
            lab.organisation.build, lab.organisation.operator.operator_role, REGION
        ),
        changed_template=json.dumps(changed(_template.parse(render("primary")))),
    )


@pytest.fixture(scope="module")
def pipelines(lab: Lab) -> Subject:
    register = foundation().register
    full = compose_parameters(pipeline("hello"), REGION, register, PRIMARY_OUTPUTS)
    return Subject(
        lab=lab,
        account=lab.organisation.build,
        role=lab.organisation.operator.operator_role,
        policy_name="operator-pipelines",
        beside="operator",
        template=template("hello"),
        name="hello-pipeline",
        empty={**full, "ConnectionArn": ""},
        full=full,
        last="StartRule",
        credentials=Clients(lab.url).assume(
            lab.organisation.build, lab.organisation.operator.operator_role, REGION
        ),
        changed_template=json.dumps(changed(_template.parse(template("hello")))),
    )


@pytest.fixture(scope="module")
def access(lab: Lab, operator: Subject) -> Subject:
    role = lab.organisation.operator.access_role
    session = operator.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{DEPLOY}:role/{role}", RoleSessionName="lab"
    )["Credentials"]
    policies = "arn:aws:iam::aws:policy/AmazonS3FullAccess"
    another = lab.organisation.execution_policies[0].format(account=DEPLOY)
    common = {"BuildAccountId": lab.organisation.build, "AccessRoleName": "CrossAccountAccess"}
    return Subject(
        lab=lab,
        account=DEPLOY,
        role=role,
        policy_name="Foundation",
        template=render("deploy_account"),
        name="CrossAccountDeploy",
        empty={**common, "ExecutionPolicyArns": policies},
        full={
            **common,
            "BucketArns": "arn:aws:s3:::one",
            "KeyArns": "arn:aws:kms:eu-west-1:111111111111:key/one",
            "ExecutionPolicyArns": another,
            "PermissionsBoundaryArn": "arn:aws:iam::aws:policy/PowerUserAccess",
        },
        last="CloudFormationRole",
        credentials={
            "aws_access_key_id": session["AccessKeyId"],
            "aws_secret_access_key": session["SecretAccessKey"],
            "aws_session_token": session["SessionToken"],
        },
        changed_template=json.dumps(changed(_template.parse(render("deploy_account")))),
    )


# What another version of a template may change: a property to another value, or to nothing.
CHANGES: dict[str, dict[str, Any]] = {
    "AWS::CodeBuild::Project": {
        "Triggers": {"Webhook": True, "FilterGroups": [[{"Type": "EVENT", "Pattern": "PUSH"}]]}
    },
    "AWS::CodePipeline::Pipeline": {"ExecutionMode": "SUPERSEDED"},
    "AWS::KMS::Alias": {"TargetKeyId": {"Ref": "Key"}},
    "AWS::KMS::Key": {"Description": "Another", "EnableKeyRotation": None},
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
    "AWS::Lambda::Function": {"Code": {"ZipFile": "def handler(event, context): pass"}},
    "AWS::Events::Rule": {"Targets": []},
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
            trust["Statement"].append({**trust["Statement"][0], "Sid": "Again"})
    return template


@dataclass(frozen=True)
class Trace:
    """What one path asked for, and how it ended."""

    error: str
    actions: set[str]
    denied: set[str]
    seconds: float

    def asked_for(self, pattern: str) -> bool:
        return any(fnmatchcase(action, pattern) for action in self.actions)


Traces = dict[str, dict[str, Trace]]


def walk(subject: Subject, path: Callable[[Subject], None], *, without: str = "") -> Trace:
    """Go a path, with one permission taken out of the policy if one is named."""
    subject.clear()
    subject.put_policy(without)
    subject.lab.clear_decisions()
    began = time.time()
    try:
        path(subject)
        error = ""
    except (ClientError, PipelineError) as exception:
        error = str(exception)
    finally:
        seconds = time.time() - began
        subject.put_policy()
        subject.clear()
    decisions = [one for one in subject.lab.decisions() if subject.role in one["principal"]]
    asked = {one["action"] for one in decisions}
    denied = {one["action"] for one in decisions if not one["allowed"]}
    called = {
        f"{'tag' if call.service == 'tagging' else call.service}:{call.action}"
        for call in subject.lab.calls(since=began)
        if subject.role in call.principal
    }
    return Trace(error=error, actions=asked | called, denied=denied, seconds=seconds)


@pytest.fixture(scope="module")
def traces(operator: Subject, pipelines: Subject, access: Subject) -> Traces:
    return {
        "operator": {name: walk(operator, path) for name, path in (PATHS | OPERATOR_PATHS).items()},
        "pipelines": {
            name: walk(pipelines, path) for name, path in (PATHS | PIPELINE_PATHS).items()
        },
        "access": {name: walk(access, path) for name, path in PATHS.items()},
    }


# Each permission of each policy, but for those that the lab never asks for.
TAKEN_OUT = [
    (name, action)
    for name, policy in POLICIES.items()
    for action in sorted(actions_of(policy) - set(UNSEEN[name]))
]


@pytest.mark.parametrize("path", [*PATHS, *OPERATOR_PATHS])
def test_the_operator_policy_is_enough(traces: Traces, path: str) -> None:
    assert traces["operator"][path].error == ""


@pytest.mark.parametrize("path", [*PATHS, *PIPELINE_PATHS])
def test_the_operator_s_policies_are_enough_for_pipelines(traces: Traces, path: str) -> None:
    assert traces["pipelines"][path].error == ""


@pytest.mark.parametrize("path", PATHS)
def test_the_access_role_is_enough(traces: Traces, path: str) -> None:
    assert traces["access"][path].error == ""


@pytest.mark.parametrize(("name", "action"), TAKEN_OUT)
def test_a_permission_taken_out_is_missed(
    request: pytest.FixtureRequest, traces: Traces, name: str, action: str
) -> None:
    subject: Subject = request.getfixturevalue(name)
    # The shortest of those that ask for it.
    paths = sorted(traces[name].items(), key=lambda item: item[1].seconds)
    path = next((path for path, trace in paths if trace.asked_for(action)), None)
    assert path, f"nothing asks for {action}: is it needed? Then add the path, else drop it"
    trace = walk(subject, (PATHS | OPERATOR_PATHS | PIPELINE_PATHS)[path], without=action)
    # Not every error names what was denied: S3's does not, where CloudFormation reads for somebody.
    refused = trace.denied | set(re.findall(r"not authorized to perform: ([\w:]+)", trace.error))
    missed = any(fnmatchcase(one, action) for one in refused)
    assert missed, f"{path} went on without: {trace.error}"
    assert trace.error


@pytest.mark.parametrize("name", POLICIES)
def test_what_the_lab_does_not_ask_for_is_known(traces: Traces, name: str) -> None:
    actions = actions_of(POLICIES[name])
    unseen = {
        action
        for action in actions
        if not any(trace.asked_for(action) for trace in traces[name].values())
    }
    assert unseen == set(UNSEEN[name]) & actions


# The table
WITHOUT_HANDLERS = {"AWS::CodeBuild::Project"}


def schema(resource_type: str) -> dict[str, Any]:
    """The public schema of a resource type, as cfn-lint carries it."""
    spec = importlib.util.find_spec("cfnlint")
    assert spec
    assert spec.origin
    schemas = Path(spec.origin).parent / "data" / "schemas"
    names = json.loads((schemas / "providers" / "us-east-1.json").read_text(encoding="utf-8"))
    path = schemas / "resources" / f"{names[resource_type]}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_the_table_follows_the_services_where_a_schema_has_no_handlers() -> None:
    """Talks to nothing: reads the schemas in the installed cfn-lint, and botocore's models."""
    [(resource_type, table)] = (
        (name, table) for name, table in TABLE.items() if name in WITHOUT_HANDLERS
    )
    assert "handlers" not in schema(resource_type)
    operations = set(botocore.session.Session().get_service_model("codebuild").operation_names)
    actions = {entry.split()[0] for entries in table.values() for entry in entries}
    assert actions <= {"iam:PassRole", *(f"codebuild:{name}" for name in operations)}


@pytest.mark.parametrize("resource_type", sorted(TABLE.keys() - WITHOUT_HANDLERS))
def test_the_table_follows_the_public_schemas(resource_type: str) -> None:
    """Talks to nothing: reads the schemas in the installed cfn-lint."""
    found = schema(resource_type)
    tagging = set(found.get("tagging", {}).get("permissions", []))
    for operation, entries in TABLE[resource_type].items():
        handler = found["handlers"].get(operation, {"permissions": []})
        actions = {entry.split()[0] for entry in entries}
        assert actions <= set(handler["permissions"]) | tagging, operation
        properties = {entry.split()[1].lstrip("+-") for entry in entries if " " in entry}
        assert properties <= set(found["properties"]), operation


@pytest.mark.parametrize(
    "text",
    [render("deploy_account"), render("primary"), render("regional"), template("hello")],
    ids=["deploy_account", "primary", "regional", "pipeline"],
)
def test_the_table_has_every_type_of_the_templates(text: str) -> None:
    """Talks to nothing: reads the templates."""
    resources = _template.parse(text)["Resources"].values()
    assert {resource["Type"] for resource in resources} <= TABLE.keys()
