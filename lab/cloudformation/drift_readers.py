# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What drift detection can read of each resource type of our templates."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from ministack.core.responses import get_account_id
from ministack.services import eventbridge, iam, kms, lambda_svc, s3
from ministack.services.cloudformation import drift, provisioners

from ..iam.stored_policies import as_expected
from .work import Properties

Reader = Callable[[str, Properties], Properties | None]

# The configurations of a bucket, by the property that they come from.
_BUCKET: dict[str, Callable[[str], tuple[int, dict[str, str], bytes]]] = {
    "BucketEncryption": s3._get_bucket_encryption,
    "LifecycleConfiguration": s3._get_bucket_lifecycle,
    "NotificationConfiguration": s3._get_bucket_notification,
    "OwnershipControls": s3._get_bucket_ownership_controls,
    "PublicAccessBlockConfiguration": s3._get_public_access_block,
    "VersioningConfiguration": s3._get_bucket_versioning,
}
_APPLIED = ("S3::Bucket", "IAM::Role")
_applied: dict[tuple[str, str], dict[str, bytes]] = {}


def install() -> None:
    """Give the types of our templates that AWS reads a reader.

    AWS: reads them in the properties that a template sets. MiniStack: knows few types, and of
    those few properties; the rest is never seen to drift. AWS::SNS::TopicPolicy has none: by its
    schema CloudFormation reads nothing of it.
    """
    role_reader, role_properties = drift._DRIFT_READERS["AWS::IAM::Role"]
    drift._DRIFT_READERS.update(
        {
            "AWS::Events::Rule": (
                _rule,
                frozenset({"Description", "EventPattern", "State", "Targets"}),
            ),
            "AWS::IAM::ManagedPolicy": (_managed_policy, frozenset({"PolicyDocument"})),
            "AWS::IAM::Role": (
                _role(role_reader),
                role_properties | {"ManagedPolicyArns", "PermissionsBoundary", "Policies"},
            ),
            "AWS::KMS::Alias": (_alias, frozenset({"AliasName", "TargetKeyId"})),
            "AWS::KMS::Key": (
                _key,
                frozenset({"Description", "EnableKeyRotation", "Enabled", "KeyPolicy", "Tags"}),
            ),
            "AWS::Lambda::Permission": (_permission, frozenset()),
            "AWS::S3::Bucket": (_bucket, frozenset({"BucketName", "Tags", *_BUCKET})),
            "AWS::S3::BucketPolicy": (_bucket_policy, frozenset({"Bucket", "PolicyDocument"})),
        }
    )
    buckets, roles = (provisioners._RESOURCE_HANDLERS[f"AWS::{name}"] for name in _APPLIED)
    for operation in ("create", "update"):
        buckets[operation] = _noting(buckets[operation])
        roles[operation] = _bounded(roles[operation])


def _noting(stock: Callable[..., Any]) -> Callable[..., Any]:
    """Note how S3 answers for a bucket that has just been made or changed by its stack."""

    def handle(*arguments: Any) -> Any:
        name, attributes = stock(*arguments)
        _applied[get_account_id(), name] = {key: read(name)[2] for key, read in _BUCKET.items()}
        return name, attributes

    return handle


def _bounded(stock: Callable[..., Any]) -> Callable[..., Any]:
    """Give a role the permissions boundary of its template; MiniStack drops it."""

    def handle(*arguments: Any) -> Any:
        name, attributes = stock(*arguments)
        # Properties come before the stack's name: after the old ones in an update.
        properties = [item for item in arguments if isinstance(item, dict)][-1]
        iam._roles[name]["PermissionsBoundary"] = properties.get("PermissionsBoundary")
        return name, attributes

    return handle


def _bucket(name: str, properties: Properties) -> Properties | None:
    """A configuration that S3 returns as it did for the stack equals the template.

    Another one is shown as a template would write it, and one that is gone not at all.
    """
    if name not in s3._buckets:
        return None
    applied = _applied.get((get_account_id(), name), {})
    found: Properties = {"BucketName": name, "Tags": s3._bucket_tags.get(name, {})}
    for key, read in _BUCKET.items():
        status, _unused, answer = read(name)
        if answer == applied.get(key):
            found[key] = properties.get(key)
        elif status == 200 and (shape := _as_in_template(key, _plain(answer))):
            found[key] = shape
    return found


def _plain(answer: bytes) -> Any:
    """S3's XML as data: elements as members, those that repeat as lists."""

    def convert(element: ElementTree.Element) -> Any:
        if len(element) == 0:
            text = element.text or ""
            return text == "true" if text in ("true", "false") else text
        members: dict[str, Any] = {}
        for child in element:
            name, value = child.tag.rpartition("}")[2], convert(child)
            if name in members:
                before = members[name]
                value = [*(before if isinstance(before, list) else [before]), value]
            members[name] = value
        return members

    return convert(ElementTree.fromstring(answer))  # noqa: S314  # the lab's own


def _as_in_template(key: str, answer: Any) -> Any:
    """What S3 calls one way and a template another."""
    if not answer:
        return None
    if key == "NotificationConfiguration":
        on = "EventBridgeConfiguration" in answer
        return {"EventBridgeConfiguration": {"EventBridgeEnabled": True}} if on else None
    if "Rule" not in answer:
        return answer
    rules = answer["Rule"] if isinstance(answer["Rule"], list) else [answer["Rule"]]
    shape = {"BucketEncryption": _encryption_rule, "LifecycleConfiguration": _lifecycle_rule}
    shown = [shape[key](rule) if key in shape else rule for rule in rules]
    list_name = "ServerSideEncryptionConfiguration" if key == "BucketEncryption" else "Rules"
    return {list_name: shown}


def _encryption_rule(rule: Properties) -> Properties:
    names = {"ApplyServerSideEncryptionByDefault": "ServerSideEncryptionByDefault"}
    return {names.get(name, name): value for name, value in rule.items()}


def _lifecycle_rule(rule: Properties) -> Properties:
    shown: Properties = {}
    for name, value in rule.items():
        if name == "ID":
            shown["Id"] = value
        elif name == "Expiration" and "Days" in value:
            shown["ExpirationInDays"] = value["Days"]
        elif name == "Filter":
            shown.update({"Prefix": value["Prefix"]} if value and value.get("Prefix") else {})
        else:
            shown[name] = value
    return shown


def _bucket_policy(_unused: str, properties: Properties) -> Properties | None:
    policy = s3._bucket_policies.get(properties["Bucket"])
    if not policy:
        return None
    document = as_expected("s3", policy, properties["PolicyDocument"])
    return {"Bucket": properties["Bucket"], "PolicyDocument": document}


def _key(key_id: str, properties: Properties) -> Properties | None:
    key = kms._resolve_key(key_id)
    if key is None or key["KeyState"] == "PendingDeletion":
        return None
    tags = [{"Key": tag["TagKey"], "Value": tag["TagValue"]} for tag in key.get("Tags", [])]
    return {
        "Description": key["Description"],
        "EnableKeyRotation": key.get("KeyRotationEnabled", False),
        "Enabled": key["Enabled"],
        "KeyPolicy": as_expected("kms", key["Policy"], properties.get("KeyPolicy")),
        "Tags": tags,
    }


def _alias(name: str, properties: Properties) -> Properties | None:
    key_id = kms._aliases.get(kms._alias_arn(name))
    if key_id is None:
        return None
    wanted = str(properties["TargetKeyId"])
    same = wanted.rpartition("/")[2] == str(key_id).rpartition("/")[2]
    return {"AliasName": name, "TargetKeyId": wanted if same else key_id}


def _role(stock: Reader) -> Reader:
    """With attached policies, and those inline policies that the template has: no others."""

    def read(name: str, properties: Properties) -> Properties | None:
        found, role = stock(name, properties), iam._roles.get(name)
        if found is None or role is None:
            return None
        inline = role["InlinePolicies"]
        trust, boundary = role["AssumeRolePolicyDocument"], role.get("PermissionsBoundary")
        return {
            **found,
            "AssumeRolePolicyDocument": as_expected(
                "iam", trust, properties["AssumeRolePolicyDocument"]
            ),
            "ManagedPolicyArns": role["AttachedPolicies"],
            **({"PermissionsBoundary": boundary} if boundary else {}),
            "Policies": [
                {"PolicyName": policy["PolicyName"], "PolicyDocument": _document(inline[key])}
                for policy in properties.get("Policies", [])
                if (key := policy["PolicyName"]) in inline
            ],
        }

    return read


def _managed_policy(arn: str, properties: Properties) -> Properties | None:
    policy = iam._policies.get(arn)
    if policy is None:
        return None
    document = policy["Versions"][policy["DefaultVersionId"]]["Document"]
    return {"PolicyDocument": as_expected("iam", document, properties["PolicyDocument"])}


def _rule(name: str, properties: Properties) -> Properties | None:
    key = eventbridge._rule_key(name, properties.get("EventBusName") or "default")
    rule = eventbridge._rules.get(key)
    if rule is None:
        return None
    return {
        "Description": rule["Description"],
        "EventPattern": _document(rule["EventPattern"]),
        "State": rule["State"],
        "Targets": eventbridge._targets.get(key, []),
    }


def _permission(statement_id: str, properties: Properties) -> Properties | None:
    function = lambda_svc._functions.get(properties["FunctionName"].rpartition(":")[2])
    statements = function["policy"]["Statement"] if function else []
    return {} if any(statement["Sid"] == statement_id for statement in statements) else None


def _document(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) and value else value


__all__ = ("install",)
