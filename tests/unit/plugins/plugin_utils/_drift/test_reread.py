# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mistakes of CloudFormation's detection. Talks to stand-ins that answer through botocore."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.detection import (
    ResourceDrift,
    findings_of,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.finding import (
    Resource,
    Unchecked,
    UncheckedKind,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.policies import (
    read_policies,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.reread import (
    LiveProperties,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.settings import (
    LiveSettings,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._policy.live import (
    LivePolicies,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._policy.resolver import Deployed

from tests.fakes.drift import difference, drift
from tests.fakes.policies import FakePolicies
from tests.fakes.service import refuse

BUCKET, KEY, FUNCTION, RULE = (
    "AWS::S3::Bucket",
    "AWS::KMS::Key",
    "AWS::Lambda::Function",
    "AWS::Events::Rule",
)
Data = dict[str, Any]
ENCRYPTION = {
    "ServerSideEncryptionConfiguration": [
        {
            "BucketKeyEnabled": True,
            "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "key"},
        }
    ]
}
PATTERN = {"source": ["aws.s3"]}
# The type and property, what the template gives, the operation and how AWS answers.
RIGHT: list[tuple[str, str, Any, str, Data]] = [
    (
        BUCKET,
        "OwnershipControls",
        {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "GetBucketOwnershipControls",
        {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}},
    ),
    (
        BUCKET,
        "NotificationConfiguration",
        {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
        "GetBucketNotificationConfiguration",
        {"EventBridgeConfiguration": {}},
    ),
    (
        BUCKET,
        "BucketEncryption",
        ENCRYPTION,
        "GetBucketEncryption",
        {
            "ServerSideEncryptionConfiguration": {
                "Rules": [
                    {
                        "ApplyServerSideEncryptionByDefault": {
                            "SSEAlgorithm": "aws:kms",
                            "KMSMasterKeyID": "key",
                        },
                        "BucketKeyEnabled": True,
                        "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
                    }
                ]
            }
        },
    ),
    (
        BUCKET,
        "PublicAccessBlockConfiguration",
        {"BlockPublicAcls": "true"},
        "GetPublicAccessBlock",
        {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True}},
    ),
    (
        BUCKET,
        "VersioningConfiguration",
        {"Status": "Enabled"},
        "GetBucketVersioning",
        {"Status": "Enabled"},
    ),
    (
        KEY,
        "EnableKeyRotation",
        True,
        "GetKeyRotationStatus",
        {"KeyRotationEnabled": True},
    ),
    (KEY, "Enabled", True, "DescribeKey", {"KeyMetadata": {"KeyId": "key", "Enabled": True}}),
    (FUNCTION, "Timeout", "900", "GetFunction", {"Timeout": 900}),
    (RULE, "EventPattern", PATTERN, "DescribeRule", {"EventPattern": json.dumps(PATTERN)}),
]


def told(aws: FakePolicies, kind: str, prop: str, expected: Any) -> list[str]:
    """What stays of a difference that CloudFormation reports."""
    found = ResourceDrift.from_description(
        drift(
            "One",
            kind,
            "MODIFIED",
            difference(f"/{prop}/A", "a", "b"),
            difference(f"/{prop}/B", "null", "c", "ADD"),
            expected={prop: expected},
        )
    )
    live = LiveProperties(aws.session, "us-east-1", "111111111111")
    return [one.property for one in live.without_mistakes(findings_of(found), [found])]


@pytest.mark.parametrize(
    ("kind", "prop", "expected", "operation", "answer"), RIGHT, ids=[one[1] for one in RIGHT]
)
def test_what_aws_itself_contradicts_is_not_reported(
    kind: str, prop: str, expected: Any, operation: str, answer: Data
) -> None:
    aws = FakePolicies()
    aws.properties[operation] = answer

    assert told(aws, kind, prop, expected) == []
    assert len(aws.calls) == 1  # once for all differences of the property


def test_what_differs_indeed_stays() -> None:
    aws = FakePolicies()
    aws.properties["GetBucketVersioning"] = {"Status": "Suspended"}

    assert told(aws, BUCKET, "VersioningConfiguration", {"Status": "Enabled"}) == [
        "VersioningConfiguration.A",
        "VersioningConfiguration.B",
    ]


@pytest.mark.parametrize(
    "code", ["AccessDenied", "OwnershipControlsNotFoundError"], ids=["unreadable", "none"]
)
def test_what_cannot_be_read_or_is_not_there_stays(code: str) -> None:
    aws = FakePolicies()
    aws.before("GetBucketOwnershipControls", refuse(code, "no"))

    assert len(told(aws, BUCKET, "OwnershipControls", {"Rules": []})) == 2


def test_a_property_that_nobody_reads_again_stays() -> None:
    aws = FakePolicies()

    assert len(told(aws, BUCKET, "Tags", [])) == 2
    assert aws.calls == []


# Resources that CloudFormation leaves out of its answer

KEY_RESOURCE = Resource(logical_id="Key", resource_type=KEY, physical_id="one-key")
KEY_PROPERTIES: Data = {
    "Description": {"Fn::Sub": "Of ${AWS::Region}"},
    "EnableKeyRotation": True,
    "Enabled": True,
    "PendingWindowInDays": 30,
    "KeyPolicy": {"Version": "2012-10-17", "Statement": []},
}


def left_out(
    *, enabled: bool = True, properties: Data | None = None, kind: UncheckedKind = "no_result"
) -> tuple[list[str], list[str]]:
    """What differs in a key without a result, and what stays unchecked."""
    aws = FakePolicies()
    aws.keys["one-key"] = KEY_PROPERTIES["KeyPolicy"]
    metadata = {"KeyId": "one-key", "Description": "Of us-east-1", "Enabled": enabled}
    aws.properties["DescribeKey"] = {"KeyMetadata": metadata}
    aws.properties["GetKeyRotationStatus"] = {"KeyRotationEnabled": True}
    template = {"Resources": {"Key": {"Type": KEY, "Properties": properties or KEY_PROPERTIES}}}
    deployed = Deployed(
        stack_id="arn:aws:cloudformation:us-east-1:111111111111:stack/One/1",
        template=template,
        parameters={},
        resources=[KEY_RESOURCE],
    )
    policies = read_policies(
        deployed,
        LivePolicies(aws.session, "us-east-1", "111111111111"),
        LiveSettings(aws.session, "us-east-1"),
    )
    unchecked = [Unchecked(resource=KEY_RESOURCE, kind=kind, why="not checked")]
    live = LiveProperties(aws.session, "us-east-1", "111111111111")
    findings, left = live.of_left_out(unchecked, [], policies)
    return [one.message for one in findings], [one.why for one in left]


def test_a_key_that_cloudformation_leaves_out_is_checked_directly() -> None:
    assert left_out() == ([], [])
    assert left_out(enabled=False) == ([f"Key ({KEY}): Enabled is false, not true"], [])


def test_a_property_that_cannot_be_read_leaves_the_resource_unchecked() -> None:
    more = {**KEY_PROPERTIES, "MultiRegion": True}

    assert left_out(properties=more) == ([], ["not checked"])


def test_what_could_not_be_compared_stays_unchecked() -> None:
    assert left_out(kind="unread") == ([], ["not checked"])
