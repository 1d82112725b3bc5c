# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stack as desired and as found: plain data, compared without calls."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.tagging import (
    boto3_tag_list_to_ansible_dict,
)

from .._errors import PipelineError
from .status import Verdict, verdict_of
from .template import HIDDEN, parameter_defaults, same_template

# CloudFormation's limit of one parameter value, in bytes.
PARAMETER_LIMIT = 4_096

What = t.Literal["template", "parameters", "tags", "termination_protection", "stack_policy"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Desired:
    """The stack as it should be.

    :param parameters: all of them, as the strings that CloudFormation stores.
    :param stack_policy: None leaves the stack's policy alone.
    :param known_roles: the roles that something outside the stack may refer to, by logical id;
        None: all of them.
    """

    name: str
    template: str
    parameters: dict[str, str]
    tags: dict[str, str]
    capabilities: tuple[str, ...] = ()
    termination_protection: bool = False
    stack_policy: dict[str, t.Any] | None = None
    known_roles: frozenset[str] | None = None

    @classmethod
    def from_values(
        cls,
        *,
        name: str,
        template: str,
        parameters: t.Mapping[str, t.Any],
        tags: t.Mapping[str, t.Any],
        capabilities: t.Iterable[str] = (),
        termination_protection: bool = False,
        stack_policy: dict[str, t.Any] | None = None,
        known_roles: frozenset[str] | None = None,
    ) -> Desired:
        """Return the stack that an inventory's values describe.

        Raises PipelineError for a value that no parameter or tag can hold.
        """
        return cls(
            name=name,
            template=template,
            parameters={str(key): parameter_value(key, value) for key, value in parameters.items()},
            tags={str(key): _tag_value(str(key), value) for key, value in tags.items()},
            capabilities=tuple(capabilities),
            termination_protection=termination_protection,
            stack_policy=stack_policy,
            known_roles=known_roles,
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Found:
    """The stack as DescribeStacks returns it.

    :param resolved: what the parameters of SSM types, whose values are names, had resolved to.
    """

    stack_id: str
    name: str
    status: str
    status_reason: str = ""
    parameters: dict[str, str]
    resolved: dict[str, str] = dataclasses.field(default_factory=dict)
    tags: dict[str, str]
    outputs: dict[str, str]
    termination_protection: bool = False
    role_arn: str = ""
    updated: str = ""

    @classmethod
    def from_description(cls, stack: dict[str, t.Any]) -> Found:
        """Return the stack that *stack*, an entry of DescribeStacks, describes."""
        return cls(
            stack_id=stack["StackId"],
            name=stack["StackName"],
            status=stack["StackStatus"],
            status_reason=stack.get("StackStatusReason", ""),
            parameters={
                entry["ParameterKey"]: entry.get("ParameterValue", "")
                for entry in stack.get("Parameters", [])
            },
            resolved={
                entry["ParameterKey"]: entry["ResolvedValue"]
                for entry in stack.get("Parameters", [])
                if "ResolvedValue" in entry
            },
            tags=boto3_tag_list_to_ansible_dict(stack.get("Tags", [])),
            outputs={
                entry["OutputKey"]: entry.get("OutputValue", "")
                for entry in stack.get("Outputs", [])
            },
            termination_protection=stack.get("EnableTerminationProtection", False),
            role_arn=stack.get("RoleARN", ""),
            updated=str(stack.get("LastUpdatedTime", "")),
        )

    @property
    def version(self) -> tuple[str, str, str]:
        """A value that changes as soon as an operation begins on the stack."""
        return (self.stack_id, self.status, self.updated)

    @property
    def verdict(self) -> Verdict:
        """What the status allows next."""
        return verdict_of(self.status)

    @property
    def exists(self) -> bool:
        """Whether it exists; a stack with only change sets does not."""
        return self.verdict not in (Verdict.ABSENT, Verdict.REVIEW)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource of a stack; all empty for the stack as a whole."""

    logical_id: str = ""
    resource_type: str = ""
    physical_id: str = ""

    @classmethod
    def from_summary(cls, entry: t.Mapping[str, t.Any]) -> Resource:
        """Return the resource that *entry*, one of ListStackResources, describes."""
        return cls(
            logical_id=entry["LogicalResourceId"],
            resource_type=entry["ResourceType"],
            physical_id=entry.get("PhysicalResourceId", ""),
        )

    def __str__(self) -> str:
        return f"{self.logical_id} ({self.resource_type})"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Difference:
    """One difference between the stack found and the stack desired."""

    what: What
    before: t.Any
    after: t.Any

    @property
    def needs_change_set(self) -> bool:
        """Whether a change set makes it; direct settings need none."""
        return self.what in ("template", "parameters", "tags")


def parameter_value(name: str, value: t.Any) -> str:
    """Return *value* as the text that CloudFormation stores for parameter *name*.

    Lists become comma-separated, in the order given. Raises PipelineError for what a parameter
    cannot hold: an item with a comma, a mapping, more than 4,096 bytes.
    """
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, (list, tuple)):
        items = [parameter_value(name, item) for item in value]
        if any("," in item for item in items):
            raise PipelineError(f"parameter {name}: an item of its list contains a comma")
        text = ",".join(items)
    elif isinstance(value, (str, int, float)):
        text = str(value)
    else:
        raise PipelineError(
            f"parameter {name}: its value is {_kind(value)}",
            cure="Use text, a number, a boolean or a list of them",
        )
    size = len(text.encode())
    if size > PARAMETER_LIMIT:
        raise PipelineError(
            f"parameter {name}: its value has {size} bytes, and CloudFormation allows"
            f" {PARAMETER_LIMIT}"
        )
    return text


def _kind(value: object) -> str:
    if value is None:
        return "null"
    return "a mapping" if isinstance(value, dict) else f"a {type(value).__name__}"


def _tag_value(name: str, value: t.Any) -> str:
    text = str(value)
    if not (text.isascii() and name.isascii()):
        raise PipelineError(f"tag {name}: {text!r} is not ASCII", cure="Use plain letters")
    return text


def differences(
    desired: Desired,
    found: Found,
    *,
    found_template: str | dict[str, t.Any],
    found_policy: dict[str, t.Any] | None = None,
    stored: t.Mapping[str, str] | None = None,
) -> list[Difference]:
    """Return every way in which *found* differs from *desired*; empty when nothing does.

    A secret (NoEcho) parameter reads as ``****``, so it never differs.

    :param stored: what parameters of SSM types resolve to now, by the stack's parameter.
    """
    result = []
    if not same_template(desired.template, found_template):
        result.append(Difference(what="template", before=found_template, after=desired.template))
    before, after = dict(found.parameters), dict(_with_defaults(desired, found))
    for name, value in (stored or {}).items():
        if before[name] == after.get(name) and value != found.resolved[name]:
            before[name], after[name] = (
                f"{before[name]} ({text})" for text in (found.resolved[name], value)
            )
    visible = {key: value for key, value in after.items() if before.get(key) != HIDDEN}
    if visible != {key: value for key, value in before.items() if value != HIDDEN}:
        result.append(Difference(what="parameters", before=before, after=after))
    if found.tags != desired.tags:
        result.append(Difference(what="tags", before=found.tags, after=desired.tags))
    return result + direct_differences(desired, found, found_policy=found_policy)


def direct_differences(
    desired: Desired, found: Found, *, found_policy: dict[str, t.Any] | None = None
) -> list[Difference]:
    """Return the differences of direct settings, which no change set holds."""
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
    """Return all parameters: one left out of an update takes the template's default."""
    if desired.parameters.keys() >= found.parameters.keys():
        return desired.parameters
    return parameter_defaults(desired.template) | desired.parameters


__all__ = (
    "PARAMETER_LIMIT",
    "Desired",
    "Difference",
    "Found",
    "Resource",
    "What",
    "differences",
    "direct_differences",
    "parameter_value",
)
