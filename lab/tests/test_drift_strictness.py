# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drift as AWS has it and MiniStack as it comes has not: detection, reverting, dead principals.

With LAB_STOCK=1 in the environment the same tests run on MiniStack without the lab's patches.
Every one of them must fail there, else it proves nothing here:

    LAB_STOCK=1 python -m pytest lab/tests/test_drift_strictness.py
"""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab import Lab, ResourceRule
from lab.clients import Clients
from lab.tests.stacks import TOPIC, Stacks, refused

ACCOUNT = "222222222222"
REGION = "us-east-1"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
CAPABILITIES = ["CAPABILITY_NAMED_IAM"]


def statements(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **part} for part in parts]}


KEY_POLICY = statements({"Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"})
TRUST = statements({"Principal": {"AWS": ROOT}, "Action": "sts:AssumeRole"})
TEMPLATE: dict[str, Any] = {
    "Key": {
        "Type": "AWS::KMS::Key",
        "Properties": {
            "Description": "A key",
            "EnableKeyRotation": True,
            "KeyPolicy": KEY_POLICY,
            "Tags": [{"Key": "own", "Value": "tag"}],
        },
    },
    "Alias": {
        "Type": "AWS::KMS::Alias",
        "Properties": {"AliasName": "alias/NAME", "TargetKeyId": {"Fn::GetAtt": ["Key", "Arn"]}},
    },
    "Bucket": {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    {
                        "ServerSideEncryptionByDefault": {
                            "SSEAlgorithm": "aws:kms",
                            "KMSMasterKeyID": {"Fn::GetAtt": ["Key", "Arn"]},
                        }
                    }
                ]
            },
            "LifecycleConfiguration": {
                "Rules": [{"Id": "expire", "Status": "Enabled", "ExpirationInDays": 90}]
            },
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
            "VersioningConfiguration": {"Status": "Enabled"},
        },
    },
    "BucketPolicy": {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {
            "Bucket": {"Ref": "Bucket"},
            "PolicyDocument": statements(
                {
                    "Principal": {"AWS": ROOT},
                    "Action": "s3:GetObject",
                    "Resource": {"Fn::Sub": "${Bucket.Arn}/*"},
                }
            ),
        },
    },
    "Role": {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": TRUST,
            "ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
            "Policies": [
                {
                    "PolicyName": "own",
                    "PolicyDocument": statements({"Action": "s3:GetObject", "Resource": "*"}),
                }
            ],
        },
    },
    "Function": {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Timeout": 30,
            "Code": {"ZipFile": "def handler(event, context): pass"},
        },
    },
    "Permission": {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "FunctionName": {"Ref": "Function"},
            "Action": "lambda:InvokeFunction",
            "Principal": "events.amazonaws.com",
        },
    },
    "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 30}},
    "Rule": {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "State": "ENABLED",
            "EventPattern": {"source": ["aws.s3"]},
            "Targets": [{"Id": "one", "Arn": {"Fn::GetAtt": ["Function", "Arn"]}}],
        },
    },
    "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "as it was"}},
    "TopicPolicy": {
        "Type": "AWS::SNS::TopicPolicy",
        "Properties": {
            "Topics": [{"Ref": "Topic"}],
            "PolicyDocument": statements(
                {"Principal": {"AWS": ROOT}, "Action": "sns:Publish", "Resource": {"Ref": "Topic"}}
            ),
        },
    },
}
# What is read, by AWS's own words for each type; the topic's policy is not.
CHECKED = TEMPLATE.keys() - {"TopicPolicy"}
_NUMBERS = itertools.count()
OPEN_KEY = json.dumps(statements({"Principal": "*", "Action": "kms:*", "Resource": "*"}))
ENCRYPTION = "/BucketEncryption/ServerSideEncryptionConfiguration"
# Behind the stack's back: service, call, parameters ($X is X's id); the resource, a
# difference (path and kind) as detection sees it; empty path: the resource is gone.
BEHIND: dict[str, tuple[str, str, dict[str, Any], str, str, str]] = {
    "rotation": (
        "kms", "disable_key_rotation", {"KeyId": "$Key"},
        "Key", "/EnableKeyRotation", "NOT_EQUAL",
    ),
    "key-policy": (
        "kms", "put_key_policy",
        {"KeyId": "$Key", "PolicyName": "default", "Policy": OPEN_KEY},
        "Key", "/KeyPolicy/Statement/0/Principal", "NOT_EQUAL",
    ),
    "key-tag": (
        "kms", "untag_resource", {"KeyId": "$Key", "TagKeys": ["own"]},
        "Key", "/Tags/0", "REMOVE",
    ),
    "stack-tag": (
        "kms", "untag_resource", {"KeyId": "$Key", "TagKeys": ["of-the-stack"]},
        "Key", "/Tags/1", "REMOVE",
    ),
    "alias": (
        "kms", "update_alias", {"AliasName": "$Alias", "TargetKeyId": "OTHER"},
        "Alias", "/TargetKeyId", "NOT_EQUAL",
    ),
    "alias-gone": ("kms", "delete_alias", {"AliasName": "$Alias"}, "Alias", "", ""),
    "encryption": (
        "s3", "delete_bucket_encryption", {"Bucket": "$Bucket"},
        "Bucket",
        f"{ENCRYPTION}/0/ServerSideEncryptionByDefault/SSEAlgorithm",
        "NOT_EQUAL",
    ),
    "versioning": (
        "s3", "put_bucket_versioning",
        {"Bucket": "$Bucket", "VersioningConfiguration": {"Status": "Suspended"}},
        "Bucket", "/VersioningConfiguration/Status", "NOT_EQUAL",
    ),
    "public-access": (
        "s3", "put_public_access_block",
        {
            "Bucket": "$Bucket",
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True, "BlockPublicPolicy": False,
                "IgnorePublicAcls": True, "RestrictPublicBuckets": True,
            },
        },
        "Bucket", "/PublicAccessBlockConfiguration/BlockPublicPolicy", "NOT_EQUAL",
    ),
    "lifecycle": (
        "s3", "put_bucket_lifecycle_configuration",
        {
            "Bucket": "$Bucket",
            "LifecycleConfiguration": {
                "Rules": [
                    {
                        "ID": "expire", "Status": "Enabled", "Filter": {"Prefix": ""},
                        "Expiration": {"Days": 1},
                    }
                ]
            },
        },
        "Bucket", "/LifecycleConfiguration/Rules/0/ExpirationInDays", "NOT_EQUAL",
    ),
    "bucket-policy": (
        "s3", "delete_bucket_policy", {"Bucket": "$Bucket"}, "BucketPolicy", "", "",
    ),
    "trust": (
        "iam", "update_assume_role_policy",
        {
            "RoleName": "$Role",
            "PolicyDocument": json.dumps(
                statements({"Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})
            ),
        },
        "Role", "/AssumeRolePolicyDocument/Statement/0/Principal/AWS", "NOT_EQUAL",
    ),
    "detached-policy": (
        "iam", "detach_role_policy",
        {"RoleName": "$Role", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
        "Role", "/ManagedPolicyArns/0", "REMOVE",
    ),
    "timeout": (
        "lambda", "update_function_configuration", {"FunctionName": "$Function", "Timeout": 3},
        "Function", "/Timeout", "NOT_EQUAL",
    ),
    "permission": (
        "lambda", "remove_permission", {"FunctionName": "$Function", "StatementId": "$Permission"},
        "Permission", "", "",
    ),
    "retention": (
        "logs", "put_retention_policy", {"logGroupName": "$Logs", "retentionInDays": 1},
        "Logs", "/RetentionInDays", "NOT_EQUAL",
    ),
    "rule": ("events", "disable_rule", {"Name": "$Rule"}, "Rule", "/State", "NOT_EQUAL"),
    "topic": (
        "sns", "set_topic_attributes",
        {"TopicArn": "$Topic", "AttributeName": "DisplayName", "AttributeValue": "another"},
        "Topic", "/DisplayName", "NOT_EQUAL",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def running_lab() -> Iterator[Lab]:
    with Lab(stock=bool(os.environ.get("LAB_STOCK"))) as lab:
        yield lab


class Drifting(Stacks):
    """A stack, what is done to its resources behind its back, and what becomes known of that."""

    def __init__(self, lab: Lab, name: str) -> None:
        super().__init__(lab.client("cloudformation", ACCOUNT), name)
        self.lab = lab

    def make(self, template: dict[str, Any], **more: Any) -> None:
        body = json.loads(json.dumps(template).replace("alias/NAME", f"alias/{self.name}"))
        status = self.create(body, Capabilities=CAPABILITIES, **more)
        assert status == "CREATE_COMPLETE"

    def change(self, name: str) -> None:
        """Do one of BEHIND."""
        service, call, values, *_unused = BEHIND[name]
        given = {key: self._value(value) for key, value in values.items()}
        getattr(self.lab.client(service, ACCOUNT), call)(**given)

    def _value(self, value: Any) -> Any:
        if value == "OTHER":
            return self.lab.client("kms", ACCOUNT).create_key()["KeyMetadata"]["KeyId"]
        return self.physical_id(value[1:]) if str(value).startswith("$") else value

    def detect(self) -> dict[str, Any]:
        """The result of a whole detection, by resource."""
        started = self.api.detect_stack_drift(StackName=self.name)["StackDriftDetectionId"]
        deadline = time.monotonic() + 10
        while self.detection(started)["DetectionStatus"] == "DETECTION_IN_PROGRESS":
            assert time.monotonic() < deadline
            time.sleep(0.02)
        found: list[dict[str, Any]] = []
        further: dict[str, str] = {}
        while True:
            page = self.api.describe_stack_resource_drifts(StackName=self.name, **further)
            found += page["StackResourceDrifts"]
            if "NextToken" not in page:
                return {drift["LogicalResourceId"]: drift for drift in found}
            further = {"NextToken": page["NextToken"]}

    def detection(self, detection_id: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.api.describe_stack_drift_detection_status(
            StackDriftDetectionId=detection_id
        )
        return answer

    def drifted(self) -> dict[str, str]:
        return {
            name: drift["StackResourceDriftStatus"]
            for name, drift in self.detect().items()
            if drift["StackResourceDriftStatus"] != "IN_SYNC"
        }

    def reverting(self, name: str = "revert", **more: Any) -> dict[str, Any]:
        """A drift-aware change set, as it is described with all values."""
        given = more or {"UsePreviousTemplate": True}
        self.api.create_change_set(
            StackName=self.name,
            ChangeSetName=name,
            DeploymentMode="REVERT_DRIFT",
            Capabilities=CAPABILITIES,
            **given,
        )
        described: dict[str, Any] = self.api.describe_change_set(
            StackName=self.name, ChangeSetName=name, IncludePropertyValues=True
        )
        return described


def changes(change_set: dict[str, Any]) -> dict[str, Any]:
    return {
        change["ResourceChange"]["LogicalResourceId"]: change["ResourceChange"]
        for change in change_set["Changes"]
    }


@pytest.fixture
def stack(lab: Lab) -> Drifting:
    """A stack with a name of its own, not made yet."""
    return Drifting(lab, f"drifting-{next(_NUMBERS)}")


@pytest.fixture
def drifting(stack: Drifting) -> Drifting:
    """A stack of every type."""
    stack.make(TEMPLATE, Tags=[{"Key": "of-the-stack", "Value": "tag"}])
    return stack


# Detection


def test_detection_takes_its_time_and_runs_once(lab: Lab, drifting: Drifting) -> None:
    """Talks to a running lab."""
    lab.set_latency(0, drift=0.4)
    drifting.change("timeout")
    started = drifting.api.detect_stack_drift(StackName=drifting.name)["StackDriftDetectionId"]
    status = drifting.detection(started)
    assert status["DetectionStatus"] == "DETECTION_IN_PROGRESS"
    assert "StackDriftStatus" not in status
    assert drifting.describe()["DriftInformation"]["StackDriftStatus"] == "NOT_CHECKED"
    assert "Drift detection is already in progress for stack" in refused(
        lambda: drifting.api.detect_stack_drift(StackName=drifting.name)
    )
    time.sleep(0.6)
    status = drifting.detection(started)
    assert status["DetectionStatus"] == "DETECTION_COMPLETE"
    assert (status["StackDriftStatus"], status["DriftedStackResourceCount"]) == ("DRIFTED", 1)
    assert drifting.describe()["DriftInformation"]["StackDriftStatus"] == "DRIFTED"
    assert drifting.drifted() == {"Function": "MODIFIED"}


def test_detection_reads_what_is_there_when_it_reads(lab: Lab, drifting: Drifting) -> None:
    """Talks to a running lab."""
    lab.set_latency(0, drift=0.3)
    drifting.api.detect_stack_drift(StackName=drifting.name)
    drifting.change("timeout")
    time.sleep(0.5)
    found = drifting.api.describe_stack_resource_drifts(StackName=drifting.name)
    drifted = {
        drift["LogicalResourceId"]
        for drift in found["StackResourceDrifts"]
        if drift["StackResourceDriftStatus"] == "MODIFIED"
    }
    assert drifted == {"Function"}


def test_a_stack_that_goes_away_ends_its_detection(lab: Lab, stack: Drifting) -> None:
    """Talks to a running lab."""
    stack.make({"T": TOPIC})
    lab.set_latency(0, drift=0.3)
    started = stack.api.detect_stack_drift(StackName=stack.name)["StackDriftDetectionId"]
    assert stack.detection(started)["DetectionStatus"] == "DETECTION_IN_PROGRESS"
    stack.api.delete_stack(StackName=stack.name)
    time.sleep(0.5)
    status = stack.detection(started)
    assert status["DetectionStatus"] == "DETECTION_FAILED"
    assert "does not exist" in status["DetectionStatusReason"]


def test_drifts_come_in_pages(lab: Lab, drifting: Drifting) -> None:
    """Talks to a running lab."""
    lab.set_drift_page(4)
    drifting.api.detect_stack_drift(StackName=drifting.name)
    first = drifting.api.describe_stack_resource_drifts(StackName=drifting.name, MaxResults=100)
    assert len(first["StackResourceDrifts"]) == 4
    assert first["NextToken"]
    assert drifting.detect().keys() == CHECKED


def test_what_is_in_sync_is_in_sync(drifting: Drifting) -> None:
    """Talks to a running lab. A topic's policy is among what CloudFormation does not read."""
    found = drifting.detect()
    assert found.keys() == CHECKED
    for drift in found.values():
        assert drift["StackResourceDriftStatus"] == "IN_SYNC"
        assert json.loads(drift["ExpectedProperties"]) == json.loads(drift["ActualProperties"])


@pytest.mark.parametrize("name", BEHIND)
def test_a_change_behind_the_back_of_a_stack_is_seen_and_reverted(
    drifting: Drifting, name: str
) -> None:
    """Talks to a running lab."""
    *_unused, resource, path, kind = BEHIND[name]
    drifting.change(name)
    drift = drifting.detect()[resource]
    if path:
        differences = [
            (difference["PropertyPath"], difference["DifferenceType"])
            for difference in drift["PropertyDifferences"]
        ]
        assert (path, kind) in differences
        assert drift["StackResourceDriftStatus"] == "MODIFIED"
    else:
        assert drift["StackResourceDriftStatus"] == "DELETED"
        assert "ActualProperties" not in drift
    change_set = drifting.reverting()
    assert (change_set["Status"], change_set["StackDriftStatus"]) == ("CREATE_COMPLETE", "DRIFTED")
    change = changes(change_set)[resource]
    assert change["ResourceDriftStatus"] == drift["StackResourceDriftStatus"]
    assert change["Action"] == ("Modify" if path else "Add")
    assert drifting.execute("revert") == "UPDATE_COMPLETE"
    assert drifting.drifted() == {}
    again = drifting.reverting("again")
    assert again["Status"] == "FAILED"
    assert "didn't contain changes" in again["StatusReason"]


def test_all_of_it_is_reverted_at_once(drifting: Drifting) -> None:
    """Talks to a running lab."""
    expected = {}
    for name, (*_unused, resource, path, _kind) in BEHIND.items():
        if name != "alias":
            drifting.change(name)
            expected[resource] = "MODIFIED" if path else "DELETED"
    assert drifting.drifted() == expected
    drifting.reverting()
    assert drifting.execute("revert") == "UPDATE_COMPLETE"
    assert drifting.drifted() == {}


# What CloudFormation does not see


def test_an_inline_policy_is_seen_only_if_the_template_has_it(drifting: Drifting) -> None:
    """Talks to a running lab. A drift-aware change set sees no more."""
    iam, role = drifting.lab.client("iam", ACCOUNT), drifting.physical_id("Role")
    everything = json.dumps(statements({"Action": "*", "Resource": "*"}))
    iam.put_role_policy(RoleName=role, PolicyName="added", PolicyDocument=everything)
    assert drifting.drifted() == {}
    assert drifting.reverting("nothing")["Status"] == "FAILED"
    iam.delete_role_policy(RoleName=role, PolicyName="own")
    assert drifting.drifted() == {"Role": "MODIFIED"}
    drifting.reverting()
    assert drifting.execute("revert") == "UPDATE_COMPLETE"
    assert set(iam.list_role_policies(RoleName=role)["PolicyNames"]) == {"added", "own"}


def test_an_attached_policy_is_seen_only_if_the_template_attaches_any(stack: Drifting) -> None:
    """Talks to a running lab. A drift-aware change set sees no more."""
    trust = {"AssumeRolePolicyDocument": TRUST}
    attached = {"ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]}
    role = {"Type": "AWS::IAM::Role"}
    stack.make(
        {
            "With": {**role, "Properties": {**trust, **attached}},
            "Without": {**role, "Properties": trust},
        }
    )
    iam = stack.lab.client("iam", ACCOUNT)
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    for name in ("With", "Without"):
        iam.attach_role_policy(RoleName=stack.physical_id(name), PolicyArn=administrator)
    assert stack.drifted() == {"With": "MODIFIED"}
    assert changes(stack.reverting()).keys() == {"With"}
    assert stack.execute("revert") == "UPDATE_COMPLETE"
    left = iam.list_attached_role_policies(RoleName=stack.physical_id("With"))
    assert [one["PolicyArn"] for one in left["AttachedPolicies"]] == attached["ManagedPolicyArns"]


def test_the_policy_of_a_topic_is_not_checked(drifting: Drifting) -> None:
    """Talks to a running lab."""
    drifting.lab.client("sns", ACCOUNT).set_topic_attributes(
        TopicArn=drifting.physical_id("Topic"),
        AttributeName="Policy",
        AttributeValue=json.dumps(statements({"Principal": "*", "Action": "sns:*"})),
    )
    assert drifting.drifted() == {}
    assert drifting.reverting()["Status"] == "FAILED"
    resources = drifting.api.list_stack_resources(StackName=drifting.name)
    status = {
        one["LogicalResourceId"]: one["DriftInformation"]["StackResourceDriftStatus"]
        for one in resources["StackResourceSummaries"]
    }
    assert status.pop("TopicPolicy") == "NOT_CHECKED"
    assert set(status.values()) == {"IN_SYNC"}


# Drift-aware change sets


def test_another_deployment_mode_is_refused(stack: Drifting) -> None:
    """Talks to a running lab."""
    stack.make({"T": TOPIC})
    stack.api.meta.config.parameter_validation = False
    assert "deploymentMode" in refused(
        lambda: stack.api.create_change_set(
            StackName=stack.name,
            ChangeSetName="other",
            UsePreviousTemplate=True,
            DeploymentMode="KEEP_DRIFT",
        )
    )


def test_a_change_says_what_is_there_and_what_comes(drifting: Drifting) -> None:
    """Talks to a running lab."""
    drifting.change("timeout")
    change_set = drifting.reverting()
    assert change_set["DeploymentMode"] == "REVERT_DRIFT"
    change = changes(change_set)["Function"]
    assert (change["Action"], change["Replacement"]) == ("Modify", "False")
    assert change["ResourceDriftIgnoredAttributes"] == [
        {"Path": "/Properties/Code", "Reason": "WRITE_ONLY_PROPERTY"}
    ]
    (detail,) = change["Details"]
    target = detail["Target"]
    assert (target["Path"], target["AttributeChangeType"]) == ("/Properties/Timeout", "Modify")
    assert (target["BeforeValue"], target["BeforeValueFrom"]) == ("3", "ACTUAL_STATE")
    assert (target["AfterValue"], target["AfterValueFrom"]) == ("30", "TEMPLATE")
    assert (target["Drift"]["PreviousValue"], target["Drift"]["ActualValue"]) == ("30", "3")
    contexts = [
        json.loads(change[name])["Properties"]["Timeout"]
        for name in ("BeforeContext", "AfterContext", "PreviousDeploymentContext")
    ]
    assert contexts == [3, 30, 30]
    plain = drifting.api.describe_change_set(StackName=drifting.name, ChangeSetName="revert")
    (detail,) = changes(plain)["Function"]["Details"]
    assert detail["Target"].keys().isdisjoint({"BeforeValue", "AfterValue", "Drift"})


def test_the_changes_of_the_template_are_there_too(stack: Drifting) -> None:
    """Talks to a running lab."""

    def template(topic: str, description: str) -> dict[str, Any]:
        key = {"Description": description, "EnableKeyRotation": True, "KeyPolicy": KEY_POLICY}
        return {
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": topic}},
            "Key": {"Type": "AWS::KMS::Key", "Properties": key},
            "Calm": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": description}},
        }

    stack.make(template("before", "first"))
    stack.change("topic")
    stack.change("rotation")
    body = json.dumps({"Resources": template("another", "second")})
    found = changes(stack.reverting(TemplateBody=body))
    assert {name: change["Action"] for name, change in found.items()} == {
        "Topic": "SyncWithActual",
        "Key": "Modify",
        "Calm": "Modify",
    }
    assert found["Calm"]["ResourceDriftStatus"] == "IN_SYNC"
    assert {one["Target"]["Name"] for one in found["Key"]["Details"]} == {
        "Description",
        "EnableKeyRotation",
    }
    assert stack.execute("revert") == "UPDATE_COMPLETE"
    assert stack.drifted() == {}


def test_a_tag_that_the_template_does_not_know_stays(drifting: Drifting) -> None:
    """Talks to a running lab."""
    drifting.lab.client("kms", ACCOUNT).tag_resource(
        KeyId=drifting.physical_id("Key"), Tags=[{"TagKey": "external", "TagValue": "tag"}]
    )
    assert drifting.drifted() == {"Key": "MODIFIED"}
    change_set = drifting.reverting()
    assert (change_set["Status"], change_set["StackDriftStatus"]) == ("FAILED", "DRIFTED")


def test_what_refers_to_a_resource_that_comes_back_follows_it(drifting: Drifting) -> None:
    """Talks to a running lab."""
    key = drifting.physical_id("Key")
    drifting.lab.client("kms", ACCOUNT).schedule_key_deletion(KeyId=key)
    found = changes(drifting.reverting())
    assert {name: change["Action"] for name, change in found.items()} == {
        "Key": "Add",
        "Alias": "Modify",
        "Bucket": "Modify",
    }
    assert found["Bucket"]["Details"][0]["CausingEntity"] == "Key.Arn"
    assert drifting.execute("revert") == "UPDATE_COMPLETE"
    made = drifting.physical_id("Key")
    assert made != key
    aliases = drifting.lab.client("kms", ACCOUNT).list_aliases(KeyId=made)["Aliases"]
    assert [alias["AliasName"] for alias in aliases] == [drifting.physical_id("Alias")]
    assert drifting.drifted() == {}


def test_a_failed_reversion_leads_back_to_what_was_there(drifting: Drifting) -> None:
    """Talks to a running lab. And the stack still knows what it should be."""
    drifting.change("rotation")
    drifting.change("timeout")
    drifting.change("permission")
    before = drifting.drifted()
    rule = ResourceRule(operation="create", logical_id="Permission", reason="why")
    drifting.lab.set_resource_faults([rule])
    drifting.reverting()
    assert drifting.execute("revert") == "UPDATE_ROLLBACK_COMPLETE"
    drifting.lab.set_resource_faults([])
    rotation = drifting.lab.client("kms", ACCOUNT).get_key_rotation_status(
        KeyId=drifting.physical_id("Key")
    )
    assert rotation["KeyRotationEnabled"] is False
    assert drifting.drifted() == before
    drifting.reverting("again")
    assert drifting.execute("again") == "UPDATE_COMPLETE"
    assert drifting.drifted() == {}


def test_a_failed_reversion_that_was_left_can_be_rolled_back(drifting: Drifting) -> None:
    """Talks to a running lab."""
    for name in ("rotation", "timeout", "permission"):
        drifting.change(name)
    before = drifting.drifted()
    rule = ResourceRule(operation="create", logical_id="Permission", reason="why")
    drifting.lab.set_resource_faults([rule])
    drifting.reverting()
    drifting.api.execute_change_set(
        StackName=drifting.name, ChangeSetName="revert", DisableRollback=True
    )
    assert drifting.wait() == "UPDATE_FAILED"
    drifting.lab.set_resource_faults([])
    drifting.api.rollback_stack(StackName=drifting.name)
    assert drifting.wait() == "UPDATE_ROLLBACK_COMPLETE"
    assert drifting.drifted() == before
    drifting.reverting("again")
    assert drifting.execute("again") == "UPDATE_COMPLETE"
    assert drifting.drifted() == {}


# Permissions


class Caller:
    """A role of the account that may do cloudformation:* and what it is given."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.iam, self.name = lab.client("iam", ACCOUNT), name
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
        self.may()
        credentials = Clients(lab.url).assume(ACCOUNT, name, REGION)
        self.api = Clients(lab.url).client("cloudformation", region=REGION, credentials=credentials)

    def may(self, *actions: str, but: str = "") -> None:
        document = statements({"Action": ["cloudformation:*", *actions], "Resource": "*"})
        if but:
            document["Statement"].append({"Effect": "Deny", "Action": but, "Resource": "*"})
        self.iam.put_role_policy(
            RoleName=self.name, PolicyName="may", PolicyDocument=json.dumps(document)
        )


READ = ("kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags")


@pytest.mark.parametrize("action", ["DetectStackResourceDrift", "BatchDescribeTypeConfigurations"])
def test_the_detection_of_a_stack_takes_more_than_its_own_permission(
    stack: Drifting, action: str
) -> None:
    """Talks to a running lab."""
    stack.make({"T": TOPIC})
    caller = Caller(stack.lab, f"caller-{stack.name}"[:64])
    caller.may(but=f"cloudformation:{action}")
    assert f"not authorized to perform: cloudformation:{action}" in refused(
        lambda: caller.api.detect_stack_drift(StackName=stack.name)
    )


def test_drift_is_reverted_with_the_permissions_of_the_caller(stack: Drifting) -> None:
    """Talks to a running lab."""
    stack.make({"Key": TEMPLATE["Key"]})
    stack.change("rotation")
    caller = Caller(stack.lab, f"caller-{stack.name}"[:64])
    stack.api = caller.api
    blind = stack.reverting("blind")
    assert (blind["Status"], blind["StackDriftStatus"]) == ("FAILED", "UNKNOWN")
    caller.may(*READ)
    stack.reverting("reading")
    assert stack.execute("reading") == "UPDATE_ROLLBACK_COMPLETE"
    caller.may(*READ, "kms:EnableKeyRotation")
    stack.reverting("writing")
    assert stack.execute("writing") == "UPDATE_COMPLETE"
    assert stack.drifted() == {}


# Dead principals


class Role:
    """A role of another account, which policies name; it can go and come back."""

    ACCOUNT = "333333333333"

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.name = lab, name
        self.iam = lab.client("iam", self.ACCOUNT)
        self.arn = f"arn:aws:iam::{self.ACCOUNT}:role/{name}"
        self.id = self.make()

    def make(self) -> str:
        root = {"AWS": f"arn:aws:iam::{self.ACCOUNT}:root"}
        trust = statements({"Principal": root, "Action": "sts:AssumeRole"})
        made = self.iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=json.dumps(trust))
        everything = json.dumps(statements({"Action": "*", "Resource": "*"}))
        self.iam.put_role_policy(RoleName=self.name, PolicyName="all", PolicyDocument=everything)
        return str(made["Role"]["RoleId"])

    def make_again(self) -> str:
        self.iam.delete_role_policy(RoleName=self.name, PolicyName="all")
        self.iam.delete_role(RoleName=self.name)
        return self.make()

    def client(self, service: str) -> Any:
        clients = Clients(self.lab.url)
        credentials = clients.assume(self.ACCOUNT, self.name, REGION)
        return clients.client(service, region=REGION, credentials=credentials)


def principals(policy: str | dict[str, Any]) -> list[Any]:
    document = json.loads(policy) if isinstance(policy, str) else policy
    return [statement["Principal"]["AWS"] for statement in document["Statement"]]


@pytest.fixture
def role(lab: Lab, stack: Drifting) -> Role:
    return Role(lab, f"named-{stack.name}")


@pytest.fixture
def trusting(stack: Drifting, role: Role) -> Drifting:
    """A stack whose bucket, key and role name another account's role."""
    named = {"Principal": {"AWS": role.arn}, "Resource": "*"}
    template = json.loads(json.dumps({name: TEMPLATE[name] for name in NAMING}))
    key = template["Key"]["Properties"]["KeyPolicy"]["Statement"]
    key.append({"Effect": "Allow", **named, "Action": "kms:DescribeKey"})
    grant = template["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
    grant["Principal"] = {"AWS": role.arn}
    trust = statements({"Principal": {"AWS": role.arn}, "Action": "sts:AssumeRole"})
    template["Role"]["Properties"]["AssumeRolePolicyDocument"] = trust
    stack.make(template)
    return stack


NAMING = ("Key", "Bucket", "BucketPolicy", "Role")


def test_a_role_made_again_leaves_a_dead_principal(trusting: Drifting, role: Role) -> None:
    """Talks to a running lab. Nor does CloudFormation see it, by either of its ways."""
    s3, kms, iam = (trusting.lab.client(name, ACCOUNT) for name in ("s3", "kms", "iam"))
    bucket, key, name = (trusting.physical_id(one) for one in ("Bucket", "Key", "Role"))
    s3.put_object(Bucket=bucket, Key="key", Body=b"", ServerSideEncryption="AES256")
    trusted = f"arn:aws:iam::{ACCOUNT}:role/{name}"

    def reaches() -> list[bool]:
        """Whether the role reads the bucket, sees the key, and assumes the other role."""
        return [
            allowed(lambda: role.client("s3").get_object(Bucket=bucket, Key="key")),
            allowed(lambda: role.client("kms").describe_key(KeyId=key_arn)),
            allowed(
                lambda: role.client("sts").assume_role(RoleArn=trusted, RoleSessionName="test")
            ),
        ]

    key_arn = kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"]
    assert reaches() == [True, True, True]
    again = role.make_again()
    assert again != role.id
    assert principals(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == [role.id]
    key_policy = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    assert principals(key_policy) == [ROOT, role.id]
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    assert principals(trust) == [role.id]
    assert reaches() == [False, False, False]
    assert trusting.drifted() == {}
    assert trusting.reverting()["Status"] == "FAILED"
    dead = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    assert "Invalid principal" in refused(lambda: s3.put_bucket_policy(Bucket=bucket, Policy=dead))
    s3.put_bucket_policy(Bucket=bucket, Policy=dead.replace(role.id, role.arn))
    assert reaches() == [True, False, False]


def test_a_role_that_its_stack_replaces_is_dead_too(stack: Drifting) -> None:
    """Talks to a running lab."""
    trust = {"AssumeRolePolicyDocument": TRUST}
    stack.make({"Role": {"Type": "AWS::IAM::Role", "Properties": trust}})
    iam, name = stack.lab.client("iam", ACCOUNT), stack.physical_id("Role")
    role = iam.get_role(RoleName=name)["Role"]
    named = statements({"Principal": {"AWS": role["Arn"]}, "Action": "kms:*", "Resource": "*"})
    kms = stack.lab.client("kms", "444444444444")
    key = kms.create_key(Policy=json.dumps(named))["KeyMetadata"]["KeyId"]
    stack.api.delete_stack(StackName=stack.name)
    deadline = time.monotonic() + 10
    policy = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    while principals(policy) == [role["Arn"]] and time.monotonic() < deadline:
        time.sleep(0.05)
        policy = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    assert principals(policy) == [role["RoleId"]]


def test_policies_are_kept_as_the_services_write_them(lab: Lab, stack: Drifting) -> None:
    """Talks to a running lab. What means the same has not drifted."""
    template = json.loads(json.dumps({name: TEMPLATE[name] for name in NAMING}))
    key = template["Key"]["Properties"]["KeyPolicy"]["Statement"][0]
    grant = template["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
    trust = statements({"Principal": {"AWS": [ACCOUNT]}, "Action": ["sts:AssumeRole"]})
    template["Role"]["Properties"]["AssumeRolePolicyDocument"] = trust
    for statement in (key, grant):
        statement["Principal"] = {"AWS": [ACCOUNT]}
        statement["Action"] = [statement["Action"]]
    stack.make(template)
    s3, kms, iam = (lab.client(name, ACCOUNT) for name in ("s3", "kms", "iam"))
    bucket, key_id, name = (stack.physical_id(one) for one in ("Bucket", "Key", "Role"))
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    (kept,) = json.loads(policy)["Statement"]
    assert (kept["Principal"], kept["Action"]) == ({"AWS": ROOT}, "s3:GetObject")
    trusted = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert (trusted["Principal"], trusted["Action"]) == ({"AWS": ROOT}, "sts:AssumeRole")
    key_policy = kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"]
    assert principals(key_policy) == [[ROOT]]
    assert stack.drifted() == {}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(statements(grant_of(bucket))))
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == policy
    added = statements(grant_of(bucket), {**grant_of(bucket), "Sid": "Added"})
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(added))
    differences = stack.detect()["BucketPolicy"]["PropertyDifferences"]
    assert [one["PropertyPath"] for one in differences] == ["/PolicyDocument/Statement/1"]
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
    again = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert again == trusted
    assert stack.drifted() == {}


def grant_of(bucket: str) -> dict[str, Any]:
    return {
        "Principal": {"AWS": [ACCOUNT]},
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{bucket}/*"],
    }


def allowed(call: Callable[[], object]) -> bool:
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDenied", "AccessDeniedException"):
            raise
        return False
    return True
