# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the commands of builds leave, as a test declares it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True, kw_only=True)
class BuildResult:
    """What a build of a project leaves when somebody else starts it: a pipeline, a push, or StartBuild.

    project: its name, or a glob. artifacts: the ZIP files, by the names of the project's artifacts
    or of the action's outputs. variables: what the buildspec exports. error: why a command fails;
    then nothing is uploaded.
    """

    project: str
    artifacts: Mapping[str, bytes] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    error: str = ""

    def as_data(self) -> dict[str, Any]:
        """JSON data."""
        return {
            "project": self.project,
            "artifacts": {name: data.hex() for name, data in self.artifacts.items()},
            "variables": dict(self.variables),
            "error": self.error,
        }

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> BuildResult:
        """The same from JSON data."""
        artifacts = {name: bytes.fromhex(text) for name, text in data["artifacts"].items()}
        return cls(**{**data, "artifacts": artifacts})


def result_of(project: str, results: tuple[BuildResult, ...]) -> BuildResult:
    """The first result declared for a project; without one, nothing is left and nothing fails."""
    return next(
        (result for result in results if fnmatchcase(project, result.project)),
        BuildResult(project=project),
    )


__all__ = ("BuildResult", "result_of")
