# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a stack is and what it should be: plain data, compared without a call."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.tagging import (
    boto3_tag_list_to_ansible_dict,
)

from .._errors import PipelineError
from .status import Verdict, verdict_of
from .template import parameter_defaults, same_template

# CloudFormation's limit of one parameter value, in bytes.
PARAMETER_LIMIT = 4_096

_NO_ECHO = "****"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Desired:
    """The stack that the inventory and the templates want.

    :param parameters: all of them, as the strings that CloudFormation keeps.
    :param stack_policy: None leaves the stack's policy alone.
    """

    name: str
    template: str
    parameters: dict[str, str]
    tags: dict[str, str]
    capabilities: tuple[str, ...] = ()
    termination_protection: bool = False
    stack_policy: dict[str, t.Any] | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Found:
    """The stack that AWS has, as DescribeStacks tells it."""

    stack_id: str
    name: str
    status: str
    status_reason: str = ""
    parameters: dict[str, str]
    tags: dict[str, str]
    outputs: dict[str, str]
    termination_protection: bool = False
    updated: str = ""

    @classmethod
    def from_description(cls, stack: dict[str, t.Any]) -> Found:
        """Return what *stack*, an entry of DescribeStacks, says."""
        return cls(
            stack_id=stack["StackId"],
            name=stack["StackName"],
            status=stack["StackStatus"],
            status_reason=stack.get("StackStatusReason", ""),
            parameters={
                entry["ParameterKey"]: entry.get("ParameterValue", "")
                for entry in stack.get("Parameters", [])
            },
            tags=boto3_tag_list_to_ansible_dict(stack.get("Tags", [])),
            outputs={
                entry["OutputKey"]: entry.get("OutputValue", "")
                for entry in stack.get("Outputs", [])
            },
            termination_protection=stack.get("EnableTerminationProtection", False),
            updated=str(stack.get("LastUpdatedTime", "")),
        )

    @property
    def version(self) -> tuple[str, str, str]:
        """What differs as soon as any operation has been at the stack."""
        return (self.stack_id, self.status, self.updated)

    @property
    def verdict(self) -> Verdict:
        """What the status allows next."""
        return verdict_of(self.status)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Difference:
    """One way in which the stack found is not the stack desired."""

    what: str  # template, parameters, tags, termination_protection, stack_policy
    before: t.Any
    after: t.Any

    @property
    def needs_change_set(self) -> bool:
        """Whether a change set can carry it; protection and stack policy are set beside it."""
        return self.what in ("template", "parameters", "tags")


def parameter_value(name: str, value: t.Any) -> str:
    """Return *value* as the text that CloudFormation keeps of parameter *name*.

    Lists become comma-separated, in the order given. Raises PipelineError for what no parameter
    can hold: an item with a comma, a mapping, more than 4,096 bytes.
    """
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, (list, tuple)):
        items = [parameter_value(name, item) for item in value]
        if any("," in item for item in items):
            raise PipelineError(f"parameter {name}: an item of its list holds a comma")
        text = ",".join(items)
    elif isinstance(value, (str, int, float)):
        text = str(value)
    else:
        raise PipelineError(f"parameter {name}: a {type(value).__name__} cannot be its value")
    size = len(text.encode())
    if size > PARAMETER_LIMIT:
        raise PipelineError(
            f"parameter {name}: {size} bytes, more than the {PARAMETER_LIMIT} that one value holds"
        )
    return text


def differences(
    desired: Desired,
    found: Found,
    *,
    found_template: str | dict[str, t.Any],
    found_policy: dict[str, t.Any] | None = None,
) -> list[Difference]:
    """Return every way in which *found* differs from *desired*; empty when nothing does.

    A secret (NoEcho) parameter reads as ``****`` and so is never seen to differ.
    """
    result = []
    if not same_template(desired.template, found_template):
        result.append(
            Difference(what="template", before=_text(found_template), after=desired.template)
        )
    before, after = found.parameters, _with_defaults(desired, found)
    visible = {key: value for key, value in after.items() if before.get(key) != _NO_ECHO}
    if visible != {key: value for key, value in before.items() if value != _NO_ECHO}:
        result.append(Difference(what="parameters", before=before, after=after))
    if found.tags != desired.tags:
        result.append(Difference(what="tags", before=found.tags, after=desired.tags))
    result.extend(direct_differences(desired, found, found_policy=found_policy))
    return result


def direct_differences(
    desired: Desired, found: Found, *, found_policy: dict[str, t.Any] | None = None
) -> list[Difference]:
    """Return the differences that have no place in a change set."""
    result = []
    if found.termination_protection != desired.termination_protection:
        result.append(
            Difference(
                what="termination_protection",
                before=found.termination_protection,
                after=desired.termination_protection,
            )
        )
    if desired.stack_policy is not None and found_policy != desired.stack_policy:
        result.append(
            Difference(what="stack_policy", before=found_policy, after=desired.stack_policy)
        )
    return result


def _with_defaults(desired: Desired, found: Found) -> dict[str, str]:
    """A parameter left out of an update takes the template's default, not its old value."""
    if desired.parameters.keys() >= found.parameters.keys():
        return desired.parameters
    return parameter_defaults(desired.template) | desired.parameters


def _text(template: str | dict[str, t.Any]) -> str:
    if isinstance(template, str):
        return template
    return json.dumps(template, indent=2, default=str)


__all__ = (
    "PARAMETER_LIMIT",
    "Desired",
    "Difference",
    "Found",
    "differences",
    "direct_differences",
    "parameter_value",
)
