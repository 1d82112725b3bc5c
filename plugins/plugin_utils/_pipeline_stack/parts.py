# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a pipeline needs in addition to the base template; each part decides by itself. Pure."""

from __future__ import annotations

from collections.abc import Callable

from .._pipeline.model import Pipeline
from .approvals import approvals
from .artifact_sync import artifact_sync
from .build_boundary import build_boundary
from .conditions import own_alarms
from .foundation import Foundation
from .notices import notices
from .part import Part, join
from .pull_requests import pull_requests
from .source_bucket import bucket_sources
from .source_codebuild import codebuild_source
from .source_repository import repository_sources
from .source_s3 import s3_source
from .wave_tests import wave_tests

_PARTS: tuple[Callable[[Pipeline, Foundation], Part], ...] = (
    bucket_sources,
    repository_sources,
    artifact_sync,
    approvals,
    own_alarms,
    notices,
    codebuild_source,
    s3_source,
    pull_requests,
    wave_tests,
    build_boundary,
)


def compose_part(pipeline: Pipeline, foundation: Foundation) -> Part:
    """Return everything that *pipeline* adds to the base template."""
    return join(part(pipeline, foundation) for part in _PARTS)


__all__ = ("compose_part",)
