# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Change sets are read whole, executed once and removed by what only they are called."""

from __future__ import annotations

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import (
    PipelineError,
    StackMoved,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.change_set import (
    ChangeSet,
    template_change_sets,
    template_request,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.gate import Change
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.model import Desired
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.refusal import (
    CONFLICT_CURE,
)

from tests.fakes.clock import Clock
from tests.fakes.cloudformation import (
    EARLY_VALIDATION,
    NAME_CONFLICT,
    NO_CHANGES,
    PROPERTY_ERROR,
    FakeCloudFormation,
    change,
)
from tests.fakes.service import lost_reply, refuse

WANTED = Desired(name="One", template="Resources: {}", parameters={}, tags={})


@pytest.fixture
def aws() -> FakeCloudFormation:
    return FakeCloudFormation()


def make(aws: FakeCloudFormation, seconds: float = 3_600) -> ChangeSet[Change]:
    change_sets = template_change_sets(aws.client)
    request = template_request(WANTED, new_stack=True, templates=None)
    begun = change_sets.create(WANTED.name, **request)
    return change_sets.read(begun, Clock().patience(seconds))


@pytest.mark.parametrize("count", [0, 1, 3, 4, 7])
def test_every_page_of_the_changes_is_read(aws: FakeCloudFormation, count: int) -> None:
    aws.page_size = 3
    aws.changes = [change("Add", f"Topic{one}", "AWS::SNS::Topic") for one in range(count)]

    change_set = make(aws)

    assert [one.logical_id for one in change_set.changes] == [f"Topic{one}" for one in range(count)]
    assert not change_set.is_empty


def test_a_change_set_without_changes_is_empty(aws: FakeCloudFormation) -> None:
    aws.change_set_statuses = ["CREATE_PENDING", "FAILED"]
    aws.change_set_reason = NO_CHANGES

    change_set = make(aws)

    assert (change_set.is_empty, change_set.changes) == (True, ())


def test_the_wait_for_a_change_set_ends_and_names_it(aws: FakeCloudFormation) -> None:
    aws.change_set_statuses = ["CREATE_IN_PROGRESS"]

    with pytest.raises(PipelineError) as caught:
        make(aws, 60)

    assert str(caught.value).startswith(
        f"gave up after 60 s: {aws.change_sets[0].arn} is being created. "
    )


@pytest.mark.parametrize(
    ("reason", "failure"), [("Transform failed", "Transform failed"), ("", "no reason given")]
)
def test_a_change_set_that_fails_has_its_reason(
    aws: FakeCloudFormation, reason: str, failure: str
) -> None:
    aws.change_set_statuses = ["CREATE_IN_PROGRESS", "FAILED"]
    aws.change_set_reason = reason

    change_set = make(aws)

    assert (change_set.failure, change_set.is_empty, change_set.changes) == (failure, False, ())


# Why AWS refuses a change set


HOOKS = "Change set creation failed. The following hook(s) failed: [Private::Guard::Rules]"
HOOK = "Hook Private::Guard::Rules: Template failed validation"
HOOK_RESULT = {
    "HookResultId": "11111111-1111-1111-1111-111111111111",
    "TypeName": "Private::Guard::Rules",
    "Status": "HOOK_COMPLETE_FAILED",
    "FailureMode": "FAIL",
    "HookStatusReason": "Template failed validation",
}


def refused(aws: FakeCloudFormation, reason: str) -> str:
    aws.change_set_statuses = ["CREATE_IN_PROGRESS", "FAILED"]
    aws.change_set_reason = reason
    change_set = make(aws)
    with pytest.raises(PipelineError) as caught:
        change_set.check("One")
    return str(caught.value).removeprefix("the change set of One failed: ")


def test_early_validation_names_resource_reason_and_check(aws: FakeCloudFormation) -> None:
    whole = {"EventType": "STACK_EVENT", "OperationStatus": "FAILED"}
    warning = {**PROPERTY_ERROR, "ValidationFailureMode": "WARN"}
    aws.operation_events = [whole, NAME_CONFLICT, PROPERTY_ERROR, warning]

    assert refused(aws, EARLY_VALIDATION) == (
        "Role (AWS::IAM::Role): Resource of type 'AWS::IAM::Role' with identifier 'Deploy' already"
        " exists (NAME_CONFLICT_VALIDATION); Bucket (AWS::S3::Bucket) at Properties/Rules/0:"
        f" #/Rules/0: required key [Event] not found (PROPERTY_VALIDATION). {CONFLICT_CURE}"
    )
    (asked,) = [request for operation, request in aws.calls if operation == "DescribeEvents"]
    assert asked == {
        "ChangeSetName": aws.change_sets[0].arn, "Filters": {"FailedEvents": True}
    }  # fmt: skip


def test_a_hook_is_named_with_its_reason_and_what_to_do(aws: FakeCloudFormation) -> None:
    aws.hook_results = [HOOK_RESULT, {**HOOK_RESULT, "FailureMode": "WARN"}]
    aws.hook_notes = [
        {"AnnotationName": "ENCRYPTED", "Status": "FAILED", "StatusMessage": "No key.",
         "RemediationMessage": "Set one."},
    ]  # fmt: skip

    assert refused(aws, HOOKS) == (
        "Hook Private::Guard::Rules: Template failed validation. ENCRYPTED: No key. Set one"
    )


def test_a_hook_without_a_result_leaves_the_reason(aws: FakeCloudFormation) -> None:
    assert refused(aws, HOOKS) == HOOKS


@pytest.mark.parametrize(
    ("operation", "reason", "told"),
    [
        (
            "DescribeEvents",
            EARLY_VALIDATION,
            f"{EARLY_VALIDATION} Failed to read what early validation refused: ",
        ),
        ("ListHookResults", HOOKS, f"{HOOKS}. Failed to list the results of Hooks: "),
        (
            "GetHookResult",
            HOOKS,
            f"{HOOK} (Failed to read the result of a Hook: ",
        ),
    ],
)
def test_what_cannot_be_read_is_said_with_aws_s_reason(
    aws: FakeCloudFormation, operation: str, reason: str, told: str
) -> None:
    aws.hook_results = [HOOK_RESULT]
    aws.before(operation, refuse("AccessDenied", f"not authorized to perform: {operation}"))

    text = refused(aws, reason)

    assert text.startswith(f"{told}An error occurred (AccessDenied) when calling the {operation}")


def test_another_failure_is_not_asked_about(aws: FakeCloudFormation) -> None:
    assert refused(aws, "Transform failed") == "Transform failed"
    assert "DescribeEvents" not in aws.asked


def test_a_change_set_whose_reply_was_lost_is_found_by_its_name(aws: FakeCloudFormation) -> None:
    aws.after("CreateChangeSet", refuse("AlreadyExistsException", "it exists"))

    change_set = make(aws)

    (made,) = aws.change_sets
    assert (change_set.arn, change_set.stack_id) == (made.arn, made.stack.stack_id)


def test_a_further_page_that_cannot_be_read_is_an_error(aws: FakeCloudFormation) -> None:
    aws.page_size = 1
    aws.changes *= 2
    aws.change_set_statuses = ["CREATE_COMPLETE"]
    aws.before("DescribeChangeSet", lambda: None)
    aws.before("DescribeChangeSet", refuse("AccessDenied", "no"))

    with pytest.raises(PipelineError) as caught:
        make(aws)

    assert str(caught.value) == (
        "Failed to read the change set: An error occurred (AccessDenied) when"
        " calling the DescribeChangeSet operation: no"
    )


def test_an_execution_is_asked_for_with_a_token_of_its_own(aws: FakeCloudFormation) -> None:
    change_set = make(aws)

    template_change_sets(aws.client).execute(change_set)

    operation, request = aws.calls[-1]
    assert operation == "ExecuteChangeSet"
    assert request == {
        "StackName": change_set.stack_id,
        "ChangeSetName": change_set.arn,
        "ClientRequestToken": change_set.arn.rsplit("/", 1)[-1],
    }


@pytest.mark.parametrize(
    ("execution", "begun"),
    [
        ("UNAVAILABLE", False),
        ("AVAILABLE", False),
        ("OBSOLETE", False),
        ("EXECUTE_IN_PROGRESS", True),
        ("EXECUTE_COMPLETE", True),
        ("EXECUTE_FAILED", True),
    ],
)
def test_only_what_has_not_begun_is_judged_anew(
    aws: FakeCloudFormation, execution: str, begun: bool
) -> None:
    change_set = make(aws)
    aws.change_sets[0].execution = execution
    aws.before("ExecuteChangeSet", refuse("InvalidChangeSetStatus", "it is not available"))

    if begun:
        template_change_sets(aws.client).execute(change_set)
        return
    with pytest.raises(StackMoved) as caught:
        template_change_sets(aws.client).execute(change_set)
    assert str(caught.value) == (
        "Failed to execute the change set: An error occurred (InvalidChangeSetStatus) when calling"
        " the ExecuteChangeSet operation: it is not available"
    )


def test_an_execution_of_what_was_removed_is_judged_anew(aws: FakeCloudFormation) -> None:
    change_set = make(aws)
    aws.change_sets.clear()

    with pytest.raises(StackMoved):
        template_change_sets(aws.client).execute(change_set)

    assert template_change_sets(aws.client).execution_status(change_set) == "GONE"


def test_no_reply_is_not_a_stack_that_moved(aws: FakeCloudFormation) -> None:
    aws.before("CreateChangeSet", lost_reply)

    with pytest.raises(PipelineError) as caught:
        make(aws)

    assert not isinstance(caught.value, StackMoved)


def test_what_is_gone_may_be_removed_again(aws: FakeCloudFormation) -> None:
    change_set = make(aws)

    template_change_sets(aws.client).delete(change_set)
    template_change_sets(aws.client).delete(change_set)

    assert aws.change_sets == []
