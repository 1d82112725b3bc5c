# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Change sets: made, read whole, executed, removed. Every apply of a stack is one."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t
import uuid

from ansible_collections.amazon.aws.plugins.module_utils.exceptions import (
    is_ansible_aws_error_code,
)
from ansible_collections.amazon.aws.plugins.module_utils.tagging import (
    ansible_dict_to_boto3_tag_list,
)

from .._aws.gateway import Client
from .._aws.patience import Patience
from .._errors import ErrorHandler, PipelineError, StackMoved
from .gate import Change
from .model import Desired
from .template import BODY_LIMIT
from .upload import TemplateStore

try:
    import botocore.exceptions
except ImportError:
    pass  # reported by the actions, host by host

_PREFIX = "crossaccount-"
_EMPTY = ("didn't contain changes", "No updates are to be performed")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChangeSet:
    """One change set.

    :param changes: every page of them; empty until it is read, and when there is nothing to change.
    :param failure: AWS's reason when it could not be made; None for one that is only empty.
    """

    arn: str
    stack_id: str
    changes: tuple[Change, ...] = ()
    is_empty: bool = False
    failure: str | None = None

    @property
    def names(self) -> dict[str, str]:
        """How a request names it; policies are about the stack, so the stack is named with it."""
        return {"StackName": self.stack_id, "ChangeSetName": self.arn}


class ChangeSets:
    """The change sets of one account's stacks in one region.

    :param templates: where a template goes that is too large for a request.
    """

    def __init__(self, client: Client, templates: TemplateStore | None = None) -> None:
        self._client = client
        self._templates = templates

    def create(self, desired: Desired, *, new_stack: bool) -> ChangeSet:
        """Begin to make a change set that leads to *desired*.

        Raises StackMoved when AWS refuses because of the stack's state, PipelineError otherwise.
        """
        return self._begin(
            desired.name,
            ChangeSetType="CREATE" if new_stack else "UPDATE",
            **self._template(desired.template),
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in desired.parameters.items()
            ],
            Tags=ansible_dict_to_boto3_tag_list(desired.tags),
            Capabilities=list(desired.capabilities),
        )

    def _begin(self, stack_name: str, **request: t.Any) -> ChangeSet:
        """Begin to make the change set that *request* describes, once, also on a lost reply."""
        # A name of its own makes a repeated request, after a lost reply, recognisable.
        name = f"{_PREFIX}{uuid.uuid4().hex}"
        try:
            answer = self._client.create_change_set(
                StackName=stack_name,
                ChangeSetName=name,
                ClientToken=name,
                Description="crossaccount.pipeline",
                **request,
            )
            return ChangeSet(arn=answer["Id"], stack_id=answer["StackId"])
        except botocore.exceptions.ClientError as exc:
            if exc.response["Error"]["Code"] != "AlreadyExistsException":
                raise StackMoved("Failed to create the change set", exc) from exc
            return self._made(stack_name, name)
        except botocore.exceptions.HTTPClientError as exc:
            # No reply to any attempt; it may have been made all the same.
            with contextlib.suppress(PipelineError):
                return self._made(stack_name, name)
            raise PipelineError("Failed to create the change set", exc) from exc
        except botocore.exceptions.BotoCoreError as exc:
            raise PipelineError("Failed to create the change set", exc) from exc

    def _template(self, body: str) -> dict[str, str]:
        if self._templates is None or len(body) <= BODY_LIMIT:
            return {"TemplateBody": body}
        return {"TemplateURL": self._templates.url_of(body)}

    def _made(self, stack_name: str, name: str) -> ChangeSet:
        made = self._describe({"StackName": stack_name, "ChangeSetName": name})
        return ChangeSet(arn=made["ChangeSetId"], stack_id=made["StackId"])

    def read(self, change_set: ChangeSet, patience: Patience) -> ChangeSet:
        """Wait until *change_set* is made and return it whole.

        Raises StackMoved when it is gone: another one of its stack was executed.
        """
        for _poll in patience.polls(lambda: f"{change_set.arn} is being made"):
            try:
                first = self._describe(change_set.names)
            except is_ansible_aws_error_code("ChangeSetNotFound") as exc:
                raise StackMoved("the change set is gone", exc) from exc
            if first["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
                break
        if first["Status"] == "FAILED":
            reason = first.get("StatusReason") or "no reason given"
            if any(text in reason for text in _EMPTY):
                return dataclasses.replace(change_set, is_empty=True)
            return dataclasses.replace(change_set, failure=reason)
        return dataclasses.replace(change_set, changes=tuple(self._changes(first)))

    @ErrorHandler.common_error_handler("read the change set")  # type: ignore[untyped-decorator]
    def _describe(self, names: dict[str, str]) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", self._client.describe_change_set(**names))

    @ErrorHandler.common_error_handler("read the change set's further pages")  # type: ignore[untyped-decorator]
    def _changes(self, page: dict[str, t.Any]) -> list[Change]:
        """Return the changes of *page* and of all that follow it."""
        changes = list(page.get("Changes", []))
        if page.get("NextToken"):
            further = self._client.get_paginator("describe_change_set").paginate(
                StackName=page["StackId"],
                ChangeSetName=page["ChangeSetId"],
                PaginationConfig={"StartingToken": page["NextToken"]},
            )
            changes.extend(change for more in further for change in more["Changes"])
        return [Change.from_description(change) for change in changes]

    def execute(self, change_set: ChangeSet) -> None:
        """Begin to execute *change_set*, once, also when the reply to it is lost.

        Raises StackMoved when another operation came first, PipelineError otherwise.
        """
        try:
            self._client.execute_change_set(
                **change_set.names, ClientRequestToken=change_set.arn.rsplit("/", 1)[-1]
            )
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as exc:
            if not self.was_executed(change_set):
                raise StackMoved("Failed to execute the change set", exc) from exc

    def was_executed(self, change_set: ChangeSet) -> bool:
        """Return whether the execution of *change_set* has begun."""
        return str(self.execution_status(change_set)).startswith("EXECUTE_")

    @ErrorHandler.common_error_handler("read the change set")  # type: ignore[untyped-decorator]
    def execution_status(self, change_set: ChangeSet) -> str:
        """Return how far the execution of *change_set* is; ``GONE`` when it was removed."""
        try:
            answer = self._client.describe_change_set(**change_set.names)
        except self._client.exceptions.ChangeSetNotFoundException:
            return "GONE"
        return t.cast("str", answer["ExecutionStatus"])

    @ErrorHandler.common_error_handler("list the change sets")  # type: ignore[untyped-decorator]
    def any_left(self, stack_id: str) -> bool:
        """Return whether the stack has a change set, ours or another's."""
        answer = self._client.list_change_sets(StackName=stack_id)
        return bool(answer["Summaries"])

    @ErrorHandler.common_error_handler("delete the change set")  # type: ignore[untyped-decorator]
    def delete(self, change_set: ChangeSet) -> None:
        """Remove *change_set*; nothing happens when it is gone."""
        self._client.delete_change_set(**change_set.names)


__all__ = ("ChangeSet", "ChangeSets")
