# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How CodeBuild builds or tests. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

COMPUTE_TYPES = (
    "BUILD_GENERAL1_SMALL",
    "BUILD_GENERAL1_MEDIUM",
    "BUILD_GENERAL1_LARGE",
    "BUILD_GENERAL1_XLARGE",
    "BUILD_GENERAL1_2XLARGE",
)

DEFAULT_BUILDSPEC = "buildspec.yml"
DEFAULT_IMAGE = "aws/codebuild/amazonlinux-x86_64-standard:5.0"
DEFAULT_COMPUTE_TYPE = COMPUTE_TYPES[0]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Build:
    """What runs, and where."""

    buildspec: str = DEFAULT_BUILDSPEC
    image: str = DEFAULT_IMAGE
    compute_type: str = DEFAULT_COMPUTE_TYPE
    environment: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def container_type(self) -> str:
        """The container type of the image, by its name."""
        is_arm = "aarch64" in self.image or "arm64" in self.image
        return "ARM_CONTAINER" if is_arm else "LINUX_CONTAINER"

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any]) -> Build:
        """Return the build that ``as_dict`` of its pipeline wrote."""
        return cls(**data)


__all__ = (
    "COMPUTE_TYPES",
    "DEFAULT_BUILDSPEC",
    "DEFAULT_COMPUTE_TYPE",
    "DEFAULT_IMAGE",
    "Build",
)
