# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parameters of stacks as users write them: text, lists, functions of CodePipeline. Data."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping

from .._fields import MAPPING, SCALAR, Field, Reader
from .outputs import GET_OUTPUT

# What a value in an action's configuration may hold, in characters.
CONFIGURATION_LIMIT = 1_000

# Functions that are resolved during a release, with the arguments that each may have.
FUNCTIONS: dict[str, tuple[tuple[str, ...], ...]] = {
    "Fn::GetArtifactAtt": (("artifact", "attribute"),),
    "Fn::GetParam": (("artifact", "file", "key"),),
    GET_OUTPUT: (("stack", "output"), ("stack", "output", "host", "region")),
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
    forms = FUNCTIONS.get(name)
    if len(value) != 1 or forms is None:
        reader.problem(
            where,
            "is a mapping, but not a function of CodePipeline",
            f"Use one of {', '.join(FUNCTIONS)}",
        )
        return None
    return function_of(reader, name, value[name], where)


def function_of(
    reader: Reader, name: str, arguments: t.Any, where: str
) -> dict[str, list[str]] | None:
    """Return a call of the function *name*; None where its arguments are not right."""
    forms = FUNCTIONS[name]
    expected = {len(form): form for form in forms}
    found = len(arguments) if isinstance(arguments, (list, tuple)) else 0
    if found not in expected:
        words = "; or ".join(", ".join(form) for form in forms)
        reader.problem(where, f"{name} takes {words}", "Give it exactly these")
        return None
    fields = [_ARGUMENTS.get(argument, _ARGUMENT) for argument in expected[found]]
    return {name: [reader.read(*pair, where) for pair in zip(fields, arguments, strict=True)]}


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
_ARGUMENTS = {
    "attribute": Field(required=True, choices=_ARTIFACT_ATTRIBUTES),
    "output": Field(
        required=True,
        pattern=r"[A-Za-z0-9]{1,255}",
        words="the name of an output: letters and digits",
    ),
}
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
            for name, forms in FUNCTIONS.items()
            for arguments in forms
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


__all__ = (
    "CONFIGURATION_LIMIT",
    "FUNCTIONS",
    "function_of",
    "parameters_field",
    "variables_problem",
)
