# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A deployed template, its functions resolved with the stack's parameters and resources. Pure.

It knows the functions that the collection's templates use and refuses any other by name: a
guess must not count as expected.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._errors import PipelineError
from .._stack.api import TemplateBody
from .._stack.model import Found, Resource
from .._stack.template import HIDDEN, parse

Data = dict[str, t.Any]

_URL_SUFFIXES = {
    "aws": "amazonaws.com",
    "aws-us-gov": "amazonaws.com",
    "aws-cn": "amazonaws.com.cn",
    "aws-eusc": "amazonaws.eu",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-e": "cloud.adc-e.uk",
    "aws-iso-f": "csp.hci.ic.gov",
}
_PLACEHOLDER = re.compile(r"\$\{(?P<name>[^}]*)\}")
_DYNAMIC = "{{resolve:"
_STORED = "AWS::SSM::Parameter::Value<"
_NO_VALUE: t.Any = object()  # AWS::NoValue, until the list or mapping around it drops it


class Unresolvable(PipelineError):
    """The value does not follow from template, parameters and physical ids."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Deployed:
    """A stack as it is deployed.

    :param stack_id: its ARN, which has partition, account, region and name.
    :param template: its template as data, functions in their long form.
    :param parameters: as CloudFormation stores them, lists joined with commas.
    :param resolved: what those of SSM types, whose values are names, had resolved to.
    """

    stack_id: str
    template: Data
    parameters: t.Mapping[str, str]
    resources: t.Sequence[Resource]
    resolved: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def from_stack(
        cls, found: Found, body: TemplateBody, resources: t.Sequence[Resource]
    ) -> Deployed:
        """Return the stack as it was found.

        :param body: its template, as GetTemplate returns it.
        """
        return cls(
            stack_id=found.stack_id,
            template=parse(body),
            parameters=found.parameters,
            resolved=found.resolved,
            resources=resources,
        )


class Resolver:
    """Resolves values of one deployed template. Raises Unresolvable for what it cannot know."""

    def __init__(self, deployed: Deployed) -> None:
        _arn, self.partition, _service, self.region, self.account_id, rest = (
            deployed.stack_id.split(":", 5)
        )
        self._template = deployed.template
        self._pseudo: Data = {
            "AWS::AccountId": self.account_id,
            "AWS::NoValue": _NO_VALUE,
            "AWS::Partition": self.partition,
            "AWS::Region": self.region,
            "AWS::StackId": deployed.stack_id,
            "AWS::StackName": rest.split("/")[1],
        }
        if self.partition in _URL_SUFFIXES:
            self._pseudo["AWS::URLSuffix"] = _URL_SUFFIXES[self.partition]
        self._parameters = {**deployed.parameters, **deployed.resolved}
        self._resolved = deployed.resolved
        self._physical_ids = {
            resource.logical_id: resource.physical_id for resource in deployed.resources
        }
        if "Transform" in deployed.template:
            raise Unresolvable("the template has a Transform, which only AWS can process")

    def resource_ids(self, *types: str) -> list[str]:
        """Return the logical ids of the resources of *types* whose conditions are true."""
        return [
            logical_id
            for logical_id, resource in self._section("Resources").items()
            if resource["Type"] in types and self.exists(logical_id)
        ]

    def exists(self, logical_id: str) -> bool:
        """Return whether the condition of a resource is true, or missing."""
        condition = self._section("Resources")[logical_id].get("Condition")
        return condition is None or self._condition(condition)

    def type_of(self, logical_id: str) -> str:
        """Return the type of a resource."""
        return str(self._section("Resources")[logical_id]["Type"])

    def property(self, logical_id: str, name: str, default: t.Any = None) -> t.Any:
        """Return a property of a resource, resolved; *default* where the template gives none."""
        properties = self._section("Resources")[logical_id].get("Properties") or {}
        if name not in properties:
            return default
        value = self.resolve(properties[name])
        return default if value is _NO_VALUE else value

    def properties(self, logical_id: str) -> Data:
        """Return every property of a resource, resolved."""
        properties = self._section("Resources")[logical_id].get("Properties") or {}
        return t.cast("Data", self.resolve(properties))

    def resolve(self, value: t.Any) -> t.Any:
        """Return *value* with every function in it resolved."""
        if isinstance(value, list):
            items = (self.resolve(item) for item in value)
            return [item for item in items if item is not _NO_VALUE]
        if isinstance(value, str) and _DYNAMIC in value:
            raise Unresolvable(f"the dynamic reference {value} cannot be resolved here")
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(name, argument)] = value.items()
            if name in ("Ref", "Condition") and isinstance(argument, str):
                return self._reference(argument) if name == "Ref" else self._condition(argument)
            if str(name).startswith("Fn::"):
                return self._call(name, argument)
        pairs = ((key, self.resolve(item)) for key, item in value.items())
        return {key: item for key, item in pairs if item is not _NO_VALUE}

    def _section(self, name: str) -> Data:
        return self._template.get(name) or {}

    def _call(self, name: str, argument: t.Any) -> t.Any:
        functions: dict[str, t.Callable[[t.Any], t.Any]] = {
            "Fn::And": self._and,
            "Fn::Equals": self._equals,
            "Fn::GetAtt": self._get_att,
            "Fn::If": self._if,
            "Fn::Join": self._join,
            "Fn::Not": self._not,
            "Fn::Or": self._or,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::Sub": self._sub,
        }
        if name not in functions:
            raise Unresolvable(f"the function {name} cannot be resolved here")
        try:
            return functions[name](argument)
        except (IndexError, KeyError, TypeError, ValueError) as exc:
            raise Unresolvable(f"{name} has arguments that cannot be resolved: {argument}") from exc

    # References

    def _reference(self, name: str) -> t.Any:
        if name in self._pseudo:
            return self._pseudo[name]
        parameter = self._section("Parameters").get(name)
        if parameter is not None:
            return self._parameter(name, str(parameter.get("Type", "String")))
        if name in self._section("Resources"):
            return self._physical_id(name)
        raise Unresolvable(f"Ref names {name}, which is not known here")

    def _parameter(self, name: str, kind: str) -> t.Any:
        if kind.startswith(_STORED) and name not in self._resolved:
            raise Unresolvable(f"parameter {name} takes its value from Systems Manager")
        if name not in self._parameters:
            raise Unresolvable(f"the stack has no parameter {name}")
        value = self._parameters[name]
        if value == HIDDEN:
            raise Unresolvable(f"parameter {name} is secret")
        kind = kind.removeprefix(_STORED)
        is_list = kind.startswith(("CommaDelimitedList", "List<"))
        return [item.strip() for item in value.split(",")] if is_list else value

    def _physical_id(self, logical_id: str) -> str:
        physical_id = self._physical_ids.get(logical_id)
        if not physical_id:
            raise Unresolvable(f"{logical_id} has no physical id")
        return physical_id

    def _attribute(self, logical_id: str, name: str) -> str:
        if logical_id not in self._section("Resources"):
            raise Unresolvable(f"Fn::GetAtt names {logical_id}, which is not known here")
        kind = self.type_of(logical_id)
        form = _ATTRIBUTES.get((kind, name))
        if form is None:
            raise Unresolvable(f"attribute {name} of {logical_id} ({kind}) cannot be known here")
        physical_id = self._physical_id(logical_id)
        if "|" in physical_id:
            raise Unresolvable(f"{logical_id} has an id of several parts, {physical_id}")
        if physical_id.startswith("arn:"):
            return physical_id if name.endswith("Arn") else physical_id.rpartition(":")[2]
        return form.format(
            partition=self.partition,
            region=self.region,
            account=self.account_id,
            id=physical_id,
            # A queue's id is its URL.
            end=physical_id.rpartition("/")[2],
            path=self.property(logical_id, "Path", "/") if "{path}" in form else "",
        )

    # Functions

    def _get_att(self, argument: t.Any) -> str:
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        logical_id, name = parts
        return self._attribute(logical_id, self.resolve(name))

    def _sub(self, argument: t.Any) -> str:
        text, given = (argument, {}) if isinstance(argument, str) else argument
        if _DYNAMIC in text:
            raise Unresolvable(f"the dynamic reference {text} cannot be resolved here")

        def value(match: re.Match[str]) -> str:
            name = match["name"].strip()
            if name.startswith("!"):  # ${!Literal} stands for ${Literal}
                return f"${{{name[1:]}}}"
            if name in given:
                found = self.resolve(given[name])
            elif "." in name:
                found = self._get_att(name)
            else:
                found = self._reference(name)
            if not isinstance(found, (str, int, float)):
                raise Unresolvable(f"Fn::Sub cannot put {name} into a text: it is not text")
            return _text(found)

        return _PLACEHOLDER.sub(value, text)

    def _join(self, argument: t.Any) -> str:
        delimiter, items = argument
        return str(delimiter).join(_text(item) for item in _list(self.resolve(items)))

    def _split(self, argument: t.Any) -> list[str]:
        delimiter, text = argument
        return str(self.resolve(text)).split(delimiter)

    def _select(self, argument: t.Any) -> t.Any:
        index, items = argument
        found = _list(self.resolve(items))
        number = int(self.resolve(index))
        if not 0 <= number < len(found):
            raise Unresolvable(f"Fn::Select has no item {number}")
        return found[number]

    def _if(self, argument: t.Any) -> t.Any:
        name, then, otherwise = argument
        return self.resolve(then if self._condition(name) else otherwise)

    # Conditions

    def _condition(self, name: str) -> bool:
        conditions = self._section("Conditions")
        if name not in conditions:
            raise Unresolvable(f"condition {name} is not known here")
        return self._truth(conditions[name])

    def _truth(self, value: t.Any) -> bool:
        found = self.resolve(value)
        if not isinstance(found, bool):
            raise Unresolvable(f"{value} is not a condition")
        return found

    def _equals(self, argument: t.Any) -> bool:
        first, second = (self.resolve(item) for item in argument)
        if isinstance(first, (dict, list)) or isinstance(second, (dict, list)):
            return bool(first == second)
        return _text(first) == _text(second)

    def _not(self, argument: t.Any) -> bool:
        [condition] = argument
        return not self._truth(condition)

    def _and(self, argument: t.Any) -> bool:
        return all(self._truth(item) for item in argument)

    def _or(self, argument: t.Any) -> bool:
        return any(self._truth(item) for item in argument)


# What Fn::GetAtt returns, made of the physical id.
_ATTRIBUTES: dict[tuple[str, str], str] = {
    ("AWS::CodeBuild::Project", "Arn"): (
        "arn:{partition}:codebuild:{region}:{account}:project/{id}"
    ),
    ("AWS::Events::Rule", "Arn"): "arn:{partition}:events:{region}:{account}:rule/{id}",
    ("AWS::IAM::Role", "Arn"): "arn:{partition}:iam::{account}:role{path}{id}",
    ("AWS::KMS::Key", "Arn"): "arn:{partition}:kms:{region}:{account}:key/{id}",
    ("AWS::KMS::Key", "KeyId"): "{id}",
    ("AWS::Lambda::Function", "Arn"): "arn:{partition}:lambda:{region}:{account}:function:{id}",
    ("AWS::Logs::LogGroup", "Arn"): "arn:{partition}:logs:{region}:{account}:log-group:{id}:*",
    ("AWS::S3::Bucket", "Arn"): "arn:{partition}:s3:::{id}",
    ("AWS::SNS::Topic", "TopicArn"): "arn:{partition}:sns:{region}:{account}:{id}",
    ("AWS::SNS::Topic", "TopicName"): "{id}",
    ("AWS::SQS::Queue", "Arn"): "arn:{partition}:sqs:{region}:{account}:{end}",
}


def _text(value: t.Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _list(value: t.Any) -> list[t.Any]:
    if not isinstance(value, list):
        raise Unresolvable(f"{value} is not a list")
    return value


__all__ = ("Data", "Deployed", "Resolver", "Unresolvable")
