# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parameters of stacks as users write them: text, lists, functions of CodePipeline. Data."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping

from .._fields import MAPPING, SCALAR, Field, Reader

# What a value in an action's configuration may hold, in characters.
CONFIGURATION_LIMIT = 1_000

# Functions that CodePipeline resolves in a parameter, with their arguments.
FUNCTIONS = {
    "Fn::GetArtifactAtt": ("artifact", "attribute"),
    "Fn::GetParam": ("artifact", "file", "key"),
}
_ARTIFACT_ATTRIBUTES = ("BucketName", "ObjectKey", "URL")


def _parameter(reader: Reader, value: t.Any, where: str) -> t.Any:
    """Return a parameter as CodePipeline takes it: text, or a function."""
    if isinstance(value, Mapping):
        return _function(reader, value, where)
    if isinstance(value, (list, tuple)):
        return ",".join(
            reader.read(_ITEM, item, f"{where}[{number}]")
            for number, item in enumerate(value, start=1)
        )
    return reader.scalar(_SCALAR, value, where)


def _function(
    reader: Reader, value: Mapping[str, t.Any], where: str
) -> dict[str, list[str]] | None:
    name = str(next(iter(value), ""))
    expected = FUNCTIONS.get(name)
    if len(value) != 1 or expected is None:
        reader.problem(
            where,
            "is a mapping, but not a function of CodePipeline",
            f"Use one of {', '.join(FUNCTIONS)}",
        )
        return None
    arguments = value[name]
    if not isinstance(arguments, (list, tuple)) or len(arguments) != len(expected):
        reader.problem(where, f"{name} takes {', '.join(expected)}", "Give it exactly these")
        return None
    fields = [_ARGUMENT, _ATTRIBUTE if name == "Fn::GetArtifactAtt" else _ARGUMENT, _ARGUMENT]
    return {name: [reader.read(*pair, where) for pair in zip(fields, arguments, strict=False)]}


def variables_problem(text: str) -> tuple[str, str] | None:
    """Return what is wrong with CodePipeline's variables in a value that it resolves."""
    for found in _VARIABLE.findall(text):
        if found != _EXECUTION_ID:
            return (
                f"{found} is a variable that the pipeline does not have",
                f"Use {_EXECUTION_ID}, or put the value into the template configuration",
            )
    return None


def _item_problem(text: str) -> tuple[str, str] | None:
    if "," in text:
        return f"{text!r} has a comma, which makes two items of it", "Write them as two items"
    return variables_problem(text)


_VARIABLE = re.compile(r"#\{[^}]*\}")
_EXECUTION_ID = "#{codepipeline.PipelineExecutionId}"
_SCALAR = Field(type=SCALAR, required=True, check=variables_problem)
_ITEM = Field(type=SCALAR, required=True, check=_item_problem)
_ARGUMENT = Field(required=True)
_ATTRIBUTE = Field(required=True, choices=_ARTIFACT_ATTRIBUTES)
_SCALAR_JSON: dict[str, t.Any] = {"type": ["string", "integer", "boolean"]}
_PARAMETER_JSON = {
    "anyOf": [
        _SCALAR_JSON,
        {"type": "array", "items": _SCALAR_JSON},
        *(
            {
                "type": "object",
                "additionalProperties": False,
                "required": [name],
                "properties": {
                    name: {
                        "type": "array",
                        "minItems": len(arguments),
                        "maxItems": len(arguments),
                        "description": ", ".join(arguments),
                    }
                },
            }
            for name, arguments in FUNCTIONS.items()
        ),
    ]
}


def parameters_field(doc: str) -> Field:
    return Field(
        name="parameters",
        type=MAPPING,
        keys=Field(pattern=r"[A-Za-z0-9]{1,255}", words="the name of a parameter", fix="Rename it"),
        item=Field(type=SCALAR, read=_parameter, json=_PARAMETER_JSON),
        kind="name to value",
        doc=doc,
    )


__all__ = ("CONFIGURATION_LIMIT", "FUNCTIONS", "parameters_field", "variables_problem")
