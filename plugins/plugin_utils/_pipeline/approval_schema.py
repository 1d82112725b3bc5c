# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The approval of a wave: every field. Data."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from .._fields import MAPPING, NUMBER, Field, Reader
from .._organisation.notifications import TOPIC_ARN, mail_field
from .approval import CHANGE_SETS, REVIEWS
from .parameters import CONFIGURATION_LIMIT, variables_problem


def _approval(reader: Reader, value: t.Any, where: str) -> dict[str, t.Any] | None:
    """Return the approval of a wave: true means without text."""
    if isinstance(value, Mapping):
        return reader.mapping(_MAPPING, value, where)
    if isinstance(value, bool):
        return {} if value else None
    reader.problem(where, "is neither true nor a mapping", "Give it summary and link")
    return None


_MAPPING = Field(
    name="approval",
    type=MAPPING,
    fields=(
        Field(
            name="review",
            default=CHANGE_SETS,
            choices=REVIEWS,
            doc="What is approved: all change sets of the wave, or the release before any is made.",
        ),
        Field(
            name="summary",
            longest=CONFIGURATION_LIMIT,
            check=variables_problem,
            doc="What is asked.",
        ),
        Field(
            name="link",
            longest=CONFIGURATION_LIMIT,
            pattern=r"https?://\S+",
            words="an address",
            check=variables_problem,
            doc="Where to look.",
        ),
        Field(
            name="timeout",
            type=NUMBER,
            minimum=5,
            maximum=86_400,
            default_words="7 days",
            doc="Minutes until the approval expires, which fails the release.",
        ),
        Field(
            name="topic",
            pattern=TOPIC_ARN,
            words="the ARN of a topic",
            kind="ARN of a topic",
            default_words="the organisation's",
            doc="The topic that asks, in the primary region: [Approvals](#approvals).",
        ),
        mail_field(
            "Who is asked, instead of `topic`. AWS asks each once to confirm.",
            default_words="the organisation's topic",
        ),
    ),
)
APPROVAL = Field(
    name="approval",
    type=MAPPING,
    read=_approval,
    json={"type": "boolean"},
    fields=_MAPPING.fields,
    kind="true, or a mapping",
    doc="Somebody agrees before the wave is executed.",
)

__all__ = ("APPROVAL",)
