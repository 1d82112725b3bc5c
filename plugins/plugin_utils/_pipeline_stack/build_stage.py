# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Build stage adds: the project that makes the artifacts of what the source action takes.

Pure.
"""

from __future__ import annotations

import typing as t

from .._pipeline.model import Pipeline
from .actions import Action
from .buildspec import compose_buildspec
from .part import Data, Part
from .pipeline_builds import build_action, make_pipeline_project, start_builds

_RELEASE = "Release"


def make_build_stage(
    pipeline: Pipeline, *, statements: t.Sequence[Data] = (), variables: t.Sequence[Data] = ()
) -> Part:
    """Return the project of the Build stage.

    :param statements: what builds may do that does not follow from the build.
    :param variables: of the build, in addition to its own.
    """
    artifacts = pipeline.source.artifacts if pipeline.source else ()
    # One output is the project's own artifact, several have identifiers.
    primary = artifacts[0] if len(artifacts) == 1 else None
    buildspec = compose_buildspec(pipeline.build, primary, () if primary else artifacts)
    return Part(
        resources=make_pipeline_project(
            _RELEASE,
            "release",
            "Builds releases of ${PipelineName}",
            pipeline.build,
            pipeline=pipeline.name,
            buildspec=buildspec,
            writes=True,
            statements=statements,
            variables=variables,
        ),
        source_statements=(start_builds("StartRelease", [_RELEASE]),),
    )


def build_release(pipeline: Pipeline, source_artifact: str) -> Action:
    """Return the action of the Build stage.

    :param source_artifact: what the source action takes.
    """
    artifacts = pipeline.source.artifacts if pipeline.source else ()
    return build_action(
        "build",
        _RELEASE,
        category="Build",
        inputs=[source_artifact],
        outputs=[artifact.name for artifact in artifacts],
    )


__all__ = ("build_release", "make_build_stage")
