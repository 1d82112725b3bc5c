# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a pipeline's artifacts come from. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

CODEBUILD, S3 = "codebuild", "s3"

SOURCE_TYPES = (CODEBUILD, S3)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Artifact:
    """What a build puts into the build bucket for the pipeline.

    :param name: the artifact's name in the pipeline.
    :param object: its object, below the pipeline's prefix in the build bucket.
    :param trigger: whether its upload starts the pipeline.
    :param directory: what it holds, where the build runs commands; everything without it.
    """

    name: str
    object: str
    trigger: bool = False
    directory: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Uploader:
    """Who may assume the role that uploads artifacts.

    :param role_arns: roles, of any account.
    :param oidc_provider_arn: the identity provider that signs *oidc_subject*.
    """

    role_arns: tuple[str, ...] = ()
    oidc_provider_arn: str = ""
    oidc_subject: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """Where artifacts come from. The first is the primary artifact of a build."""

    type: str
    artifacts: tuple[Artifact, ...]
    repository: str = ""
    branch: str = ""
    connection_arn: str = ""
    forks: bool = False
    uploader: Uploader | None = None

    @property
    def builds(self) -> bool:
        """Whether CodeBuild makes the artifacts; otherwise somebody else uploads them."""
        return self.type == CODEBUILD

    @property
    def full_repository_id(self) -> str:
        """The repository as connections name it: owner and name."""
        return self.repository.removeprefix("https://github.com/").removesuffix(".git")

    @property
    def trigger(self) -> Artifact | None:
        """The artifact whose upload starts the pipeline, where CodeBuild's success does not."""
        return next((artifact for artifact in self.artifacts if artifact.trigger), None)

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any]) -> Source:
        """Return the source that ``as_dict`` of its pipeline wrote."""
        artifacts = tuple(Artifact(**artifact) for artifact in data["artifacts"])
        uploader = data.get("uploader")
        if uploader is not None:
            uploader = Uploader(**{**uploader, "role_arns": tuple(uploader["role_arns"])})
        return cls(**{**data, "artifacts": artifacts, "uploader": uploader})


__all__ = (
    "CODEBUILD",
    "S3",
    "SOURCE_TYPES",
    "Artifact",
    "Source",
    "Uploader",
)
