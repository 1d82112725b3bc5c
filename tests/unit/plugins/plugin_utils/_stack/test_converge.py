# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Converging one stack: what is asked of AWS, and what comes of it, for every status."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import (
    OrphanedWorker,
    PipelineError,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.api import StackApi
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.compare import compare
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.converge import (
    Converger,
    Outcome,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.model import Desired
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.status import (
    CURES,
    STATUSES,
    Verdict,
)

from tests.fakes.clock import Clock
from tests.fakes.cloudformation import (
    NO_CHANGES,
    FakeCloudFormation,
    FakeStack,
    change,
    event,
)
from tests.fakes.service import Refusal, lost_reply, refuse

POLICY = {"Statement": [{"Effect": "Deny", "Action": "Update:Delete", "Principal": "*"}]}
WANTED = Desired(
    name="One",
    template="Resources: {Topic: {Type: AWS::SNS::Topic}}\n",
    parameters={"Days": "365"},
    tags={"application": "pipeline"},
    capabilities=("CAPABILITY_IAM",),
)
AS_WANTED: dict[str, Any] = {
    "template": WANTED.template,
    "parameters": WANTED.parameters,
    "tags": WANTED.tags,
}
NAMED_KEY = {
    "LogicalResourceId": "Key",
    "PhysicalResourceId": "1234",
    "ResourceType": "AWS::KMS::Key",
    "ResourceStatus": "CREATE_COMPLETE",
}
CONTINUE = (
    ". Fix the cause and run again, or list in resources_to_skip the resources that the rollback"
    " may skip"
)
PREVIEW = ["CreateChangeSet", "DeleteChangeSet"]
APPLY = ["CreateChangeSet", "ExecuteChangeSet"]


@pytest.fixture
def aws() -> FakeCloudFormation:
    return FakeCloudFormation()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def converge(
    aws: FakeCloudFormation,
    desired: Desired = WANTED,
    *,
    clock: Clock | None = None,
    seconds: float = 3_600,
    **options: Any,
) -> Outcome:
    patience = (clock or Clock()).patience(seconds)
    return Converger(StackApi(aws.client), desired, patience=patience, **options).run()


def failure(aws: FakeCloudFormation, desired: Desired = WANTED, **options: Any) -> str:
    """Return the message of converging that must fail."""
    with pytest.raises(PipelineError) as caught:
        converge(aws, desired, **options)
    return str(caught.value)


# Every status


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """What is done about a status: the write calls of a run and of check mode, and the outcome."""

    run: list[str]
    check: list[str] = dataclasses.field(default_factory=list)
    run_ends: str
    check_ends: str
    coming: list[str] = dataclasses.field(default_factory=list)


CREATE = Case(run=APPLY, run_ends="create", check=[*PREVIEW, "DeleteStack"], check_ends="create")
UPDATE = Case(run=APPLY, run_ends="update", check=PREVIEW, check_ends="update")
DISCARD = Case(run=["DeleteStack", *APPLY], run_ends="create", check_ends="repair")


def after(coming: str, case: Case) -> Case:
    """Return what is done about an operation that ends in *coming*."""
    return dataclasses.replace(case, coming=[coming])


CASES = {
    "CREATE_IN_PROGRESS": after("CREATE_COMPLETE", UPDATE),
    "CREATE_FAILED": DISCARD,
    "CREATE_COMPLETE": UPDATE,
    "ROLLBACK_IN_PROGRESS": after("ROLLBACK_COMPLETE", DISCARD),
    "ROLLBACK_COMPLETE": DISCARD,
    "DELETE_IN_PROGRESS": after("DELETE_COMPLETE", CREATE),
    "DELETE_COMPLETE": CREATE,
    "UPDATE_IN_PROGRESS": after("UPDATE_COMPLETE", UPDATE),
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": after("UPDATE_COMPLETE", UPDATE),
    "UPDATE_COMPLETE": UPDATE,
    "UPDATE_FAILED": Case(run=["RollbackStack", *APPLY], run_ends="update", check_ends="repair"),
    "UPDATE_ROLLBACK_IN_PROGRESS": after("UPDATE_ROLLBACK_COMPLETE", UPDATE),
    "UPDATE_ROLLBACK_FAILED": Case(
        run=["ContinueUpdateRollback", *APPLY], run_ends="update", check_ends="repair"
    ),
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": after("UPDATE_ROLLBACK_COMPLETE", UPDATE),
    "UPDATE_ROLLBACK_COMPLETE": UPDATE,
    "REVIEW_IN_PROGRESS": Case(run=APPLY, run_ends="create", check=PREVIEW, check_ends="create"),
    "IMPORT_IN_PROGRESS": after("IMPORT_COMPLETE", UPDATE),
    "IMPORT_COMPLETE": UPDATE,
    "IMPORT_ROLLBACK_IN_PROGRESS": after("IMPORT_ROLLBACK_COMPLETE", UPDATE),
    "IMPORT_ROLLBACK_COMPLETE": UPDATE,
}
BLOCKED = sorted(CURES)


def test_the_tables_hold_every_status() -> None:
    assert sorted([*CASES, *BLOCKED]) == sorted(STATUSES)


@pytest.mark.parametrize(("status", "case"), CASES.items(), ids=CASES)
def test_a_run_brings_a_stack_of_any_status_to_what_is_desired(
    aws: FakeCloudFormation, status: str, case: Case
) -> None:
    aws.add(status, coming=list(case.coming))

    outcome = converge(aws)

    assert (outcome.operation, outcome.changed) == (case.run_ends, True)
    assert aws.writes == case.run
    assert aws.left == {"One": f"{case.run_ends.upper()}_COMPLETE"}
    assert outcome.found is not None
    assert (outcome.found.parameters, outcome.found.tags) == (WANTED.parameters, WANTED.tags)
    assert [str(one) for one in outcome.changes] == ["Modify Topic (AWS::SNS::Topic)"]


@pytest.mark.parametrize(("status", "case"), CASES.items(), ids=CASES)
def test_check_mode_tells_the_same_and_leaves_nothing_behind(
    aws: FakeCloudFormation, status: str, case: Case
) -> None:
    aws.add(status, coming=list(case.coming))

    outcome = converge(aws, check_mode=True)

    assert (outcome.operation, outcome.changed) == (case.check_ends, True)
    assert aws.writes == case.check
    left = case.coming[-1] if case.coming else status
    assert aws.left == ({} if left == "DELETE_COMPLETE" else {"One": left})
    assert aws.change_sets == []
    assert bool(outcome.changes) == (case.check_ends != "repair")


@pytest.mark.parametrize(
    "status", [one for one, verdict in STATUSES.items() if verdict is Verdict.SETTLED]
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_a_stack_that_is_as_wanted_costs_two_reads(
    aws: FakeCloudFormation, status: str, check_mode: bool
) -> None:
    aws.add(status, **AS_WANTED)

    outcome = converge(aws, check_mode=check_mode)

    assert (outcome.operation, outcome.changed, outcome.differences) == ("none", False, ())
    assert aws.asked == ["DescribeStacks", "GetTemplate"]


@pytest.mark.parametrize("status", BLOCKED)
@pytest.mark.parametrize("check_mode", [False, True])
def test_what_only_the_user_can_decide_is_left_to_the_user(
    aws: FakeCloudFormation, status: str, check_mode: bool
) -> None:
    aws.add(status)

    assert failure(aws, check_mode=check_mode) == f"One is {status}. {CURES[status]}"
    assert aws.writes == []


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_stack_that_does_not_exist_is_created(aws: FakeCloudFormation, check_mode: bool) -> None:
    outcome = converge(aws, check_mode=check_mode)

    assert outcome.operation == "create"
    assert aws.writes == (CREATE.check if check_mode else CREATE.run)
    assert aws.left == ({} if check_mode else {"One": "CREATE_COMPLETE"})
    assert (outcome.found is None) is check_mode


# What is asked


def test_a_change_set_says_everything_that_is_desired(aws: FakeCloudFormation) -> None:
    converge(aws)

    (request,) = [asked for operation, asked in aws.calls if operation == "CreateChangeSet"]
    name = request.pop("ChangeSetName")
    assert name.startswith("crossaccount-")
    assert request == {
        "StackName": "One",
        "ChangeSetType": "CREATE",
        "ClientToken": name,
        "Description": "crossaccount.pipeline",
        "TemplateBody": WANTED.template,
        "Parameters": [{"ParameterKey": "Days", "ParameterValue": "365"}],
        "Tags": [{"Key": "application", "Value": "pipeline"}],
        "Capabilities": ["CAPABILITY_IAM"],
    }


def test_check_mode_does_not_remove_its_stack_when_somebody_uses_it_by_now(
    aws: FakeCloudFormation,
) -> None:
    def used() -> None:
        aws.stacks[0].status = "CREATE_IN_PROGRESS"

    aws.after("DeleteChangeSet", used)

    converge(aws, check_mode=True)

    assert aws.writes == PREVIEW
    assert aws.left == {"One": "CREATE_IN_PROGRESS"}


@pytest.mark.parametrize(
    ("operation", "told"),
    [("GetTemplate", "read the template"), ("GetStackPolicy", "read the stack policy")],
)
def test_a_read_that_fails_is_an_error(aws: FakeCloudFormation, operation: str, told: str) -> None:
    aws.add(**AS_WANTED)
    aws.before(operation, refuse("AccessDenied", "no"))

    message = failure(aws, dataclasses.replace(WANTED, stack_policy=POLICY))

    assert message == (
        f"Failed to {told}: An error occurred (AccessDenied) when calling the {operation}"
        " operation: no"
    )
    assert aws.writes == []


# Empty change sets and the gate


def no_changes(aws: FakeCloudFormation) -> None:
    aws.change_set_statuses = ["FAILED"]
    aws.change_set_reason = NO_CHANGES
    aws.changes = []


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_reworded_description_differs_for_neither_bootstrap_nor_drift(
    aws: FakeCloudFormation, check_mode: bool
) -> None:
    """AWS updates no description alone, so nobody could ever make it the same."""
    aws.add(**{**AS_WANTED, "template": f"Description: old\n{WANTED.template}"})
    reworded = dataclasses.replace(WANTED, template=f"Description: new\n{WANTED.template}")
    no_changes(aws)

    drift = compare(StackApi(aws.client), reworded)
    bootstrap = converge(aws, reworded, check_mode=check_mode)

    assert (drift.operation, drift.differences) == ("none", ())
    assert (bootstrap.operation, bootstrap.changed) == ("none", False)
    assert aws.writes == []


@pytest.mark.parametrize("reason", [NO_CHANGES, "No updates are to be performed."])
@pytest.mark.parametrize("check_mode", [False, True])
def test_a_difference_in_which_aws_sees_no_change_is_none(
    aws: FakeCloudFormation, reason: str, check_mode: bool
) -> None:
    aws.add(**{**AS_WANTED, "template": "Resources: {}"})
    no_changes(aws)
    aws.change_set_reason = reason

    outcome = converge(aws, check_mode=check_mode)

    assert (outcome.operation, outcome.differences, outcome.changes) == ("none", (), ())
    assert aws.writes == PREVIEW
    assert aws.change_sets == []


def test_what_has_no_place_in_a_change_set_is_set_directly_an_empty_one(
    aws: FakeCloudFormation,
) -> None:
    aws.add(**{**AS_WANTED, "template": "Resources: {}"})
    no_changes(aws)

    outcome = converge(aws, dataclasses.replace(WANTED, termination_protection=True))

    assert outcome.operation == "update"
    assert [one.what for one in outcome.differences] == ["termination_protection"]
    assert aws.writes == [*PREVIEW, "UpdateTerminationProtection"]


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_new_stack_needs_something_to_create(aws: FakeCloudFormation, check_mode: bool) -> None:
    no_changes(aws)

    message = failure(aws, check_mode=check_mode)

    assert message == "the template of One has nothing to create"
    assert aws.left == {}


GUARDED = [
    change("Modify", "Topic", "AWS::SNS::Topic", "True"),
    change("Modify", "Key", "AWS::KMS::Key", "True"),
    change("Remove", "PipelineBucket", "AWS::S3::Bucket"),
]


@pytest.mark.parametrize("check_mode", [False, True])
def test_the_gate_refuses_to_lose_data_or_roles(aws: FakeCloudFormation, check_mode: bool) -> None:
    aws.add()
    aws.changes = GUARDED

    assert failure(aws, check_mode=check_mode) == (
        "One would lose data or roles: Modify Key (AWS::KMS::Key), replacement: True; Remove"
        " PipelineBucket (AWS::S3::Bucket). Nothing was changed. If you want this, set"
        " allow_replacement for this run"
    )
    assert aws.writes == PREVIEW
    assert aws.left == {"One": "CREATE_COMPLETE"}


def test_the_gate_opens_at_the_users_word(aws: FakeCloudFormation) -> None:
    aws.add()
    aws.changes = GUARDED

    assert converge(aws, allow_replacement=True).operation == "update"
    assert aws.writes == APPLY


# Change sets and executions that do not go as asked


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_change_set_that_fails_is_removed_and_its_reason_told(
    aws: FakeCloudFormation, check_mode: bool
) -> None:
    aws.add()
    aws.change_set_statuses = ["CREATE_IN_PROGRESS", "FAILED"]
    aws.change_set_reason = "Parameter [Days] is out of range"

    assert failure(aws, check_mode=check_mode) == (
        "the change set of One failed: Parameter [Days] is out of range"
    )
    assert aws.writes == PREVIEW
    assert aws.change_sets == []


def test_check_mode_leaves_nothing_behind_when_the_time_is_over(aws: FakeCloudFormation) -> None:
    aws.change_set_statuses = ["CREATE_IN_PROGRESS"]

    failure(aws, check_mode=True, seconds=30)

    assert aws.left == {}


def test_a_withdrawal_that_fails_does_not_hide_what_the_gate_refuses(
    aws: FakeCloudFormation,
) -> None:
    aws.changes = GUARDED
    aws.before("DescribeStacks", lambda: None)
    aws.before("DescribeStacks", refuse("Throttling", "Rate exceeded"))

    assert failure(aws).startswith("One would lose data or roles: Modify Key (AWS::KMS::Key)")
    assert aws.writes == PREVIEW


@pytest.mark.parametrize("new_stack", [False, True])
def test_a_request_that_is_refused_for_good_is_made_once(
    aws: FakeCloudFormation, new_stack: bool
) -> None:
    if not new_stack:
        aws.add()
    for _more_than_once in range(3):
        aws.before("CreateChangeSet", refuse("ValidationError", "Template format error"))

    assert failure(aws) == (
        "Failed to create the change set: An error occurred (ValidationError) when calling the"
        " CreateChangeSet operation: Template format error"
    )
    assert aws.writes == ["CreateChangeSet"]


def test_an_execution_that_is_refused_for_good_is_asked_for_once_and_cleaned_up(
    aws: FakeCloudFormation,
) -> None:
    for _more_than_once in range(3):
        aws.before("ExecuteChangeSet", refuse("AccessDenied", "no"))

    assert failure(aws) == (
        "Failed to execute the change set: An error occurred (AccessDenied) when calling the"
        " ExecuteChangeSet operation: no"
    )
    assert aws.writes == [*APPLY, "DeleteChangeSet", "DeleteStack"]
    assert (aws.left, aws.change_sets) == ({}, [])


def test_what_another_request_made_is_not_removed_with_a_failed_one(
    aws: FakeCloudFormation,
) -> None:
    aws.add("REVIEW_IN_PROGRESS")
    aws.change_set_statuses = ["FAILED"]
    aws.change_set_reason = "Transform failed"

    assert failure(aws) == "the change set of One failed: Transform failed"
    assert aws.writes == PREVIEW
    assert aws.left == {"One": "REVIEW_IN_PROGRESS"}


@pytest.mark.parametrize("operation", APPLY)
@pytest.mark.parametrize("new_stack", [False, True])
def test_a_request_without_any_reply_may_have_had_its_effect(
    aws: FakeCloudFormation, operation: str, new_stack: bool
) -> None:
    if not new_stack:
        aws.add()
    aws.after(operation, lost_reply)

    assert converge(aws).operation == ("create" if new_stack else "update")
    assert aws.writes == APPLY
    assert len(aws.change_sets) == 1


def test_a_request_without_any_reply_and_without_effect_is_withdrawn(
    aws: FakeCloudFormation,
) -> None:
    aws.before("ExecuteChangeSet", lost_reply)

    failure(aws)

    assert aws.writes == [*APPLY, "DeleteChangeSet", "DeleteStack"]
    assert (aws.left, aws.change_sets) == ({}, [])


def test_an_execution_that_does_not_show_at_once_is_waited_for(aws: FakeCloudFormation) -> None:
    aws.add()
    aws.endings["update"] = [
        "CREATE_COMPLETE",
        "CREATE_COMPLETE",
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE",
    ]

    outcome = converge(aws)

    assert outcome.found is not None
    assert outcome.found.status == "UPDATE_COMPLETE"


def test_an_execution_that_is_over_before_it_shows_is_over(aws: FakeCloudFormation) -> None:
    aws.add("UPDATE_COMPLETE")
    aws.endings["update"] = ["UPDATE_COMPLETE"]

    assert converge(aws).operation == "update"


# Another run


def other_run(aws: FakeCloudFormation, stack: FakeStack, *coming: str) -> None:
    """Let somebody else bring *stack* to what is desired."""
    stack.template, stack.parameters, stack.tags = AS_WANTED.values()
    stack.status, *stack.coming = coming
    stack.updates += 1
    for change_set in aws.change_sets:
        change_set.execution = "OBSOLETE"


def test_a_run_that_came_between_is_waited_for_and_judged_anew(aws: FakeCloudFormation) -> None:
    stack = aws.add()

    def come_between() -> None:
        other_run(aws, stack, "UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE")

    aws.before("ExecuteChangeSet", come_between)

    assert converge(aws).operation == "none"
    assert aws.writes == [*APPLY, "DeleteChangeSet"]
    assert aws.change_sets == []


def test_a_run_that_came_between_and_is_over_is_judged_anew(aws: FakeCloudFormation) -> None:
    stack = aws.add("UPDATE_COMPLETE")
    aws.before("ExecuteChangeSet", lambda: other_run(aws, stack, "UPDATE_COMPLETE"))

    assert converge(aws).operation == "none"


def test_a_run_that_created_the_stack_first_is_judged_anew(aws: FakeCloudFormation) -> None:
    def come_first() -> None:
        aws.add("CREATE_COMPLETE", **AS_WANTED)

    aws.before("CreateChangeSet", come_first)

    assert converge(aws).operation == "none"
    assert aws.writes == ["CreateChangeSet"]
    assert aws.left == {"One": "CREATE_COMPLETE"}


def test_a_run_that_differs_from_the_one_before_is_followed_by_an_update(
    aws: FakeCloudFormation,
) -> None:
    stack = aws.add()

    def come_first() -> None:
        stack.status, stack.coming = "UPDATE_IN_PROGRESS", ["UPDATE_ROLLBACK_COMPLETE"]

    aws.before("CreateChangeSet", come_first)

    assert converge(aws).operation == "update"
    assert aws.writes == ["CreateChangeSet", *APPLY]


def test_a_change_set_that_another_run_removed_is_made_anew(aws: FakeCloudFormation) -> None:
    stack = aws.add("UPDATE_COMPLETE")

    def come_between() -> None:
        stack.updates += 1
        aws.change_sets.clear()

    aws.after("CreateChangeSet", come_between)

    assert converge(aws).operation == "update"
    assert aws.writes == ["CreateChangeSet", "DeleteChangeSet", *APPLY]


def test_a_new_stack_that_holds_another_runs_change_set_stays(aws: FakeCloudFormation) -> None:
    def also_ask() -> None:
        (ours,) = aws.change_sets
        aws.change_sets.append(dataclasses.replace(ours, arn="another", name="another"))

    aws.after("CreateChangeSet", also_ask)

    converge(aws, check_mode=True)

    assert aws.writes == PREVIEW
    assert aws.left == {"One": "REVIEW_IN_PROGRESS"}
    assert [one.name for one in aws.change_sets] == ["another"]


def test_a_stack_that_is_never_left_alone_is_given_up(
    aws: FakeCloudFormation, clock: Clock
) -> None:
    stack = aws.add("UPDATE_COMPLETE")
    aws.change_set_statuses = ["CREATE_COMPLETE"]  # so that the time passes between the rounds

    def come_between() -> None:
        stack.updates += 1
        aws.before("ExecuteChangeSet", come_between)
        raise Refusal("InvalidChangeSetStatus", "OBSOLETE")

    aws.before("ExecuteChangeSet", come_between)

    assert failure(aws, clock=clock, seconds=60) == (
        "gave up after 60 s: another process keeps changing One. AWS carries on: run"
        " again later, or raise wait_timeout"
    )
    assert sum(clock.pauses) == pytest.approx(60)
    assert aws.writes.count("DeleteChangeSet") == aws.writes.count("CreateChangeSet")
    assert aws.change_sets == []


def test_a_stack_that_is_deleted_meanwhile_is_told(aws: FakeCloudFormation) -> None:
    aws.add()
    aws.after("ExecuteChangeSet", aws.stacks.clear)

    assert failure(aws) == "One was deleted while it was being changed"


@pytest.mark.parametrize("operation", ["CreateChangeSet", "ExecuteChangeSet"])
def test_a_worker_without_its_parent_asks_for_nothing_more(
    aws: FakeCloudFormation, operation: str
) -> None:
    def orphaned() -> None:
        raise OrphanedWorker("gone")

    aws.before(operation, orphaned)

    with pytest.raises(OrphanedWorker):
        converge(aws)

    assert aws.asked[-1] == operation


# Failures


CREATION_EVENTS = [
    event("ROLLBACK_COMPLETE"),
    event("DELETE_COMPLETE", "Key", "AWS::KMS::Key"),
    event("ROLLBACK_IN_PROGRESS", reason="The following resource(s) failed to create: [Key]"),
    event("CREATE_FAILED", "Topic", "AWS::SNS::Topic", "Resource creation cancelled"),
    event("CREATE_FAILED", "KeyAlias", "AWS::KMS::Alias", "alias/One already exists."),
    event("CREATE_FAILED", "Other", "AWS::SNS::Topic", "Resource creation Cancelled"),
    event("CREATE_IN_PROGRESS", "Topic", "AWS::SNS::Topic"),
    event("CREATE_IN_PROGRESS"),
]
EARLIER_EVENTS = [
    event("REVIEW_IN_PROGRESS"),
    event("CREATE_FAILED", "Old", "AWS::SNS::Topic", "of an earlier operation"),
]


def creation_fails(aws: FakeCloudFormation, reason: str | None = None) -> None:
    aws.endings["create"] = ["CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"]
    aws.events = list(EARLIER_EVENTS)
    aws.stories["create"] = [dict(one) for one in CREATION_EVENTS]
    if reason is not None:
        aws.stories["create"][4]["ResourceStatusReason"] = reason


@pytest.mark.parametrize("page_size", [100, 2])
def test_a_creation_that_fails_names_the_resource_that_failed_first(
    aws: FakeCloudFormation, page_size: int
) -> None:
    creation_fails(aws)
    aws.page_size = page_size

    assert failure(aws) == (
        "One is ROLLBACK_COMPLETE. KeyAlias (AWS::KMS::Alias) CREATE_FAILED: alias/One already"
        " exists"
    )
    assert aws.writes == APPLY


def test_protection_is_not_set_after_a_failure(aws: FakeCloudFormation) -> None:
    creation_fails(aws)

    failure(aws, dataclasses.replace(WANTED, termination_protection=True, stack_policy=POLICY))

    assert aws.writes == APPLY


# Repairs


@pytest.mark.parametrize("status", ["CREATE_FAILED", "ROLLBACK_COMPLETE"])
def test_what_holds_data_is_not_discarded(aws: FakeCloudFormation, status: str) -> None:
    aws.page_size = 1
    aws.add(
        status,
        resources=[
            {**NAMED_KEY, "LogicalResourceId": "Topic", "ResourceType": "AWS::SNS::Topic"},
            {**NAMED_KEY, "LogicalResourceId": "Failed", "ResourceStatus": "CREATE_FAILED"},
            {**NAMED_KEY, "LogicalResourceId": "Gone", "ResourceStatus": "DELETE_COMPLETE"},
            {**NAMED_KEY, "LogicalResourceId": "Never", "PhysicalResourceId": ""},
            NAMED_KEY,
            {
                **NAMED_KEY,
                "LogicalResourceId": "PipelineBucket",
                "PhysicalResourceId": "bucket",
                "ResourceType": "AWS::S3::Bucket",
            },
            {**NAMED_KEY, "LogicalResourceId": "Retained", "ResourceStatus": "DELETE_SKIPPED"},
        ],
    )

    assert failure(aws) == (
        f"One is {status} and holds Key (1234), PipelineBucket (bucket), Retained (1234)."
        " Check what they contain, delete the stack by hand, retaining what is needed, then run"
        " again"
    )
    assert aws.writes == []


@pytest.mark.parametrize(
    ("status", "ending", "operation"),
    [
        ("UPDATE_ROLLBACK_FAILED", "continue", "ContinueUpdateRollback"),
        ("UPDATE_FAILED", "roll_back", "RollbackStack"),
    ],
)
@pytest.mark.parametrize("at_once", [False, True])
def test_a_repair_that_does_not_help_is_not_tried_again(
    aws: FakeCloudFormation, status: str, ending: str, operation: str, at_once: bool
) -> None:
    aws.add(status)
    aws.endings[ending] = [status] if at_once else ["UPDATE_ROLLBACK_IN_PROGRESS", status]
    aws.events = [
        event(status),
        event("UPDATE_FAILED", "Role", "AWS::IAM::Role", "denied"),
        event("UPDATE_IN_PROGRESS"),
    ]

    cure = CONTINUE if status == "UPDATE_ROLLBACK_FAILED" else ""
    assert failure(aws) == f"One is {status}. Role (AWS::IAM::Role) UPDATE_FAILED: denied{cure}"
    assert aws.writes == [operation]


@pytest.mark.parametrize("skip", [(), ("Role", "Topic")])
def test_a_rollback_goes_on_without_what_the_user_names(
    aws: FakeCloudFormation, skip: tuple[str, ...]
) -> None:
    stack = aws.add("UPDATE_ROLLBACK_FAILED")

    converge(aws, resources_to_skip=skip)

    (asked,) = [asked for operation, asked in aws.calls if operation == "ContinueUpdateRollback"]
    assert (asked["StackName"], asked["ResourcesToSkip"]) == (stack.stack_id, list(skip))


def test_a_repair_is_a_change_also_where_nothing_else_is(aws: FakeCloudFormation) -> None:
    converge(aws)
    aws.stacks[0].status = "UPDATE_ROLLBACK_FAILED"

    outcome = converge(aws)

    assert (outcome.operation, outcome.changed) == ("repair", True)
    assert aws.writes == [*APPLY, "ContinueUpdateRollback"]
    assert converge(aws).operation == "none"


def test_one_repair_may_follow_another(aws: FakeCloudFormation) -> None:
    aws.add("UPDATE_FAILED")
    aws.endings["roll_back"] = ["UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"]

    assert converge(aws).operation == "update"
    assert aws.writes == ["RollbackStack", "ContinueUpdateRollback", *APPLY]


# Beside the change set


PROTECTED = dataclasses.replace(WANTED, termination_protection=True)
WITH_POLICY = dataclasses.replace(WANTED, stack_policy=POLICY)


def test_protection_and_policy_are_set_after_the_first_success(aws: FakeCloudFormation) -> None:
    converge(aws, dataclasses.replace(PROTECTED, stack_policy=POLICY))

    assert aws.writes == [*APPLY, "UpdateTerminationProtection", "SetStackPolicy"]
    assert aws.stacks[0].protected
    assert json.loads(aws.stacks[0].policy or "") == POLICY


def test_a_stack_with_a_policy_costs_one_read_more(aws: FakeCloudFormation) -> None:
    aws.add(policy=json.dumps(POLICY), **AS_WANTED)

    assert converge(aws, WITH_POLICY).operation == "none"
    assert aws.asked == ["DescribeStacks", "GetStackPolicy", "GetTemplate"]


@pytest.mark.parametrize(
    ("desired", "stack", "write"),
    [
        pytest.param(PROTECTED, {}, "UpdateTerminationProtection", id="protection on"),
        pytest.param(WANTED, {"protected": True}, "UpdateTerminationProtection", id="and off"),
        pytest.param(WITH_POLICY, {}, "SetStackPolicy", id="policy missing"),
        pytest.param(WITH_POLICY, {"policy": "{}"}, "SetStackPolicy", id="policy differs"),
    ],
)
def test_what_has_no_place_in_a_change_set_needs_none(
    aws: FakeCloudFormation, desired: Desired, stack: dict[str, Any], write: str
) -> None:
    aws.add(**AS_WANTED, **stack)

    checked = converge(aws, desired, check_mode=True)
    assert (checked.operation, aws.writes) == ("update", [])

    outcome = converge(aws, desired)
    assert (outcome.operation, aws.writes) == ("update", [write])
    assert outcome.differences == checked.differences
    assert aws.stacks[0].protected is desired.termination_protection

    assert converge(aws, desired).operation == "none"


# Time


def test_a_short_run_says_nothing_and_reads_no_events(
    aws: FakeCloudFormation, clock: Clock
) -> None:
    converge(aws, clock=clock)

    assert clock.lines == []
    assert "DescribeStackEvents" not in aws.asked
