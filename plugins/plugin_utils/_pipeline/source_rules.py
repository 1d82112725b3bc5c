# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of a source: between its fields, and with the inventory. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.amazon.aws.plugins.module_utils.arn import parse_aws_arn

from .._organisation.model import Organisation
from .problem import Problem
from .source import S3, Source, Uploader

MOST_BUILD_ARTIFACTS = 13  # a primary and 12 secondary ones of a CodeBuild project


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
    if source.builds:
        yield from _build_problems(source, triggers)
        yield from _connection_problems(source, organisation)


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
            "is for source type s3: with codebuild, the successful build starts the pipeline",
            "Remove it",
        )
    if len(source.artifacts) > MOST_BUILD_ARTIFACTS:
        yield (
            "source.artifacts",
            f"{len(source.artifacts)}, and a build has {MOST_BUILD_ARTIFACTS} at most",
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


__all__ = ("MOST_BUILD_ARTIFACTS", "source_problems")
