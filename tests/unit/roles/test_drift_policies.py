# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a drift run may do, and what putting right takes besides. Reads files only."""

from __future__ import annotations

import fnmatch
import json
from string import Template
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack import (
    template as _template,
)

from lab.cloudformation.resource_permissions import TABLE
from tests.unit.roles.templates import BASE, ROOT, resolve, size, source

DRIFT_ROLE = "arn:aws:iam::111111111111:role/CrossAccountDrift"
READING = ("BatchDescribe", "BatchGet", "Describe", "Detect", "Get", "List")


def document(name: str, partition: str = "aws") -> dict[str, Any]:
    """A policy with its placeholders filled."""
    text = (ROOT / "playbooks" / "files" / f"{name}-policy.json").read_text(encoding="ascii")
    found: dict[str, Any] = json.loads(
        Template(text).substitute(
            Partition=partition,
            BuildAccountId="111111111111",
            AccessRoleName="CrossAccountDriftAccess",
        )
    )
    return found


def access_document() -> dict[str, Any]:
    """The policy of the access role of drift runs."""
    role = resolve("drift-access-role", DriftRoleArn=DRIFT_ROLE)["DriftAccessRole"]
    [policy] = role["Properties"]["Policies"]
    found: dict[str, Any] = policy["PolicyDocument"]
    return found


def actions(found: dict[str, Any]) -> list[str]:
    return [
        action
        for statement in found["Statement"]
        for action in (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
    ]


def types_of(template: dict[str, Any]) -> set[str]:
    return {resource["Type"] for resource in template["Resources"].values()}


def missing(found: dict[str, Any], types: set[str]) -> set[str]:
    """What reading resources of these types takes that the policy does not allow."""
    needed = {action.split()[0] for kind in types for action in TABLE[kind]["read"]}
    allowed = actions(found)
    return {one for one in needed if not any(fnmatch.fnmatch(one, given) for given in allowed)}


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov"])
@pytest.mark.parametrize("name", ["drift", "remediation"])
def test_each_policy_fits_one_managed_policy(name: str, partition: str) -> None:
    found = document(name, partition)

    assert size(found) <= 6_144
    sids = [statement["Sid"] for statement in found["Statement"]]
    assert len(set(sids)) == len(sids)


def test_a_drift_run_only_reads() -> None:
    writing = [
        action
        for action in actions(document("drift"))
        if not action.partition(":")[2].startswith(READING)
    ]
    assert writing == ["sts:AssumeRole"]
    assert all(one.partition(":")[2].startswith(READING) for one in actions(access_document()))


def test_a_drift_run_reads_no_artifact() -> None:
    for found in (document("drift"), access_document()):
        assert not {"s3:GetObject", "s3:GetObjectVersion", "kms:Decrypt"} & set(actions(found))
        assert not any(fnmatch.fnmatch("s3:GetObject", one) for one in actions(found))


def test_a_drift_run_reads_every_resource_of_every_template() -> None:
    base = _template.parse(BASE.read_text(encoding="ascii"))
    build = types_of(source("primary")) | types_of(source("regional")) | types_of(base)

    assert missing(document("drift"), build) == set()
    assert missing(access_document(), types_of(source("deploy_account"))) == set()


def test_the_access_role_of_drift_runs_trusts_one_role() -> None:
    role = resolve("drift-access-role", DriftRoleArn=DRIFT_ROLE)["DriftAccessRole"]
    [trust] = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Principal"] == {"AWS": "arn:aws:iam::111111111111:root"}
    assert trust["Condition"] == {"ArnEquals": {"aws:PrincipalArn": DRIFT_ROLE}}


def test_remediation_writes_to_what_is_ours_only() -> None:
    keys, roles = document("remediation")["Statement"]

    assert keys["Condition"] == {
        "StringEquals": {
            "aws:ResourceTag/crossaccount:stack": ["CrossAccountPrimary", "CrossAccountRegional"]
        }
    }
    assert all(":role/crossaccount/" in resource for resource in roles["Resource"])
    assert actions({"Statement": [keys, roles]}) == ["kms:PutKeyPolicy", "iam:DetachRolePolicy"]
