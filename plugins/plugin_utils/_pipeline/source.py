# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a pipeline's artifacts come from. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .providers import PROVIDERS, Provider, provider_of
from .trigger import Trigger

CONNECTION, CODEBUILD, S3 = "connection", "codebuild", "s3"
CODECOMMIT, ECR = "codecommit", "ecr"

SOURCE_TYPES = (CONNECTION, CODEBUILD, S3, CODECOMMIT, ECR)
# Those that a stage of the pipeline builds, and what their source action makes.
ACTION_ARTIFACTS = {CONNECTION: "source", CODECOMMIT: "source", ECR: "image"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Artifact:
    """What a build makes for the pipeline.

    :param name: the artifact's name in the pipeline.
    :param object: its object, below the pipeline's prefix in the build bucket; empty where a stage
        of the pipeline builds.
    :param trigger: whether its upload starts the pipeline.
    :param directory: what it holds, where the build runs commands; everything without it.
    """

    name: str
    object: str = ""
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
    """Where artifacts come from.

    :param artifacts: the first is the primary artifact of a project of type codebuild.
    :param repository: its address; in CodeCommit and ECR its name.
    :param provider: as users write it; empty where the address shows it.
    :param tag: of the images that are released.
    :param clone: whether builds clone the repository instead of getting its files.
    :param pull_requests: whether pull requests are built.
    """

    type: str
    artifacts: tuple[Artifact, ...]
    repository: str = ""
    branch: str = ""
    provider: str = ""
    connection_arn: str = ""
    triggers: tuple[Trigger, ...] = ()
    tag: str = ""
    clone: bool = False
    pull_requests: bool = True
    forks: bool = False
    uploader: Uploader | None = None

    @property
    def builds(self) -> bool:
        """Whether CodeBuild makes the artifacts; otherwise somebody else uploads them."""
        return self.type != S3

    @property
    def action_artifact(self) -> str:
        """What the source action makes for the build; empty where no stage builds."""
        return ACTION_ARTIFACTS.get(self.type, "")

    @property
    def artifact_names(self) -> list[str]:
        """Every artifact that stacks can use."""
        own = [self.action_artifact] if self.action_artifact and not self.clone else []
        return [*own, *(artifact.name for artifact in self.artifacts)]

    @property
    def full_repository_id(self) -> str:
        """The repository as connections name it: owner and name."""
        path = self.repository.partition("://")[2].partition("/")[2]
        return path.strip("/").removesuffix(".git")

    @property
    def git_provider(self) -> Provider | None:
        """The provider of the repository, where it is known."""
        return PROVIDERS.get(self.provider or provider_of(self.repository))

    @property
    def connection_service(self) -> str:
        """The service of the connection; its permissions begin with that name.

        A connection keeps the name of the service that it was made under.
        """
        return self.connection_arn.split(":")[2]

    @property
    def effective_triggers(self) -> tuple[Trigger, ...]:
        """The pushes that are released; paths alone are those of the branch."""
        branch = (self.branch,)
        return tuple(
            trigger
            if trigger.has_branches or trigger.has_tags
            else dataclasses.replace(trigger, branches=branch)
            for trigger in self.triggers or (Trigger(),)
        )

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
        triggers = tuple(Trigger.from_dict(trigger) for trigger in data.get("triggers") or ())
        return cls(**{**data, "artifacts": artifacts, "uploader": uploader, "triggers": triggers})


__all__ = (
    "CODEBUILD",
    "CODECOMMIT",
    "CONNECTION",
    "ECR",
    "S3",
    "SOURCE_TYPES",
    "Artifact",
    "Source",
    "Uploader",
)
