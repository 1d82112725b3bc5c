# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where AWS says no and MiniStack as it comes says yes, one test each.

With LAB_STOCK=1 in the environment the same tests run on MiniStack without the lab's patches.
Every one of them must fail there, else it proves nothing here:

    LAB_STOCK=1 python -m pytest lab/tests/test_strictness.py
"""

from __future__ import annotations

import copy
import json
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab import Lab, ResourceRule
from lab.clients import Clients
from lab.tests.stacks import TOPIC, Stacks, parameters, refused, text

ACCOUNT = "222222222222"
REGION = "us-east-1"
BUCKET = {"Type": "AWS::S3::Bucket"}
BUCKET_PROPERTIES: dict[str, Any] = {
    "BucketEncryption": {
        "ServerSideEncryptionConfiguration": [
            {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
        ]
    },
    "LifecycleConfiguration": {
        "Rules": [{"Id": "expire", "Status": "Enabled", "ExpirationInDays": 90}]
    },
    "Tags": [{"Key": "own", "Value": "tag"}],
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
}


@pytest.fixture(scope="module")
def running_lab() -> Iterator[Lab]:
    with Lab(stock=bool(os.environ.get("LAB_STOCK"))) as lab:
        yield lab


@pytest.fixture
def stacks(lab: Lab, request: pytest.FixtureRequest) -> Stacks:
    name = request.node.name.removeprefix("test_").replace("_", "-").replace("[", "-")
    name = "".join(letter for letter in name if letter.isalnum() or letter == "-")[:80]
    return Stacks(lab.client("cloudformation", ACCOUNT), name)


def statements(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **part} for part in parts]}


def key_policy(principal: str, *actions: str) -> dict[str, Any]:
    return statements({"Principal": {"AWS": principal}, "Action": list(actions), "Resource": "*"})


def another(stacks: Stacks) -> Stacks:
    return Stacks(stacks.api, f"{stacks.name}-2")


def topic(text_: str, **more: Any) -> dict[str, Any]:
    return {**TOPIC, "Properties": {"DisplayName": text_}, **more}


def reasons(stacks: Stacks, *statuses: str) -> str:
    """Why resources, or the stack itself, came into one of the statuses."""
    events = stacks.api.describe_stack_events(StackName=stacks.name)["StackEvents"]
    return " ".join(
        event.get("ResourceStatusReason", "")
        for event in events
        if event["ResourceStatus"] in statuses
    )


def shown(stacks: Stacks) -> dict[str, str]:
    """The resources that ListStackResources shows, with their status."""
    listed = stacks.api.list_stack_resources(StackName=stacks.name)["StackResourceSummaries"]
    return {item["LogicalResourceId"]: item["ResourceStatus"] for item in listed}


def update(stacks: Stacks, template: str | dict[str, Any], **more: Any) -> str:
    name = f"update-{time.monotonic_ns()}"
    stacks.change_set(name, "UPDATE", template)
    stacks.api.execute_change_set(StackName=stacks.name, ChangeSetName=name, **more)
    return stacks.wait()


def delete(stacks: Stacks, **more: Any) -> str:
    """Delete the stack, and look at it by its id from then on."""
    stack_id = str(stacks.describe()["StackId"])
    stacks.api.delete_stack(StackName=stack_id, **more)
    stacks.name = stack_id
    deadline = time.monotonic() + 10
    while stacks.status() != "DELETE_COMPLETE" and time.monotonic() < deadline:
        if stacks.status() == "DELETE_FAILED" and "RetainResources" not in more:
            break
        time.sleep(0.01)
    return stacks.status()


# Names

NAMED = {
    "role": {
        "Type": "AWS::IAM::Role",
        "Properties": {"RoleName": "taken", "AssumeRolePolicyDocument": TRUST},
    },
    "policy": {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"ManagedPolicyName": "taken", "PolicyDocument": POLICY},
    },
    "alias": {
        "Type": "AWS::KMS::Alias",
        "Properties": {"AliasName": "alias/taken", "TargetKeyId": "KEY"},
    },
    "topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "taken"}},
    "log-group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "taken"}},
    "rule": {
        "Type": "AWS::Events::Rule",
        "Properties": {"Name": "taken", "EventPattern": {"source": ["aws.s3"]}},
    },
    "function": {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": "taken",
            "Role": f"arn:aws:iam::{ACCOUNT}:role/OrganizationAccountAccessRole",
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Code": {"ZipFile": "def handler(event, context): pass"},
        },
    },
}


@pytest.mark.parametrize("kind", NAMED)
def test_a_name_that_is_taken_fails_the_stack(lab: Lab, stacks: Stacks, kind: str) -> None:
    """Talks to a running lab."""
    body = text({"Named": NAMED[kind]})
    if kind == "alias":
        key = lab.client("kms", ACCOUNT).create_key()["KeyMetadata"]["KeyId"]
        body = body.replace("KEY", key)
    assert stacks.create(body, Capabilities=["CAPABILITY_NAMED_IAM"]) == "CREATE_COMPLETE"
    second = another(stacks)
    assert second.create(body, Capabilities=["CAPABILITY_NAMED_IAM"]) == "ROLLBACK_COMPLETE"
    assert "already exists" in reasons(second, "CREATE_FAILED")


def test_what_is_retained_does_not_block_the_stack_made_again(lab: Lab, stacks: Stacks) -> None:
    """Talks to a running lab."""
    role = {
        "Type": "AWS::IAM::Role",
        "DeletionPolicy": "Retain",
        "Properties": {"AssumeRolePolicyDocument": TRUST},
    }
    made = []
    for _unused in range(2):
        again = Stacks(stacks.api, stacks.name)
        assert again.create({"R": role}, Capabilities=["CAPABILITY_IAM"]) == "CREATE_COMPLETE"
        made.append(again.physical_id("R"))
        delete(again)
    iam = lab.client("iam", ACCOUNT)
    ids = {iam.get_role(RoleName=name)["Role"]["RoleId"] for name in made}
    assert len(ids) == 2


# Stacks


def test_an_operation_is_seen_in_progress(lab: Lab, stacks: Stacks) -> None:
    """Talks to a running lab."""
    lab.set_latency(0.1)
    stacks.api.create_stack(StackName=stacks.name, TemplateBody=text({"T": TOPIC}))
    assert stacks.watch() == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
    assert ("T", "CREATE_IN_PROGRESS") in stacks.events()


def test_a_stack_that_was_never_made_is_not_created_over(lab: Lab, stacks: Stacks) -> None:
    """Talks to a running lab."""
    broken = {"T": {**TOPIC, "Properties": {"DisplayName": {"Fn::GetAtt": ["T2", "No"]}}}}
    assert stacks.create({**broken, "T2": TOPIC}) == "ROLLBACK_COMPLETE"
    assert "AlreadyExistsException" in refused(lambda: stacks.create({"T": TOPIC}))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"Resources": {}}, "At least one Resources member"),
        ({"Resources": {"T": TOPIC}}, "do not exist in the template"),
    ],
)
def test_a_template_without_resources_or_parameters_is_refused(
    stacks: Stacks, body: dict[str, Any], message: str
) -> None:
    """Talks to a running lab."""
    given = parameters(Unknown="1") if body["Resources"] else []
    assert message in refused(lambda: stacks.create(json.dumps(body), Parameters=given))


def test_functions_in_conditions_are_resolved(stacks: Stacks) -> None:
    """Talks to a running lab."""
    body = {
        "Parameters": {"List": {"Type": "CommaDelimitedList", "Default": ""}},
        "Conditions": {"Empty": {"Fn::Equals": [{"Fn::Join": ["", {"Ref": "List"}]}, ""]}},
        "Resources": {"T": TOPIC, "WhenEmpty": {**TOPIC, "Condition": "Empty"}},
    }
    stacks.create(json.dumps(body))
    assert ("WhenEmpty", "CREATE_COMPLETE") in stacks.events()


@pytest.mark.parametrize("name", BUCKET_PROPERTIES)
def test_a_property_of_a_bucket_is_applied(lab: Lab, stacks: Stacks, name: str) -> None:
    """Talks to a running lab."""
    stacks.create({"B": {**BUCKET, "Properties": {name: BUCKET_PROPERTIES[name]}}})
    s3, bucket = lab.client("s3", ACCOUNT), {"Bucket": stacks.physical_id("B")}
    if name == "BucketEncryption":
        rules = s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    elif name == "Tags":
        assert BUCKET_PROPERTIES["Tags"][0] in s3.get_bucket_tagging(**bucket)["TagSet"]
    else:
        rules = s3.get_bucket_lifecycle_configuration(**bucket)["Rules"]
        assert rules[0]["Expiration"] == {"Days": 90}


# Principals


@pytest.mark.parametrize(
    "principal",
    ["999999999999", "arn:aws:iam::999999999999:root", f"arn:aws:iam::{ACCOUNT}:role/no-such-role"],
)
def test_a_principal_that_does_not_exist_is_refused(lab: Lab, principal: str) -> None:
    """Talks to a running lab."""
    kms, iam = lab.client("kms", ACCOUNT), lab.client("iam", ACCOUNT)
    policy = json.dumps(key_policy(principal, "kms:*"))
    assert "invalid principals" in refused(lambda: kms.create_key(Policy=policy))
    trust = statements({"Principal": {"AWS": principal}, "Action": "sts:AssumeRole"})
    assert "Invalid principal" in refused(
        lambda: iam.create_role(RoleName="no", AssumeRolePolicyDocument=json.dumps(trust))
    )


def test_a_condition_on_a_role_sees_the_role_with_its_path(lab: Lab, caller: Caller) -> None:
    """Talks to a running lab."""
    caller.may("sns:ListTopics", Condition={"ArnEquals": {"aws:PrincipalArn": caller.arn}})
    caller.client("sns").list_topics()


def test_requests_have_used_tls(caller: Caller) -> None:
    """Talks to a running lab."""
    caller.may("sns:ListTopics", Condition={"Bool": {"aws:SecureTransport": "true"}})
    caller.client("sns").list_topics()


# References

NOWHERE = {
    "Ref": {"T": topic("x") | {"Properties": {"DisplayName": {"Ref": "Nothing"}}}},
    "GetAtt": {"T": topic("x") | {"Properties": {"DisplayName": {"Fn::GetAtt": ["No", "Arn"]}}}},
    "Sub": {"T": topic("x") | {"Properties": {"DisplayName": {"Fn::Sub": "${Nothing}"}}}},
    "DependsOn": {"T": topic("x", DependsOn="Nothing")},
}


@pytest.mark.parametrize("function", NOWHERE)
def test_a_reference_to_nothing_is_refused(stacks: Stacks, function: str) -> None:
    """Talks to a running lab."""
    message = refused(lambda: stacks.create(NOWHERE[function]))
    assert message.startswith("ValidationError")
    assert "Unresolved resource dependencies" in message


def test_an_output_of_nothing_is_refused(stacks: Stacks) -> None:
    """Talks to a running lab."""
    body = {"Resources": {"T": TOPIC}, "Outputs": {"O": {"Value": {"Ref": "Nothing"}}}}
    assert "Unresolved" in refused(lambda: stacks.create(json.dumps(body)))


def test_a_reference_to_a_resource_whose_condition_is_false_is_refused(stacks: Stacks) -> None:
    """Talks to a running lab."""
    body = {
        "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
        "Resources": {
            "Absent": {**TOPIC, "Condition": "Never"},
            "T": topic("x") | {"Properties": {"DisplayName": {"Ref": "Absent"}}},
        },
    }
    assert "Unresolved" in refused(lambda: stacks.create(json.dumps(body)))


# Failed states


def test_create_failed_then_rolled_back(lab: Lab, stacks: Stacks) -> None:
    """Talks to a running lab."""
    lab.set_resource_faults([ResourceRule(logical_id="B", operation="create", reason="because")])
    template = {"A": TOPIC, "B": topic("x", DependsOn="A")}
    assert stacks.create(template, DisableRollback=True) == "CREATE_FAILED"
    assert shown(stacks) == {"A": "CREATE_COMPLETE", "B": "CREATE_FAILED"}
    assert reasons(stacks, "CREATE_FAILED").startswith("Resource B failed: because")
    stacks.api.rollback_stack(StackName=stacks.name)
    assert stacks.wait() == "ROLLBACK_COMPLETE"
    assert shown(stacks)["A"] == "DELETE_COMPLETE"


def test_rollback_failed_then_deleted(lab: Lab, stacks: Stacks) -> None:
    """Talks to a running lab."""
    lab.set_resource_faults(
        [
            ResourceRule(logical_id="B", operation="create", account=ACCOUNT),
            ResourceRule(resource_type="AWS::SNS::Topic", operation="rollback", region=REGION),
        ]
    )
    assert stacks.create({"A": TOPIC, "B": topic("x", DependsOn="A")}) == "ROLLBACK_FAILED"
    assert shown(stacks) == {"A": "DELETE_FAILED", "B": "CREATE_FAILED"}
    made = stacks.physical_id("A")
    lab.set_resource_faults([])
    assert delete(stacks) == "DELETE_COMPLETE"
    topics = lab.client("sns", ACCOUNT).list_topics()["Topics"]
    assert made not in {one["TopicArn"] for one in topics}


def test_update_failed_then_rolled_back(lab: Lab, stacks: Stacks) -> None:
    """Talks to a running lab."""
    stacks.create({"A": topic("1")})
    lab.set_resource_faults([ResourceRule(operation="update", stack=stacks.name)])
    assert update(stacks, {"A": topic("2")}, DisableRollback=True) == "UPDATE_FAILED"
    lab.set_resource_faults([])
    stacks.api.rollback_stack(StackName=stacks.name)
    assert stacks.wait() == "UPDATE_ROLLBACK_COMPLETE"


@pytest.mark.parametrize("skipped", [[], ["A"]])
def test_update_rollback_failed_then_continued(
    lab: Lab, stacks: Stacks, skipped: list[str]
) -> None:
    """Talks to a running lab."""
    stacks.create({"A": topic("1"), "B": topic("1", DependsOn="A")})
    lab.set_resource_faults(
        [
            ResourceRule(logical_id="B", operation="update"),
            ResourceRule(logical_id="A", operation="rollback"),
        ]
    )
    assert update(stacks, {"A": topic("2"), "B": topic("2", DependsOn="A")}) == (
        "UPDATE_ROLLBACK_FAILED"
    )
    stacks.api.continue_update_rollback(StackName=stacks.name)
    assert stacks.wait() == "UPDATE_ROLLBACK_FAILED"
    if not skipped:
        lab.set_resource_faults([])
    stacks.api.continue_update_rollback(StackName=stacks.name, ResourcesToSkip=skipped)
    assert stacks.wait() == "UPDATE_ROLLBACK_COMPLETE"
    attributes = lab.client("sns", ACCOUNT).get_topic_attributes(TopicArn=stacks.physical_id("A"))
    assert attributes["Attributes"]["DisplayName"] == ("2" if skipped else "1")


def test_delete_failed_then_retained(lab: Lab, stacks: Stacks) -> None:
    """Talks to a running lab."""
    stacks.create({"A": TOPIC, "B": TOPIC})
    lab.set_resource_faults([ResourceRule(logical_id="A", operation="delete")])
    assert delete(stacks) == "DELETE_FAILED"
    assert shown(stacks) == {"A": "DELETE_FAILED", "B": "DELETE_COMPLETE"}
    kept = stacks.physical_id("A")
    assert delete(stacks, RetainResources=["A"]) == "DELETE_COMPLETE"
    assert shown(stacks) == {"A": "DELETE_SKIPPED", "B": "DELETE_COMPLETE"}
    lab.client("sns", ACCOUNT).get_topic_attributes(TopicArn=kept)


def test_a_bucket_that_holds_an_object_is_not_deleted(lab: Lab, stacks: Stacks) -> None:
    """Talks to a running lab."""
    stacks.create({"Bucket": BUCKET})
    bucket, s3 = stacks.physical_id("Bucket"), lab.client("s3", ACCOUNT)
    s3.put_object(Bucket=bucket, Key="key", Body=b"data")
    assert delete(stacks) == "DELETE_FAILED"
    assert "not empty" in reasons(stacks, "DELETE_FAILED")
    assert delete(stacks, RetainResources=["Bucket"]) == "DELETE_COMPLETE"
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"data"


def test_a_bucket_that_holds_old_versions_is_not_deleted(lab: Lab, stacks: Stacks) -> None:
    """Talks to a running lab."""
    versioned = {**BUCKET, "Properties": {"VersioningConfiguration": {"Status": "Enabled"}}}
    stacks.create({"Bucket": versioned})
    bucket, s3 = stacks.physical_id("Bucket"), lab.client("s3", ACCOUNT)
    s3.put_object(Bucket=bucket, Key="key", Body=b"data")
    s3.delete_object(Bucket=bucket, Key="key")
    assert delete(stacks) == "DELETE_FAILED"


# What is kept


def test_what_a_deleted_stack_kept_is_shown_by_its_id(lab: Lab, stacks: Stacks) -> None:
    """Talks to a running lab."""
    kept = {**BUCKET, "DeletionPolicy": "RetainExceptOnCreate"}
    stacks.create({"Kept": kept, "Gone": TOPIC}, Tags=[{"Key": "own", "Value": "tag"}])
    bucket, s3 = stacks.physical_id("Kept"), lab.client("s3", ACCOUNT)
    again = Stacks(stacks.api, stacks.name)
    stack_id = stacks.describe()["StackId"]
    delete(stacks)
    again.create({"Kept": kept})
    assert shown(stacks) == {"Kept": "DELETE_SKIPPED", "Gone": "DELETE_COMPLETE"}
    described = stacks.api.describe_stack_resources(StackName=stack_id)["StackResources"]
    found = {item["LogicalResourceId"]: item for item in described}
    assert found["Kept"]["PhysicalResourceId"] == bucket
    assert found["Kept"]["ResourceStatus"] == "DELETE_SKIPPED"
    assert ("Kept", "DELETE_SKIPPED") in stacks.events()
    tags = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=bucket)["TagSet"]}
    assert tags["own"] == "tag"
    assert tags["aws:cloudformation:stack-id"] == stack_id


# Exports


def exporting(value: str | None) -> str:
    body: dict[str, Any] = {"Resources": {"T": topic(value or "none")}}
    if value:
        body["Outputs"] = {"O": {"Value": value, "Export": {"Name": "shared"}}}
    return json.dumps(body)


def test_an_export_in_use_cannot_be_dropped(stacks: Stacks) -> None:
    """Talks to a running lab."""
    importing = {"T": topic("x") | {"Properties": {"DisplayName": {"Fn::ImportValue": "shared"}}}}
    stacks.create(exporting("1"))
    another(stacks).create(importing)
    assert update(stacks, exporting(None)) == "UPDATE_ROLLBACK_COMPLETE"
    assert "in use" in reasons(stacks, "UPDATE_FAILED")
    assert update(stacks, exporting("2")) == "UPDATE_ROLLBACK_COMPLETE"
    delete(another(stacks))
    assert update(stacks, exporting(None)) == "UPDATE_COMPLETE"
    assert not stacks.api.list_exports()["Exports"]


def test_an_export_belongs_to_one_stack(stacks: Stacks) -> None:
    """Talks to a running lab."""
    stacks.create(exporting("1"))
    second = another(stacks)
    assert second.create(exporting("2")) == "ROLLBACK_COMPLETE"
    assert "already exported" in reasons(second, "CREATE_FAILED")
    delete(stacks)


# Stack policies


@pytest.mark.parametrize(
    ("action", "template"),
    [
        ("Update:Modify", {"A": topic("2"), "B": TOPIC}),
        ("Update:Replace", {"A": TOPIC | {"Properties": {"TopicName": "new"}}, "B": TOPIC}),
        ("Update:Delete", {"B": TOPIC}),
    ],
)
def test_a_stack_policy_holds(stacks: Stacks, action: str, template: dict[str, Any]) -> None:
    """Talks to a running lab."""
    stacks.create({"A": topic("1"), "B": TOPIC})
    everything = {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"}
    denied = {**everything, "Effect": "Deny", "Resource": "LogicalResourceId/A", "Action": action}
    stacks.api.set_stack_policy(
        StackName=stacks.name, StackPolicyBody=json.dumps({"Statement": [everything, denied]})
    )
    assert update(stacks, template) == "UPDATE_ROLLBACK_COMPLETE"
    assert f"[{action}]" in reasons(stacks, "UPDATE_FAILED")
    allowed = {"Statement": [everything]}
    stacks.api.set_stack_policy(StackName=stacks.name, StackPolicyBody=json.dumps(allowed))
    assert update(stacks, template) == "UPDATE_COMPLETE"


# Permissions


class Caller:
    """A role of the account that may do what a test says, and CloudFormation seen by it."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.iam, self.name = lab.client("iam", ACCOUNT), name
        root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        statement = {"Effect": "Allow", "Principal": root, "Action": "sts:AssumeRole"}
        service = {**statement, "Principal": {"Service": "cloudformation.amazonaws.com"}}
        self.iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(
                {"Version": "2012-10-17", "Statement": [statement, service]}
            ),
        )
        self.arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
        self.clients = Clients(lab.url)
        self.credentials = self.clients.assume(ACCOUNT, name, REGION)
        self.stacks = self.client("cloudformation")

    def client(self, service: str) -> Any:
        return self.clients.client(service, region=REGION, credentials=self.credentials)

    def may(self, *actions: str, resource: str = "*", **condition: Any) -> None:
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource, **condition}
        self.iam.put_role_policy(
            RoleName=self.name,
            PolicyName="test",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )


@pytest.fixture
def caller(lab: Lab, stacks: Stacks) -> Caller:
    return Caller(lab, f"caller-{stacks.name}"[:64])


def test_a_stack_works_with_the_permissions_of_its_caller(stacks: Stacks, caller: Caller) -> None:
    """Talks to a running lab."""
    caller.may("cloudformation:*")
    stacks.api = caller.stacks
    assert stacks.create({"T": TOPIC}) == "ROLLBACK_COMPLETE"
    assert "not authorized to perform: sns:CreateTopic" in reasons(stacks, "CREATE_FAILED")


def test_a_stack_that_may_not_be_undone_is_stuck(lab: Lab, stacks: Stacks, caller: Caller) -> None:
    """Talks to a running lab."""
    caller.may("cloudformation:*", "sns:CreateTopic", "sns:Get*", "sns:List*", "sns:TagResource")
    lab.set_resource_faults([ResourceRule(logical_id="B", operation="create")])
    stacks.api = caller.stacks
    assert stacks.create({"A": TOPIC, "B": topic("x", DependsOn="A")}) == "ROLLBACK_FAILED"
    assert "not authorized to perform: sns:DeleteTopic" in reasons(stacks, "DELETE_FAILED")


def test_cloudformation_calls_for_its_caller(lab: Lab, stacks: Stacks, caller: Caller) -> None:
    """Talks to a running lab."""
    called_via = {"ForAnyValue:StringEquals": {"aws:CalledVia": "cloudformation.amazonaws.com"}}
    key = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": key_policy(f"{ACCOUNT}", "kms:*")}}
    caller.iam.put_role_policy(
        RoleName=caller.name,
        PolicyName="stacks",
        PolicyDocument=json.dumps(statements({"Action": "cloudformation:*", "Resource": "*"})),
    )
    caller.may("kms:*", Condition=called_via)
    stacks.api = caller.stacks
    assert stacks.create({"Key": key}) == "CREATE_COMPLETE"
    assert "AccessDenied" in refused(lambda: caller.client("kms").create_key())
    called_via["ForAnyValue:StringEquals"]["aws:CalledVia"] = "athena.amazonaws.com"
    caller.may("kms:*", Condition=called_via)
    assert another(stacks).create({"Key": key}).startswith("ROLLBACK_")


def test_a_key_policy_that_does_not_let_the_caller_tag_fails_the_key(
    stacks: Stacks, caller: Caller
) -> None:
    """Talks to a running lab."""
    caller.may("*")
    actions = ["kms:Create*", "kms:Put*", "kms:Get*", "kms:Describe*", "kms:List*"]
    actions.append("kms:ScheduleKeyDeletion")
    policy = key_policy(ACCOUNT, *actions)
    stacks.api = caller.stacks
    key = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": policy}}
    assert stacks.create({"Key": key}) == "ROLLBACK_COMPLETE"
    assert "kms:TagResource" in reasons(stacks, "CREATE_FAILED")


def test_a_role_is_passed_to_cloudformation_by_who_may(
    lab: Lab, stacks: Stacks, caller: Caller
) -> None:
    """Talks to a running lab."""
    role = Caller(lab, f"role-{stacks.name}"[:64])
    role.may("s3:*")
    caller.may("cloudformation:*")
    stacks.api = caller.stacks
    message = refused(lambda: stacks.create({"T": TOPIC}, RoleARN=role.arn))
    assert "not authorized to perform: iam:PassRole" in message
    to_lambda = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    caller.may("cloudformation:*", "iam:PassRole", Condition=to_lambda)
    caller.iam.put_role_policy(
        RoleName=caller.name,
        PolicyName="stacks",
        PolicyDocument=json.dumps(statements({"Action": "cloudformation:*", "Resource": "*"})),
    )
    assert "iam:PassRole" in refused(lambda: stacks.create({"T": TOPIC}, RoleARN=role.arn))
    caller.may("cloudformation:*", "iam:PassRole")
    assert stacks.create({"T": TOPIC}, RoleARN=role.arn) == "ROLLBACK_COMPLETE"
    assert f"assumed-role/{role.name}/AWSCloudFormation" in reasons(stacks, "CREATE_FAILED")
    bucket = another(stacks)
    assert bucket.create({"B": BUCKET}, RoleARN=role.arn) == "CREATE_COMPLETE"
    assert "cannot be assumed" in refused(
        lambda: stacks.api.create_stack(
            StackName=f"{stacks.name}-3",
            TemplateBody=text({"T": TOPIC}),
            RoleARN=f"arn:aws:iam::{ACCOUNT}:role/no-such-role",
        )
    )


def test_the_role_of_a_change_set_stays_with_its_stack(
    lab: Lab, stacks: Stacks, caller: Caller
) -> None:
    """Talks to a running lab."""
    role = Caller(lab, f"role-{stacks.name}"[:64])
    role.may("sns:CreateTopic", "sns:TagResource", "sns:Get*", "sns:List*")
    caller.may("*")
    stacks.api = caller.stacks
    stacks.change_set("one", "CREATE", {"T": TOPIC}, RoleARN=role.arn)
    assert stacks.execute("one") == "CREATE_COMPLETE"
    assert update(stacks, {"T": topic("2")}) == "UPDATE_ROLLBACK_COMPLETE"
    assert delete(stacks) == "DELETE_FAILED"


def test_a_function_gets_a_role_from_who_may_pass_it(stacks: Stacks, caller: Caller) -> None:
    """Talks to a running lab."""
    caller.may("cloudformation:*", "lambda:*")
    stacks.api = caller.stacks
    function: dict[str, Any] = copy.deepcopy(NAMED["function"])
    function["Properties"]["FunctionName"] = "of-its-own"
    assert stacks.create({"F": function}) == "ROLLBACK_COMPLETE"
    assert "iam:PassRole" in reasons(stacks, "CREATE_FAILED")


def test_drift_is_read_with_the_permissions_of_the_caller(stacks: Stacks, caller: Caller) -> None:
    """Talks to a running lab."""
    stacks.create({"T": topic("1")})
    caller.may("cloudformation:*")
    started = caller.stacks.detect_stack_drift(StackName=stacks.name)["StackDriftDetectionId"]
    status = caller.stacks.describe_stack_drift_detection_status(StackDriftDetectionId=started)
    assert status["DetectionStatus"] == "DETECTION_FAILED"
    assert status["StackDriftStatus"] == "UNKNOWN"


# Requests


def test_a_request_token_means_one_request(stacks: Stacks) -> None:
    """Talks to a running lab."""
    request = {
        "StackName": stacks.name,
        "TemplateBody": text({"A": TOPIC}),
        "ClientRequestToken": f"create-{stacks.name}",
    }
    first, second = (stacks.api.create_stack(**request)["StackId"] for _unused in range(2))
    assert first == second
    stacks.wait()
    made = [
        stacks.api.create_change_set(
            StackName=stacks.name,
            ChangeSetName="update",
            ClientToken=f"change-{stacks.name}",
            TemplateBody=text({"A": topic("2")}),
        )["Id"]
        for _unused in range(2)
    ]
    assert made[0] == made[1]
    token = f"execute-{stacks.name}"
    for _unused in range(2):
        stacks.api.execute_change_set(
            StackName=stacks.name, ChangeSetName=made[0], ClientRequestToken=token
        )
        assert stacks.wait() == "UPDATE_COMPLETE"
    events = stacks.api.describe_stack_events(StackName=stacks.name)["StackEvents"]
    begun = [event for event in events if event.get("ClientRequestToken") == token]
    assert [event["ResourceStatus"] for event in begun].count("UPDATE_COMPLETE") == 2
    assert "TokenAlreadyExistsException" in refused(
        lambda: another(stacks).api.create_stack(**{**request, "StackName": f"{stacks.name}-2"})
    )


def test_a_stack_was_not_updated_by_its_creation(stacks: Stacks) -> None:
    """Talks to a running lab."""
    stacks.create({"A": TOPIC})
    assert "LastUpdatedTime" not in stacks.describe()
    update(stacks, {"A": topic("2")})
    assert stacks.describe()["LastUpdatedTime"] > stacks.describe()["CreationTime"]


# Buckets and keys

OTHER = "333333333333"


class Store:
    """A bucket of the account, encrypted with a key of the account, as the templates make them."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.s3, self.kms = lab.client("s3", ACCOUNT), lab.client("kms", ACCOUNT)
        self.name = name.lower()[:60]
        self.objects = f"arn:aws:s3:::{self.name}/*"
        self.key = self.kms.create_key()["KeyMetadata"]["Arn"]
        self.s3.create_bucket(Bucket=self.name)
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": self.key}
        self.s3.put_bucket_encryption(
            Bucket=self.name,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": default}]
            },
        )
        self.s3.put_object(Bucket=self.name, Key="key", Body=b"data")

    def grant(self, *actions: str, to: str, effect: str = "Allow", **more: Any) -> None:
        grant = {"Principal": {"AWS": to}, "Action": list(actions), "Resource": self.objects}
        document = statements({**grant, "Effect": effect, **more})
        self.s3.put_bucket_policy(Bucket=self.name, Policy=json.dumps(document))

    def grant_key(self, *actions: str, to: str, **more: Any) -> None:
        document = key_policy(to, *actions)
        document["Statement"][0].update(more)
        document["Statement"] += key_policy(ACCOUNT, "kms:*")["Statement"]
        self.kms.put_key_policy(KeyId=self.key, PolicyName="default", Policy=json.dumps(document))


class Stranger(Caller):
    """A role of another account."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.iam, self.name = lab.client("iam", OTHER), name
        root = {"AWS": f"arn:aws:iam::{OTHER}:root"}
        trust = statements({"Principal": root, "Action": "sts:AssumeRole"})
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        self.arn = f"arn:aws:iam::{OTHER}:role/{name}"
        self.clients = Clients(lab.url)
        self.credentials = self.clients.assume(OTHER, name, REGION)

    def reads(self, store: Store) -> bool:
        return allowed(lambda: self.client("s3").get_object(Bucket=store.name, Key="key"))

    def writes(self, store: Store, **more: Any) -> bool:
        return allowed(
            lambda: self.client("s3").put_object(Bucket=store.name, Key="new", Body=b"", **more)
        )


def allowed(call: Callable[[], object]) -> bool:
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDenied", "AccessDeniedException", "403"):
            raise
        return False
    return True


def only(role: str) -> dict[str, Any]:
    return {"Condition": {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::*:role/{role}"}}}


@pytest.fixture
def store(lab: Lab, stacks: Stacks) -> Store:
    return Store(lab, stacks.name)


@pytest.fixture
def stranger(lab: Lab, stacks: Stacks) -> Stranger:
    return Stranger(lab, f"stranger-{stacks.name}"[:64])


def test_a_bucket_of_another_account_takes_both_policies_and_the_key(
    store: Store, stranger: Stranger
) -> None:
    """Talks to a running lab."""
    store.grant("s3:GetObject", to=OTHER, **only(stranger.name))
    store.grant_key("kms:Decrypt", to=OTHER, **only(stranger.name))
    assert not stranger.reads(store)
    stranger.may("s3:GetObject", "kms:Decrypt")
    assert stranger.reads(store)
    stranger.may("s3:GetObject")
    assert not stranger.reads(store)
    stranger.may("s3:GetObject", "kms:Decrypt")
    store.grant_key("kms:Decrypt", to=OTHER, **only("another"))
    assert not stranger.reads(store)
    store.grant_key("kms:Decrypt", to=OTHER)
    assert stranger.reads(store)
    store.grant("s3:GetObject", to=OTHER, **only("another"))
    assert not stranger.reads(store)


def test_who_writes_needs_a_data_key(store: Store, stranger: Stranger) -> None:
    """Talks to a running lab."""
    stranger.may("s3:PutObject", "kms:*")
    store.grant("s3:PutObject", to=OTHER, **only(stranger.name))
    store.grant_key("kms:Decrypt", to=OTHER)
    assert not stranger.writes(store)
    store.grant_key("kms:GenerateDataKey", to=OTHER, **only(stranger.name))
    assert stranger.writes(store)


def test_a_statement_about_the_key_of_uploads_holds(store: Store, stranger: Stranger) -> None:
    """Talks to a running lab."""
    stranger.may("s3:PutObject", "kms:*")
    store.grant_key("kms:*", to=OTHER)
    key_id = "s3:x-amz-server-side-encryption-aws-kms-key-id"
    store.grant("s3:PutObject", to=OTHER, Condition={"StringEquals": {key_id: store.key}})
    named = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": store.key}
    assert stranger.writes(store, **named)
    assert not stranger.writes(store)


def test_a_reader_of_the_own_account_needs_the_key(store: Store, caller: Caller) -> None:
    """Talks to a running lab."""
    caller.may("s3:GetObject")
    read = {"Bucket": store.name, "Key": "key"}
    assert not allowed(lambda: caller.client("s3").get_object(**read))
    caller.may("s3:GetObject", "kms:Decrypt")
    assert allowed(lambda: caller.client("s3").get_object(**read))


def test_a_bucket_policy_denies_its_own_account(store: Store) -> None:
    """Talks to a running lab."""
    store.grant("s3:GetObject", to="*", effect="Deny")
    assert not allowed(lambda: store.s3.get_object(Bucket=store.name, Key="key"))
    store.s3.delete_bucket_policy(Bucket=store.name)
    assert allowed(lambda: store.s3.get_object(Bucket=store.name, Key="key"))


def test_a_key_of_another_account_takes_both_policies(store: Store, stranger: Stranger) -> None:
    """Talks to a running lab."""
    kms = stranger.client("kms")
    stranger.may("kms:GenerateDataKey")
    make = {"KeyId": store.key, "KeySpec": "AES_256"}
    assert not allowed(lambda: kms.generate_data_key(**make))
    store.grant_key("kms:GenerateDataKey", to=OTHER, **only(stranger.name))
    assert allowed(lambda: kms.generate_data_key(**make))
    stranger.may("kms:Decrypt")
    assert not allowed(lambda: kms.generate_data_key(**make))
