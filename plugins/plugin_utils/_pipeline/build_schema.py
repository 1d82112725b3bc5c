# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A build: every field. Data."""

from __future__ import annotations

import re

from .._fields import MAPPING, SCALAR, Field
from .build import COMPUTE_TYPES, DEFAULT_BUILDSPEC, DEFAULT_COMPUTE_TYPE, DEFAULT_IMAGE
from .paths import path_field


def _image_problem(image: str) -> tuple[str, str] | None:
    """Return why CodeBuild would not pull or run an image."""
    if _ECR.match(image):
        return (
            f"{image!r} is in a private registry, and builds have no credentials for it",
            "Use an image of CodeBuild or of a public registry",
        )
    if _NOT_LINUX.match(image):
        return f"{image!r} does not run in a Linux container", "Use an image for Linux"
    return None


_ECR = re.compile(r"\d{12}\.dkr[.-]ecr[.-]")
_NOT_LINUX = re.compile(r"aws/codebuild/(.*(windows|lambda|macos)|ami/)")

BUILD_FIELDS = (
    path_field(
        "buildspec", "The build specification in the repository.", default=DEFAULT_BUILDSPEC
    ),
    Field(
        name="image",
        default=DEFAULT_IMAGE,
        pattern=r"[\w./:@-]+",
        words="an image",
        check=_image_problem,
        doc="The image of the builds, for Linux and public. With `aarch64` or `arm64` in its name:"
        " ARM.",
    ),
    Field(
        name="compute_type",
        default=DEFAULT_COMPUTE_TYPE,
        choices=COMPUTE_TYPES,
        kind="`BUILD_GENERAL1_*`",
        doc="The size of the machine.",
    ),
    Field(
        name="environment",
        type=MAPPING,
        keys=Field(
            pattern=r"(?!CODEBUILD_)[A-Za-z_][A-Za-z0-9_]*",
            words="the name of a variable (CODEBUILD_ is reserved)",
            fix="Rename it",
        ),
        item=Field(type=SCALAR),
        kind="name to text",
        doc="Variables of the build. Not for secrets: the project shows them.",
    ),
)
BUILD = Field(
    name="build",
    type=MAPPING,
    fields=BUILD_FIELDS,
    default_words="`buildspec.yml` of the source",
    doc="How artifacts are built from the source. Not for `s3`.",
)

__all__ = ("BUILD", "BUILD_FIELDS")
