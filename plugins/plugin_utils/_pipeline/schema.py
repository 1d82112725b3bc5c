# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variable ``pipeline`` of a host: every field. Data."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping

from .._fields import LIST, MAPPING, NUMBER, SCALAR, Field, Reader
from .._organisation.schema import REGION_OF_LIST, STACK_NAME, STACK_NAME_WORDS
from .model import (
    ARTIFACT_SYNCS,
    CAPABILITIES,
    CHANGE_SETS,
    DEFAULT_ACTIONS_PER_STAGE,
    EXECUTION_MODES,
    LAMBDA,
    QUEUED,
    REVIEWS,
)
from .source_schema import SOURCE, path_field
from .stages import CONFIGURATION_LIMIT

PIPELINE_NAME = r"[a-z][a-z0-9-]{1,31}"
STAGE_NAME = r"[A-Za-z0-9.@_-]{1,100}"


# Functions that CodePipeline resolves in a parameter, with their arguments.
FUNCTIONS = {
    "Fn::GetArtifactAtt": ("artifact", "attribute"),
    "Fn::GetParam": ("artifact", "file", "key"),
}
_ARTIFACT_ATTRIBUTES = ("BucketName", "ObjectKey", "URL")


# Parameters of stacks


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


def _variables_problem(text: str) -> tuple[str, str] | None:
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
    return _variables_problem(text)


_VARIABLE = re.compile(r"#\{[^}]*\}")
_EXECUTION_ID = "#{codepipeline.PipelineExecutionId}"
_SCALAR = Field(type=SCALAR, required=True, check=_variables_problem)
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


def _parameters(doc: str) -> Field:
    return Field(
        name="parameters",
        type=MAPPING,
        keys=Field(pattern=r"[A-Za-z0-9]{1,255}", words="the name of a parameter", fix="Rename it"),
        item=Field(type=SCALAR, read=_parameter, json=_PARAMETER_JSON),
        kind="name to value",
        doc=doc,
    )


# The stacks

_STACKS = Field(
    name="stacks",
    type=LIST,
    required=True,
    minimum=1,
    unique=("name",),
    fix="List the stacks to deploy",
    doc="The stacks that every environment gets.",
    fields=(
        Field(
            name="name",
            required=True,
            pattern=STACK_NAME,
            words=STACK_NAME_WORDS,
            kind="stack name",
            doc="The stack in the deploy accounts.",
        ),
        Field(
            name="artifact",
            required=True,
            kind="an artifact",
            doc="The artifact that its template is in.",
        ),
        path_field("template", "The template in the artifact.", required=True),
        path_field(
            "template_configuration",
            "A [template configuration file](https://docs.aws.amazon.com/AWSCloudFormation/latest/"
            "UserGuide/continuous-delivery-codepipeline-cfn-artifacts.html) in the same artifact:"
            " parameters, tags, a stack policy.",
        ),
        _parameters("They override the configuration file; 1,000 characters as JSON."),
        Field(
            name="capabilities",
            type=LIST,
            item=Field(required=True, choices=CAPABILITIES),
            unique=("",),
            doc="What its template may do, as CloudFormation asks.",
        ),
        Field(
            name="after",
            kind="a stack of this pipeline",
            doc="It is deployed after that stack; others are deployed together.",
        ),
    ),
)

# The waves


def _approval(reader: Reader, value: t.Any, where: str) -> dict[str, t.Any] | None:
    """Return the approval of a wave: true means without text."""
    if isinstance(value, Mapping):
        return reader.mapping(APPROVAL, value, where)
    if isinstance(value, bool):
        return {} if value else None
    reader.problem(where, "is neither true nor a mapping", "Give it summary and link")
    return None


APPROVAL = Field(
    name="approval",
    type=MAPPING,
    fields=(
        Field(
            name="review",
            default=CHANGE_SETS,
            choices=REVIEWS,
            doc="What is approved: all change sets of the wave, or the release before any is made.",
        ),
        Field(
            name="summary",
            longest=CONFIGURATION_LIMIT,
            check=_variables_problem,
            doc="What is asked.",
        ),
        Field(
            name="link",
            longest=CONFIGURATION_LIMIT,
            pattern=r"https?://\S+",
            words="an address",
            check=_variables_problem,
            doc="Where to look.",
        ),
    ),
)
_ENVIRONMENTS = Field(
    name="environments",
    type=LIST,
    required=True,
    minimum=1,
    fix="List the hosts to deploy to",
    doc="What is released together.",
    fields=(
        Field(
            name="host",
            required=True,
            kind="a host",
            doc="A host of `deploy_accounts` that is not absent.",
        ),
        Field(
            name="regions",
            type=LIST,
            minimum=1,
            item=REGION_OF_LIST,
            unique=("",),
            fix="List at least one region",
            kind="list of regions",
            default_words="all of the host's",
            doc="Where to deploy to.",
        ),
        _parameters("They override those of the stacks."),
    ),
)
_WAVES = Field(
    name="waves",
    type=LIST,
    required=True,
    minimum=1,
    unique=("name",),
    fix="List what is released one after the other",
    doc="What is released one after the other.",
    fields=(
        Field(
            name="name",
            required=True,
            pattern=rf"(?!(Source|SyncArtifacts)$){STAGE_NAME}",
            words="a name of 1 to 100 letters, digits and .@_- other than Source and SyncArtifacts",
            kind="letters, digits, `.@_-`",
            doc="The wave, and its stage. Not `Source` or `SyncArtifacts`.",
        ),
        _ENVIRONMENTS,
        Field(
            name="approval",
            type=MAPPING,
            read=_approval,
            json={"type": "boolean"},
            fields=APPROVAL.fields,
            kind="true, or a mapping",
            doc="Somebody agrees before the wave is executed.",
        ),
    ),
)

PIPELINE = Field(
    name="pipeline",
    type=MAPPING,
    required=True,
    fields=(
        SOURCE,
        _STACKS,
        _WAVES,
        Field(
            name="artifact_sync",
            default=LAMBDA,
            choices=ARTIFACT_SYNCS,
            doc="Who copies artifacts to other regions: a stage with the SyncArtifacts function,"
            " or CodePipeline before each action.",
        ),
        Field(
            name="execution_mode",
            default=QUEUED,
            choices=EXECUTION_MODES,
            doc="A release that meets another waits, or replaces one that waits.",
        ),
        Field(
            name="max_actions_per_stage",
            type=NUMBER,
            default=DEFAULT_ACTIONS_PER_STAGE,
            minimum=2,
            maximum=100,
            doc="A wave with more actions is spread over several stages.",
        ),
    ),
)

__all__ = (
    "APPROVAL",
    "FUNCTIONS",
    "PIPELINE",
    "PIPELINE_NAME",
    "STAGE_NAME",
)
