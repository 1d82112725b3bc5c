# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CloudFormation of one region, in small: a stack moves on each time it is read."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from tests.fakes.service import FakeService, Refusal

NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a"
    " change set."
)

EARLY_VALIDATION = (
    "The following hook(s)/validation failed: [AWS::EarlyValidation::ResourceExistenceCheck]. To"
    " troubleshoot Early Validation errors, use the DescribeEvents API for detailed failure"
    " information."
)
NAME_CONFLICT = {
    "EventType": "VALIDATION_ERROR",
    "LogicalResourceId": "Role",
    "ResourceType": "AWS::IAM::Role",
    "ValidationFailureMode": "FAIL",
    "ValidationName": "NAME_CONFLICT_VALIDATION",
    "ValidationStatus": "FAILED",
    "ValidationStatusReason": (
        "Resource of type 'AWS::IAM::Role' with identifier 'Deploy' already exists."
    ),
    "ValidationPath": "/Resources/Role",
}
PROPERTY_ERROR = {
    "EventType": "VALIDATION_ERROR",
    "LogicalResourceId": "Bucket",
    "ResourceType": "AWS::S3::Bucket",
    "ValidationFailureMode": "FAIL",
    "ValidationName": "PROPERTY_VALIDATION",
    "ValidationStatusReason": "#/Rules/0: required key [Event] not found",
    "ValidationPath": "/Resources/Bucket/Properties/Rules/0",
}
# The event of the stack itself that an operation begins with.
_FIRST_EVENTS = {
    "create": "CREATE_IN_PROGRESS",
    "update": "UPDATE_IN_PROGRESS",
    "delete": "DELETE_IN_PROGRESS",
    "continue": "UPDATE_ROLLBACK_IN_PROGRESS",
    "roll_back": "UPDATE_ROLLBACK_IN_PROGRESS",
}
_BEGINNING = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@dataclasses.dataclass(kw_only=True)
class FakeStack:
    """A stack.

    :param coming: the statuses that it will have, one each time that somebody looks.
    """

    name: str
    stack_id: str
    status: str
    coming: list[str] = dataclasses.field(default_factory=list)
    template: Any = "Resources: {}\n"
    parameters: dict[str, str] = dataclasses.field(default_factory=dict)
    resolved: dict[str, str] = dataclasses.field(default_factory=dict)
    tags: dict[str, str] = dataclasses.field(default_factory=dict)
    outputs: dict[str, str] = dataclasses.field(default_factory=dict)
    protected: bool = False
    role_arn: str = ""
    policy: str | None = None
    reason: str = ""
    updates: int = 0
    resources: list[dict[str, Any]] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(kw_only=True)
class FakeChangeSet:
    """A change set: what the stack becomes when it is executed."""

    arn: str
    name: str
    stack: FakeStack
    request: dict[str, Any]
    coming: list[str]
    status: str = "CREATE_PENDING"
    reason: str = ""
    execution: str = "AVAILABLE"


class FakeCloudFormation(FakeService):
    """The region. What it is to do is set in its attributes; what it was asked is in *calls*.

    :ivar endings: the statuses that each operation leads a stack through.
    :ivar changes: what every change set changes, as DescribeChangeSet returns it.
    :ivar change_set_statuses: what a change set goes through, one at each look.
    :ivar templates: what lies behind a TemplateURL.
    :ivar operation_events: what DescribeEvents answers.
    :ivar hook_results: what ListHookResults answers.
    :ivar hook_notes: the annotations of every Hook's result.
    :ivar events: the events of every stack, newest first.
    :ivar stories: the events that an operation adds, newest first; without a story it adds the one
        that it begins with.
    """

    def __init__(self) -> None:
        super().__init__("cloudformation")
        self.client = self.clients["cloudformation"]
        self.stacks: list[FakeStack] = []
        self.change_sets: list[FakeChangeSet] = []
        self.endings: dict[str, list[str]] = {
            "create": ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"],
            "update": [
                "UPDATE_IN_PROGRESS",
                "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
                "UPDATE_COMPLETE",
            ],
            "delete": ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"],
            "continue": ["UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"],
            "roll_back": ["UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"],
        }
        self.changes: list[dict[str, Any]] = [change("Modify", "Topic", "AWS::SNS::Topic")]
        self.change_set_statuses = ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
        self.change_set_reason = ""
        self.events: list[dict[str, Any]] = []
        self.stories: dict[str, list[dict[str, Any]]] = {}
        self.templates: dict[str, str] = {}
        self.operation_events: list[dict[str, Any]] = []
        self.hook_results: list[dict[str, Any]] = []
        self.hook_notes: list[dict[str, Any]] = []
        self.page_size = 100

    # For tests

    def add(self, status: str = "CREATE_COMPLETE", name: str = "One", **more: Any) -> FakeStack:
        """Add a stack."""
        number = len(self.stacks) + 1
        stack_id = f"arn:aws:cloudformation:us-east-1:111111111111:stack/{name}/{number}"
        stack = FakeStack(name=name, stack_id=stack_id, status=status, **more)
        self.stacks.append(stack)
        return stack

    @property
    def left(self) -> dict[str, str]:
        """The stacks that exist, by name, and their status."""
        return {one.name: one.status for one in self.stacks if one.status != "DELETE_COMPLETE"}

    def _find(self, name: str) -> FakeStack:
        for stack in reversed(self.stacks):
            by_name = stack.name == name and stack.status != "DELETE_COMPLETE"
            if by_name or stack.stack_id == name:
                return stack
        raise Refusal("ValidationError", f"Stack with id {name} does not exist")

    def _find_change_set(self, name: str) -> FakeChangeSet:
        for change_set in self.change_sets:
            if name in (change_set.arn, change_set.name):
                return change_set
        raise Refusal("ChangeSetNotFound", f"ChangeSet [{name}] does not exist")

    def _begin(self, stack: FakeStack, operation: str) -> None:
        stack.coming = list(self.endings[operation])
        story = self.stories.get(operation) or [event(_FIRST_EVENTS[operation], stack.name)]
        self.events[:0] = [one | {"StackId": stack.stack_id} for one in story]

    # The operations

    def _describe_stacks(
        self,
        StackName: str = "",  # noqa: N803  # as AWS has it
        NextToken: str = "0",  # noqa: N803
    ) -> dict[str, Any]:
        if not StackName:
            there = [one for one in self.stacks if one.status != "DELETE_COMPLETE"]
            return self._page("Stacks", [_description(one) for one in there], NextToken)
        stack = self._find(StackName)
        if stack.coming:
            stack.status = stack.coming.pop(0)
            stack = self._find(StackName)
        return {"Stacks": [_description(stack)]}

    def _get_template(self, StackName: str, **_more: Any) -> dict[str, Any]:  # noqa: N803
        return {"TemplateBody": self._find(StackName).template}

    def _get_stack_policy(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        policy = self._find(StackName).policy
        return {} if policy is None else {"StackPolicyBody": policy}

    def _set_stack_policy(self, StackName: str, StackPolicyBody: str) -> None:  # noqa: N803
        self._find(StackName).policy = StackPolicyBody

    def _update_termination_protection(
        self,
        StackName: str,  # noqa: N803
        EnableTerminationProtection: bool,  # noqa: N803
    ) -> None:
        self._find(StackName).protected = EnableTerminationProtection

    def _delete_stack(self, StackName: str, **_more: Any) -> None:  # noqa: N803
        stack = self._find(StackName)
        if stack.protected:
            raise Refusal("ValidationError", "Stack cannot be deleted: it is protected")
        self._begin(stack, "delete")
        if stack.status == "REVIEW_IN_PROGRESS":  # nothing is in it
            stack.status, stack.coming = "DELETE_COMPLETE", []

    def _continue_update_rollback(self, StackName: str, **_more: Any) -> None:  # noqa: N803
        self._begin(self._find(StackName), "continue")

    def _rollback_stack(self, StackName: str, **_more: Any) -> None:  # noqa: N803
        self._begin(self._find(StackName), "roll_back")

    def _describe_events(self, **_which: Any) -> dict[str, Any]:
        return {"OperationEvents": self.operation_events}

    def _list_hook_results(self, **_target: Any) -> dict[str, Any]:
        if not self.hook_results:
            raise Refusal("HookResultNotFound", "no Hook was invoked")
        return {"HookResults": self.hook_results}

    def _get_hook_result(self, HookResultId: str) -> dict[str, Any]:  # noqa: N803
        return {"HookResultId": HookResultId, "Annotations": self.hook_notes}

    def _list_stack_resources(
        self,
        StackName: str,  # noqa: N803
        NextToken: str = "0",  # noqa: N803
    ) -> dict[str, Any]:
        found = self._find(StackName).resources
        return self._page("StackResourceSummaries", found, NextToken)

    def _describe_stack_events(
        self,
        StackName: str,  # noqa: N803
        NextToken: str = "0",  # noqa: N803
    ) -> dict[str, Any]:
        stack = self._find(StackName)
        found: list[dict[str, Any]] = []
        for one in reversed(self.events):
            if one.get("StackId", stack.stack_id) != stack.stack_id:
                continue
            is_stack = one["LogicalResourceId"] == stack.name
            of_stack = {
                "EventId": str(len(found) + 1),
                "StackId": stack.stack_id,
                "PhysicalResourceId": stack.stack_id if is_stack else "",
            }
            found.append(of_stack | one)
        return self._page("StackEvents", found[::-1], NextToken)

    def _create_change_set(self, **request: Any) -> dict[str, Any]:
        name, new = request["StackName"], request["ChangeSetType"] == "CREATE"
        if new and name not in self.left:
            self.add("REVIEW_IN_PROGRESS", name)
        stack = self._find(name)
        if new and stack.status != "REVIEW_IN_PROGRESS":
            raise Refusal("ValidationError", f"Stack [{name}] already exists")
        if stack.status.endswith("_IN_PROGRESS") and not new:
            state = f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated."
            raise Refusal("ValidationError", state)
        arn = f"arn:aws:cloudformation:us-east-1:111111111111:changeSet/{request['ChangeSetName']}"
        self.change_sets.append(
            FakeChangeSet(
                arn=f"{arn}/{len(self.change_sets) + 1}",
                name=request["ChangeSetName"],
                stack=stack,
                request=request,
                coming=list(self.change_set_statuses),
                reason=self.change_set_reason,
            )
        )
        return {"Id": self.change_sets[-1].arn, "StackId": stack.stack_id}

    def _describe_change_set(
        self,
        StackName: str,  # noqa: N803
        ChangeSetName: str,  # noqa: N803
        NextToken: str = "0",  # noqa: N803
    ) -> dict[str, Any]:
        change_set = self._find_change_set(ChangeSetName)
        if change_set.coming:
            change_set.status = change_set.coming.pop(0)
        if change_set.execution == "EXECUTE_IN_PROGRESS" and not change_set.stack.coming:
            ended_well = change_set.stack.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
            change_set.execution = "EXECUTE_COMPLETE" if ended_well else "EXECUTE_FAILED"
        return {
            "ChangeSetId": change_set.arn,
            "StackId": change_set.stack.stack_id,
            "Status": change_set.status,
            "StatusReason": change_set.reason,
            "ExecutionStatus": change_set.execution,
        } | self._page("Changes", self.changes, NextToken)

    def _list_change_sets(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        stack_id = self._find(StackName).stack_id
        there = [one for one in self.change_sets if one.stack.stack_id == stack_id]
        return {"Summaries": [{"ChangeSetId": one.arn} for one in there]}

    def _delete_change_set(self, StackName: str, ChangeSetName: str) -> None:  # noqa: N803
        self.change_sets = [one for one in self.change_sets if one.arn != ChangeSetName]

    def _execute_change_set(self, ChangeSetName: str, **_more: Any) -> None:  # noqa: N803
        change_set = self._find_change_set(ChangeSetName)
        if change_set.execution != "AVAILABLE":
            state = f"ChangeSet [{change_set.arn}] cannot be executed in its current state"
            raise Refusal("InvalidChangeSetStatus", state)
        stack, request = change_set.stack, change_set.request
        change_set.execution = "EXECUTE_IN_PROGRESS"
        self._begin(stack, request["ChangeSetType"].lower())
        stack.updates += 1
        stack.template = request.get("TemplateBody") or self.templates[request["TemplateURL"]]
        stack.parameters = {
            one["ParameterKey"]: one["ParameterValue"] for one in request["Parameters"]
        }
        stack.tags = {one["Key"]: one["Value"] for one in request["Tags"]}

    def _page(self, key: str, items: list[dict[str, Any]], token: str) -> dict[str, Any]:
        begin = int(token)
        end = begin + self.page_size
        more = {"NextToken": str(end)} if end < len(items) else {}
        return {key: items[begin:end], **more}


def change(
    action: str, logical_id: str, resource_type: str, replacement: str = "", **more: Any
) -> dict[str, Any]:
    """Return one change, as DescribeChangeSet returns it."""
    told = {"Action": action, "LogicalResourceId": logical_id, "ResourceType": resource_type}
    if replacement:
        told["Replacement"] = replacement
    return {"Type": "Resource", "ResourceChange": told | more}


def event(
    status: str, logical_id: str = "One", resource_type: str = "", reason: str = "", **more: Any
) -> dict[str, Any]:
    """Return one event, as DescribeStackEvents returns it; of the stack or of a resource."""
    told = {
        "LogicalResourceId": logical_id,
        "ResourceType": resource_type or "AWS::CloudFormation::Stack",
        "ResourceStatus": status,
    }
    return told | more | ({"ResourceStatusReason": reason} if reason else {})


def _description(stack: FakeStack) -> dict[str, Any]:
    return {
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason,
        "CreationTime": _BEGINNING,
        "LastUpdatedTime": _BEGINNING + datetime.timedelta(minutes=stack.updates),
        "Parameters": [
            pair | _resolved(stack.resolved.get(pair["ParameterKey"]))
            for pair in _pairs("Parameter", stack.parameters)
        ],
        "Outputs": _pairs("Output", stack.outputs),
        "Tags": _pairs("", stack.tags),
        "EnableTerminationProtection": stack.protected,
        **({"RoleARN": stack.role_arn} if stack.role_arn else {}),
    }


def _resolved(value: str | None) -> dict[str, str]:
    return {} if value is None else {"ResolvedValue": value}


def _pairs(kind: str, values: dict[str, str]) -> list[dict[str, str]]:
    return [{f"{kind}Key": key, f"{kind}Value": value} for key, value in values.items()]
