# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The senders of builds that a developer's build bucket receives: the variable. Data."""

from __future__ import annotations

from .._fields import LIST, Field
from .model import PIPELINE_NAME

MOST_PIPELINES = 40  # a bucket policy holds a statement for each

BUILDS_FROM = Field(
    name="builds_from",
    type=LIST,
    default=[],
    unique=("account_id",),
    fix="Name a build account and its pipelines",
    doc="[Builds](developers.md) of another organisation that the build bucket receives.",
    fields=(
        Field(
            name="account_id",
            required=True,
            pattern=r"\d{12}",
            words="12 digits",
            doc="The build account that sends.",
        ),
        Field(
            name="pipelines",
            type=LIST,
            required=True,
            minimum=1,
            maximum=MOST_PIPELINES,
            item=Field(
                required=True,
                pattern=PIPELINE_NAME,
                words="the name of a pipeline",
            ),
            unique=("",),
            kind="list of pipelines",
            fix="Name the pipelines",
            doc="Its pipelines. Those of the same names here may go without `source.uploader`.",
        ),
    ),
)

__all__ = ("BUILDS_FROM", "MOST_PIPELINES")
