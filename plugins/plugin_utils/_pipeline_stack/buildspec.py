# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The build specification of a build that lists its commands. Pure."""

from __future__ import annotations

import json
import typing as t

from .._pipeline.build import DEFAULT_BUILDSPEC, Build
from .._pipeline.source import Artifact
from .part import Data


def compose_buildspec(
    build: Build, primary: Artifact | None = None, secondary: t.Sequence[Artifact] = ()
) -> str:
    """Return the build specification of a project: its path, or its text.

    :param primary: the artifact of the project itself, if it has any.
    :param secondary: those that have an identifier, which is their name.
    """
    if not build.commands:
        return build.buildspec or DEFAULT_BUILDSPEC
    spec: Data = {"version": "0.2", "phases": {"build": {"commands": list(build.commands)}}}
    artifacts = _files(primary) if primary else {}
    if secondary:
        artifacts["secondary-artifacts"] = {item.name: _files(item) for item in secondary}
    # JSON is YAML, and CloudFormation leaves the ${...} of shells alone.
    return json.dumps({**spec, **({"artifacts": artifacts} if artifacts else {})})


def _files(artifact: Artifact) -> Data:
    files: Data = {"files": ["**/*"]}
    return {**files, "base-directory": artifact.directory} if artifact.directory else files


__all__ = ("compose_buildspec",)
