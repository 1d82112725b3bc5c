# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Developer accounts that get a copy of each build: data, fields and rules. Pure."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Iterator, Mapping

from .._fields import LIST, Field
from .._organisation.account_schema import BUCKET_NAME
from .problem import Problem
from .source import CODEBUILD, S3, Source


@dataclasses.dataclass(frozen=True, kw_only=True)
class Developer:
    """The build bucket of a developer account."""

    account_id: str
    bucket: str


DEVELOPERS = Field(
    name="developers",
    type=LIST,
    unique=("bucket",),
    doc="[Developer accounts](developers.md) that get each build; with `codebuild` and `s3` only.",
    fields=(
        Field(
            name="account_id",
            required=True,
            pattern=r"\d{12}",
            words="12 digits",
            doc="The account, which the bucket must belong to.",
        ),
        Field(
            name="bucket",
            required=True,
            pattern=BUCKET_NAME,
            words="the name of a bucket",
            kind="bucket name",
            doc="Its build bucket: output `BuildBucketName` of its primary stack.",
        ),
    ),
)


def developer_problems(
    source: Source, developers: t.Sequence[Developer], *, is_received: bool
) -> Iterator[Problem]:
    """Yield what is wrong with who gets builds, and with where they come from.

    :param is_received: whether ``builds_from`` names the pipeline.
    """
    if developers and source.type not in (CODEBUILD, S3):
        yield (
            "developers",
            f"builds of source type {source.type} cannot be sent",
            "Remove it, or use source type codebuild or s3",
        )
    if source.type == S3 and source.uploader is None and not is_received:
        yield ("source.uploader", "is not set", "Set it, or name the pipeline in builds_from")


def received_pipelines(builds_from: t.Any) -> set[str]:
    """Return the pipelines that ``builds_from`` names, as far as it can be read."""
    entries = builds_from if isinstance(builds_from, list) else []
    return {
        str(name)
        for entry in entries
        if isinstance(entry, Mapping) and isinstance(entry.get("pipelines"), list)
        for name in entry["pipelines"]
    }


__all__ = ("DEVELOPERS", "Developer", "developer_problems", "received_pipelines")
