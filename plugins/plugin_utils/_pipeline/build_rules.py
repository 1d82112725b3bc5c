# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of a build: between its fields, and with the source. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from .build import Build
from .model import Pipeline
from .problem import Problem
from .source import S3


def build_problems(pipeline: Pipeline) -> Iterator[Problem]:
    """Yield what is wrong with the build of *pipeline*."""
    if pipeline.source and pipeline.source.type == S3 and pipeline.build != Build():
        yield (
            "build",
            "is for a source that is built here, and somebody else builds what is uploaded",
            "Remove it, or change source.type",
        )


__all__ = ("build_problems",)
