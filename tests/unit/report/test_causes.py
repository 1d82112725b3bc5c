# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Causes that many hosts share, and how severe a finding is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.causes import group
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.severity import severity

from tests.unit.report.runs import LARGE
from tests.unit.report.sample import statement

ONE, TWO = (LARGE.hosts[name] for name in ("account-01", "account-02"))
EAST, WEST = (LARGE.hosts[name] for name in ("eu-west-1", "us-west-2"))
HELLO, ORDERS = (LARGE.hosts[name] for name in ("service-01", "service-02"))


def test_the_same_text_is_one_cause_though_it_names_the_stack_of_one_host() -> None:
    text = "the inventory no longer has region eu-west-1 (registered by CrossAccountPrimary)"

    (cause,) = group((LARGE.hosts[name], text) for name in ("eu-west-1", "build"))

    assert [host.name for host in cause.hosts] == ["eu-west-1", "build"]


@pytest.mark.parametrize(
    ("hosts", "texts"),
    [
        ((ONE, TWO), ["no access to 222222222222", "no access to 333333333333"]),
        ((EAST, WEST), ["no answer from eu-west-1", "no answer from us-west-2"]),
        ((EAST, WEST), ["no answer from us-gov-east-1", "no answer from ap-southeast-2"]),
        ((ONE, TWO), ["account-01: regions is empty", "account-02: regions is empty"]),
        ((HELLO, ORDERS), ["service-01-pipeline failed", "service-02-pipeline failed"]),
        (
            (ONE, TWO),
            [
                "User arn:aws:sts::222222222222:assumed-role/A/b may not (Request ID: AB12XY)",
                "User arn:aws:sts::333333333333:assumed-role/A/c may not (Request ID: CD34)",
            ],
        ),
        (
            (ONE, TWO),
            [
                "RequestId: 1a2b3c4d-1111-2222-3333-444455556666, HostId: x/y==",
                "RequestId: 9a2b3c4d-1111-2222-3333-444455556666, HostId: z/y==",
            ],
        ),
    ],
)
def test_the_same_cause_is_one_although_each_names_its_own(
    hosts: tuple[Any, Any], texts: list[str]
) -> None:
    (cause,) = group(zip(hosts, texts, strict=True))

    assert (cause.text, cause.hosts) == (texts[0], hosts)


@pytest.mark.parametrize(
    "texts",
    [
        ["AccessDenied", "Throttling"],
        ["12 regions are missing", "13 regions are missing"],
        ["account-01 broke", "account-03 broke"],  # the second names another host than itself
    ],
)
def test_other_causes_stay_apart(texts: list[str]) -> None:
    assert len(group(zip((ONE, TWO), texts, strict=True))) == 2


# Severity


ALLOW = {
    **statement("Use", {"AWS": "111111111111"}, "s3:GetObject"),
    "Resource": "arn:aws:s3:::mine/*",
}
WIDER: dict[str, dict[str, Any]] = {
    "principal": {**ALLOW, "Principal": {"AWS": ["111111111111", "999999999999"]}},
    "everybody": {**ALLOW, "Principal": "*"},
    "action": {**ALLOW, "Action": ["s3:GetObject", "s3:PutObject"]},
    "resource": {**ALLOW, "Resource": ["arn:aws:s3:::mine/*", "arn:aws:s3:::other/*"]},
}
NARROWER: dict[str, dict[str, Any]] = {
    "condition": {**ALLOW, "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
    "action": {**ALLOW, "Action": []},
    "below a wildcard": {**ALLOW, "Resource": "arn:aws:s3:::mine/logs/*"},
    "deny": {**ALLOW, "Effect": "Deny"},
}


def changed(expected: Any, actual: Any, **more: str) -> dict[str, Any]:
    """A finding that a policy has another statement."""
    return {
        "kind": "policy",
        "property": "PolicyDocument.Use",
        "difference": "NOT_EQUAL",
        "expected": json.dumps(expected) if expected else "",
        "actual": json.dumps(actual) if actual else "",
        "resource_type": "",
        **more,
    }


def deny(statement: dict[str, Any]) -> dict[str, Any]:
    return {**statement, "Effect": "Deny"}


DANGER = {
    **{f"allows more: {name}": changed(ALLOW, wider) for name, wider in WIDER.items()},
    **{f"denies less: {name}": changed(deny(wide), deny(ALLOW)) for name, wide in WIDER.items()},
    "condition gone": changed(NARROWER["condition"], ALLOW),
    "denies under a condition only": changed(deny(ALLOW), deny(NARROWER["condition"])),
    "allows what was denied": changed(NARROWER["deny"], ALLOW),
    "statement added": changed(None, ALLOW, difference="ADD"),
    "policy added": changed(None, {"Statement": [ALLOW]}, difference="ADD"),
    "policy attached": changed(None, None, difference="ADD", property="ManagedPolicyArns")
    | {"actual": "arn:aws:iam::aws:policy/AdministratorAccess"},
    "denial gone": changed(deny(ALLOW), None, difference="REMOVE"),
    "bucket policy gone": changed(
        {"Statement": [ALLOW, deny(ALLOW)]}, None, difference="REMOVE", property="PolicyDocument"
    ),
    "bucket policy deleted": changed(None, None, kind="drifted", difference="DELETED", property="")
    | {"resource_type": "AWS::S3::BucketPolicy"},
    "public access block": changed(None, None, kind="drifted")
    | {"property": "PublicAccessBlockConfiguration.BlockPublicAcls"},
    "boundary gone": changed(None, None, kind="drifted", difference="REMOVE")
    | {"property": "PermissionsBoundary"},
    "not understood": changed(None, None, kind="drifted")
    | {"property": "PolicyDocument", "expected": "a", "actual": "b"},
    "termination protection": changed(None, None, kind="outdated")
    | {"property": "TerminationProtection", "expected": "true"},
}
DRIFT = {
    **{f"allows less: {name}": changed(ALLOW, narrow) for name, narrow in NARROWER.items()},
    **{f"denies more: {name}": changed(deny(ALLOW), deny(wide)) for name, wide in WIDER.items()},
    "denial added": changed(None, deny(ALLOW), difference="ADD"),
    "statement gone": changed(ALLOW, None, difference="REMOVE"),
    "policy detached": changed(None, None, difference="REMOVE", property="ManagedPolicyArns")
    | {"expected": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
    "version": changed(None, None, property="PolicyDocument.Version")
    | {"expected": "2012-10-17", "actual": "2008-10-17"},
    "rotation": changed(None, None, kind="drifted") | {"property": "EnableKeyRotation"},
    "role deleted": changed(None, None, kind="drifted", difference="DELETED")
    | {"resource_type": "AWS::IAM::Role", "property": ""},
    "termination protection not wanted": changed(None, None, kind="outdated")
    | {"property": "TerminationProtection", "expected": "false"},
    "missing": changed(None, None, kind="missing", difference=""),
}


@pytest.mark.parametrize("finding", DANGER.values(), ids=DANGER)
def test_what_allows_more_or_protects_less_is_danger(finding: dict[str, Any]) -> None:
    assert severity(finding) == "danger"


@pytest.mark.parametrize("finding", DRIFT.values(), ids=DRIFT)
def test_everything_else_is_drift(finding: dict[str, Any]) -> None:
    assert severity(finding) == "drift"
