# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a template means: conditions, the parameters it takes, and what an update replaces."""

from __future__ import annotations

import copy
import functools
import pickle
import re
from collections.abc import Iterator
from typing import Any

import yaml
from ministack.services import cloudformation
from ministack.services.cloudformation import (
    changesets,
    engine,
    handlers,
    provisioners,
    stacks,
)

_MODULES = (engine, changesets, handlers, stacks)
# Between the two values of a parameter, until they are taken apart.
_RESOLVED = "\x1f"
_RESOLVED_IN_CONDITIONS = ("Fn::FindInMap", "Fn::Join", "Fn::Select", "Fn::Split", "Fn::Sub")
# Create-only properties, from the resource reference. MiniStack calls every change of a type
# that it does not list "Conditional".
_REPLACING = {
    "AWS::Events::Rule": ("EventBusName", "Name"),
    "AWS::IAM::Policy": (),
    "AWS::KMS::Alias": ("AliasName",),
    "AWS::KMS::Key": (),
    "AWS::Lambda::Permission": (
        "Action",
        "EventSourceToken",
        "FunctionName",
        "FunctionUrlAuthType",
        "Principal",
        "PrincipalOrgID",
        "SourceAccount",
        "SourceArn",
    ),
    "AWS::Logs::LogGroup": ("LogGroupName",),
    "AWS::S3::Bucket": ("BucketName",),
    "AWS::S3::BucketPolicy": ("Bucket",),
    "AWS::SNS::TopicPolicy": (),
}


class _Loader(yaml.CSafeLoader):
    """MiniStack's loader, on libyaml: a third of the lab's CPU time was PyYAML's own parser."""

    yaml_constructors = engine.CfnLoader.yaml_constructors


def install() -> None:
    """Restore all of it."""
    provisioners._REPLACING_PROPERTIES.update(_REPLACING)
    engine.CfnLoader = _Loader
    _parsing()
    _conditions()
    _parameters()
    _stored_parameters()
    _changes()


def _parsing() -> None:
    """Parse each text once: GetTemplate parses it too, and many accounts have the same."""
    parse = engine._parse_template

    @functools.lru_cache(maxsize=100)
    def pickled(text: str) -> bytes:
        return pickle.dumps(parse(text))

    def parsed(text: str) -> Any:
        return pickle.loads(pickled(text))  # noqa: S301  # only what the function above pickled

    for module in (engine, changesets, handlers):
        module._parse_template = parsed


def _conditions() -> None:
    """Functions inside a condition.

    AWS: Fn::Join, Fn::Sub and the like are resolved, and so are pseudo parameters. MiniStack:
    compares the function itself, so "the list is empty" is never true.
    """
    evaluate = engine._evaluate_conditions

    def evaluated(template: dict[str, Any], values: dict[str, Any]) -> dict[str, bool]:
        mappings = template.get("Mappings", {})
        conditions = {
            name: _resolved(expression, values, mappings)
            for name, expression in template.get("Conditions", {}).items()
        }
        result: dict[str, bool] = evaluate({**template, "Conditions": conditions}, values)
        return result

    for module in _MODULES:
        module._evaluate_conditions = evaluated


def _stored_parameters() -> None:
    """A parameter of a type AWS::SSM::Parameter::Value<...>, as DescribeStacks shows it.

    AWS: ParameterValue is the name in Parameter Store, ResolvedValue what it stood for. MiniStack:
    ParameterValue is what it stood for.
    """
    describe = handlers._ACTION_HANDLERS["DescribeStacks"]

    def described(parameters: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        shown = [item for stack in cloudformation._stacks.values() for item in _stored(stack)]
        for item, name in shown:
            item["ParameterValue"] = f"{name}{_RESOLVED}{item['ParameterValue']}"
        try:
            status, headers, body = describe(parameters)
        finally:
            for item, _name in shown:
                item["ParameterValue"] = item["ParameterValue"].partition(_RESOLVED)[2]
        both = rb"</ParameterValue><ResolvedValue>\1</ResolvedValue>"
        body = re.sub(_RESOLVED.encode() + b"([^<]*)</ParameterValue>", both, body)
        return status, headers, body

    handlers._ACTION_HANDLERS["DescribeStacks"] = described


def _stored(stack: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """The stack's parameters that stand for one in Parameter Store, with its name."""
    values = stack.get("_resolved_params", {})
    for item in stack.get("Parameters", []):
        name = values.get(item["ParameterKey"], {}).get("SsmName")
        if name and not item.get("NoEcho"):
            yield item, name


def _changes() -> None:
    """The changes of a change set.

    AWS: a resource whose condition is false does not exist, so it is added when the condition
    turns true, and removed when it turns false. MiniStack: lists it whatever the condition.
    """
    resolve = changesets._resolve_props_for_diff

    def resolved(
        template: dict[str, Any], values: dict[str, Any], stack_name: str, stack_id: str
    ) -> dict[str, Any]:
        result: dict[str, Any] = resolve(template, values, stack_name, stack_id)
        if not result:
            return result
        conditions = engine._evaluate_conditions(template, values)
        resources = {
            name: resource
            for name, resource in result["Resources"].items()
            if conditions.get(resource.get("Condition"), True)
        }
        return {"Resources": resources}

    changesets._resolve_props_for_diff = resolved


def _resolved(node: Any, values: dict[str, Any], mappings: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_resolved(item, values, mappings) for item in node]
    if not isinstance(node, dict):
        return node
    (key, argument), *more = node.items() or [("", None)]
    pseudo = key == "Ref" and str(argument).startswith("AWS::")
    if not more and (key in _RESOLVED_IN_CONDITIONS or pseudo):
        return engine._resolve_refs(copy.deepcopy(node), {}, values, {}, mappings, "", "")
    return {name: _resolved(item, values, mappings) for name, item in node.items()}


def _parameters() -> None:
    """A parameter that the template does not have, and a template without resources.

    AWS: ValidationError for both. MiniStack: ignores the one and makes a stack of the other.
    """
    resolve = engine._resolve_parameters

    def resolved(
        template: dict[str, Any], given: list[dict[str, Any]], previous: Any = None
    ) -> dict[str, Any]:
        if not template.get("Resources"):
            raise ValueError(
                "Template format error: At least one Resources member must be defined."
            )
        unknown = [
            item["Key"] for item in given if item["Key"] not in template.get("Parameters", {})
        ]
        if unknown:
            raise ValueError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
        result: dict[str, Any] = resolve(template, given, previous)
        return result

    for module in _MODULES:
        module._resolve_parameters = resolved


__all__ = ("install",)
