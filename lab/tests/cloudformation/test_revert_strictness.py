# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drift-aware change sets.

MiniStack alone accepts what each test expects to be refused or different: see lab/README.md.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab import Lab, ResourceRule
from lab.clients import Clients
from lab.tests.drifting import (
    ACCOUNT,
    KEY_POLICY,
    REGION,
    TEMPLATE,
    TRUST,
    Drifting,
    changes,
)
from lab.tests.stacks import (
    TOPIC,
    refused,
    statements,
)

# Drift-aware change sets


def test_another_deployment_mode_is_refused(stack: Drifting) -> None:
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


def test_a_change_shows_what_is_there_and_what_comes(drifting: Drifting) -> None:
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
    drifting.lab.client("kms", ACCOUNT).tag_resource(
        KeyId=drifting.physical_id("Key"), Tags=[{"TagKey": "external", "TagValue": "tag"}]
    )
    assert drifting.drifted() == {"Key": "MODIFIED"}
    change_set = drifting.reverting()
    assert (change_set["Status"], change_set["StackDriftStatus"]) == ("FAILED", "DRIFTED")


def test_what_refers_to_a_resource_that_comes_back_follows_it(drifting: Drifting) -> None:
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
    """And the stack still knows what it should be."""
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
    stack.make({"T": TOPIC})
    caller = Caller(stack.lab, f"caller-{stack.name}"[:64])
    caller.may(but=f"cloudformation:{action}")
    assert f"not authorized to perform: cloudformation:{action}" in refused(
        lambda: caller.api.detect_stack_drift(StackName=stack.name)
    )


def test_drift_is_reverted_with_the_permissions_of_the_caller(stack: Drifting) -> None:
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
