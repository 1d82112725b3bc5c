# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a drift run and its remediation may do. Reads files only."""

from __future__ import annotations

import fnmatch
from typing import Any

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.template import parse

from lab.cloudformation.resource_permissions import TABLE
from tests.unit.roles.templates import BASE, policy_file, resolve, source
from tools import sample_pipelines

DRIFT_ROLE = "arn:aws:iam::111111111111:role/CrossAccountDrift"
READING = ("BatchDescribe", "BatchGet", "Describe", "Detect", "Get", "List")


def access_role() -> dict[str, Any]:
    """The access role of drift runs in a deploy account."""
    resources = resolve("drift-access-role", DriftRoleArn=DRIFT_ROLE)
    found: dict[str, Any] = resources["DriftAccessRole"]["Properties"]
    return found


def actions(document: dict[str, Any]) -> list[str]:
    listed = [statement["Action"] for statement in document["Statement"]]
    return [action for item in listed for action in ([item] if isinstance(item, str) else item)]


def missing(document: dict[str, Any], *templates: dict[str, Any]) -> set[str]:
    """What reading the resources of these templates takes that a policy does not allow."""
    types = {item["Type"] for template in templates for item in template["Resources"].values()}
    needed = {action.split()[0] for kind in types for action in TABLE[kind]["read"]}
    allowed = actions(document)
    return {
        action for action in needed if not any(fnmatch.fnmatch(action, item) for item in allowed)
    }


def test_a_drift_run_reads_every_resource_no_artifact_and_writes_nothing() -> None:
    hub = policy_file("drift")
    base = parse(BASE.read_text(encoding="ascii"))
    notified = parse(sample_pipelines.template("notified"))
    assert missing(hub, source("primary"), source("regional"), base, notified) == set()

    [policy] = access_role()["Policies"]
    account = policy["PolicyDocument"]
    assert missing(account, source("deploy_account")) == set()

    allowed = actions(hub) + actions(account)
    writing = [action for action in allowed if not action.partition(":")[2].startswith(READING)]
    assert writing == ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]
    for artifact in ("s3:GetObject", "s3:GetObjectVersion", "kms:Decrypt"):
        assert not any(fnmatch.fnmatch(artifact, action) for action in allowed)


def test_the_access_role_of_drift_runs_trusts_one_role() -> None:
    statements = access_role()["AssumeRolePolicyDocument"]["Statement"]

    assert len(statements) == 2
    for trust in statements:
        assert trust["Principal"] == {"AWS": "arn:aws:iam::111111111111:root"}
        assert trust["Condition"] == {"ArnEquals": {"aws:PrincipalArn": DRIFT_ROLE}}


def test_remediation_writes_to_what_is_ours_only() -> None:
    keys, roles, functions = policy_file("remediation")["Statement"]

    assert keys["Condition"] == {
        "StringEquals": {
            "aws:ResourceTag/crossaccount:stack": ["CrossAccountPrimary", "CrossAccountRegional"]
        }
    }
    assert all(":role/crossaccount/" in resource for resource in roles["Resource"])
    ends = {resource.rpartition(":")[2] for resource in functions["Resource"]}
    assert ends == {"CrossAccountPrimary-*", "*-notices", "*-starter"}
