# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The source of a pipeline: every field. Data."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from .._fields import FLAG, LIST, MAPPING, Field, Reader
from .paths import path_field
from .source import CODEBUILD, S3, SOURCE_TYPES

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
        path_field("object", "Its object in the build bucket, below `<pipeline>/`.", required=True),
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
CODEBUILD_FIELDS = (
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
_FIELDS_OF_TYPE = {CODEBUILD: CODEBUILD_FIELDS, S3: UPLOAD_FIELDS}


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


SOURCE = Field(
    name="source",
    type=MAPPING,
    required=True,
    read=_source,
    fields=(*SOURCE_FIELDS, *CODEBUILD_FIELDS, *UPLOAD_FIELDS),
    doc="Where the artifacts come from.",
)


__all__ = ("CODEBUILD_FIELDS", "SOURCE", "SOURCE_FIELDS", "UPLOAD_FIELDS")
