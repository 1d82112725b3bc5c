# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tests of a wave: every field. Data."""

from __future__ import annotations

from .._fields import LIST, Field
from .build_schema import BUILD_FIELDS, environment_field
from .wave_test import AFTER, TIMES

# Each part begins with a letter, so that no two names make the same logical id.
_NAME = r"(?=.{1,24}$)[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*"

TEST_FIELDS = (
    Field(
        name="name",
        required=True,
        pattern=_NAME,
        words="a name of 1 to 24 lowercase letters, digits and single hyphens, letters first",
        kind="lowercase letters, digits, hyphens",
        doc="Its name, unlike that of any other test of the pipeline.",
    ),
    Field(
        name="when",
        default=AFTER,
        choices=TIMES,
        doc="Before the deployments of the wave (and its approval), or after them.",
    ),
    Field(
        name="artifacts",
        type=LIST,
        item=Field(required=True),
        unique=("",),
        maximum=5,
        kind="list of artifacts",
        default_words="the source, or its first artifact",
        doc="What it gets. The first holds its build specification.",
    ),
)
TESTS = Field(
    name="tests",
    type=LIST,
    unique=("name",),
    fields=(
        *TEST_FIELDS,
        *(
            environment_field(takes_outputs=True) if field.name == "environment" else field
            for field in BUILD_FIELDS
        ),
    ),
    doc="[Tests](builds.md#tests) that stop the release when they fail.",
)

__all__ = ("TESTS", "TEST_FIELDS")
