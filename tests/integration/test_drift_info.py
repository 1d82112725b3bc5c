# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drift is found under a policy that reads only, and put right under little more.

The tests talk to the lab, by the actions and without a playbook.
"""

from __future__ import annotations

import fnmatch
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from ansible import constants
from ansible_collections.crossaccount.pipeline.plugins.action import stack_drift, stack_drift_info

from lab import Call, Lab, Setup, drift_policy
from tests.fakes.harness import run_action
from tests.integration.drifting import Organisation
from tests.integration.held import CLOUDFORMATION, CODEPIPELINE
from tests.integration.playbook import StackName
from tests.integration.states import States
from tests.integration.tampering import ADDED_POLICY, KINDS
from tests.integration.waiting import wait_until
from tests.integration.warm import Warm

Data = dict[str, Any]

DRIFT_ROLE, DRIFT_ACCESS = "CrossAccountDrift", "CrossAccountDriftAccess"
TAG = "crossaccount:group"
PRIMARY = "build"


@pytest.fixture
def organisation(lab: Lab, states: States, tmp_path: Path, warm: Warm) -> Organisation:
    """An organisation with a pipeline."""
    return Organisation(lab, states, tmp_path, warm, pipelines=True)


def _give(lab: Lab, document: Data) -> None:
    """Give the role of drift runs another policy."""
    lab.client("iam", lab.organisation.build).put_role_policy(
        RoleName=DRIFT_ROLE, PolicyName="drift", PolicyDocument=json.dumps(document)
    )


def _act_as(lab: Lab, setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the actions find the credentials of a set-up."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in lab.variables(setup).items():
        monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
def run_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Share no credentials with another test: the lab has forgotten them."""
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))


@pytest.fixture
def as_drift_role(organisation: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look under the policy of drift runs."""
    _act_as(organisation.lab, "drift", monkeypatch)


@pytest.fixture
def as_operator(organisation: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put right as the operator, with what that takes besides."""
    _act_as(organisation.lab, "operator", monkeypatch)


def stacks_of(organisation: Organisation) -> dict[str, StackName]:
    """Every stack that a drift run looks at, by the name of its target."""
    return {name: organisation.held.stack_of(name) for name in organisation.inventory.hosts}


def look(organisation: Organisation, access_role: str = DRIFT_ACCESS) -> Data:
    """A look at everything."""
    result = run_action(
        stack_drift_info.ActionModule,
        {
            "targets": [
                {
                    "name": name,
                    "account_id": stack.account_id,
                    "region": stack.region,
                    "stack_name": stack.name,
                }
                for name, stack in stacks_of(organisation).items()
            ],
            "sts_region": organisation.inventory.primary_region,
            "access_role_name": access_role,
            "policies": True,
            "tag": TAG,
            "wait_timeout": 60,
        },
    )
    assert "failed" not in result, result
    return result


def put_right(organisation: Organisation, name: str, *, check_mode: bool = False) -> Data:
    """Put one stack right."""
    stack = stacks_of(organisation)[name]
    return run_action(
        stack_drift.ActionModule,
        {
            "account_id": stack.account_id,
            "region": stack.region,
            "stack_name": stack.name,
            "sts_region": organisation.inventory.primary_region,
            "access_role_name": organisation.lab.organisation.operator.access_role,
            "wait_timeout": 60,
        },
        task_vars={"inventory_hostname": name},
        check_mode=check_mode,
    )


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def findings(result: Data) -> list[Data]:
    return [finding for stack in result["stacks"] for finding in stack["findings"]]


def troubles(result: Data) -> list[str]:
    """Whatever keeps a look from being complete."""
    stacks = result["stacks"]
    return [stack["error"] for stack in stacks if stack["error"]] + [
        f"{one['resource']}: {one['why']}" for stack in stacks for one in stack["unchecked"]
    ]


def check_clean(result: Data) -> None:
    assert troubles(result) == []
    assert findings(result) == []
    assert result["orphans"] == []
    assert {one["exists"] for one in result["stacks"]} == {True}


@pytest.mark.usefixtures("as_drift_role")
def test_a_clean_organisation_is_seen_whole_under_a_policy_that_only_reads(
    organisation: Organisation,
) -> None:
    before = organisation.everything()
    organisation.lab.clear_calls()

    check_clean(look(organisation))

    calls = organisation.lab.calls()
    assert {call.principal.split("/")[1] for call in calls} == {DRIFT_ROLE, DRIFT_ACCESS}
    assert [call for call in calls if call.write] == []
    assert [call for call in calls if call.status >= 400] == []
    detections = [call for call in calls if call.action == "DetectStackDrift"]
    assert len(detections) == len(stacks_of(organisation))
    assert organisation.everything() == before


# What other parts of a run need, and options of access that a test does not set.
UNSEEN = {
    "cloudformation:GetStackPolicy",
    "codepipeline:ListPipelines",
    "organizations:DescribeOrganization",  # the organisation of these tests has no organisation_id
    "sns:GetSubscriptionAttributes",  # the organisation of these tests notifies nobody
    "sts:SetSourceIdentity",
    "sts:TagSession",
}


@pytest.mark.usefixtures("as_drift_role")
def test_every_permission_of_a_drift_run_is_asked_for(organisation: Organisation) -> None:
    lab = organisation.lab
    lab.clear_calls()
    lab.clear_decisions()

    check_clean(look(organisation))

    asked = {f"{call.service}:{call.action}" for call in lab.calls()}
    asked |= {decision["action"] for decision in lab.decisions()}
    statements = json.loads(drift_policy(lab.organisation))["Statement"]
    given = {action for one in statements for action in listed(one["Action"])}
    assert {action for action in given if not fnmatch.filter(asked, action)} == UNSEEN


@pytest.mark.usefixtures("as_drift_role")
def test_a_permission_that_is_missing_is_told_and_hides_nothing_else(
    organisation: Organisation,
) -> None:
    """Of what CloudFormation reads, of what is read for the policies, of the way in."""
    less = json.loads(drift_policy(organisation.lab.organisation))
    for statement in less["Statement"]:
        gone = {"kms:GetKeyRotationStatus", "lambda:GetPolicy"}
        statement["Action"] = [one for one in listed(statement["Action"]) if one not in gone]
    _give(organisation.lab, less)

    result = look(organisation)

    unchecked = {
        (one["host"], one["resource"]): one["why"]
        for stack in result["stacks"]
        for one in stack["unchecked"]
        if one["kind"] != "undetectable"
    }
    assert set(unchecked) == {
        *((name, "Key") for name in (PRIMARY, *organisation.inventory.regional)),
        (PRIMARY, "SyncArtifactsFunction"),
        *(("hello", f"Starter{kind}") for kind in ("Function", "Permission")),
    }
    assert "kms:GetKeyRotationStatus" in unchecked[PRIMARY, "Key"]
    assert "Failed to read the function's policy" in unchecked[PRIMARY, "SyncArtifactsFunction"]
    assert {one["error"] for one in result["stacks"]} == {None}
    assert findings(result) == []


@pytest.mark.usefixtures("as_drift_role")
def test_every_page_and_a_detection_that_is_in_progress(organisation: Organisation) -> None:
    """Another detection runs already in one stack: it is waited for, and ours follows."""
    lab, stack = organisation.lab, organisation.held.primary
    lab.hold("drift")
    lab.set_drift_page(1)
    lab.client("cloudformation", stack.account_id, stack.region).detect_stack_drift(
        StackName=stack.name
    )
    lab.clear_calls()

    def release() -> None:
        wait_until(lambda: bool(refused(lab)), "the other detection is met")
        lab.hold()

    thread = threading.Thread(target=release)
    thread.start()
    check_clean(look(organisation))
    thread.join()

    assert {one.resource for one in refused(lab)} == {stack.name}
    calls = lab.calls()
    starts = [number for number, one in enumerate(calls) if one.action == "DetectStackDrift"]
    follows = [
        number
        for number, one in enumerate(calls)
        if one.action == "DescribeStackDriftDetectionStatus"
    ]
    firsts = len(stacks_of(organisation))
    assert starts[firsts - 1] < follows[0]  # started everywhere before one is followed


def refused(lab: Lab) -> list[Call]:
    """The detections that were refused."""
    return [one for one in lab.calls() if one.action == "DetectStackDrift" and one.status >= 400]


@pytest.mark.usefixtures("as_drift_role")
def test_an_account_that_refuses_leaves_the_others_complete(organisation: Organisation) -> None:
    lab = organisation.lab
    iam = lab.client("iam", lab.organisation.deploy["testing"])
    trust = iam.get_role(RoleName=DRIFT_ACCESS)["Role"]["AssumeRolePolicyDocument"]
    closed = {**trust, "Statement": [{**one, "Effect": "Deny"} for one in trust["Statement"]]}
    iam.update_assume_role_policy(RoleName=DRIFT_ACCESS, PolicyDocument=json.dumps(closed))

    result = look(organisation)

    errors = {one["name"]: one["error"] for one in result["stacks"] if one["error"]}
    assert set(errors) == {"testing"}
    assert "Failed to assume" in errors["testing"]
    assert findings(result) == []


@pytest.mark.usefixtures("as_drift_role")
def test_a_principal_that_is_gone_is_found_by_its_id(organisation: Organisation) -> None:
    """A role of the build account was named by hand, and was then deleted."""
    stack = dead_principal(organisation)

    [finding] = findings(look(organisation))

    assert (finding["stack"], finding["resource"]) == (stack.name, "PipelineBucketPolicy")
    assert finding["property"] == "PolicyDocument.ByHand"
    assert "was a principal that has been deleted since" in finding["message"]
    assert "AROA" in finding["actual"]


def dead_principal(organisation: Organisation) -> StackName:
    """A role of the build account is named by a bucket policy, and is deleted."""
    lab, stack = organisation.lab, organisation.held.primary
    iam, s3 = (lab.client(name, stack.account_id, stack.region) for name in ("iam", "s3"))
    bucket = organisation.held.outputs(stack)["PipelineBucketName"]
    trust = {"Effect": "Allow", "Principal": {"Service": "a.amazonaws.com"}, "Action": "sts:*"}
    role = iam.create_role(
        RoleName="ByHand",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]["Arn"]
    document = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    grant = {
        "Sid": "ByHand",
        "Effect": "Allow",
        "Principal": {"AWS": role},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    document["Statement"].append(grant)
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))
    iam.delete_role(RoleName="ByHand")
    return stack


# Putting right

REVERTIBLE = sorted(kind for kind in KINDS if KINDS[kind][1].kind in ("drifted", "policy"))


@pytest.mark.usefixtures("as_operator")
def test_all_tampering_at_once_is_shown_then_put_right(organisation: Organisation) -> None:
    """Under the operator's policies and what remediation takes besides."""
    access = organisation.lab.organisation.operator.access_role
    for kind in REVERTIBLE:
        KINDS[kind][0](organisation.tamperer)
    tampered = organisation.everything()
    hosts = {KINDS[kind][1].host for kind in REVERTIBLE}
    found = look(organisation, access)
    assert {one["host"] for one in findings(found)} == hosts

    for name in stacks_of(organisation):
        shown = put_right(organisation, name, check_mode=True)
        assert (shown["changed"], bool(shown.get("diff"))) == (name in hosts, name in hosts), shown
    assert organisation.everything() == tampered

    for name in stacks_of(organisation):
        done = put_right(organisation, name)
        assert "failed" not in done, done["msg"]
        assert done["changed"] == (name in hosts)
    check_clean(look(organisation, access))
    for name in stacks_of(organisation):
        assert put_right(organisation, name)["changed"] is False


@pytest.mark.usefixtures("as_operator")
def test_a_dead_principal_is_put_right(organisation: Organisation) -> None:
    dead_principal(organisation)

    done = put_right(organisation, PRIMARY)

    assert done["changed"] is True
    check_clean(look(organisation, organisation.lab.organisation.operator.access_role))


@pytest.mark.usefixtures("as_operator")
def test_only_what_a_change_set_does_not_show_is_written_directly(
    organisation: Organisation,
) -> None:
    KINDS["role policy added"][0](organisation.tamperer)
    organisation.lab.clear_calls()

    done = put_right(organisation, "development")

    writes = [call.action for call in organisation.lab.calls() if call.write]
    assert writes == ["DeleteRolePolicy"]
    [policy] = done["policies"]
    assert policy["what"] == f"inline policy {ADDED_POLICY} of role {CODEPIPELINE}"
    assert done["changes"] == []
    check_clean(look(organisation, organisation.lab.organisation.operator.access_role))


@pytest.mark.usefixtures("as_operator")
def test_a_role_that_was_deleted_is_made_again(organisation: Organisation) -> None:
    iam = organisation.lab.client("iam", organisation.held.stack_of("testing").account_id)
    for page in iam.list_attached_role_policies(RoleName=CLOUDFORMATION)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=CLOUDFORMATION, PolicyArn=page["PolicyArn"])
    for name in iam.list_role_policies(RoleName=CLOUDFORMATION)["PolicyNames"]:
        iam.delete_role_policy(RoleName=CLOUDFORMATION, PolicyName=name)
    iam.delete_role(RoleName=CLOUDFORMATION)

    done = put_right(organisation, "testing")

    assert "failed" not in done, done["msg"]
    made = [one["logical_id"] for one in done["changes"] if one["action"] == "Add"]
    assert made == ["CloudFormationRole"]
    check_clean(look(organisation, organisation.lab.organisation.operator.access_role))


@pytest.mark.usefixtures("as_operator")
def test_a_key_that_is_to_be_deleted_is_told_and_nothing_is_changed(
    organisation: Organisation,
) -> None:
    stack = organisation.held.stack_of("eu-west-1")
    kms = organisation.lab.client("kms", stack.account_id, stack.region)
    key = organisation.held.outputs(stack)["KeyArn"]
    KINDS["bucket policy"][0](organisation.tamperer)
    kms.schedule_key_deletion(KeyId=key)
    organisation.lab.clear_calls()

    done = put_right(organisation, "eu-west-1")

    assert (done["failed"], done["changed"]) == (True, False)
    assert done["msg"].startswith("CrossAccountRegional has lost Key (")
    assert "aws kms cancel-key-deletion" in done["msg"]
    assert [call for call in organisation.lab.calls() if call.write] == []
