# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stack of every type, and changes behind its back."""

from __future__ import annotations

import json
from typing import Any

from lab import Lab
from lab.tests.stacks import (
    Stacks,
    eventually,
    statements,
)

ACCOUNT = "222222222222"
REGION = "us-east-1"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
CAPABILITIES = ["CAPABILITY_NAMED_IAM"]


KEY_POLICY = statements({"Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"})
TRUST = statements({"Principal": {"AWS": ROOT}, "Action": "sts:AssumeRole"})
TEMPLATE: dict[str, Any] = {
    "Key": {
        "Type": "AWS::KMS::Key",
        "Properties": {
            "Description": "A key",
            "EnableKeyRotation": True,
            "Enabled": True,
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
            "PermissionsBoundary": "arn:aws:iam::aws:policy/PowerUserAccess",
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
OPEN_KEY = json.dumps(statements({"Principal": "*", "Action": "kms:*", "Resource": "*"}))
ENCRYPTION = "/BucketEncryption/ServerSideEncryptionConfiguration"
# Behind the stack's back: service, call, parameters ($X is X's id); the resource, a
# difference (path and kind) as detection sees it; empty path: the resource is gone.
BEHIND: dict[str, tuple[str, str, dict[str, Any], str, str, str]] = {
    "rotation": (
        "kms", "disable_key_rotation", {"KeyId": "$Key"},
        "Key", "/EnableKeyRotation", "NOT_EQUAL",
    ),
    "disabled-key": (
        "kms", "disable_key", {"KeyId": "$Key"}, "Key", "/Enabled", "NOT_EQUAL",
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
    "boundary": (
        "iam", "delete_role_permissions_boundary", {"RoleName": "$Role"},
        "Role", "/PermissionsBoundary", "REMOVE",
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
NAMING = ("Key", "Bucket", "BucketPolicy", "Role")


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
        self.detected(started)
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

    def detected(self, detection_id: str) -> dict[str, Any]:
        """The end of a detection."""

        def ended() -> dict[str, Any] | None:
            found = self.detection(detection_id)
            return None if found["DetectionStatus"] == "DETECTION_IN_PROGRESS" else found

        found: dict[str, Any] = eventually(ended)
        return found

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
