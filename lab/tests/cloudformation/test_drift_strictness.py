# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drift detection, and what it reads.

MiniStack alone accepts what each test expects to be refused or different: see lab/README.md.
"""

from __future__ import annotations

import json

import pytest

from lab import Lab
from lab.tests.drifting import (
    ACCOUNT,
    BEHIND,
    CHECKED,
    TRUST,
    Drifting,
    changes,
)
from lab.tests.stacks import (
    TOPIC,
    delete,
    refused,
    statements,
)

# Detection


def test_detection_takes_its_time_and_runs_once(lab: Lab, drifting: Drifting) -> None:
    lab.hold("drift")
    drifting.change("timeout")
    started = drifting.api.detect_stack_drift(StackName=drifting.name)["StackDriftDetectionId"]
    status = drifting.detection(started)
    assert status["DetectionStatus"] == "DETECTION_IN_PROGRESS"
    assert "StackDriftStatus" not in status
    assert drifting.describe()["DriftInformation"]["StackDriftStatus"] == "NOT_CHECKED"
    assert "Drift detection is already in progress for stack" in refused(
        lambda: drifting.api.detect_stack_drift(StackName=drifting.name)
    )
    lab.hold()
    status = drifting.detected(started)
    assert status["DetectionStatus"] == "DETECTION_COMPLETE"
    assert (status["StackDriftStatus"], status["DriftedStackResourceCount"]) == ("DRIFTED", 1)
    assert drifting.describe()["DriftInformation"]["StackDriftStatus"] == "DRIFTED"
    assert drifting.drifted() == {"Function": "MODIFIED"}


def test_detection_reads_what_is_there_when_it_reads(lab: Lab, drifting: Drifting) -> None:
    lab.hold("drift")
    started = drifting.api.detect_stack_drift(StackName=drifting.name)["StackDriftDetectionId"]
    drifting.change("timeout")
    lab.hold()
    drifting.detected(started)
    found = drifting.api.describe_stack_resource_drifts(StackName=drifting.name)
    drifted = {
        drift["LogicalResourceId"]
        for drift in found["StackResourceDrifts"]
        if drift["StackResourceDriftStatus"] == "MODIFIED"
    }
    assert drifted == {"Function"}


def test_a_stack_that_goes_away_ends_its_detection(lab: Lab, stack: Drifting) -> None:
    stack.make({"T": TOPIC})
    lab.hold("drift")
    started = stack.api.detect_stack_drift(StackName=stack.name)["StackDriftDetectionId"]
    assert stack.detection(started)["DetectionStatus"] == "DETECTION_IN_PROGRESS"
    delete(stack)
    lab.hold()
    status = stack.detected(started)
    assert status["DetectionStatus"] == "DETECTION_FAILED"
    assert "does not exist" in status["DetectionStatusReason"]


def test_drifts_come_in_pages(lab: Lab, drifting: Drifting) -> None:
    lab.set_drift_page(4)
    drifting.api.detect_stack_drift(StackName=drifting.name)
    first = drifting.api.describe_stack_resource_drifts(StackName=drifting.name, MaxResults=100)
    assert len(first["StackResourceDrifts"]) == 4
    assert first["NextToken"]
    assert drifting.detect().keys() == CHECKED


def test_what_is_in_sync_is_in_sync(drifting: Drifting) -> None:
    """A topic's policy is among what CloudFormation does not read."""
    found = drifting.detect()
    assert found.keys() == CHECKED
    for drift in found.values():
        assert drift["StackResourceDriftStatus"] == "IN_SYNC"
        assert json.loads(drift["ExpectedProperties"]) == json.loads(drift["ActualProperties"])


@pytest.mark.parametrize("name", BEHIND)
def test_a_change_behind_the_back_of_a_stack_is_seen_and_reverted(
    drifting: Drifting, name: str
) -> None:
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
    """A drift-aware change set sees no more."""
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
    """A drift-aware change set sees no more."""
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
