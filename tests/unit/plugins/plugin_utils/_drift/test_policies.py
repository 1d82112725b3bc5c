# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Live policies against the template. Talks to stand-ins that answer through botocore's clients."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.detection import (
    ResourceDrift,
    findings_of,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.finding import (
    Finding,
    Resource,
    Unchecked,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.policies import (
    PolicyDrift,
    read_policies,
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

ACCOUNT = "111111111111"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:One"
FUNCTION_ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:one-function"
MANAGED, OTHER_MANAGED = "arn:aws:iam::aws:policy/PowerUserAccess", "arn:aws:iam::aws:policy/Other"
DEAD = "AROAJQABLZS4A3QDU576Q"
Data = dict[str, Any]


def document(*sids: str, principal: bool = True, **more: Any) -> Data:
    """A document with a statement for each Sid."""
    named = {"Principal": {"AWS": ACCOUNT}} if principal else {}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": sid, "Effect": "Allow", **named, "Action": ["a:B"], "Resource": "*", **more}
            for sid in sids
        ],
    }


INLINE = document("Work", principal=False)
TEMPLATE: Data = {
    "Resources": {
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "BucketPolicy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": document("Tls", "Read")},
        },
        "Bare": {"Type": "AWS::S3::Bucket"},
        "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": document("Administer")}},
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": document("Trust"),
                "Policies": [{"PolicyName": "Own", "PolicyDocument": INLINE}],
                "ManagedPolicyArns": [MANAGED],
            },
        },
        "Apart": {
            "Type": "AWS::IAM::Policy",
            "Properties": {
                "PolicyName": "Apart",
                "Roles": [{"Ref": "Role"}],
                "PolicyDocument": INLINE,
            },
        },
        "Topic": {"Type": "AWS::SNS::Topic"},
        "TopicPolicy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {"Topics": [{"Ref": "Topic"}], "PolicyDocument": document("Publish")},
        },
        "Function": {"Type": "AWS::Lambda::Function"},
        "Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "FunctionName": {"Fn::GetAtt": ["Function", "Arn"]},
                "Action": "lambda:InvokeFunction",
                "Principal": "events.amazonaws.com",
                "SourceArn": "arn:aws:events:us-east-1:111111111111:rule/One",
            },
        },
    }
}
PERMISSION: Data = {
    "Sid": "made-up-by-aws",
    "Effect": "Allow",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": "lambda:InvokeFunction",
    "Resource": FUNCTION_ARN,
    "Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:events:us-east-1:111111111111:rule/One"}},
}


def in_sync() -> FakePolicies:
    """What AWS holds after the stack was made, in AWS's own form."""
    aws = FakePolicies()
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    aws.buckets = {"one-bucket": document("Read", "Tls", Action="a:B"), "one-bare": None}
    aws.keys["one-key"] = document("Administer", Principal=root)
    aws.add_role("one-role", document("Trust"), Own=INLINE, Apart=INLINE)
    aws.attached["one-role"] = [MANAGED]
    aws.topics[TOPIC] = document("Publish")
    aws.functions["one-function"] = {"Version": "2012-10-17", "Statement": [PERMISSION]}
    return aws


def resource(logical_id: str, template: Data | None = None) -> Resource:
    template = TEMPLATE if template is None else template
    physical_id = TOPIC if logical_id == "Topic" else f"one-{logical_id.lower()}"
    kind = template["Resources"][logical_id]["Type"]
    return Resource(logical_id=logical_id, resource_type=kind, physical_id=physical_id)


def policies_of(aws: FakePolicies, template: Data | None = None) -> PolicyDrift:
    """The policies of the stack, read."""
    template = TEMPLATE if template is None else template
    deployed = Deployed(
        stack_id=f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/One/1",
        template=template,
        parameters={},
        resources=[resource(name, template) for name in template["Resources"]],
    )
    live = LivePolicies(aws.session, "us-east-1", ACCOUNT)
    return read_policies(deployed, live, LiveSettings(aws.session, "us-east-1"))


def evaluated(
    policies: PolicyDrift, drifts: Sequence[ResourceDrift] = (), **more: Any
) -> tuple[list[Finding], list[Unchecked], set[tuple[str, str]]]:
    """Findings, what could not be checked, and the properties in dispute."""
    found = policies.evaluate(drifts, **more)
    return list(found.findings), list(found.unchecked), set(found.disputes)


def told(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(one.resource.logical_id, one.property, one.difference) for one in findings]


def says(logical_id: str, status: str, *differences: dict[str, str], **more: Any) -> ResourceDrift:
    """What CloudFormation says of a resource."""
    kind = TEMPLATE["Resources"][logical_id]["Type"]
    return ResourceDrift.from_description(drift(logical_id, kind, status, *differences, **more))


def test_what_aws_made_of_the_template_is_as_expected() -> None:
    aws = in_sync()
    aws.page_size = 1
    found = policies_of(aws)

    assert evaluated(found) == ([], [], set())
    assert found.repairs(set()) == []
    assert aws.writes == []


def add_statement(policy: Data, **more: Any) -> None:
    policy["Statement"] += document("Added", **more)["Statement"]


Tamper = Callable[[FakePolicies], None]
TAMPERS: list[Any] = []


def tampering(*expected: tuple[str, str, str]) -> Callable[[Tamper], Tamper]:
    """Note a way to tamper, and the findings that tell of it."""

    def note(tamper: Tamper) -> Tamper:
        TAMPERS.append(pytest.param(tamper, list(expected), id=tamper.__name__.strip("_")))
        return tamper

    return note


@tampering(
    ("BucketPolicy", "PolicyDocument.Tls", "REMOVE"),
    ("BucketPolicy", "PolicyDocument.Read", "NOT_EQUAL"),
    ("BucketPolicy", "PolicyDocument.Added", "ADD"),
)
def _bucket_policy(aws: FakePolicies) -> None:
    changed = document("Read", Action="a:*")
    add_statement(changed)
    aws.buckets["one-bucket"] = changed


@tampering(("BucketPolicy", "PolicyDocument", "REMOVE"))
def _bucket_policy_gone(aws: FakePolicies) -> None:
    aws.buckets["one-bucket"] = None


@tampering(("Bare", "BucketPolicy", "ADD"))
def _bucket_policy_of_a_bucket_without(aws: FakePolicies) -> None:
    aws.buckets["one-bare"] = document("Added")


@tampering(("Key", "KeyPolicy.Added", "ADD"))
def _key_policy(aws: FakePolicies) -> None:
    add_statement(aws.keys["one-key"])


@tampering(("Key", "KeyPolicy.Administer", "NOT_EQUAL"))
def _dead_principal(aws: FakePolicies) -> None:
    aws.keys["one-key"] = document("Administer", Principal={"AWS": DEAD})


@tampering(("Role", "AssumeRolePolicyDocument.Trust", "NOT_EQUAL"))
def _trust(aws: FakePolicies) -> None:
    aws.trusts["one-role"] = document("Trust", Principal={"AWS": "*"})


@tampering(("Role", "Policies.Extra", "ADD"))
def _inline_added(aws: FakePolicies) -> None:
    aws.inline["one-role"]["Extra"] = INLINE


@tampering(("Apart", "Policies.Apart", "REMOVE"), ("Role", "Policies.Own.Work", "NOT_EQUAL"))
def _inline_changed_and_removed(aws: FakePolicies) -> None:
    aws.inline["one-role"] = {"Own": document("Work", principal=False, Action="*")}


@tampering(("Role", "ManagedPolicyArns", "ADD"), ("Role", "ManagedPolicyArns", "REMOVE"))
def _attached(aws: FakePolicies) -> None:
    aws.attached["one-role"] = [OTHER_MANAGED]


@tampering(("TopicPolicy", "PolicyDocument.Publish", "NOT_EQUAL"))
def _topic_policy(aws: FakePolicies) -> None:
    aws.topics[TOPIC] = document("Publish", Effect="Deny")


@tampering(("Function", "Policy.bad", "ADD"))
def _permission_added(aws: FakePolicies) -> None:
    aws.functions["one-function"] = {"Statement": [PERMISSION, PERMISSION | BAD]}


@tampering(("Permission", "Policy.one-permission", "REMOVE"))
def _permission_removed(aws: FakePolicies) -> None:
    aws.functions["one-function"] = None


BAD: Data = {"Sid": "bad", "Principal": {"AWS": "222222222222"}}


@pytest.mark.parametrize(("tamper", "expected"), TAMPERS)
def test_tampering_is_found_and_put_back_as_the_template_says(
    tamper: Tamper, expected: list[tuple[str, str, str]]
) -> None:
    aws = in_sync()
    tamper(aws)
    found = policies_of(aws)

    findings, unchecked, disputes = evaluated(found)

    assert told(findings) == expected
    assert (unchecked, disputes) == ([], set())
    assert {one.kind for one in findings} == {"policy"}
    for repair in found.repairs(disputes):
        repair.put()
    assert evaluated(policies_of(aws)) == ([], [], set())


def test_a_policy_is_put_back_as_exactly_what_the_template_says() -> None:
    aws = in_sync()
    for tamper in (_bucket_policy, _key_policy, _trust, _inline_added, _topic_policy, _attached):
        tamper(aws)

    repairs = policies_of(aws).repairs(set())
    for repair in repairs:
        repair.put()

    assert aws.buckets["one-bucket"] == document("Tls", "Read")
    assert aws.keys["one-key"] == document("Administer")
    assert aws.trusts["one-role"] == document("Trust")
    assert aws.inline["one-role"] == {"Own": INLINE, "Apart": INLINE}
    assert aws.topics[TOPIC] == document("Publish")
    assert aws.attached["one-role"] == [MANAGED]
    assert [one.what for one in repairs] == [
        "policy of bucket one-bucket",
        "policy of key one-key",
        "inline policy Extra of role one-role",
        "policies attached to role one-role",
        "policies attached to role one-role",
        "trust policy of role one-role",
        f"policy of topic {TOPIC}",
    ]
    assert (repairs[3].before, repairs[3].after) == (OTHER_MANAGED, "")
    assert json.loads(repairs[0].after)["Statement"][0]["Sid"] == "Tls"
    assert len(aws.writes) == len(repairs)


def test_a_message_says_where_and_what() -> None:
    aws = in_sync()
    _dead_principal(aws)
    _inline_added(aws)
    _attached(aws)
    _bucket_policy_gone(aws)

    findings, _unchecked, _disputes = evaluated(policies_of(aws))

    assert [one.message for one in findings] == [
        "BucketPolicy (AWS::S3::BucketPolicy): the policy is gone",
        (
            "Key (AWS::KMS::Key): KeyPolicy.Administer was changed: Principal.AWS lacks"
            f" arn:aws:iam::{ACCOUNT}:root; Principal.AWS has {DEAD}; {DEAD} was a principal that"
            " has been deleted since, and matches nobody"
        ),
        "Role (AWS::IAM::Role): inline policy Extra was added",
        f"Role (AWS::IAM::Role): policy {OTHER_MANAGED} was attached",
        f"Role (AWS::IAM::Role): policy {MANAGED} was detached",
    ]


# With CloudFormation


def merged(
    aws: FakePolicies, *drifts: ResourceDrift
) -> tuple[list[tuple[str, str, str, str]], PolicyDrift]:
    """Everything that is told, CloudFormation's findings first."""
    found = policies_of(aws)
    drifted = [one for drift in drifts for one in findings_of(drift)]
    findings, _unchecked, _disputes = evaluated(found, drifts, findings=drifted)
    return [
        (one.kind, one.resource.logical_id, one.property, one.difference) for one in findings
    ], found


def test_what_both_see_is_told_once_by_its_statements() -> None:
    aws = in_sync()
    _key_policy(aws)
    _inline_changed_and_removed(aws)
    _bucket_policy_gone(aws)

    told, _found = merged(
        aws,
        says(
            "Key",
            "MODIFIED",
            difference("/EnableKeyRotation", "true", "false"),
            difference("/KeyPolicy/Statement/1", "null", "{}", "ADD"),
        ),
        says("Role", "MODIFIED", difference("/Policies/0/PolicyDocument/Statement", "a", "b")),
        says("BucketPolicy", "DELETED"),
    )

    assert told == [
        ("drifted", "Key", "EnableKeyRotation", "NOT_EQUAL"),
        ("policy", "BucketPolicy", "PolicyDocument", "REMOVE"),
        ("policy", "Key", "KeyPolicy.Added", "ADD"),
        ("policy", "Apart", "Policies.Apart", "REMOVE"),
        ("policy", "Role", "Policies.Own.Work", "NOT_EQUAL"),
    ]


def test_another_way_to_write_the_same_is_not_drift() -> None:
    one, other = document("Administer"), document("Administer", Action="A:b")
    change = difference("/KeyPolicy/Statement/0/Action", "a:B", "A:b")

    told, _found = merged(
        in_sync(),
        says("Key", "MODIFIED", change, expected={"KeyPolicy": one}, actual={"KeyPolicy": other}),
    )

    assert told == []


def test_what_only_cloudformation_sees_is_never_dropped() -> None:
    change = difference("/EnableKeyRotation", True, False)

    told, _found = merged(in_sync(), says("Key", "MODIFIED", change))

    assert told == [("drifted", "Key", "EnableKeyRotation", "NOT_EQUAL")]


@pytest.mark.parametrize("known", [False, True])
def test_a_policy_that_is_as_the_template_says_is_not_reported(known: bool) -> None:
    """CloudFormation reports one that was read directly and found equal."""
    change = difference("/KeyPolicy/Statement/0/Action", "a:B", "a:*")
    properties: Data = {}
    if known:
        properties["expected"] = {"KeyPolicy": document("Administer")}
        properties["actual"] = {"KeyPolicy": document("Administer", Action="a:*")}

    told, _found = merged(in_sync(), says("Key", "MODIFIED", change, **properties))

    assert told == []


DISPUTES = [
    ("Key", "KeyPolicy", document("Administer", Action="a:*")),
    ("Role", "AssumeRolePolicyDocument", document("Other")),
    ("Role", "Policies", [{"PolicyName": "Own", "PolicyDocument": document("Other")}]),
    ("Role", "Policies", [{"PolicyName": "Other", "PolicyDocument": INLINE}]),
    ("Role", "Policies", ["in no known form"]),
    ("Role", "ManagedPolicyArns", []),
    ("Key", "KeyPolicy", "{in no known form"),
    ("BucketPolicy", "PolicyDocument", document("Tls")),
]


@pytest.mark.parametrize(("logical_id", "prop", "value"), DISPUTES)
def test_where_cloudformation_expects_something_else_nothing_is_said_but_that(
    logical_id: str, prop: str, value: Any
) -> None:
    aws = in_sync()
    for tamper in (_key_policy, _trust, _inline_added, _attached, _bucket_policy):
        tamper(aws)
    found = policies_of(aws)

    findings, unchecked, disputes = evaluated(
        found, [says(logical_id, "IN_SYNC", expected={prop: value})]
    )

    assert disputes == {(logical_id, prop)}
    assert unchecked == [
        Unchecked(
            resource=resource(logical_id),
            why=f"CloudFormation expects another {prop} than the template resolves to here, so it"
            " was not compared with the live policy",
        )
    ]
    assert (logical_id, prop) not in {
        (one.resource.logical_id, one.property.partition(".")[0]) for one in findings
    }
    assert findings
    repaired = {(one.resource.logical_id, one.top) for one in found.repairs(disputes)}
    assert (logical_id, prop) not in repaired
    assert repaired


LIVE_OTHER: dict[str, Any] = {
    "KeyPolicy": lambda aws, value: aws.keys.update({"one-key": value}),
    "AssumeRolePolicyDocument": lambda aws, value: aws.trusts.update({"one-role": value}),
    "PolicyDocument": lambda aws, value: aws.buckets.update({"one-bucket": value}),
}


@pytest.mark.parametrize("live", ["ours", "theirs"])
@pytest.mark.parametrize(
    ("logical_id", "prop"),
    [
        ("Key", "KeyPolicy"),
        ("Role", "AssumeRolePolicyDocument"),
        ("BucketPolicy", "PolicyDocument"),
    ],
)
def test_where_the_live_value_is_what_either_expects_nothing_is_wrong(
    logical_id: str, prop: str, live: str
) -> None:
    aws = in_sync()
    other = document("Other")
    if live == "theirs":
        LIVE_OTHER[prop](aws, other)
    change = difference(f"/{prop}/Statement/0/Sid", "Other", "Own")
    says_so = says(logical_id, "MODIFIED", change, expected={prop: other})
    found = policies_of(aws)

    findings, unchecked, disputes = evaluated(found, [says_so], findings=findings_of(says_so))

    assert (findings, unchecked) == ([], [])
    assert found.repairs(disputes) == []


def test_where_cloudformation_expects_the_same_all_is_well() -> None:
    expected = {
        "AssumeRolePolicyDocument": json.dumps(document("Trust")),
        "Policies": [{"PolicyName": "Own", "PolicyDocument": INLINE}],
        "ManagedPolicyArns": [MANAGED],
        "Path": "/",
    }

    assert evaluated(policies_of(in_sync()), [says("Role", "IN_SYNC", expected=expected)]) == (
        [],
        [],
        set(),
    )


def test_what_was_compared_here_makes_up_for_what_cloudformation_cannot_see() -> None:
    unchecked = [Unchecked(resource=resource(name), why="no") for name in TEMPLATE["Resources"]]

    disputed = says("TopicPolicy", "IN_SYNC", expected={"PolicyDocument": document("Other")})
    aws = in_sync()
    aws.topics[TOPIC] = document("Third")

    _findings, [_dispute, *left], _disputes = evaluated(
        policies_of(aws), [disputed], unchecked=unchecked
    )

    # Policies are compared whole; a role or key has more than its policies.
    assert [one.resource.logical_id for one in left] == [
        "Bucket",
        "Bare",
        "Key",
        "Role",
        "Topic",
        "TopicPolicy",
        "Function",
    ]


# What cannot be compared


def test_a_policy_that_cannot_be_read_stops_no_other() -> None:
    aws = in_sync()
    _key_policy(aws)
    aws.before("GetBucketPolicy", refuse("AccessDenied", "not you"))
    aws.before("GetRole", refuse("AccessDenied", "nor you"))

    findings, unchecked, _disputes = evaluated(policies_of(aws))

    assert told(findings) == [("Key", "KeyPolicy.Added", "ADD")]
    assert {one.resource.logical_id: one.why.partition(":")[0] for one in unchecked} == {
        "BucketPolicy": "Failed to read the bucket's policy",
        "Role": "Failed to read the role's policies",
    }


@pytest.mark.parametrize(
    ("lose", "carrier"),
    [
        (lambda aws: aws.buckets.pop("one-bucket"), "BucketPolicy"),
        (lambda aws: aws.keys.pop("one-key"), "Key"),
        (lambda aws: aws.trusts.pop("one-role"), "Role"),
        (lambda aws: aws.topics.pop(TOPIC), "TopicPolicy"),
    ],
)
def test_a_carrier_that_is_gone_is_told_once(
    lose: Callable[[FakePolicies], Any], carrier: str
) -> None:
    aws = in_sync()
    lose(aws)

    by_us, unchecked, _disputes = evaluated(policies_of(aws))
    by_both, _unchecked, _disputes = evaluated(policies_of(aws), [says(carrier, "DELETED")])

    assert told(by_us) == [(carrier, "", "DELETED")]
    assert (by_both, unchecked) == ([], [])


def changed(logical_id: str, **properties: Any) -> Data:
    template = copy.deepcopy(TEMPLATE)
    template["Resources"][logical_id].setdefault("Properties", {}).update(properties)
    return template


@pytest.mark.parametrize(
    ("template", "logical_id", "why"),
    [
        (
            changed("Key", KeyPolicy={"Fn::ImportValue": "x"}),
            "Key",
            "the function Fn::ImportValue cannot be resolved here",
        ),
        (
            changed("Permission", FunctionUrlAuthType="NONE"),
            "Function",
            (
                "Permission (AWS::Lambda::Permission) sets FunctionUrlAuthType, which is not"
                " known here"
            ),
        ),
        (
            changed("Key", KeyPolicy={"Ref": "AWS::NoValue"}),
            "Key",
            "the template gives the key no policy, so AWS gives it its default",
        ),
    ],
)
def test_a_policy_that_cannot_be_resolved_is_told_and_stops_no_other(
    template: Data, logical_id: str, why: str
) -> None:
    aws = in_sync()
    _topic_policy(aws)

    findings, unchecked, _disputes = evaluated(policies_of(aws, template))

    assert told(findings) == [("TopicPolicy", "PolicyDocument.Publish", "NOT_EQUAL")]
    assert [(one.resource.logical_id, one.why) for one in unchecked] == [
        (logical_id, f"its policy cannot be compared: {why}")
    ]


def test_a_template_that_only_aws_can_resolve_is_unchecked_as_a_whole() -> None:
    template = TEMPLATE | {"Transform": "AWS::Serverless-2016-10-31"}

    findings, unchecked, _disputes = evaluated(policies_of(in_sync(), template))

    assert findings == []
    assert [(one.resource.logical_id, one.why) for one in unchecked] == [
        (
            "",
            (
                "its policies cannot be compared: the template has a Transform, which only AWS can"
                " process"
            ),
        )
    ]


def test_a_resource_without_its_condition_is_not_expected() -> None:
    template = copy.deepcopy(TEMPLATE)
    template["Conditions"] = {"No": {"Fn::Equals": ["a", "b"]}}
    template["Resources"]["Apart"]["Condition"] = "No"
    aws = in_sync()

    findings, _unchecked, _disputes = evaluated(policies_of(aws, template))

    assert told(findings) == [("Role", "Policies.Apart", "ADD")]
