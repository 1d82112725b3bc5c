# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a wave waits for, what it is checked by, and what its failure leads to. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

RETRY, ROLLBACK = "retry", "rollback"
ON_FAILURE = (RETRY, ROLLBACK)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MIDNIGHT = 24  # the hour that ends a day
DEFAULT_WAIT = 10
UTC = "UTC"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Alarm:
    """A CloudWatch alarm that must stay silent after a wave.

    :param host: the environment that it belongs to; empty means the build account.
    :param region: empty means the primary region, or all regions of the environment.
    :param wait: minutes.
    """

    name: str
    host: str = ""
    region: str = ""
    wait: int = DEFAULT_WAIT


@dataclasses.dataclass(frozen=True, kw_only=True)
class Window:
    """The hours in which a wave may begin.

    :param days: names of :data:`DAYS`.
    :param start: the first hour.
    :param end: the hour that it ends before; not above *start* for a window over midnight.
    """

    days: tuple[str, ...] = DAYS
    start: int = 0
    end: int = MIDNIGHT
    timezone: str = UTC

    @property
    def is_over_midnight(self) -> bool:
        """Whether it ends on the day after it began."""
        return self.end <= self.start

    @property
    def cron(self) -> str:
        """The expression of CodePipeline's rule: any minute of these hours and days."""
        return f"* * {self._hours} ? * {self._days} *"

    @property
    def _hours(self) -> str:
        if self.is_over_midnight:
            parts = [_span(self.start, MIDNIGHT), _span(0, self.end)]
            return ",".join(part for part in parts if part)
        whole_day = (self.start, self.end) == (0, MIDNIGHT)
        return "*" if whole_day else _span(self.start, self.end)

    @property
    def _days(self) -> str:
        named = [day for day in DAYS if day in self.days]
        return "*" if len(named) == len(DAYS) else ",".join(day.upper() for day in named)

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any]) -> Window:
        """Return the window that ``as_dict`` of its pipeline wrote."""
        return cls(**{**data, "days": tuple(data["days"])})


def _span(start: int, end: int) -> str:
    """Return the hours from *start* until before *end*."""
    last = end - 1
    if last < start:
        return ""
    return str(start) if start == last else f"{start}-{last}"


__all__ = (
    "DAYS",
    "DEFAULT_WAIT",
    "MIDNIGHT",
    "ON_FAILURE",
    "RETRY",
    "ROLLBACK",
    "UTC",
    "Alarm",
    "Window",
)
