# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failure, alarms and window of a wave: every field. Data."""

from __future__ import annotations

import re
import typing as t

from .._fields import LIST, MAPPING, NUMBER, Field, Reader, Rewritten, shown
from .._organisation.schema import REGION_OF_LIST
from .conditions import DAYS, DEFAULT_WAIT, MIDNIGHT, ON_FAILURE, UTC
from .parameters import variables_problem

_MOST_MINUTES = 1_440
_TIME = re.compile(r"(\d{1,2}):00")
_HOUR = "a full hour: 9, or '09:00'"


def _hour(reader: Reader, value: t.Any, where: str) -> int | None:
    """Return a full hour. YAML makes a number of 17:00, whose text is at hand."""
    text = value.text if isinstance(value, Rewritten) else value
    if isinstance(text, str) and (found := _TIME.fullmatch(text)):
        text = int(found[1])
    if isinstance(text, int) and not isinstance(text, bool) and 0 <= text <= MIDNIGHT:
        return text
    words = text if isinstance(text, int) else shown(value)
    reader.problem(where, f"{words} is not {_HOUR}", "Write a full hour")
    return None


def _hour_field(name: str, default: int, doc: str) -> Field:
    return Field(
        name=name,
        type=NUMBER,
        default=default,
        read=_hour,
        json={"type": ["integer", "string"]},
        kind="full hour",
        default_words=f"`{default}`",
        doc=doc,
    )


def _window(reader: Reader, value: t.Any, where: str) -> dict[str, t.Any] | None:
    found = reader.mapping(WINDOW, value, where)
    if found is None:
        return None
    return {
        "days": found["days"],
        "start": found["from"],
        "end": found["to"],
        "timezone": found["timezone"],
    }


ON_FAILURE_FIELD = Field(
    name="on_failure",
    choices=ON_FAILURE,
    doc="Once more, or [back to the release before](releases.md#rollback). Without it, the release"
    " stops.",
)

ALARMS = Field(
    name="alarms",
    type=LIST,
    doc="Alarms that must stay silent [after the wave](releases.md#alarms).",
    fields=(
        Field(
            name="name",
            required=True,
            longest=255,
            check=variables_problem,
            doc="The alarm in CloudWatch, also a composite one.",
        ),
        Field(
            name="host",
            kind="a host of the wave",
            default_words="the build account",
            doc="The environment that it is in; the host allows it with"
            " `deploy_account_read_alarms`.",
        ),
        Field(
            name="region",
            pattern=REGION_OF_LIST.pattern,
            words=REGION_OF_LIST.words,
            check=REGION_OF_LIST.check,
            default_words="`primary_region`, or all of the host's in the wave",
            doc="Where it is.",
        ),
        Field(
            name="wait",
            type=NUMBER,
            default=DEFAULT_WAIT,
            minimum=1,
            maximum=_MOST_MINUTES,
            doc="Minutes to watch it.",
        ),
    ),
)

WINDOW = Field(
    name="window",
    type=MAPPING,
    read=_window,
    doc="When [the wave may begin](releases.md#windows); a release waits for it.",
    fields=(
        Field(
            name="days",
            type=LIST,
            default=list(DAYS),
            minimum=1,
            item=Field(required=True, choices=DAYS),
            unique=("",),
            default_words="every day",
            doc="Days of the week.",
        ),
        _hour_field("from", 0, "The hour that it opens."),
        _hour_field("to", MIDNIGHT, "The hour that it closes; before `from` means over midnight."),
        Field(
            name="timezone",
            default=UTC,
            pattern=r"UTC([+-]\d\d:\d\d)?|[A-Za-z]+(/[A-Za-z_-]+)+",
            words="UTC, UTC+05:30 or a time zone such as Europe/Berlin",
            kind="`UTC`, `UTC+05:30`, `Europe/Berlin`",
            doc="The time zone of the hours.",
        ),
    ),
)

__all__ = ("ALARMS", "ON_FAILURE_FIELD", "WINDOW")
