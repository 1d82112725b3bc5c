# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of a source: between its fields, and with the inventory. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.amazon.aws.plugins.module_utils.arn import parse_aws_arn

from .._organisation.model import Organisation
from .problem import Problem
from .source import CODEBUILD, CODECOMMIT, CONNECTION, ECR, S3, Source, Uploader
from .trigger import Trigger

MOST_PROJECT_ARTIFACTS = 13  # a primary and 12 secondary ones of a CodeBuild project
MOST_ACTION_ARTIFACTS = 5  # outputs of a CodeBuild action
# Where CodePipeline has no source action on connections, by its user guide:
# https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodestarConnectionSource.html
WITHOUT_CONNECTIONS = (
    "af-south-1",
    "ap-east-1",
    "ap-northeast-3",
    "ap-south-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "eu-central-2",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "us-gov-west-1",
)


def source_problems(source: Source, organisation: Organisation) -> Iterator[Problem]:
    """Yield what is wrong with *source*."""
    triggers = [artifact.name for artifact in source.artifacts if artifact.trigger]
    if source.type == S3 and source.artifacts and len(triggers) != 1:
        yield (
            "source.artifacts",
            f"{', '.join(triggers) or 'none'} has trigger: true, and exactly one must",
            "Set it on the artifact that is uploaded last",
        )
    if source.uploader:
        yield from _uploader_problems(source.uploader, organisation)
    yield from _artifact_problems(source)
    if source.builds and source.type:
        yield from _build_problems(source, triggers)
        yield from _connection_problems(source, organisation)
    if source.type == CONNECTION:
        yield from _provider_problems(source)
        for number, trigger in enumerate(source.triggers, start=1):
            yield from _trigger_problems(trigger, f"source.triggers[{number}]")


def source_warnings(source: Source, region: str) -> Iterator[str]:
    """Yield what AWS may refuse in the primary region, by its documentation."""
    if source.type == CONNECTION and region in WITHOUT_CONNECTIONS:
        yield (
            f"AWS lists no source action on connections in {region}: creating the pipeline may"
            " fail. Use source type codebuild"
        )


def _artifact_problems(source: Source) -> Iterator[Problem]:
    if not source.type:  # reported there
        return
    stored = source.type in (CODEBUILD, S3)
    for artifact in source.artifacts:
        if stored and not artifact.object:
            yield (
                f"source.artifacts[{artifact.name}].object",
                "is not set",
                "Name its object in the build bucket",
            )
        if artifact.object and not stored:
            yield (
                f"source.artifacts[{artifact.name}].object",
                f"is for type {CODEBUILD}, {S3}: the pipeline stores what its own stage builds",
                "Remove it",
            )
        if artifact.name and artifact.name == source.action_artifact:
            yield (
                f"source.artifacts[{artifact.name}].name",
                "is the artifact of the source itself",
                "Rename it",
            )


def _provider_problems(source: Source) -> Iterator[Problem]:
    if source.git_provider is None:
        yield (
            "source.provider",
            f"is not set, and {source.repository} does not show whose it is",
            "Set it: github_enterprise or gitlab_self_managed",
        )


def _trigger_problems(trigger: Trigger, where: str) -> Iterator[Problem]:
    if trigger.has_tags and (trigger.has_paths or trigger.has_branches):
        other = "paths" if trigger.has_paths else "branches"
        yield (where, f"has tags with {other}, which AWS refuses", "Put them into two triggers")
    if trigger == Trigger():
        yield (where, "has no pattern", "Name branches, paths or tags, or remove it")


_STARTS = {
    CODEBUILD: "with codebuild, the successful build starts the pipeline",
    CONNECTION: "with connection, a push starts the pipeline",
    CODECOMMIT: "with codecommit, a push starts the pipeline",
    ECR: "with ecr, an image starts the pipeline",
}


def _build_problems(source: Source, triggers: list[str]) -> Iterator[Problem]:
    if source.forks and source.connection_arn:
        yield (
            "source.forks",
            "would let anybody's fork get the token of the connection",
            "Remove it: a maintainer's comment builds a fork's pull request",
        )
    for name in triggers:
        yield (
            f"source.artifacts[{name}].trigger",
            f"is for source type s3: {_STARTS[source.type]}",
            "Remove it",
        )
    most = MOST_PROJECT_ARTIFACTS if source.type == CODEBUILD else MOST_ACTION_ARTIFACTS
    if len(source.artifacts) > most:
        yield (
            "source.artifacts",
            f"{len(source.artifacts)}, and a build has {most} at most",
            "Combine artifacts",
        )


def _connection_problems(source: Source, organisation: Organisation) -> Iterator[Problem]:
    arn = parse_aws_arn(source.connection_arn) if source.connection_arn else None
    if arn is None:
        return
    for part, own, words in (
        ("account_id", organisation.build_account_id, "account"),
        ("region", organisation.primary_region, "region"),
    ):
        if own and arn[part] != own:
            yield (
                "source.connection_arn",
                f"it is of {words} {arn[part]}, and builds run in {own}",
                f"Make a connection in {own}",
            )


def _uploader_problems(uploader: Uploader, organisation: Organisation) -> Iterator[Problem]:
    provider, build_account_id = uploader.oidc_provider_arn, organisation.build_account_id
    if provider and f":iam::{build_account_id}:" not in provider:
        yield (
            "source.uploader.oidc_provider_arn",
            "is not in the build account, and a role can trust a provider of its account only",
            f"Make the provider in account {build_account_id}",
        )


__all__ = ("WITHOUT_CONNECTIONS", "source_problems", "source_warnings")
