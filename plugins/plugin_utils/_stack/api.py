# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls about stacks, with answers as data; change sets are in change_set."""

from __future__ import annotations

import json
import typing as t
import uuid

from .._aws.gateway import AccountSession, Client
from .._errors import ErrorHandler, PipelineError
from .events import Event, is_stack
from .model import Found
from .refusal import hook_text, validation_errors
from .status import OPERATION_STARTS

# The limit of GetParameters.
_SSM_PAGE = 10

TemplateBody = str | dict[str, t.Any]  # text, or data if it was JSON


class StackApi:
    """The stacks of one account in one region.

    Every method raises PipelineError with AWS's message when a call fails.

    :param open_ssm: opens Systems Manager there; None if no template takes values from it.
    """

    def __init__(self, client: Client, *, open_ssm: t.Callable[[], Client] | None = None) -> None:
        self.client = client
        self._open_ssm = open_ssm

    @classmethod
    def of(cls, session: AccountSession, region: str) -> StackApi:
        """Return the stacks of an opened account in *region*."""
        return cls(
            session.client("cloudformation", region),
            open_ssm=lambda: session.client("ssm", region),
        )

    @ErrorHandler.list_error_handler("describe the stack")  # type: ignore[untyped-decorator]
    def _describe(self, name: str) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", self.client.describe_stacks(StackName=name)["Stacks"][0])

    def find(self, name: str) -> Found | None:
        """Return the stack with this name or id; None means missing."""
        stack = self._describe(name)
        return None if stack is None else Found.from_description(stack)

    @ErrorHandler.common_error_handler("list the stacks")  # type: ignore[untyped-decorator]
    def all(self) -> list[Found]:
        """Return every stack of the account in the region."""
        pages = self.client.get_paginator("describe_stacks").paginate()
        return [Found.from_description(stack) for page in pages for stack in page["Stacks"]]

    @ErrorHandler.common_error_handler("read the template")  # type: ignore[untyped-decorator]
    def template(self, name: str) -> TemplateBody:
        """Return the deployed template."""
        answer = self.client.get_template(StackName=name, TemplateStage="Original")
        return t.cast("TemplateBody", answer["TemplateBody"])

    @ErrorHandler.common_error_handler("read the stack policy")  # type: ignore[untyped-decorator]
    def policy(self, name: str) -> dict[str, t.Any] | None:
        """Return the stack policy, None without one."""
        body = self.client.get_stack_policy(StackName=name).get("StackPolicyBody")
        return None if not body else t.cast("dict[str, t.Any]", json.loads(body))

    @ErrorHandler.common_error_handler("set the stack policy")  # type: ignore[untyped-decorator]
    def set_policy(self, name: str, policy: dict[str, t.Any]) -> None:
        """Set the stack policy."""
        self.client.set_stack_policy(StackName=name, StackPolicyBody=json.dumps(policy))

    @ErrorHandler.common_error_handler("set the termination protection")  # type: ignore[untyped-decorator]
    def set_termination_protection(self, name: str, enabled: bool) -> None:
        """Switch termination protection on or off."""
        self.client.update_termination_protection(
            StackName=name, EnableTerminationProtection=enabled
        )

    @ErrorHandler.common_error_handler("delete the stack")  # type: ignore[untyped-decorator]
    def delete(self, stack_id: str, *, role_arn: str = "") -> None:
        """Start deleting the stack, by id: never a later namesake.

        :param role_arn: the role to delete it with; the stack's own, or the caller, by default.
        """
        role = {"RoleARN": role_arn} if role_arn else {}
        self.client.delete_stack(StackName=stack_id, **role)

    @ErrorHandler.common_error_handler("continue the rollback")  # type: ignore[untyped-decorator]
    def continue_rollback(self, stack_id: str, *, skip: t.Sequence[str] = ()) -> None:
        """Continue a rollback that stopped half way, skipping the resources in *skip*.

        Once, even if a reply is lost: the request carries a token.
        """
        self.client.continue_update_rollback(
            StackName=stack_id, ResourcesToSkip=list(skip), ClientRequestToken=str(uuid.uuid4())
        )

    @ErrorHandler.common_error_handler("roll the stack back")  # type: ignore[untyped-decorator]
    def roll_back(self, stack_id: str) -> None:
        """Start rolling back an update that stopped half way: once, even if a reply is lost."""
        self.client.rollback_stack(StackName=stack_id, ClientRequestToken=str(uuid.uuid4()))

    @ErrorHandler.common_error_handler("list the stack's resources")  # type: ignore[untyped-decorator]
    def resources(self, stack_id: str) -> list[dict[str, t.Any]]:
        """Return the stack's resources, as ListStackResources does."""
        pages = self.client.get_paginator("list_stack_resources").paginate(StackName=stack_id)
        return [entry for page in pages for entry in page["StackResourceSummaries"]]

    @ErrorHandler.common_error_handler("read the SSM parameters")  # type: ignore[untyped-decorator]
    def stored_values(self, names: t.Collection[str]) -> dict[str, str]:
        """Return the current values of SSM parameters, by name, ARN and version as given."""
        if not names or self._open_ssm is None:
            return {}
        client, wanted, found = self._open_ssm(), sorted(set(names)), {}
        for start in range(0, len(wanted), _SSM_PAGE):
            answer = client.get_parameters(Names=wanted[start : start + _SSM_PAGE])
            if answer["InvalidParameters"]:
                raise PipelineError(
                    f"the SSM parameters {', '.join(answer['InvalidParameters'])} do not exist"
                )
            for parameter in answer["Parameters"]:
                for name in (parameter["Name"], parameter.get("ARN", "")):
                    found[name + parameter.get("Selector", "")] = parameter["Value"]
        return found

    def physical_ids(self, stack_id: str) -> frozenset[str]:
        """Return the physical ids of the stack's resources."""
        return frozenset(
            entry["PhysicalResourceId"]
            for entry in self.resources(stack_id)
            if entry.get("PhysicalResourceId")
        )

    @ErrorHandler.common_error_handler("read the stack's newest event")  # type: ignore[untyped-decorator]
    def newest_event(self, stack_id: str) -> str:
        """Return the id of the stack's newest event."""
        events = self.client.describe_stack_events(StackName=stack_id)["StackEvents"]
        return str(events[0]["EventId"]) if events else ""

    @ErrorHandler.common_error_handler("read the stack's events")  # type: ignore[untyped-decorator]
    def operation_events(self, stack_id: str) -> list[dict[str, t.Any]]:
        """Return the events of the stack's latest operation, newest first."""
        pages = self.client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
        events = []
        for page in pages:
            for event in page["StackEvents"]:
                events.append(event)
                if is_stack(event) and event["ResourceStatus"] in OPERATION_STARTS:
                    return events
        return events

    def refusals(self, stack_id: str) -> str:
        """Return what early validation refused in the stack's operations; empty for nothing."""
        return t.cast("str", validation_errors(self.client, StackName=stack_id))

    def hooks(self, events: t.Iterable[Event]) -> list[str]:
        """Return which Hooks failed in *events*, and why."""
        return [
            hook_text(
                self.client,
                event.get("HookType", ""),
                event.get("HookStatusReason", ""),
                result_id=event.get("HookInvocationId"),
            )
            for event in events
        ]


def existing(resources: list[dict[str, t.Any]], types: frozenset[str]) -> list[str]:
    """Return the existing *resources* of *types*, as text."""
    return [
        f"{entry['LogicalResourceId']} ({entry.get('PhysicalResourceId')})"
        for entry in resources
        if entry["ResourceType"] in types
        and entry.get("PhysicalResourceId")
        and entry["ResourceStatus"] not in ("CREATE_FAILED", "DELETE_COMPLETE")
    ]


__all__ = ("StackApi", "TemplateBody", "existing")
