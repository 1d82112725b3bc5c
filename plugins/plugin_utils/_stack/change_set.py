# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Change sets: created, read whole, executed, deleted."""

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
from .gate import Change, ChangeType
from .model import Desired
from .refusal import CONFLICT_CURE, is_conflict, why_failed
from .template import BODY_LIMIT
from .upload import TemplateStore

try:
    import botocore.exceptions
except ImportError:
    pass  # reported by the actions, host by host

_PREFIX = "crossaccount-"
_EMPTY = ("didn't contain changes", "No updates are to be performed")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChangeSet(t.Generic[ChangeType]):
    """One change set.

    :param changes: all of them; empty before it was read, and when there is nothing to change.
    :param failure: why it failed, with the resource where AWS names it; None if it is only empty.
    """

    arn: str
    stack_id: str
    changes: tuple[ChangeType, ...] = ()
    is_empty: bool = False
    failure: str | None = None

    @property
    def names(self) -> dict[str, str]:
        """Its names in a request; with the stack, because IAM policies need it."""
        return {"StackName": self.stack_id, "ChangeSetName": self.arn}

    def check(self, stack_name: str) -> None:
        """Raise PipelineError if it failed."""
        if self.failure:
            raise PipelineError(
                f"the change set of {stack_name} failed: {self.failure}",
                cure=CONFLICT_CURE if is_conflict(self.failure) else None,
            )


class ChangeSets(t.Generic[ChangeType]):
    """The change sets of one account's stacks in one region.

    :param read_change: makes a change of an entry of DescribeChangeSet.
    :param details: additional arguments of every DescribeChangeSet.
    """

    def __init__(
        self,
        client: Client,
        *,
        read_change: t.Callable[[dict[str, t.Any]], ChangeType],
        **details: t.Any,
    ) -> None:
        self._client = client
        self._read_change = read_change
        self._details = details

    def create(self, stack_name: str, **request: t.Any) -> ChangeSet[ChangeType]:
        """Start creating the change set, once, even if a reply is lost.

        Raises StackMoved when AWS refuses because of the stack's state, PipelineError otherwise.
        """
        # A unique name makes a repeated request, after a lost reply, recognisable.
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
            return self._created(stack_name, name)
        except botocore.exceptions.HTTPClientError as exc:
            # No attempt had a reply; AWS may have created it anyway.
            with contextlib.suppress(PipelineError):
                return self._created(stack_name, name)
            raise PipelineError("Failed to create the change set", exc) from exc
        except botocore.exceptions.BotoCoreError as exc:
            raise PipelineError("Failed to create the change set", exc) from exc

    def _created(self, stack_name: str, name: str) -> ChangeSet[ChangeType]:
        created = self._describe({"StackName": stack_name, "ChangeSetName": name})
        return ChangeSet(arn=created["ChangeSetId"], stack_id=created["StackId"])

    def read(self, change_set: ChangeSet[ChangeType], patience: Patience) -> ChangeSet[ChangeType]:
        """Wait until *change_set* is created and return it whole.

        Raises StackMoved when it is gone: another change set of its stack was executed.
        """
        for _poll in patience.polls(lambda: f"{change_set.arn} is being created"):
            try:
                page = self._describe(change_set.names)
            except is_ansible_aws_error_code("ChangeSetNotFound") as exc:
                raise StackMoved("the change set is gone", exc) from exc
            if page["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
                break
        if page["Status"] == "FAILED":
            reason = page.get("StatusReason") or "no reason given"
            if any(text in reason for text in _EMPTY):
                return dataclasses.replace(change_set, is_empty=True)
            reason = why_failed(self._client, change_set.arn, reason)
            return dataclasses.replace(change_set, failure=reason)
        changes = list(page.get("Changes", []))
        while page.get("NextToken"):
            page = self._describe(change_set.names, NextToken=page["NextToken"])
            changes.extend(page["Changes"])
        read = tuple(self._read_change(change) for change in changes)
        return dataclasses.replace(change_set, changes=read)

    @ErrorHandler.common_error_handler("read the change set")  # type: ignore[untyped-decorator]
    def _describe(self, names: dict[str, str], **page: str) -> dict[str, t.Any]:
        answer = self._client.describe_change_set(**names, **self._details, **page)
        return t.cast("dict[str, t.Any]", answer)

    def execute(self, change_set: ChangeSet[ChangeType]) -> None:
        """Start executing *change_set*: once, even if the reply is lost.

        Raises StackMoved when another operation came first, PipelineError otherwise.
        """
        try:
            self._client.execute_change_set(
                **change_set.names, ClientRequestToken=change_set.arn.rsplit("/", 1)[-1]
            )
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as exc:
            if not self.was_executed(change_set):
                raise StackMoved("Failed to execute the change set", exc) from exc

    def was_executed(self, change_set: ChangeSet[ChangeType]) -> bool:
        """Return whether the execution of *change_set* has started."""
        return str(self.execution_status(change_set)).startswith("EXECUTE_")

    @ErrorHandler.common_error_handler("read the change set")  # type: ignore[untyped-decorator]
    def execution_status(self, change_set: ChangeSet[ChangeType]) -> str:
        """Return how far the execution of *change_set* is; ``GONE`` when it was deleted."""
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
    def delete(self, change_set: ChangeSet[ChangeType]) -> None:
        """Delete *change_set*; nothing happens when it is gone."""
        self._client.delete_change_set(**change_set.names)


def template_change_sets(client: Client) -> ChangeSets[Change]:
    """Return the change sets that apply templates."""
    return ChangeSets(client, read_change=Change.from_description)


def template_request(
    desired: Desired, *, new_stack: bool, templates: TemplateStore | None
) -> dict[str, t.Any]:
    """Return the request of the change set that leads to *desired*.

    :param templates: holds templates too large for a request.
    """
    body = desired.template
    if templates is None or len(body) <= BODY_LIMIT:
        template = {"TemplateBody": body}
    else:
        template = {"TemplateURL": templates.url_of(body)}
    return {
        "ChangeSetType": "CREATE" if new_stack else "UPDATE",
        **template,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in desired.parameters.items()
        ],
        "Tags": ansible_dict_to_boto3_tag_list(desired.tags),
        "Capabilities": list(desired.capabilities),
    }


__all__ = ("ChangeSet", "ChangeSets", "template_change_sets", "template_request")
