# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Operations are followed to their end, and a failed one names its cause."""

from __future__ import annotations

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.api import StackApi
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.change_set import (
    ChangeSet,
    template_change_sets,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.gate import Change
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.model import Found
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.operation import (
    Operations,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.refusal import (
    CONFLICT_CURE,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.status import (
    CURES,
    STATUSES,
    Verdict,
)

from tests.fakes.clock import Clock
from tests.fakes.cloudformation import (
    NAME_CONFLICT,
    FakeChangeSet,
    FakeCloudFormation,
    FakeStack,
    event,
)
from tests.fakes.service import refuse

BUSY = sorted(status for status, verdict in STATUSES.items() if verdict is Verdict.BUSY)
QUARANTINE = (
    "An account that the policy names is suspended or closed, or has not enabled this region: set"
    " state: quarantined for its host, or remove the region from its regions"
)


@pytest.fixture
def aws() -> FakeCloudFormation:
    return FakeCloudFormation()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def operations(
    aws: FakeCloudFormation, clock: Clock | None = None, seconds: float = 3_600
) -> Operations:
    return Operations(StackApi(aws.client), (clock or Clock()).patience(seconds))


def now(aws: FakeCloudFormation, stack: FakeStack) -> Found:
    """Return the stack as it is told before an operation on it begins."""
    found = StackApi(aws.client).find(stack.stack_id)
    aws.calls.clear()
    assert found is not None
    return found


# Until nothing runs


@pytest.mark.parametrize("status", sorted(set(STATUSES) - set(BUSY) - {"DELETE_COMPLETE"}))
def test_a_stack_on_which_nothing_runs_is_settled_at_once(
    aws: FakeCloudFormation, clock: Clock, status: str
) -> None:
    aws.add(status)

    found = operations(aws, clock).settled("One")

    assert found is not None
    assert found.status == status
    assert (aws.asked, clock.pauses) == (["DescribeStacks"], [])


@pytest.mark.parametrize("status", BUSY)
def test_what_runs_is_waited_for(aws: FakeCloudFormation, status: str) -> None:
    aws.add(status, coming=[status, status, "UPDATE_COMPLETE"])

    found = operations(aws).settled("One")

    assert found is not None
    assert found.status == "UPDATE_COMPLETE"
    assert aws.asked == ["DescribeStacks"] * 3


def test_only_does_not_exist_means_that_there_is_no_stack(aws: FakeCloudFormation) -> None:
    aws.before("DescribeStacks", refuse("AccessDenied", "no"))

    with pytest.raises(PipelineError) as caught:
        operations(aws).settled("One")

    assert str(caught.value) == (
        "Failed to describe the stack: An error occurred (AccessDenied) when calling the"
        " DescribeStacks operation: no"
    )


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ([], "One updating"),
        (
            [
                event("UPDATE_COMPLETE", "Topic", "AWS::SNS::Topic"),
                event("UPDATE_IN_PROGRESS", "Key", "AWS::KMS::Key"),
                event("UPDATE_IN_PROGRESS", "Topic", "AWS::SNS::Topic"),
                event("UPDATE_IN_PROGRESS"),
            ],
            "One updating, Key (AWS::KMS::Key)",
        ),
    ],
    ids=["alone", "resource"],
)
def test_a_wait_says_what_it_waits_for(
    aws: FakeCloudFormation, clock: Clock, events: list[dict[str, str]], told: str
) -> None:
    aws.add("UPDATE_IN_PROGRESS")
    aws.events = events

    with pytest.raises(PipelineError) as caught:
        operations(aws, clock, 60).settled("One")

    assert str(caught.value) == (
        f"gave up after 60 s: {told}. AWS carries on: run again later, or raise wait_timeout"
    )
    (line,) = clock.lines
    assert line.startswith(f"  {told} for ")


# Until what was begun has ended


def test_an_operation_that_does_not_show_at_once_is_waited_for(aws: FakeCloudFormation) -> None:
    stack = aws.add("UPDATE_COMPLETE")
    before = now(aws, stack)
    coming = ["UPDATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", "CREATE_COMPLETE"]

    found = operations(aws).carry_out(before, lambda: stack.coming.extend(coming))

    assert found is not None
    assert found.status == "CREATE_COMPLETE"


def test_an_operation_that_ends_as_it_began_has_ended(aws: FakeCloudFormation) -> None:
    stack = aws.add("UPDATE_COMPLETE")
    before = now(aws, stack)

    def update() -> None:
        stack.updates += 1

    found = operations(aws).carry_out(before, update)

    assert found is not None
    assert found.version != before.version
    assert aws.asked == ["DescribeStackEvents", "DescribeStacks", "DescribeStacks"]


@pytest.mark.parametrize(
    ("status", "ending", "operation"),
    [
        ("DELETE_FAILED", "delete", "DeleteStack"),
        ("UPDATE_ROLLBACK_FAILED", "continue", "ContinueUpdateRollback"),
        ("UPDATE_FAILED", "roll_back", "RollbackStack"),
    ],
)
def test_an_operation_that_fails_at_once_has_ended(
    aws: FakeCloudFormation, clock: Clock, status: str, ending: str, operation: str
) -> None:
    stack = aws.add(status)
    before = now(aws, stack)
    aws.events = [event(status)]
    aws.endings[ending] = [status]
    stacks = StackApi(aws.client)
    begin = {
        "delete": stacks.delete,
        "continue": stacks.continue_rollback,
        "roll_back": stacks.roll_back,
    }[ending]

    found = operations(aws, clock).carry_out(before, lambda: begin(stack.stack_id))

    assert found is not None
    assert found.version == before.version
    assert aws.asked == [
        "DescribeStackEvents",
        operation,
        "DescribeStacks",
        "DescribeStackEvents",
        "DescribeStacks",
    ]
    assert clock.pauses == []


def test_nothing_is_begun_whose_beginning_could_not_be_told(aws: FakeCloudFormation) -> None:
    stack = aws.add(protected=True)
    before = now(aws, stack)
    aws.before("DescribeStackEvents", refuse("AccessDenied", "no"))

    with pytest.raises(PipelineError) as caught:
        operations(aws).delete(before)

    assert str(caught.value) == (
        "Failed to read the stack's newest event: An error occurred (AccessDenied) when calling the"
        " DescribeStackEvents operation: no"
    )
    assert "DeleteStack" not in aws.asked
    assert stack.protected


def test_a_later_stack_of_that_name_is_not_meant(aws: FakeCloudFormation) -> None:
    stack = aws.add("ROLLBACK_COMPLETE")
    before = now(aws, stack)

    def begin() -> None:
        stack.status = "DELETE_COMPLETE"
        aws.add("CREATE_IN_PROGRESS")

    found = operations(aws).carry_out(before, begin)

    assert found is not None
    assert (found.stack_id, found.status) == (stack.stack_id, "DELETE_COMPLETE")


@pytest.mark.parametrize("events", [[], [event("DELETE_FAILED")]], ids=["no event", "old event"])
def test_an_operation_that_never_shows_is_given_up(
    aws: FakeCloudFormation, events: list[dict[str, str]]
) -> None:
    before = now(aws, aws.add("DELETE_FAILED"))
    aws.events = events

    with pytest.raises(PipelineError) as caught:
        operations(aws, seconds=60).carry_out(before, lambda: None)

    assert str(caught.value) == (
        "gave up after 60 s: One is still DELETE_FAILED. AWS carries on: run again later, or raise"
        " wait_timeout"
    )


# Deletion


@pytest.mark.parametrize("protected", [False, True])
def test_a_stack_is_deleted_by_its_id_its_protection_lifted(
    aws: FakeCloudFormation, protected: bool
) -> None:
    stack = aws.add("UPDATE_COMPLETE", protected=protected)
    found = now(aws, stack)

    operations(aws).delete(found)

    lift = {"StackName": stack.stack_id, "EnableTerminationProtection": False}
    assert [call for call in aws.calls if call[0] in aws.writes] == [
        *([("UpdateTerminationProtection", lift)] if protected else []),
        ("DeleteStack", {"StackName": stack.stack_id}),
    ]
    assert aws.left == {}


def test_a_protection_that_cannot_be_lifted_stops_the_deletion(aws: FakeCloudFormation) -> None:
    found = now(aws, aws.add(protected=True))
    aws.before("UpdateTerminationProtection", refuse("AccessDenied", "no"))

    with pytest.raises(PipelineError) as caught:
        operations(aws).delete(found)

    assert str(caught.value) == (
        "Failed to set the termination protection: An error occurred (AccessDenied) when calling"
        " the UpdateTerminationProtection operation: no"
    )
    assert aws.writes == ["UpdateTerminationProtection"]


def test_a_deletion_that_is_refused_is_told(aws: FakeCloudFormation) -> None:
    found = now(aws, aws.add())
    aws.before("DeleteStack", refuse("ValidationError", "Stack is in use"))

    with pytest.raises(PipelineError) as caught:
        operations(aws).delete(found)

    assert str(caught.value) == (
        "Failed to delete the stack: An error occurred (ValidationError) when calling the"
        " DeleteStack operation: Stack is in use"
    )


@pytest.mark.parametrize("protected", [False, True])
def test_a_deletion_that_is_refused_leaves_the_protection_as_it_was(
    aws: FakeCloudFormation, protected: bool
) -> None:
    stack = aws.add(protected=protected)
    found = now(aws, stack)
    aws.before("DeleteStack", refuse("ValidationError", "Stack is in use"))

    with pytest.raises(PipelineError, match=r"^Failed to delete the stack: .*: Stack is in use$"):
        operations(aws).delete(found)

    assert stack.protected is protected
    assert aws.writes == (
        ["UpdateTerminationProtection", "DeleteStack", "UpdateTerminationProtection"]
        if protected
        else ["DeleteStack"]
    )


def test_a_protection_that_cannot_be_set_again_does_not_hide_the_refusal(
    aws: FakeCloudFormation,
) -> None:
    found = now(aws, aws.add(protected=True))
    aws.before("DeleteStack", refuse("ValidationError", "Stack is in use"))
    aws.after(
        "UpdateTerminationProtection",
        lambda: aws.before("UpdateTerminationProtection", refuse("Throttling", "Rate exceeded")),
    )

    with pytest.raises(PipelineError, match="Stack is in use"):
        operations(aws).delete(found)


@pytest.mark.parametrize(
    ("before", "ending"),
    [
        ("UPDATE_COMPLETE", ["DELETE_IN_PROGRESS", "DELETE_FAILED"]),
        ("DELETE_FAILED", ["DELETE_IN_PROGRESS", "DELETE_FAILED"]),
        ("DELETE_FAILED", ["DELETE_FAILED"]),
    ],
    ids=["first", "again", "again at once"],
)
def test_a_deletion_that_fails_names_its_cause(
    aws: FakeCloudFormation, before: str, ending: list[str]
) -> None:
    found = now(aws, aws.add(before))
    aws.endings["delete"] = ending
    aws.stories["delete"] = [
        event("DELETE_FAILED", reason="The following resource(s) failed to delete: [Topic]"),
        event("DELETE_FAILED", "Topic", "AWS::SNS::Topic", "not authorized to delete it."),
        event("DELETE_IN_PROGRESS"),
    ]

    with pytest.raises(PipelineError) as caught:
        operations(aws).delete(found)

    assert str(caught.value) == (
        "One is DELETE_FAILED. Topic (AWS::SNS::Topic) DELETE_FAILED: not authorized to delete it"
    )


@pytest.mark.parametrize("protected", [False, True])
def test_a_stack_that_could_not_be_deleted_is_protected_again(
    aws: FakeCloudFormation, protected: bool
) -> None:
    stack = aws.add(protected=protected)
    aws.endings["delete"] = ["DELETE_IN_PROGRESS", "DELETE_FAILED"]

    with pytest.raises(PipelineError, match="One is DELETE_FAILED"):
        operations(aws).delete(now(aws, stack))

    assert stack.protected is protected


# Requests that are sent again


@pytest.mark.parametrize("operation", ["continue_rollback", "roll_back"])
def test_each_rollback_is_asked_for_with_a_token_of_its_own(
    aws: FakeCloudFormation, operation: str
) -> None:
    """So that AWS recognises a request that botocore sends again after a lost reply."""
    stack = aws.add("UPDATE_ROLLBACK_FAILED")
    for _unused in range(2):
        getattr(StackApi(aws.client), operation)(stack.stack_id)

    first, second = (request["ClientRequestToken"] for _operation, request in aws.calls)
    assert first != second


# Executions


def execution(aws: FakeCloudFormation, before: Found | None) -> Found:
    change_sets = template_change_sets(aws.client)
    change_set = ChangeSet[Change](arn=aws.change_sets[0].arn, stack_id=aws.stacks[0].stack_id)
    return operations(aws, seconds=60).executed(change_sets, change_set, name="One", before=before)


def change_set_of(aws: FakeCloudFormation, stack: FakeStack, execution_status: str) -> None:
    aws.change_sets.append(
        FakeChangeSet(
            arn="arn:one", name="one", stack=stack, request={}, coming=[],
            execution=execution_status,
        )
    )  # fmt: skip


@pytest.mark.parametrize("status", ["EXECUTE_FAILED", "OBSOLETE", "GONE"])
def test_a_change_set_that_changed_nothing_is_no_success(
    aws: FakeCloudFormation, status: str
) -> None:
    stack = aws.add("UPDATE_COMPLETE")
    change_set_of(aws, stack, status)
    if status == "GONE":
        aws.before("DescribeChangeSet", refuse("ChangeSetNotFound", "it does not exist"))

    with pytest.raises(PipelineError) as caught:
        execution(aws, now(aws, stack))

    assert str(caught.value) == (
        f"One is unchanged: the execution of its change set ended {status}. Another process may"
        " have changed the stack or deleted the change set: run again"
    )


@pytest.mark.parametrize("status", ["EXECUTE_COMPLETE", "GONE"])
def test_a_stack_that_the_execution_changed_is_done(aws: FakeCloudFormation, status: str) -> None:
    """AWS deletes a stack's other change sets after an execution; a version is proof enough."""
    stack = aws.add("UPDATE_COMPLETE")
    change_set_of(aws, stack, status)
    if status == "GONE":
        aws.before("DescribeChangeSet", refuse("ChangeSetNotFound", "it does not exist"))
    before = now(aws, stack)
    stack.updates += 1

    assert execution(aws, before).status == "UPDATE_COMPLETE"


def test_a_stack_in_review_that_stays_so_was_not_created(aws: FakeCloudFormation) -> None:
    change_set_of(aws, aws.add("REVIEW_IN_PROGRESS"), "EXECUTE_FAILED")

    with pytest.raises(PipelineError, match="One is unchanged"):
        execution(aws, None)


# What is told


@pytest.mark.parametrize(
    ("events", "reason", "told"),
    [
        (
            [
                event("UPDATE_FAILED", "Key", "AWS::KMS::Key", "Resource update cancelled"),
                event("UPDATE_FAILED", "Topic", "AWS::SNS::Topic", "second"),
                event("UPDATE_FAILED", "Role", "AWS::IAM::Role", "first."),
                event("UPDATE_IN_PROGRESS"),
                event("UPDATE_FAILED", "Old", "AWS::IAM::Role", "of an earlier operation"),
            ],
            "not asked for",
            "Role (AWS::IAM::Role) UPDATE_FAILED: first",
        ),
        ([event("UPDATE_IN_PROGRESS")], "It was stopped.", "It was stopped"),
        ([], "", "no reason given"),
        (
            [
                event("UPDATE_FAILED", "Key", "AWS::KMS::Key", "one or more INVALID PRINCIPALs."),
                event("UPDATE_IN_PROGRESS"),
            ],
            "",
            f"Key (AWS::KMS::Key) UPDATE_FAILED: one or more INVALID PRINCIPALs. {QUARANTINE}",
        ),
    ],
    ids=["first failure", "the stack's own reason", "no reason", "principal"],
)
def test_a_failure_names_its_cause(
    aws: FakeCloudFormation, events: list[dict[str, str]], reason: str, told: str
) -> None:
    found = now(aws, aws.add("UPDATE_ROLLBACK_COMPLETE", reason=reason))
    aws.events = events

    error = operations(aws).failure(found)

    assert str(error) == f"One is UPDATE_ROLLBACK_COMPLETE. {told}"
    assert aws.writes == []


STOPPED = [
    event("UPDATE_ROLLBACK_FAILED", reason="The following resource(s) failed to update: [Key]"),
    event("UPDATE_COMPLETE", "Topic", "AWS::SNS::Topic"),
    event("UPDATE_FAILED", "Key", "AWS::KMS::Key", "the key is disabled."),
    event("UPDATE_FAILED", "Topic", "AWS::SNS::Topic", "not yet"),
    event("UPDATE_ROLLBACK_IN_PROGRESS"),
    event("UPDATE_FAILED", "Role", "AWS::IAM::Role", "denied."),
    event("UPDATE_IN_PROGRESS"),
]


def test_a_rollback_that_stopped_names_what_it_stopped_at_then_the_cause(
    aws: FakeCloudFormation,
) -> None:
    found = now(aws, aws.add("UPDATE_ROLLBACK_FAILED"))
    aws.events = STOPPED

    assert str(operations(aws).failure(found)) == (
        "One is UPDATE_ROLLBACK_FAILED. Its rollback failed at Key (AWS::KMS::Key): the key is"
        " disabled. First failure: Role (AWS::IAM::Role) UPDATE_FAILED: denied. Fix the cause and"
        ' run again, or let the rollback skip what it may: -e \'{"resources_to_skip": ["Key"]}\''
    )


def test_a_creation_that_was_not_undone_names_what_is_left_then_the_cause(
    aws: FakeCloudFormation,
) -> None:
    found = now(aws, aws.add("ROLLBACK_FAILED"))
    aws.events = [
        event("ROLLBACK_FAILED", reason="The following resource(s) failed to delete: [Bucket]"),
        event("DELETE_FAILED", "Bucket", "AWS::S3::Bucket", "it is not empty"),
        event("ROLLBACK_IN_PROGRESS"),
        event("CREATE_FAILED", "Topic", "AWS::SNS::Topic", "denied"),
        event("CREATE_IN_PROGRESS"),
    ]

    assert str(operations(aws).blocked(found)) == (
        "One is ROLLBACK_FAILED. Its rollback failed at Bucket (AWS::S3::Bucket): it is not empty."
        " First failure: Topic (AWS::SNS::Topic) CREATE_FAILED: denied. " + CURES["ROLLBACK_FAILED"]
    )


def test_a_resource_that_a_hook_refused_names_the_hook_and_its_rule(
    aws: FakeCloudFormation,
) -> None:
    found = now(aws, aws.add("UPDATE_ROLLBACK_COMPLETE"))
    hook = {"HookType": "Private::Guard::Rules", "HookInvocationId": "1" * 36}
    aws.hook_notes = [
        {"AnnotationName": "ENCRYPTED", "Status": "FAILED", "StatusMessage": "No key.",
         "RemediationMessage": "Set one."},
        {"AnnotationName": "NAMED", "Status": "PASSED"},
    ]  # fmt: skip
    reason = "The following hook(s) failed: [Private::Guard::Rules]"
    aws.events = [
        event("UPDATE_FAILED", "Topic", "AWS::SNS::Topic", reason),
        event("UPDATE_IN_PROGRESS", "Topic", "AWS::SNS::Topic", HookStatus="HOOK_COMPLETE_FAILED",
              HookStatusReason="Template failed validation", **hook),
        event("UPDATE_IN_PROGRESS", "Topic", "AWS::SNS::Topic", HookStatus="HOOK_COMPLETE_FAILED",
              HookStatusReason="only a warning", HookFailureMode="WARN", HookType="Warning"),
        event("UPDATE_IN_PROGRESS"),
    ]  # fmt: skip

    assert str(operations(aws).failure(found)) == (
        f"One is UPDATE_ROLLBACK_COMPLETE. Topic (AWS::SNS::Topic) UPDATE_FAILED: {reason}; Hook"
        " Private::Guard::Rules: Template failed validation. ENCRYPTED: No key. Set one"
    )


def test_an_operation_that_failed_early_validation_names_the_resource(
    aws: FakeCloudFormation,
) -> None:
    found = now(aws, aws.add("ROLLBACK_COMPLETE"))
    aws.events = [
        event("CREATE_FAILED", reason="Call DescribeEvents", DetailedStatus="VALIDATION_FAILED"),
        event("CREATE_IN_PROGRESS"),
    ]
    aws.operation_events = [NAME_CONFLICT]

    assert str(operations(aws).failure(found)) == (
        "One is ROLLBACK_COMPLETE. Role (AWS::IAM::Role): Resource of type 'AWS::IAM::Role' with"
        f" identifier 'Deploy' already exists (NAME_CONFLICT_VALIDATION). {CONFLICT_CURE}"
    )


@pytest.mark.parametrize(
    ("status", "cure"),
    [*CURES.items(), ("NEW_STATUS", "This version does not know that status: update it")],
)
@pytest.mark.parametrize("reason", ["", "somebody did it"])
def test_what_only_the_user_can_decide_has_its_reason_and_its_cure(
    aws: FakeCloudFormation, status: str, cure: str, reason: str
) -> None:
    found = now(aws, aws.add(status, reason=reason))

    told = f"{status}. {reason}" if reason else status
    assert str(operations(aws).blocked(found)) == f"One is {told}. {cure}"
