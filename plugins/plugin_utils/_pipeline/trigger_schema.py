# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The triggers of a source: every field. Data."""

from __future__ import annotations

from .._fields import LIST, Field

# https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html
MOST_TRIGGERS, MOST_PATTERNS = 3, 8
_LONGEST_PATTERN = 255


def _patterns(name: str, doc: str) -> Field:
    return Field(
        name=name,
        type=LIST,
        maximum=MOST_PATTERNS,
        item=Field(required=True, longest=_LONGEST_PATTERN),
        unique=("",),
        kind="list of patterns",
        doc=doc,
    )


TRIGGERS = Field(
    name="triggers",
    type=LIST,
    maximum=MOST_TRIGGERS,
    default_words="pushes to `branch`",
    doc="The pushes that are released, each with 8 patterns of a kind at most: [Triggers]("
    "sources.md#triggers).",
    fields=(
        _patterns("branches", "Pushes to these branches."),
        _patterns("exclude_branches", "Not to these."),
        _patterns("paths", "Only if one of these files changed. Without `branches`: in `branch`."),
        _patterns("exclude_paths", "Not if only these files changed."),
        _patterns("tags", "Tags, in a trigger of their own."),
        _patterns("exclude_tags", "Not these tags."),
    ),
)

__all__ = ("MOST_PATTERNS", "MOST_TRIGGERS", "TRIGGERS")
