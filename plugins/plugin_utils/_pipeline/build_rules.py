# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of a build: between its fields, and with the source. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from .build import Build
from .model import Pipeline
from .problem import Problem
from .source import ECR, S3

_RETENTIONS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
# Of all variables of a build, in characters.
_MOST_ENVIRONMENT = 5_500


def source_build_problems(pipeline: Pipeline) -> Iterator[Problem]:
    """Yield what is wrong with the build of the source."""
    if pipeline.source and pipeline.source.type == S3 and pipeline.build != Build():
        yield (
            "build",
            "is for a source that is built here, and somebody else builds what is uploaded",
            "Remove it, or change source.type",
        )
    if pipeline.source and pipeline.source.type == ECR and not pipeline.build.commands:
        yield (
            "build.commands",
            "is not set, and an image brings no build specification",
            "List what makes the artifacts of the image",
        )
    yield from build_problems(pipeline.build, "build")
    for artifact in pipeline.source.artifacts if pipeline.source else ():
        if artifact.directory and not pipeline.build.commands:
            yield (
                f"source.artifacts[{artifact.name}].directory",
                "is for build.commands: the build specification says what an artifact holds",
                "Remove it",
            )


def build_problems(build: Build, where: str) -> Iterator[Problem]:
    """Yield what is wrong with *build*, the field at *where*."""
    if build.commands and build.buildspec:
        yield (f"{where}.commands", "is set, and so is buildspec", "Remove one of them")
    if build.registry_secret_arn and (build.ecr_image or build.image.startswith("aws/codebuild/")):
        yield (
            f"{where}.registry_secret_arn",
            f"is set, and {build.image} needs no credentials of a registry",
            "Remove it, or change image",
        )
    if build.log_retention_days not in _RETENTIONS:
        yield (
            f"{where}.log_retention_days",
            f"CloudWatch does not take {build.log_retention_days}",
            f"Use one of {', '.join(map(str, _RETENTIONS))}",
        )
    size = sum(
        len(f"{name}{item.value}{item.parameter}{item.secret}{item.json_key}")
        for name, item in build.environment.items()
    )
    if size > _MOST_ENVIRONMENT:
        yield (
            f"{where}.environment",
            f"has {size} characters, over CodeBuild's limit of {_MOST_ENVIRONMENT}",
            "Move values into the source, or into a parameter",
        )


__all__ = ("build_problems", "source_build_problems")
