# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The source of a pipeline: every field. Data."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping

from .._fields import FLAG, LIST, MAPPING, Field, Reader
from .paths import path_field
from .providers import PROVIDERS
from .source import CODEBUILD, CODECOMMIT, CONNECTION, ECR, S3, SOURCE_TYPES
from .trigger_schema import TRIGGERS

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


def _branch_problem(branch: str) -> tuple[str, str] | None:
    if branch.startswith("refs/"):
        name = branch.removeprefix("refs/").partition("/")[2]
        return f"{branch!r} is a reference, not a branch", f"Did you mean {name}?"
    return None


_ARTIFACTS = Field(
    name="artifacts",
    type=LIST,
    required=True,
    minimum=1,
    unique=("name", "object"),
    fix="List what the build makes",
    doc="What a build makes.",
    fields=(
        Field(
            name="name",
            required=True,
            pattern=r"[A-Za-z0-9_]{1,100}",
            words="a name of 1 to 100 letters, digits and underscores",
            kind="letters, digits, underscores",
            doc="Its name in the pipeline and in `buildspec.yml`.",
        ),
        path_field(
            "object",
            "`codebuild` and `s3`, required there: its object in the build bucket, below"
            " `<pipeline>/`.",
        ),
        Field(
            name="trigger",
            type=FLAG,
            doc="`s3` only: its upload starts the pipeline. Exactly one has it; upload it last.",
        ),
        path_field(
            "directory",
            "With [`build.commands`](#build) only: what it holds; everything without it.",
        ),
    ),
)
_BRANCH = Field(
    name="branch",
    default="main",
    pattern=r"(?!.*(\.\.|//|\.lock$|[./]$))[A-Za-z0-9][A-Za-z0-9._/-]*",
    check=_branch_problem,
    words="a branch of letters, digits and ._/-",
    kind="letters, digits, `._/-`",
    doc="Pushes to it are released; pull requests into it are built.",
)
_CLONE = Field(
    name="clone",
    type=FLAG,
    doc="Builds clone the repository, with its history, instead of getting a ZIP of its files.",
)
CONNECTION_FIELDS = (
    Field(
        name="repository",
        required=True,
        pattern=r"https://[A-Za-z0-9.-]+(:\d+)?(/[\w.-]+){2,}",
        words="https://<host>/<owner>/<name>",
        doc="The repository, at GitHub, GitLab or Bitbucket.",
    ),
    Field(
        name="provider",
        choices=tuple(PROVIDERS),
        default_words="as `repository` shows",
        doc="Who hosts the repository: needed for hosts of your own.",
    ),
    Field(
        name="connection_arn",
        required=True,
        pattern=_CONNECTION,
        words="the ARN of a connection",
        kind="ARN",
        fix="Make a connection: docs/sources.md has the steps",
        doc="The connection that reaches it: [Connections](sources.md#connections).",
    ),
    _BRANCH,
    TRIGGERS,
    _CLONE,
    Field(
        name="pull_requests",
        type=FLAG,
        default=True,
        doc="Builds pull requests into `branch`: [Pull requests](sources.md#pull-requests).",
    ),
)
CODECOMMIT_FIELDS = (
    Field(
        name="repository",
        required=True,
        pattern=r"[\w.-]{1,100}",
        words="the name of a repository",
        doc="The repository, in the build account and the primary region.",
    ),
    dataclasses.replace(_BRANCH, doc="Pushes to it are released."),
    _CLONE,
)
ECR_FIELDS = (
    Field(
        name="repository",
        required=True,
        pattern=r"[a-z0-9][a-z0-9._/-]{1,255}",
        words="the name of a repository",
        doc="The repository, in the build account and the primary region.",
    ),
    Field(
        name="tag",
        default="latest",
        pattern=r"\w[\w.-]{0,127}",
        words="the tag of an image",
        doc="Images that are pushed with it are released.",
    ),
)
CODEBUILD_FIELDS = (
    Field(
        name="repository",
        required=True,
        pattern=r"https://github\.com/[\w.-]+/[\w.-]+",
        words="https://github.com/<owner>/<name>",
        doc="The repository.",
    ),
    _BRANCH,
    Field(
        name="connection_arn",
        pattern=_CONNECTION,
        words="the ARN of a connection",
        kind="ARN",
        doc="A CodeConnections connection to GitHub, for [this repository only](sources.md#"
        "pull-requests). Without it: CodeBuild's OAuth authorization.",
    ),
    Field(
        name="forks",
        type=FLAG,
        doc="Builds the pull requests of forks at once, without `connection_arn` only:"
        " [CodeBuild's own source](sources.md#codebuild).",
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
        fix="Copy `sub` from a token of the job: docs/sources.md has its forms",
        kind="`sub` of a token",
        doc="The job that uploads, without wildcards: [Uploads](sources.md#uploads).",
    ),
)
UPLOAD_FIELDS = (
    Field(
        name="uploader",
        type=MAPPING,
        default_words="required",
        read=_uploader,
        fields=_UPLOADER,
        doc="Who may assume the role that uploads: roles, a job of GitHub or GitLab, or both. Not needed"
        " where `builds_from` names the pipeline.",
    ),
)
_TYPE = Field(
    name="type",
    required=True,
    choices=SOURCE_TYPES,
    doc="What starts a release: a push over a connection, the article's build project, an upload, a"
    " push to CodeCommit, an image.",
)
SOURCE_FIELDS = (_TYPE, _ARTIFACTS)


# What each type takes in addition.
FIELDS_OF_TYPE = {
    CONNECTION: CONNECTION_FIELDS,
    CODEBUILD: CODEBUILD_FIELDS,
    S3: UPLOAD_FIELDS,
    CODECOMMIT: CODECOMMIT_FIELDS,
    ECR: ECR_FIELDS,
}


def _source(reader: Reader, value: t.Any, where: str) -> dict[str, t.Any] | None:
    """Return the source: most fields are for some types alone."""
    kind = value.get("type") if isinstance(value, Mapping) else None
    own = FIELDS_OF_TYPE.get(str(kind), ())
    if isinstance(value, Mapping):
        strange = [name for name in value if name not in {field.name for field in own}]
        types = {name: _types_with(name) for name in strange}
        for name, known in types.items():
            if known and own:
                reader.problem(
                    f"{where}.{name}",
                    f"is for type {', '.join(known)}",
                    "Remove it, or change the type",
                )
        value = {name: item for name, item in value.items() if not types.get(name)}
    return reader.mapping(Field(type=MAPPING, fields=(*SOURCE_FIELDS, *own)), value, where)


def _types_with(name: str) -> list[str]:
    """Return the types of source that have a field."""
    return [
        kind for kind, fields in FIELDS_OF_TYPE.items() if name in {field.name for field in fields}
    ]


SOURCE = Field(
    name="source",
    type=MAPPING,
    required=True,
    read=_source,
    fields=(*SOURCE_FIELDS, *(field for fields in FIELDS_OF_TYPE.values() for field in fields)),
    doc="Where the artifacts come from.",
)


__all__ = ("FIELDS_OF_TYPE", "SOURCE", "SOURCE_FIELDS")
