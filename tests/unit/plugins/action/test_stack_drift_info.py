# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drift of many stacks at once. Talks to stand-ins that answer through real clients of botocore."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.action import stack_drift_info
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import OrphanedWorker
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.status import (
    STATUSES,
    Verdict,
)

from tests.fakes.clock import Clock
from tests.fakes.drift import (
    BEFORE,
    FakeDrift,
    difference,
    drift,
    resource,
)
from tests.fakes.gateway import FakeGateway, Install
from tests.fakes.harness import run_action
from tests.fakes.service import Refusal, refuse

BUILD, DEPLOY, OTHER = "111111111111", "222222222222", "333333333333"
LAMBDA, ALIAS = "AWS::Lambda::Function", "AWS::KMS::Alias"


@pytest.fixture
def gateway(install: Install, clock: Clock) -> FakeGateway:
    assert clock.pauses == []
    return install(stack_drift_info)


def region(gateway: FakeGateway, account_id: str, name: str = "us-east-1") -> FakeDrift:
    """A region that detects drift."""
    found = gateway.regions.setdefault((account_id, name), FakeDrift())
    assert isinstance(found, FakeDrift)
    return found


def look(targets: Any, **options: Any) -> dict[str, Any]:
    given = {"targets": targets, "sts_region": "us-east-1", **options}
    return run_action(stack_drift_info.ActionModule, given)


def target(account_id: str = BUILD, **more: Any) -> dict[str, Any]:
    return {"account_id": account_id, "region": "us-east-1", "stack_name": "One", **more}


def test_what_differs_is_told_property_by_property(gateway: FakeGateway) -> None:
    found = region(gateway, BUILD)
    found.add_with(resource("Function", LAMBDA), resource("Alias", ALIAS))
    found.drifts["One"] = [
        drift(
            "Function",
            LAMBDA,
            "MODIFIED",
            difference("/Timeout", "900", "3"),
            difference("/Environment/Variables/EXTRA", "null", "yes", "ADD"),
            difference("/Tags/0", '{"Key":"a"}', "null", "REMOVE"),
        ),
        drift("Alias", ALIAS, "DELETED"),
    ]

    result = look([target(name="primary")])

    [told] = result["stacks"]
    common = {
        "host": "primary",
        "account_id": BUILD,
        "region": "us-east-1",
        "stack": "One",
        "kind": "drifted",
        "ignored": None,
    }
    function = common | {
        "resource": "Function",
        "resource_type": LAMBDA,
        "physical_id": "one-function",
    }
    assert told.pop("findings") == [
        function
        | {
            "property": "Timeout",
            "expected": "900",
            "actual": "3",
            "difference": "NOT_EQUAL",
            "message": f"Function ({LAMBDA}): Timeout is 3, not 900",
        },
        function
        | {
            "property": "Environment.Variables.EXTRA",
            "expected": "",
            "actual": "yes",
            "difference": "ADD",
            "message": f"Function ({LAMBDA}): Environment.Variables.EXTRA was added: yes",
        },
        function
        | {
            "property": "Tags.0",
            "expected": '{"Key":"a"}',
            "actual": "",
            "difference": "REMOVE",
            "message": f'Function ({LAMBDA}): Tags.0 was removed: {{"Key":"a"}}',
        },
        common
        | {
            "resource": "Alias",
            "resource_type": ALIAS,
            "physical_id": "one-alias",
            "property": "",
            "expected": "",
            "actual": "",
            "difference": "DELETED",
            "message": f"Alias ({ALIAS}) was deleted",
        },
    ]
    assert told == {
        "name": "primary",
        "account_id": BUILD,
        "region": "us-east-1",
        "stack_name": "One",
        "exists": True,
        "stack_id": found.stacks[0].stack_id,
        "status": "CREATE_COMPLETE",
        "error": None,
        "unchecked": [],
    }
    assert (result["changed"], result["orphans"], found.writes) == (False, [], ["DetectStackDrift"])


@pytest.mark.parametrize("page_size", [100, 1])
def test_every_page_counts(gateway: FakeGateway, page_size: int) -> None:
    found = region(gateway, BUILD)
    found.page_size = page_size
    names = ["First", "Second", "Third"]
    found.add_with(*(resource(name, LAMBDA) for name in names))
    found.drifts["One"] = [
        drift(name, LAMBDA, "MODIFIED", difference("/Timeout", "900", "3")) for name in names
    ]

    [told] = look([target()])["stacks"]

    assert [one["resource"] for one in told["findings"]] == names
    assert found.asked.count("DescribeStackResourceDrifts") == (3 if page_size == 1 else 1)
    assert told["unchecked"] == []


def test_a_modified_resource_without_differences_is_found_all_the_same(
    gateway: FakeGateway,
) -> None:
    found = region(gateway, BUILD)
    found.add_with(resource("Function", LAMBDA))
    found.drifts["One"] = [drift("Function", LAMBDA, "MODIFIED")]

    [told] = look([target()])["stacks"]

    assert [(one["message"], one["difference"]) for one in told["findings"]] == [
        (f"Function ({LAMBDA}) was modified", "NOT_EQUAL")
    ]


def test_a_long_value_is_short_in_the_message_only(gateway: FakeGateway) -> None:
    found = region(gateway, BUILD)
    found.add_with(resource("Function", LAMBDA))
    found.drifts["One"] = [
        drift("Function", LAMBDA, "MODIFIED", difference("/Code", "a" * 500, "b" * 500))
    ]

    [[finding]] = [one["findings"] for one in look([target()])["stacks"]]

    assert (finding["expected"], finding["actual"]) == ("a" * 500, "b" * 500)
    assert len(finding["message"]) < 300


PROJECT = "AWS::CodeBuild::Project"


def test_what_was_not_looked_at_is_never_in_sync(gateway: FakeGateway) -> None:
    found = region(gateway, BUILD)
    names = ["InSync", "NotChecked", "Unknown", "Unsupported", "Newer", "Old", "LeftOut"]
    found.add_with(
        *(resource(name, LAMBDA) for name in names),
        resource("Project", PROJECT),
        resource("Gone", LAMBDA) | {"ResourceStatus": "DELETE_COMPLETE"},
    )
    found.drifts["One"] = [
        drift("InSync", LAMBDA, "IN_SYNC"),
        drift("NotChecked", LAMBDA, "NOT_CHECKED"),
        drift("Unknown", LAMBDA, "UNKNOWN", DriftStatusReason="Access denied"),
        drift("Unsupported", LAMBDA, "UNSUPPORTED"),
        drift("Newer", LAMBDA, "SOMETHING_NEW"),
        drift("Old", LAMBDA, "IN_SYNC", timestamp=BEFORE),
    ]

    [told] = look([target()])["stacks"]

    old = "CloudFormation could not check it: its last check is older than this detection"
    assert {one["resource"]: (one["kind"], one["why"]) for one in told["unchecked"]} == {
        "NotChecked": ("no_result", "CloudFormation has not checked it"),
        "Unknown": ("no_result", "CloudFormation could not check it: Access denied"),
        "Unsupported": ("undetectable", f"{LAMBDA} has no drift detection"),
        "Newer": ("no_result", "CloudFormation reports SOMETHING_NEW"),
        "Old": ("no_result", old),
        "LeftOut": ("no_result", "CloudFormation has not checked it"),
        "Project": ("undetectable", f"{PROJECT} has no drift detection"),
    }
    assert told["unchecked"][0] == {
        "host": "One",
        "account_id": BUILD,
        "region": "us-east-1",
        "stack": "One",
        "kind": "no_result",
        "resource": "NotChecked",
        "resource_type": LAMBDA,
        "why": "CloudFormation has not checked it",
    }
    assert (told["findings"], told["error"]) == ([], None)


def test_a_failed_detection_tells_what_it_saw_and_why_not_the_rest(gateway: FakeGateway) -> None:
    found = region(gateway, BUILD)
    found.coming = ["DETECTION_FAILED"]
    found.reason = "Failed to detect drift on resources [Alias]"
    found.add_with(resource("Function", LAMBDA), resource("Alias", ALIAS))
    found.drifts["One"] = [
        drift("Function", LAMBDA, "MODIFIED", difference("/Timeout", "900", "3")),
    ]

    [told] = look([target()])["stacks"]

    assert [one["property"] for one in told["findings"]] == ["Timeout"]
    assert [(one["resource"], one["why"]) for one in told["unchecked"]] == [
        ("Alias", f"CloudFormation has not checked it: {found.reason}")
    ]
    assert told["error"] is None


def test_detections_start_everywhere_before_one_is_followed(
    gateway: FakeGateway, clock: Clock
) -> None:
    accounts = [f"{number:012}" for number in range(40)]
    order: list[str] = []
    for account_id in accounts:
        found = region(gateway, account_id)
        found.coming = ["DETECTION_IN_PROGRESS"] * 3 + ["DETECTION_COMPLETE"]
        found.add()
        found.after("DetectStackDrift", lambda: order.append("start"))
        found.after("DescribeStackDriftDetectionStatus", lambda: order.append("follow"))

    told = look([target(account_id) for account_id in accounts])["stacks"]

    assert order == ["start"] * 40 + ["follow"] * 40
    assert [one["account_id"] for one in told] == accounts
    assert {one["error"] for one in told} == {None}
    assert len(clock.pauses) == 3  # followed together: not three pauses each


class Busy(FakeDrift):
    """A region that counts the detections at once."""

    def __init__(self) -> None:
        super().__init__()
        self.running, self.most = 0, 0

    def _detect_stack_drift(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        self.running += 1
        self.most = max(self.most, self.running)
        return super()._detect_stack_drift(StackName)

    def _describe_stack_drift_detection_status(
        self,
        StackDriftDetectionId: str,  # noqa: N803
    ) -> dict[str, Any]:
        answer = super()._describe_stack_drift_detection_status(StackDriftDetectionId)
        self.running -= answer["DetectionStatus"] != "DETECTION_IN_PROGRESS"
        return answer


def test_few_detections_run_at_once_in_an_account_and_region(gateway: FakeGateway) -> None:
    found = Busy()
    gateway.regions[BUILD, "us-east-1"] = found
    names = [f"stack-{number}" for number in range(25)]
    for name in names:
        found.add_with(resource("Function", LAMBDA), name=name)
        found.drifts[name] = [drift("Function", LAMBDA, "IN_SYNC")]

    told = look([target(stack_name=name) for name in names])["stacks"]

    assert [(one["error"], one["unchecked"]) for one in told] == [(None, [])] * 25
    assert found.most == 10
    assert found.asked.count("DetectStackDrift") == 25


THROTTLED = drift("Function", LAMBDA, "UNKNOWN", DriftStatusReason="Rate exceeded")


def test_a_throttled_detection_is_repeated(gateway: FakeGateway, clock: Clock) -> None:
    found = region(gateway, BUILD)
    found.coming = ["DETECTION_COMPLETE"]
    found.add_with(resource("Function", LAMBDA))
    found.drifts["One"] = [THROTTLED]

    def calm() -> None:
        found.drifts["One"] = [drift("Function", LAMBDA, "IN_SYNC")]

    found.after("DescribeStackResourceDrifts", calm)

    [told] = look([target()])["stacks"]

    assert (told["error"], told["unchecked"], told["findings"]) == (None, [], [])
    assert found.asked.count("DetectStackDrift") == 2
    assert len(clock.pauses) >= 4  # not at once


def test_a_detection_that_stays_throttled_is_an_error_of_its_resource(
    gateway: FakeGateway,
) -> None:
    found = region(gateway, BUILD)
    found.coming = ["DETECTION_COMPLETE"]
    found.add_with(resource("Function", LAMBDA))
    found.drifts["One"] = [THROTTLED]

    [told] = look([target()])["stacks"]

    assert [(one["kind"], one["why"]) for one in told["unchecked"]] == [
        ("no_result", "CloudFormation could not check it: Rate exceeded")
    ]
    assert found.asked.count("DetectStackDrift") == 3


def test_one_failing_account_leaves_the_others_complete(gateway: FakeGateway) -> None:
    gateway.errors[OTHER] = "refused"
    for account_id in (BUILD, DEPLOY):
        found = region(gateway, account_id)
        found.add_with(resource("Function", LAMBDA))
        found.drifts["One"] = [drift("Function", LAMBDA, "IN_SYNC")]
    region(gateway, DEPLOY).before("DescribeStackResourceDrifts", refuse("AccessDenied", "not you"))

    told = look([target(OTHER, name="testing"), target(BUILD), target(DEPLOY)])["stacks"]

    assert [one["error"] for one in told] == [
        "refused",
        None,
        (
            "Failed to read the drift of the resources: An error occurred (AccessDenied) when"
            " calling the DescribeStackResourceDrifts operation: not you"
        ),
    ]
    assert told[0] == {
        "name": "testing",
        "account_id": OTHER,
        "region": "us-east-1",
        "stack_name": "One",
        "exists": None,
        "stack_id": None,
        "status": None,
        "error": "refused",
        "findings": [],
        "unchecked": [],
    }


def test_an_orphaned_worker_stops_altogether(gateway: FakeGateway) -> None:
    def orphaned() -> None:
        raise OrphanedWorker("ansible-playbook has ended")

    found = region(gateway, BUILD)
    found.add()
    found.before("DescribeStackDriftDetectionStatus", orphaned)

    with pytest.raises(OrphanedWorker):
        look([target()])
    assert found.asked[-1] == "DescribeStackDriftDetectionStatus"


def test_somebody_elses_detection_is_waited_for_and_ours_follows(gateway: FakeGateway) -> None:
    found = region(gateway, BUILD)
    found.busy["One"] = 10
    found.add_with(resource("Function", LAMBDA))
    found.drifts["One"] = [drift("Function", LAMBDA, "DELETED")]

    [told] = look([target()])["stacks"]

    assert len(found.detections) == 1
    assert [one["resource"] for one in told["findings"]] == ["Function"]
    assert found.asked.count("DetectStackDrift") == 11


def test_a_wait_speaks_and_ends(gateway: FakeGateway, clock: Clock) -> None:
    region(gateway, BUILD).add_with(resource("Function", LAMBDA))
    region(gateway, BUILD).drifts["One"] = [drift("Function", LAMBDA, "DELETED")]
    slow = region(gateway, DEPLOY)
    slow.coming = ["DETECTION_IN_PROGRESS"]
    slow.add()
    taken = region(gateway, OTHER)
    taken.busy["One"] = 1_000
    taken.add()

    told = look([target(DEPLOY), target(BUILD), target(OTHER)], wait_timeout=100)["stacks"]

    runs = f"the drift detection of One in {DEPLOY} us-east-1 is in progress"
    assert clock.lines[0].startswith(f"  {runs}, and 1 more for ")
    cure = "AWS carries on: run again later, or raise wait_timeout"
    assert [one["error"] for one in told] == [
        f"gave up: {runs}. {cure}",
        None,
        f"gave up: another drift detection of One in {OTHER} us-east-1 is in progress. {cure}",
    ]
    assert [len(one["findings"]) for one in told] == [0, 1, 0]
    assert sum(clock.pauses) == pytest.approx(100)


@pytest.mark.parametrize("status", ["absent", "REVIEW_IN_PROGRESS", "DELETE_COMPLETE"])
def test_a_stack_that_is_not_there_is_missing(gateway: FakeGateway, status: str) -> None:
    if status != "absent":
        region(gateway, BUILD).add(status)
    region(gateway, BUILD)

    [told] = look([target(name="primary")])["stacks"]

    assert told["exists"] is False
    assert [(one["kind"], one["message"]) for one in told["findings"]] == [
        ("missing", "stack One does not exist")
    ]
    assert region(gateway, BUILD).asked == ["DescribeStacks"]


STUCK = sorted(
    status
    for status, verdict in STATUSES.items()
    if verdict in (Verdict.DISCARD, Verdict.CONTINUE, Verdict.ROLL_BACK, Verdict.BLOCKED)
)


@pytest.mark.parametrize("status", [*STUCK, "SOMETHING_NEW"])
def test_a_stack_that_needs_repair_is_stuck(gateway: FakeGateway, status: str) -> None:
    region(gateway, BUILD).add(status, reason="Resource Key failed.")

    [told] = look([target()])["stacks"]

    [finding] = told["findings"]
    assert (finding["kind"], finding["actual"]) == ("stuck", status)
    assert finding["message"].startswith(f"One is {status}: Resource Key failed. ")
    assert (told["exists"], told["status"]) == (True, status)
    assert region(gateway, BUILD).asked == ["DescribeStacks"]


def test_an_operation_in_progress_is_waited_for_and_judged_again(gateway: FakeGateway) -> None:
    found = region(gateway, BUILD)
    coming = ["UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]
    found.add_with(resource("Function", LAMBDA), status="UPDATE_IN_PROGRESS", coming=coming)
    found.drifts["One"] = [drift("Function", LAMBDA, "DELETED")]
    other = region(gateway, DEPLOY)
    other.add("UPDATE_IN_PROGRESS", coming=["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"])
    gone = region(gateway, OTHER)
    gone.add("DELETE_IN_PROGRESS", coming=["DELETE_IN_PROGRESS", "DELETE_COMPLETE"])

    told = look([target(BUILD), target(DEPLOY), target(OTHER)])["stacks"]

    assert [[finding["kind"] for finding in one["findings"]] for one in told] == [
        ["drifted"],
        ["stuck"],
        ["missing"],
    ]
    assert [one["status"] for one in told][:2] == ["UPDATE_COMPLETE", "UPDATE_ROLLBACK_FAILED"]


def test_an_operation_that_comes_first_is_waited_for(gateway: FakeGateway) -> None:
    found = region(gateway, BUILD)
    stack = found.add_with(resource("Function", LAMBDA))
    found.drifts["One"] = [drift("Function", LAMBDA, "DELETED")]
    moved = region(gateway, DEPLOY)
    gone = moved.add()

    def update() -> None:
        stack.status = "UPDATE_IN_PROGRESS"
        stack.coming = ["UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]
        raise Refusal("ValidationError", "the stack is in UPDATE_IN_PROGRESS state")

    def delete() -> None:
        gone.status = "DELETE_COMPLETE"
        raise Refusal("ValidationError", "the stack does not exist any more")

    found.before("DetectStackDrift", update)
    moved.before("DetectStackDrift", delete)
    refused = region(gateway, OTHER)
    refused.add()
    refused.before("DetectStackDrift", refuse("AccessDenied", "not you"))

    told = look([target(BUILD), target(DEPLOY), target(OTHER)])["stacks"]

    assert [[finding["kind"] for finding in one["findings"]] for one in told] == [
        ["drifted"],
        ["missing"],
        [],
    ]
    assert [one["error"] for one in told][:2] == [None, None]
    assert "not you" in told[2]["error"]


TAG = "crossaccount:group"


@pytest.mark.parametrize("page_size", [100, 1])
def test_stacks_with_the_tag_that_nothing_stands_for_are_orphans(
    gateway: FakeGateway, page_size: int
) -> None:
    found = region(gateway, BUILD)
    found.page_size = page_size
    for name, status, protected in [
        ("One", "CREATE_COMPLETE", False),
        ("Two", "CREATE_COMPLETE", False),
        ("Old", "UPDATE_COMPLETE", False),
        ("Kept", "ROLLBACK_COMPLETE", True),
        ("Gone", "DELETE_COMPLETE", False),
    ]:
        found.add(status, name, protected=protected, tags={TAG: "regional"})
    found.add("CREATE_COMPLETE", "Foreign", tags={"application": TAG})
    gateway.errors[OTHER] = "refused"

    result = look([target(), target(stack_name="Two"), target(OTHER)], tag=TAG)

    delete = "aws cloudformation delete-stack --region us-east-1 --stack-name"
    assert [(one["stack"], one["host"], one["actual"]) for one in result["orphans"]] == [
        ("Kept", "", "ROLLBACK_COMPLETE"),
        ("Old", "", "UPDATE_COMPLETE"),
    ]
    assert {one["kind"] for one in result["orphans"]} == {"orphaned"}
    assert result["orphans"][1]["message"] == (
        f"Old has our tag, but no host in the inventory. To remove it: {delete} Old"
    )
    assert result["orphans"][0]["message"].endswith(
        "update-termination-protection --region us-east-1 --stack-name Kept"
        f" --no-enable-termination-protection && {delete} Kept"
    )
    assert [one["error"] for one in result["stacks"]] == [None, None, "refused"]
    # Listed once, however many targets a region has; the targets are among what was listed.
    assert found.asked.count("DescribeStacks") == (5 if page_size == 1 else 1)


def test_an_orphan_that_still_grants_accounts_is_not_offered_for_deletion(
    gateway: FakeGateway,
) -> None:
    found = region(gateway, BUILD)
    found.add()
    found.add(name="Old", tags={TAG: "primary"}, parameters={"DeployAccountIds": f"{OTHER},3"})

    [orphan] = look([target()], tag=TAG)["orphans"]

    assert orphan["message"] == (
        f"Old has our tag, but no host in the inventory, and still grants {OTHER}, 3. Do not delete"
        " it: bring its host back, then remove that with state: absent"
    )


def test_stacks_that_cannot_be_listed_are_told_once_and_the_targets_are_complete(
    gateway: FakeGateway,
) -> None:
    found = region(gateway, BUILD)
    found.add()
    found.add(name="Two")
    found.before("DescribeStacks", refuse("AccessDenied", "not all of them"))

    result = look([target(), target(stack_name="Two")], tag=TAG)

    assert [(one["error"], one["exists"]) for one in result["stacks"]] == [(None, True)] * 2
    [[unchecked], none] = [one["unchecked"] for one in result["stacks"]]
    assert unchecked["why"] == (
        "the other stacks of its region could not be listed: Failed to list the stacks: An error"
        " occurred (AccessDenied) when calling the DescribeStacks operation: not all of them"
    )
    assert (unchecked["resource"], none, result["orphans"]) == ("", [], [])


def test_results_hold_no_arguments(gateway: FakeGateway) -> None:
    region(gateway, BUILD).add()

    result = look([target(profile="deploy")], endpoint_url="http://127.0.0.1:9")

    assert set(result) == {"changed", "caller_account_id", "stacks", "orphans", "others"}
    assert "127.0.0.1" not in json.dumps(result)
    assert "profile" not in result["stacks"][0]
