# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the templates that the collection ships, and resolves them as CloudFormation would."""

from __future__ import annotations

import json
import re
from pathlib import Path
from string import Template
from typing import Any

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._access import (
    templates as _access,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack import (
    template as _template,
)

ROOT = Path(__file__).parents[3]
# Not complete without the data of a pipeline.
BASE = ROOT / "roles" / "pipeline" / "files" / "pipeline.template"
TEMPLATES = {
    path.stem: path
    for path in (
        *sorted(ROOT.glob("roles/*/files/*.template")),
        *sorted(ROOT.glob("playbooks/files/*.template")),
    )
    if path != BASE
}
ACCOUNT = "111111111111"
_MISSING = object()
_PLACEHOLDER = re.compile(r"\$\{([\w:.]+)\}")


def source(name: str) -> dict[str, Any]:
    """Return a template as data, with functions in their long form."""
    path = TEMPLATES[name]
    text = (
        _access.template(name)
        if path.parent.resolve() == _access.FILES.resolve()
        else _template.render(path)
    )
    return _template.parse(text)


def resolve(name: str, *, partition: str = "aws", **parameters: str) -> dict[str, Any]:
    """Return the resources of a template, every function resolved.

    Args:
        name: Stem of the template's file.
        partition: What AWS::Partition is.
        parameters: As CloudFormation takes them: lists joined with commas. The others are at
            their default.
    """
    return resolve_template(source(name), partition=partition, **parameters)


def resolve_template(
    template: dict[str, Any], *, partition: str = "aws", **parameters: str
) -> dict[str, Any]:
    """Return the resources of what :func:`source` returns, every function resolved."""
    resources: dict[str, Any] = _Resolver(template, partition, parameters).resources()
    return resources


def policy_file(name: str, partition: str = "aws") -> dict[str, Any]:
    """Return a policy of playbooks/files with its placeholders filled."""
    text = (ROOT / "playbooks" / "files" / f"{name}-policy.json").read_text(encoding="ascii")
    found: dict[str, Any] = json.loads(
        Template(text).substitute(
            Partition=partition, BuildAccountId=ACCOUNT, AccessRoleName="CrossAccountAccess"
        )
    )
    return found


def size(document: Any) -> int:
    """Return how many characters IAM counts: white space is free."""
    return len(json.dumps(document, separators=(",", ":")))


class _Resolver:
    """Resolves the functions that the templates use; an unknown one is a failure."""

    def __init__(
        self, template: dict[str, Any], partition: str, parameters: dict[str, str]
    ) -> None:
        self._template = template
        declared = template["Parameters"]
        assert set(parameters) <= set(declared)
        self._values: dict[str, Any] = {
            "AWS::Partition": partition,
            "AWS::AccountId": ACCOUNT,
            "AWS::Region": "us-east-1",
            # The longest of the names that the collection gives.
            "AWS::StackName": "CrossAccountRegional",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::NoValue": _MISSING,
        }
        for key, definition in declared.items():
            value = str(parameters.get(key, definition.get("Default", _MISSING)))
            is_list = definition["Type"] == "CommaDelimitedList"
            pattern = definition.get("AllowedPattern", "")
            for item in value.split(",") if is_list else [value]:
                assert re.search(pattern, item), f"{key} does not accept {item}"
            self._values[key] = value.split(",") if is_list else value

    def resources(self) -> dict[str, Any]:
        """Return every resource whose condition holds, with its functions resolved."""
        return {
            key: self._resolve(value)
            for key, value in self._template["Resources"].items()
            if "Condition" not in value or self._call_condition(value["Condition"])
        }

    def _resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            resolved = [self._resolve(item) for item in value]
            return [item for item in resolved if item is not _MISSING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(function, argument)] = value.items()
            is_condition = function == "Condition" and isinstance(argument, str)
            if function == "Ref" or function.startswith("Fn::") or is_condition:
                return self._call(function, argument)
        items = {key: self._resolve(item) for key, item in value.items()}
        return {key: item for key, item in items.items() if item is not _MISSING}

    def _call(self, function: str, argument: Any) -> Any:
        match function:
            case "Ref":
                return self._values.get(
                    argument, f"crossaccountregional-{argument.lower()}-0123456789ab"
                )
            case "Fn::GetAtt":
                return self._attribute(".".join(argument))
            case "Fn::If":
                name, then, otherwise = argument
                chosen = then if self._call_condition(name) else otherwise
                return self._resolve(chosen)
            case "Fn::Equals":
                one, other = (self._resolve(item) for item in argument)
                return one == other
            case "Condition":
                return self._call_condition(argument)
            case "Fn::And":
                return all(self._resolve(item) for item in argument)
            case "Fn::Or":
                return any(self._resolve(item) for item in argument)
            case "Fn::Not":
                return not self._resolve(argument[0])
            case "Fn::Join":
                return argument[0].join(self._resolve(argument[1]))
            case "Fn::Split":
                return self._resolve(argument[1]).split(argument[0])
            case "Fn::Select":
                return self._resolve(argument[1])[int(argument[0])]
            case "Fn::Sub":
                return self._substitute(argument)
        raise NotImplementedError(function)

    def _call_condition(self, name: str) -> bool:
        return bool(self._resolve(self._template["Conditions"][name]))

    def _attribute(self, name: str) -> str:
        resource = self._template["Resources"][name.partition(".")[0]]
        partition = self._values["AWS::Partition"]
        if resource["Type"] == "AWS::S3::Bucket":
            return f"arn:{partition}:s3:::{self._call('Ref', name.partition('.')[0])}"
        return (
            f"arn:{partition}:any:us-east-1:{ACCOUNT}:{name}/01234567-89ab-cdef-0123-456789abcdef"
        )

    def _substitute(self, argument: Any) -> str:
        text, own = (argument, {}) if isinstance(argument, str) else argument

        def value(match: re.Match[str]) -> str:
            name = match[1]
            if name in own:
                return str(self._resolve(own[name]))
            return str(self._attribute(name) if "." in name else self._call("Ref", name))

        return _PLACEHOLDER.sub(value, text)


__all__ = (
    "ACCOUNT",
    "BASE",
    "ROOT",
    "TEMPLATES",
    "policy_file",
    "resolve",
    "resolve_template",
    "size",
    "source",
)
