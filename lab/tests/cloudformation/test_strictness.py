# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stacks: names, references, what is retained, exports, stack policies, tokens.

MiniStack alone accepts what each test expects to be refused or different: see lab/README.md.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab import Lab
from lab.tests.stacks import (
    TOPIC,
    Stacks,
    another,
    delete,
    parameters,
    reasons,
    refused,
    shown,
    text,
    topic,
    update,
)

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
    body = text({"Named": NAMED[kind]})
    if kind == "alias":
        key = lab.client("kms", ACCOUNT).create_key()["KeyMetadata"]["KeyId"]
        body = body.replace("KEY", key)
    assert stacks.create(body, Capabilities=["CAPABILITY_NAMED_IAM"]) == "CREATE_COMPLETE"
    second = another(stacks)
    assert second.create(body, Capabilities=["CAPABILITY_NAMED_IAM"]) == "ROLLBACK_COMPLETE"
    assert "already exists" in reasons(second, "CREATE_FAILED")


def test_what_is_retained_does_not_block_the_stack_made_again(lab: Lab, stacks: Stacks) -> None:
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
    lab.hold_until_seen()
    stacks.api.create_stack(StackName=stacks.name, TemplateBody=text({"T": TOPIC}))
    assert stacks.watch() == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
    assert ("T", "CREATE_IN_PROGRESS") in stacks.events()


def test_a_stack_that_was_never_made_is_not_created_over(lab: Lab, stacks: Stacks) -> None:
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
    given = parameters(Unknown="1") if body["Resources"] else []
    assert message in refused(lambda: stacks.create(json.dumps(body), Parameters=given))


def test_functions_in_conditions_are_resolved(stacks: Stacks) -> None:
    body = {
        "Parameters": {"List": {"Type": "CommaDelimitedList", "Default": ""}},
        "Conditions": {"Empty": {"Fn::Equals": [{"Fn::Join": ["", {"Ref": "List"}]}, ""]}},
        "Resources": {"T": TOPIC, "WhenEmpty": {**TOPIC, "Condition": "Empty"}},
    }
    stacks.create(json.dumps(body))
    assert ("WhenEmpty", "CREATE_COMPLETE") in stacks.events()


@pytest.mark.parametrize("name", BUCKET_PROPERTIES)
def test_a_property_of_a_bucket_is_applied(lab: Lab, stacks: Stacks, name: str) -> None:
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


# References

NOWHERE = {
    "Ref": {"T": topic("x") | {"Properties": {"DisplayName": {"Ref": "Nothing"}}}},
    "GetAtt": {"T": topic("x") | {"Properties": {"DisplayName": {"Fn::GetAtt": ["No", "Arn"]}}}},
    "Sub": {"T": topic("x") | {"Properties": {"DisplayName": {"Fn::Sub": "${Nothing}"}}}},
    "DependsOn": {"T": topic("x", DependsOn="Nothing")},
}


@pytest.mark.parametrize("function", NOWHERE)
def test_a_reference_to_nothing_is_refused(stacks: Stacks, function: str) -> None:
    message = refused(lambda: stacks.create(NOWHERE[function]))
    assert message.startswith("ValidationError")
    assert "Unresolved resource dependencies" in message


def test_an_output_of_nothing_is_refused(stacks: Stacks) -> None:
    body = {"Resources": {"T": TOPIC}, "Outputs": {"O": {"Value": {"Ref": "Nothing"}}}}
    assert "Unresolved" in refused(lambda: stacks.create(json.dumps(body)))


def test_a_reference_to_a_resource_whose_condition_is_false_is_refused(stacks: Stacks) -> None:
    body = {
        "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
        "Resources": {
            "Absent": {**TOPIC, "Condition": "Never"},
            "T": topic("x") | {"Properties": {"DisplayName": {"Ref": "Absent"}}},
        },
    }
    assert "Unresolved" in refused(lambda: stacks.create(json.dumps(body)))


# What is retained


def test_what_a_deleted_stack_retained_is_shown_by_its_id(lab: Lab, stacks: Stacks) -> None:
    retained = {**BUCKET, "DeletionPolicy": "RetainExceptOnCreate"}
    stacks.create({"Kept": retained, "Gone": TOPIC}, Tags=[{"Key": "own", "Value": "tag"}])
    bucket, s3 = stacks.physical_id("Kept"), lab.client("s3", ACCOUNT)
    again = Stacks(stacks.api, stacks.name)
    stack_id = stacks.describe()["StackId"]
    delete(stacks)
    again.create({"Kept": retained})
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


IMPORTED = {"Fn::ImportValue": "shared"}


def exporting(value: str | None) -> str:
    body: dict[str, Any] = {"Resources": {"T": topic(value or "none")}}
    if value:
        body["Outputs"] = {"O": {"Value": value, "Export": {"Name": "shared"}}}
    return json.dumps(body)


def test_an_export_in_use_cannot_be_dropped(stacks: Stacks) -> None:
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
    stacks.create(exporting("1"))
    second = another(stacks)
    assert second.create(exporting("2")) == "ROLLBACK_COMPLETE"
    assert "already exported" in reasons(second, "CREATE_FAILED")
    delete(stacks)


def test_a_change_set_does_not_import_what_nobody_exports(stacks: Stacks) -> None:
    imports = {"A": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": IMPORTED}}}
    stacks.change_set("first", "CREATE", imports)
    refused = stacks.api.describe_change_set(StackName=stacks.name, ChangeSetName="first")

    assert refused["Status"] == "FAILED"
    assert refused["StatusReason"] == "No export named shared found"

    Stacks(stacks.api, f"{stacks.name}-2").create(exporting("1"))
    stacks.change_set("second", "CREATE", imports)
    assert stacks.execute("second") == "CREATE_COMPLETE"


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


# Requests


def test_a_request_token_means_one_request(stacks: Stacks) -> None:
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
    stacks.create({"A": TOPIC})
    assert "LastUpdatedTime" not in stacks.describe()
    update(stacks, {"A": topic("2")})
    assert stacks.describe()["LastUpdatedTime"] > stacks.describe()["CreationTime"]
