# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cron expression and the time zone of a deployment window."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_RANGES = {
    "minutes": (0, 59),
    "hours": (0, 23),
    "day-of-month": (1, 31),
    "month": (1, 12),
    "day-of-week": (1, 7),
    "year": (1970, 2199),
}
_PART = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/(\d+))?")
_OFFSET = re.compile(r"UTC([+-])(\d\d):(\d\d)")


@dataclass(frozen=True)
class Window:
    """The minutes that an expression of six or seven fields allows.

    Raises ValueError for what CodePipeline does not take, and for L, W, # and abbreviated time
    zones, which the lab does not know.
    """

    cron: str
    zone: str = "UTC"

    def __post_init__(self) -> None:
        self._fields()
        self._zone()

    def is_open(self, now: datetime) -> bool:
        """Whether a time, of any zone, is in the window."""
        here = now.astimezone(self._zone())
        values = {
            "minutes": here.minute,
            "hours": here.hour,
            "day-of-month": here.day,
            "month": here.month,
            "day-of-week": here.isoweekday() % 7 + 1,  # Sunday is 1
            "year": here.year,
        }
        fields = self._fields()
        return all(value in fields[name] for name, value in values.items() if name in fields)

    def _fields(self) -> dict[str, set[int]]:
        words = self.cron.upper().split()
        if len(words) not in (6, 7):
            raise ValueError(f"Cron expression {self.cron!r} must have 6 or 7 fields")
        seconds, *rest = words
        if seconds not in ("*", "0"):
            raise ValueError(f"Seconds of {self.cron!r} must be *")
        if (rest[2] == "?") == (rest[4] == "?"):
            raise ValueError(f"Either day-of-month or day-of-week of {self.cron!r} must be ?")
        return {
            name: _values(name, word)
            for name, word in zip(_RANGES, rest, strict=False)
            if word != "?"
        }

    def _zone(self) -> tzinfo:
        if self.zone == "UTC":
            return UTC
        if found := _OFFSET.fullmatch(self.zone):
            offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
            return timezone(offset if found[1] == "+" else -offset)
        try:
            if "/" in self.zone:
                return ZoneInfo(self.zone)
        except (KeyError, ValueError):
            pass
        raise ValueError(f"Time zone {self.zone!r} is not Region/City or UTC+HH:MM")


def _values(name: str, word: str) -> set[int]:
    lowest, highest = _RANGES[name]
    found: set[int] = set()
    for part in word.split(","):
        match = _PART.fullmatch(part)
        if not match or (match[1] == "*" and match[2]):
            raise ValueError(f"{part!r} is not a value of {name}")
        first, last = (lowest, highest) if match[1] == "*" else (_number(name, match[1]),) * 2
        if match[2]:
            last = _number(name, match[2])
        elif match[3] and match[1] != "*":
            last = highest
        if first > last:
            raise ValueError(f"{part!r} is not a range of {name}")
        found |= set(range(first, last + 1, int(match[3] or 1)))
    if not lowest <= min(found) <= max(found) <= highest:
        raise ValueError(f"{word!r} is not within {lowest}-{highest} of {name}")
    return found


def _number(name: str, word: str) -> int:
    names = {"month": _MONTHS, "day-of-week": _DAYS}.get(name, ())
    if word in names:
        return names.index(word) + 1
    if not word.isdigit():
        raise ValueError(f"{word!r} is not a value of {name}")
    return int(word)


__all__ = ("Window",)
