# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variable ``pipeline`` of a host: every field. Data."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping

from .._fields import FLAG, LIST, MAPPING, NUMBER, SCALAR, Field, Reader
from .._organisation.schema import REGION_OF_LIST, STACK_NAME, STACK_NAME_WORDS
from .model import (
    ARTIFACT_SYNCS,
    CAPABILITIES,
    CHANGE_SETS,
    CODEBUILD,
    COMPUTE_TYPES,
    DEFAULT_ACTIONS_PER_STAGE,
    DEFAULT_BUILDSPEC,
    DEFAULT_COMPUTE_TYPE,
    DEFAULT_IMAGE,
    EXECUTION_MODES,
    LAMBDA,
    QUEUED,
    REVIEWS,
    S3,
    SOURCE_TYPES,
)
from .stages import CONFIGURATION_LIMIT

PIPELINE_NAME = r"[a-z][a-z0-9-]{1,31}"
STAGE_NAME = r"[A-Za-z0-9.@_-]{1,100}"

_SEGMENT = r"(?!\.\.?(/|$))[\w.-]+"
_PATH = rf"{_SEGMENT}(/{_SEGMENT})*"
_PATH_WORDS = "a plain relative path of letters, digits and ._/-"
_LONGEST_PATH = 512  # so that an action's value of 1,000 characters holds artifact and path

# Functions that CodePipeline resolves in a parameter, with their arguments.
FUNCTIONS = {
    "Fn::GetArtifactAtt": ("artifact", "attribute"),
    "Fn::GetParam": ("artifact", "file", "key"),
}
_ARTIFACT_ATTRIBUTES = ("BucketName", "ObjectKey", "URL")
_CONNECTION = (
    r"arn:aws[a-z-]*:(codeconnections|codestar-connections):[a-z0-9-]+:\d{12}:connection/[a-z0-9-]+"
)
_ROLE = r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+"
_OIDC_PROVIDER = r"arn:aws[a-z-]*:iam::\d{12}:oidc-provider/[\w.-]+(/[\w./-]+)?"
# GitHub adds ids to the names of repositories made since July 2026: owner@1/name@2. Nothing else is
# a subject: a pull request must not upload, and IAM would expand * and ${...}.
_OIDC_SUBJECT = (
    r"repo:[\w.-]+(@\d+)?/[\w.-]+(@\d+)?:(ref:refs/heads/[\w./@+-]+|environment:[\w./@+% -]+)"
    r"|project_path:[\w./-]+:ref_type:(branch|tag):ref:[\w./@+-]+"
)


def _path(name: str, doc: str, *, required: bool = False, default: str | None = None) -> Field:
    return Field(
        name=name,
        required=required,
        default=default,
        pattern=_PATH,
        words=_PATH_WORDS,
        longest=_LONGEST_PATH,
        kind="relative path",
        doc=doc,
    )


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


# The source


def _branch_problem(branch: str) -> tuple[str, str] | None:
    if branch.startswith("refs/"):
        name = branch.removeprefix("refs/").partition("/")[2]
        return f"{branch!r} is a reference, not a branch", f"Did you mean {name}?"
    return None


def _image_problem(image: str) -> tuple[str, str] | None:
    """Return why CodeBuild would not pull or run an image."""
    if _ECR.match(image):
        return (
            f"{image!r} is in a private registry, and builds have no credentials for it",
            "Use an image of CodeBuild or of a public registry",
        )
    if _NOT_LINUX.match(image):
        return f"{image!r} does not run in a Linux container", "Use an image for Linux"
    return None


_ECR = re.compile(r"\d{12}\.dkr[.-]ecr[.-]")
_NOT_LINUX = re.compile(r"aws/codebuild/(.*(windows|lambda|macos)|ami/)")

_ARTIFACTS = Field(
    name="artifacts",
    type=LIST,
    required=True,
    minimum=1,
    unique=("name", "object"),
    fix="List what the build makes",
    doc="What a build makes. The first is CodeBuild's primary artifact.",
    fields=(
        Field(
            name="name",
            required=True,
            pattern=r"[A-Za-z0-9_]{1,100}",
            words="a name of 1 to 100 letters, digits and underscores",
            kind="letters, digits, underscores",
            doc="Its name in the pipeline and in `buildspec.yml`.",
        ),
        _path("object", "Its object in the build bucket, below `<pipeline>/`.", required=True),
        Field(
            name="trigger",
            type=FLAG,
            doc="`s3` only: its upload starts the pipeline. Exactly one has it; upload it last.",
        ),
    ),
)
BUILD_FIELDS = (
    Field(
        name="repository",
        required=True,
        pattern=r"https://github\.com/[\w.-]+/[\w.-]+",
        words="https://github.com/<owner>/<name>",
        doc="The repository.",
    ),
    Field(
        name="branch",
        default="main",
        pattern=r"(?!.*(\.\.|//|\.lock$|[./]$))[A-Za-z0-9][A-Za-z0-9._/-]*",
        check=_branch_problem,
        words="a branch of letters, digits and ._/-",
        kind="letters, digits, `._/-`",
        doc="Pushes to it are released; pull requests into it are built.",
    ),
    Field(
        name="connection_arn",
        pattern=_CONNECTION,
        words="the ARN of a connection",
        kind="ARN",
        doc="A CodeConnections connection to GitHub, for [this repository only](#builds). Without"
        " it: CodeBuild's OAuth authorization.",
    ),
    _path("buildspec", "The build specification in the repository.", default=DEFAULT_BUILDSPEC),
    Field(
        name="image",
        default=DEFAULT_IMAGE,
        pattern=r"[\w./:@-]+",
        words="an image",
        check=_image_problem,
        doc="The image of the builds, for Linux and public. With `aarch64` or `arm64` in its name:"
        " ARM.",
    ),
    Field(
        name="compute_type",
        default=DEFAULT_COMPUTE_TYPE,
        choices=COMPUTE_TYPES,
        kind="`BUILD_GENERAL1_*`",
        doc="The size of the machine.",
    ),
    Field(
        name="environment",
        type=MAPPING,
        keys=Field(
            pattern=r"(?!CODEBUILD_)[A-Za-z_][A-Za-z0-9_]*",
            words="the name of a variable (CODEBUILD_ is reserved)",
            fix="Rename it",
        ),
        item=Field(type=SCALAR),
        kind="name to text",
        doc="Variables of the build. Not for secrets: the project shows them.",
    ),
    Field(
        name="forks",
        type=FLAG,
        doc="Builds the pull requests of forks at once, without `connection_arn` only:"
        " [Builds](#builds).",
    ),
)


def _uploader(reader: Reader, value: t.Any, where: str) -> dict[str, t.Any] | None:
    """Return who uploads: at least one way, and a subject with its provider."""
    found = reader.mapping(Field(type=MAPPING, fields=_UPLOADER), value, where)
    if found is None:
        return None
    given = [name for name in found if value.get(name)]
    if not given:
        reader.problem(where, "names nobody", "Set role_arns, or oidc_subject")
    for name, other in (_OIDC, _OIDC[::-1]):
        if name in given and other not in given:
            reader.problem(where, f"{name} is set without {other}", f"Set {other} too")
    return found


_OIDC = ("oidc_provider_arn", "oidc_subject")
_UPLOADER = (
    Field(
        name="role_arns",
        type=LIST,
        item=Field(required=True, pattern=_ROLE, words="the ARN of a role"),
        unique=("",),
        kind="list of ARNs",
        doc="Roles, of any account.",
    ),
    Field(
        name="oidc_provider_arn",
        pattern=_OIDC_PROVIDER,
        words="the ARN of an OIDC provider",
        kind="ARN",
        doc="The identity provider of GitHub or GitLab in the build account.",
    ),
    Field(
        name="oidc_subject",
        pattern=_OIDC_SUBJECT,
        words="a branch or environment of a GitHub repository, or a branch or tag of a GitLab"
        " project",
        fix="Copy `sub` from a token of the job: docs/pipelines.md has its forms",
        kind="`sub` of a token",
        doc="The job that uploads, without wildcards: [Uploads](#uploads).",
    ),
)
UPLOAD_FIELDS = (
    Field(
        name="uploader",
        type=MAPPING,
        required=True,
        read=_uploader,
        fields=_UPLOADER,
        doc="Who may assume the role that uploads: roles, a job of GitHub or GitLab, or both.",
    ),
)
_TYPE = Field(
    name="type",
    required=True,
    choices=SOURCE_TYPES,
    doc="CodeBuild builds a GitHub repository, or somebody uploads artifacts.",
)
SOURCE_FIELDS = (_TYPE, _ARTIFACTS)


# What each type takes in addition.
_FIELDS_OF_TYPE = {CODEBUILD: BUILD_FIELDS, S3: UPLOAD_FIELDS}


def _source(reader: Reader, value: t.Any, where: str) -> dict[str, t.Any] | None:
    """Return the source: some fields are for one type alone."""
    kind = value.get("type") if isinstance(value, Mapping) else None
    fields: tuple[Field, ...] = SOURCE_FIELDS
    for other, of_type in _FIELDS_OF_TYPE.items():
        names = [field.name for field in of_type]
        if kind == other:
            fields = (*fields, *of_type)
        elif isinstance(value, Mapping):
            for name in names:
                if kind in SOURCE_TYPES and name in value:
                    reader.problem(
                        f"{where}.{name}", f"is for type {other}", "Remove it, or change the type"
                    )
            value = {name: item for name, item in value.items() if name not in names}
    return reader.mapping(Field(type=MAPPING, fields=fields), value, where)


_SOURCE = Field(
    name="source",
    type=MAPPING,
    required=True,
    read=_source,
    fields=(*SOURCE_FIELDS, *BUILD_FIELDS, *UPLOAD_FIELDS),
    doc="Where the artifacts come from.",
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
        _path("template", "The template in the artifact.", required=True),
        _path(
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
        _SOURCE,
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
    "BUILD_FIELDS",
    "FUNCTIONS",
    "PIPELINE",
    "PIPELINE_NAME",
    "SOURCE_FIELDS",
    "STAGE_NAME",
    "UPLOAD_FIELDS",
)
