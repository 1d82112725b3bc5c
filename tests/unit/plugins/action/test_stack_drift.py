# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One stack put right. Talks to stand-ins that answer through real clients of botocore."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from ansible_collections.crossaccount.pipeline.plugins.action import stack_drift
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import OrphanedWorker

from tests.fakes.clock import Clock
from tests.fakes.cloudformation import NO_CHANGES, change
from tests.fakes.drift import FakeDrift, difference, drift, resource
from tests.fakes.gateway import FakeGateway, Install
from tests.fakes.harness import run_action
from tests.fakes.policies import FakePolicies
from tests.fakes.service import refuse

BUILD, REGION = "111111111111", "us-east-1"
KEY, BUCKET, ROLE, FUNCTION = (
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::IAM::Role",
    "AWS::Lambda::Function",
)
Data = dict[str, Any]


def document(sid: str, **more: Any) -> Data:
    statement = {"Sid": sid, "Effect": "Allow", "Action": "a:B", "Resource": "*", **more}
    return {"Version": "2012-10-17", "Statement": [statement]}


TEMPLATE = json.dumps(
    {
        "Parameters": {"Days": {"Type": "Number"}},
        "Resources": {
            "Key": {"Type": KEY, "Properties": {"KeyPolicy": document("Administer")}},
            "Role": {
                "Type": ROLE,
                "Properties": {"AssumeRolePolicyDocument": document("Trust")},
            },
            "Function": {"Type": FUNCTION},
        },
    }
)


@pytest.fixture
def gateway(install: Install, clock: Clock) -> FakeGateway:
    assert clock.pauses == []
    return install(stack_drift)


@pytest.fixture
def aws(gateway: FakeGateway) -> FakePolicies:
    """The policies of the stack, as its template says."""
    policies = FakePolicies(REGION)
    policies.keys["one-key"] = document("Administer")
    policies.add_role("one-role", document("Trust"))
    gateway.data[BUILD, REGION] = cast("Any", policies)
    return policies


@pytest.fixture
def region(gateway: FakeGateway, aws: FakePolicies) -> FakeDrift:
    """CloudFormation with a stack that is in sync."""
    assert aws.calls == []
    found = FakeDrift()
    gateway.regions[BUILD, REGION] = found
    found.add_with(
        resource("Key", KEY),
        resource("Role", ROLE),
        resource("Function", FUNCTION),
        template=TEMPLATE,
        parameters={"Days": "365"},
        tags={"crossaccount:group": "primary"},
        protected=True,
    )
    found.drifts["One"] = [
        drift("Key", KEY, "IN_SYNC"),
        drift("Role", ROLE, "IN_SYNC"),
        drift("Function", FUNCTION, "IN_SYNC"),
    ]
    return found


def timeout(region: FakeDrift) -> None:
    """Let somebody change the function's timeout."""
    region.drifts["One"][2] = drift(
        "Function", FUNCTION, "MODIFIED", difference("/Timeout", "900", "3")
    )
    detail = {
        "Target": {
            "Attribute": "Properties",
            "Path": "/Properties/Timeout",
            "BeforeValue": "3",
            "AfterValue": "900",
        }
    }
    region.changes = [
        change(
            "Modify",
            "Function",
            FUNCTION,
            "False",
            ResourceDriftStatus="MODIFIED",
            Details=[detail],
        )
    ]


def put_right(**options: Any) -> dict[str, Any]:
    check_mode = options.pop("check_mode", False)
    given = {"stack_name": "One", "account_id": BUILD, "region": REGION, **options}
    return run_action(
        stack_drift.ActionModule,
        given,
        check_mode=check_mode,
        task_vars={"inventory_hostname": "build"},
    )


def test_a_stack_in_sync_is_left_alone(region: FakeDrift, aws: FakePolicies) -> None:
    result = put_right()

    assert result == {
        "changed": False,
        "stack": {
            "stack_name": "One",
            "account_id": BUILD,
            "region": REGION,
            "stack_id": region.stacks[0].stack_id,
            "status": "CREATE_COMPLETE",
        },
        "findings": [],
        "ignored": [],
        "unchecked": [],
        "changes": [],
        "policies": [],
    }
    assert (region.writes, aws.writes) == (["DetectStackDrift"], [])


def test_drift_is_reverted_by_a_change_set_that_keeps_all_else(
    region: FakeDrift, aws: FakePolicies
) -> None:
    timeout(region)

    result = put_right()

    [request] = [one for name, one in region.calls if name == "CreateChangeSet"]
    assert {key: request[key] for key in ("DeploymentMode", "ChangeSetType", "StackName")} == {
        "DeploymentMode": "REVERT_DRIFT",
        "ChangeSetType": "UPDATE",
        "StackName": region.stacks[0].stack_id,
    }
    assert request["Parameters"] == [{"ParameterKey": "Days", "UsePreviousValue": True}]
    assert request["UsePreviousTemplate"] is True
    assert request["Tags"] == [{"Key": "crossaccount:group", "Value": "primary"}]
    assert request["Capabilities"] == ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
    [stack] = region.stacks
    assert (stack.status, stack.template, stack.parameters) == (
        "UPDATE_COMPLETE",
        TEMPLATE,
        {"Days": "365"},
    )
    assert (result["changed"], result["stack"]["status"]) == (True, "UPDATE_COMPLETE")
    assert result["changes"] == [
        {
            "action": "Modify",
            "logical_id": "Function",
            "resource_type": FUNCTION,
            "replacement": "False",
            "scope": (),
            "depends_on": (),
            "drift_status": "MODIFIED",
            "properties": [{"path": "/Properties/Timeout", "before": "3", "after": "900"}],
        }
    ]
    [entry] = result["diff"]
    assert entry["before_header"] == f"One in {BUILD} {REGION} (change set)"
    assert entry["before"] == f"Modify Function ({FUNCTION})\n  /Properties/Timeout: 3\n"
    assert entry["after"] == f"Modify Function ({FUNCTION})\n  /Properties/Timeout: 900\n"
    assert [(one["host"], one["property"]) for one in result["findings"]] == [("build", "Timeout")]
    assert (result["policies"], aws.writes) == ([], [])


@pytest.mark.parametrize("page_size", [100, 1])
def test_a_change_set_is_read_whole_with_values(region: FakeDrift, page_size: int) -> None:
    timeout(region)
    region.page_size = page_size
    region.changes += [change("Modify", "Role", ROLE, "False"), change("Remove", "Key", KEY)]

    result = put_right()

    assert result["failed"] is True
    assert result["msg"] == (
        f"reverting One would lose data or roles: Remove Key ({KEY}). Nothing was changed. Put"
        " these back by hand, then run again"
    )
    reads = [one for name, one in region.calls if name == "DescribeChangeSet"]
    assert all(one["IncludePropertyValues"] for one in reads)


def test_what_a_change_set_puts_back_is_not_written_again(
    region: FakeDrift, aws: FakePolicies
) -> None:
    timeout(region)
    aws.keys["one-key"] = document("Administer", Action="a:*")
    region.reverting = lambda: aws.keys.update({"one-key": document("Administer")})

    result = put_right()

    assert aws.writes == []
    assert [one["kind"] for one in result["findings"]] == ["drifted", "policy"]
    assert result["policies"] == []


def test_what_a_change_set_does_not_show_is_put_back_directly(
    region: FakeDrift, aws: FakePolicies
) -> None:
    aws.inline["one-role"]["Extra"] = document("Extra")
    aws.attached["one-role"] = ["arn:aws:iam::aws:policy/AdministratorAccess"]

    result = put_right()

    assert (aws.inline["one-role"], aws.attached["one-role"]) == ({}, [])
    assert aws.writes == ["DeleteRolePolicy", "DetachRolePolicy"]
    assert region.writes == ["DetectStackDrift"]
    assert (result["changed"], result["changes"]) == (True, [])
    assert result["policies"] == [
        {
            "resource": "Role",
            "resource_type": ROLE,
            "physical_id": "one-role",
            "property": "Policies.Extra",
            "what": "inline policy Extra of role one-role",
        },
        {
            "resource": "Role",
            "resource_type": ROLE,
            "physical_id": "one-role",
            "property": "ManagedPolicyArns",
            "what": "policies attached to role one-role",
        },
    ]
    first, second = result["diff"]
    assert first["before_header"].endswith("(inline policy Extra of role one-role)")
    assert '"Sid": "Extra"' in first["before"]
    assert first["after"] == ""
    assert (second["before"], second["after"]) == (
        "arn:aws:iam::aws:policy/AdministratorAccess\n",
        "",
    )


def test_check_mode_shows_all_and_writes_nothing(region: FakeDrift, aws: FakePolicies) -> None:
    timeout(region)
    region.drifts["One"][1] = drift("Role", ROLE, "DELETED")
    aws.keys["one-key"] = document("Administer", Action="a:*")

    result = put_right(check_mode=True)

    assert (region.writes, aws.writes, region.change_sets) == (["DetectStackDrift"], [], [])
    assert (result["changed"], result["changes"]) == (True, [])
    place = f"One in {BUILD} {REGION}"
    assert [(one["before_header"], one["before"], one["after"]) for one in result["diff"]][:2] == [
        (f"{place} (Role)", "", f"Role ({ROLE})\n"),
        (f"{place} (Function.Timeout)", "3\n", "900\n"),
    ]
    assert result["diff"][2]["before_header"] == f"{place} (policy of key one-key)"
    assert '"a:*"' in result["diff"][2]["before"]
    assert '"a:B"' in result["diff"][2]["after"]
    assert len(result["diff"]) == 3


@pytest.mark.parametrize("kind", [KEY, BUCKET])
@pytest.mark.parametrize("check_mode", [False, True])
def test_a_key_or_bucket_that_is_gone_is_told_and_never_made_again(
    region: FakeDrift, aws: FakePolicies, kind: str, check_mode: bool
) -> None:
    timeout(region)
    aws.inline["one-role"]["Extra"] = document("Extra")
    region.stacks[0].resources.append(resource("Data", kind))
    region.drifts["One"].append(drift("Data", kind, "DELETED"))

    result = put_right(check_mode=check_mode)

    assert (result["failed"], result["changed"]) == (True, False)
    assert result["msg"].startswith("One has lost Data (one-data), and what it contained. Nothing")
    assert {one["resource"] for one in result["findings"]} >= {"Data", "Function"}
    assert (region.writes, aws.writes) == (["DetectStackDrift"], [])
    assert "diff" not in result


LOSSES = [
    change("Add", "Data", KEY),
    change("Add", "Data", BUCKET),
    change("Remove", "Data", BUCKET),
    change("Modify", "Data", KEY, "True"),
    change("Modify", "Data", BUCKET, "Conditional"),
    change("Modify", "Data", ROLE, "True"),
    change("Remove", "Data", ROLE),
]


@pytest.mark.parametrize("loss", LOSSES)
def test_a_change_set_that_loses_data_or_roles_is_refused_and_leaves_nothing(
    region: FakeDrift, aws: FakePolicies, loss: Data
) -> None:
    timeout(region)
    region.changes.append(loss)
    aws.inline["one-role"]["Extra"] = document("Extra")

    result = put_right()

    assert (result["failed"], result["changed"]) == (True, False)
    assert result["msg"].startswith("reverting One would lose data or roles: ")
    assert "Function" not in result["msg"]
    assert region.writes == ["DetectStackDrift", "CreateChangeSet", "DeleteChangeSet"]
    assert (region.change_sets, aws.writes) == ([], [])


def test_a_role_that_is_gone_is_made_again(region: FakeDrift) -> None:
    region.drifts["One"][1] = drift("Role", ROLE, "DELETED")
    region.changes = [change("Add", "Role", ROLE, ResourceDriftStatus="DELETED")]

    result = put_right()

    assert (result["changed"], result["stack"]["status"]) == (True, "UPDATE_COMPLETE")
    [entry] = result["diff"]
    assert (entry["before"], entry["after"]) == ("", f"Add Role ({ROLE})\n")


def test_a_change_set_without_changes_is_no_change(region: FakeDrift, aws: FakePolicies) -> None:
    timeout(region)
    region.change_set_statuses = ["FAILED"]
    region.change_set_reason = NO_CHANGES
    aws.inline["one-role"]["Extra"] = document("Extra")

    result = put_right()

    assert (result["changes"], region.change_sets) == ([], [])
    assert [one["property"] for one in result["policies"]] == ["Policies.Extra"]


def test_a_change_set_that_fails_leaves_nothing_and_has_its_reason(region: FakeDrift) -> None:
    timeout(region)
    region.change_set_statuses = ["FAILED"]
    region.change_set_reason = "a hook refused it"

    assert put_right()["msg"] == "the change set of One failed: a hook refused it"
    assert region.change_sets == []


def test_a_revert_that_fails_is_told_as_what_was_begun(region: FakeDrift) -> None:
    timeout(region)
    region.endings["update"] = ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"]

    result = put_right()

    assert (result["failed"], result["changed"]) == (True, True)
    assert result["msg"].startswith("One is UPDATE_ROLLBACK_COMPLETE")
    assert result["diff"]


def test_what_was_written_before_a_failure_is_told(region: FakeDrift, aws: FakePolicies) -> None:
    assert region.stacks
    aws.keys["one-key"] = document("Administer", Action="a:*")
    aws.inline["one-role"]["Extra"] = document("Extra")
    aws.before("DeleteRolePolicy", refuse("AccessDenied", "not you"))

    result = put_right()

    assert (result["failed"], result["changed"]) == (True, True)
    assert result["msg"].startswith("Failed to put the role's policy back: ")
    assert [one["what"] for one in result["policies"]] == ["policy of key one-key"]
    assert [one["before_header"] for one in result["diff"]] == [
        f"One in {BUILD} {REGION} (policy of key one-key)"
    ]


@pytest.mark.parametrize("operation", ["CreateChangeSet", "ExecuteChangeSet"])
def test_an_orphaned_worker_writes_nothing_more(region: FakeDrift, operation: str) -> None:
    def orphaned() -> None:
        raise OrphanedWorker("ansible-playbook has ended")

    timeout(region)
    region.before(operation, orphaned)

    with pytest.raises(OrphanedWorker):
        put_right()
    assert region.asked[-1] == operation


def test_what_is_in_dispute_is_told_and_not_written(region: FakeDrift, aws: FakePolicies) -> None:
    aws.keys["one-key"] = document("Administer", Action="a:*")
    other = {"KeyPolicy": document("Administer", Action="a:C")}
    region.drifts["One"][0] = drift("Key", KEY, "IN_SYNC", expected=other)

    result = put_right()

    assert (result["changed"], aws.writes) == (False, [])
    assert [one["resource"] for one in result["unchecked"]] == ["Key"]


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (None, "stack One does not exist. The bootstrap creates what is missing"),
        ("REVIEW_IN_PROGRESS", "stack One does not exist. The bootstrap creates what is missing"),
        (
            "ROLLBACK_COMPLETE",
            (
                "One is ROLLBACK_COMPLETE. Its creation failed: delete it and create it"
                " again. The bootstrap repairs what can be repaired"
            ),
        ),
    ],
)
def test_what_is_not_there_or_stuck_is_left_to_the_bootstrap(
    region: FakeDrift, status: str | None, message: str
) -> None:
    if status is None:
        region.stacks.clear()
    else:
        region.stacks[0].status = status

    result = put_right()

    assert (result["failed"], result["changed"], result["msg"]) == (True, False, message)
    assert region.writes == []


def test_a_wait_ends(region: FakeDrift) -> None:
    region.coming = ["DETECTION_IN_PROGRESS"]

    result = put_right(wait_timeout=30)

    assert result["msg"].startswith(
        f"gave up after 30 s: the drift detection of One in {BUILD} {REGION} is in progress. "
    )


def test_a_botocore_without_such_change_sets_is_named(
    region: FakeDrift, aws: FakePolicies, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeout(region)
    aws.inline["one-role"]["Extra"] = document("Extra")
    model = region.client.meta.service_model.operation_model("CreateChangeSet")
    monkeypatch.delitem(model.input_shape.members, "DeploymentMode")

    result = put_right()

    assert result["msg"] == (
        "the botocore where ansible-playbook runs does not know drift-aware change sets. Install"
        " botocore 1.40.76 or newer there"
    )
    assert (region.writes, aws.writes) == (["DetectStackDrift"], [])


# What the user ignores

TAGGED = "the cost tool tags every role"


def ignore(**globs: str) -> dict[str, Any]:
    return {"ignore": [{**globs, "reason": TAGGED, "until": "2999-12-31"}]}


@pytest.mark.parametrize("check_mode", [False, True])
def test_what_is_ignored_is_left_as_it_is(
    region: FakeDrift, aws: FakePolicies, check_mode: bool
) -> None:
    timeout(region)
    aws.keys["one-key"] = document("Administer", Action="a:*")
    aws.inline["one-role"] = {"Extra": document("Extra"), "Other": document("Other")}

    result = put_right(
        ignore=[
            {"resource": name, "property": prop, "reason": TAGGED, "until": "2999-12-31"}
            for name, prop in [
                ("Function", "Timeout"),
                ("Key", "KeyPolicy.*"),
                ("Role", "Policies.Extra"),
            ]
        ],
        check_mode=check_mode,
    )

    assert [one["property"] for one in result["findings"]] == ["Policies.Other"]
    assert sorted(one["property"] for one in result["ignored"]) == [
        "KeyPolicy.Administer",
        "Policies.Extra",
        "Timeout",
    ]
    assert region.writes == ["DetectStackDrift"]
    assert aws.writes == ([] if check_mode else ["DeleteRolePolicy"])
    assert len(result["diff"]) == 1
    assert [one["property"] for one in result["policies"]] == ["Policies.Other"]


@pytest.mark.parametrize(
    "entry",
    [
        {"resource": "Function", "property": "Timeout"},
        {"resource": "Key", "property": "KeyPolicy.Administer"},
    ],
)
def test_a_change_set_that_puts_back_what_is_ignored_is_refused(
    region: FakeDrift, aws: FakePolicies, entry: dict[str, str]
) -> None:
    timeout(region)
    aws.keys["one-key"] = document("Administer", Action="a:*")
    region.drifts["One"][0] = drift(
        "Key", KEY, "MODIFIED", difference("/KeyPolicy/Statement/0/Action", "a:B", "a:*")
    )
    detail = {"Target": {"Path": "/Properties/KeyPolicy/Statement/0/Action"}}
    region.changes.append(change("Modify", "Key", KEY, "False", Details=[detail]))

    result = put_right(**ignore(**entry))

    assert (result["failed"], result["changed"]) == (True, False)
    assert result["msg"].startswith("the change set of One would also put back what is ignored: ")
    assert entry["resource"] in result["msg"]
    assert (region.change_sets, aws.writes) == ([], [])


def test_a_change_set_may_put_back_another_property_of_the_resource(
    region: FakeDrift, aws: FakePolicies
) -> None:
    timeout(region)
    found = region.drifts["One"][2]
    found["PropertyDifferences"].append(difference("/Tags/0", "null", "{}", "ADD"))

    result = put_right(**ignore(resource="Function", property="Tags*"))

    assert (result["changed"], aws.writes) == (True, [])
    assert [one["property"] for one in result["ignored"]] == ["Tags.0"]


def test_an_entry_whose_day_is_over_is_as_none(region: FakeDrift) -> None:
    timeout(region)
    over = {"resource": "Function", "reason": TAGGED, "until": "2020-01-01"}

    result = put_right(ignore=[over])

    assert (result["changed"], result["ignored"]) == (True, [])
