# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits with a time limit, jitter and progress reports."""

from __future__ import annotations

import random
import time
import typing as t

from .._errors import GaveUp

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
_FIRST_REPORT = 15.0
_NEXT_REPORT = 60.0
_COLUMNS = 100


class Patience:
    """The time that one task may wait, over all its waits.

    :param seconds: when they are used up, a wait fails.
    :param report: prints one line: after 15 s of a wait, then every 60 s.
    :param host: starts each line; empty for a task of many hosts.
    """

    def __init__(
        self,
        seconds: float,
        *,
        report: t.Callable[[str], object],
        host: str = "",
        now: t.Callable[[], float] = time.monotonic,
        sleep: t.Callable[[float], None] = time.sleep,
    ) -> None:
        self._seconds = seconds
        self._report = report
        self._host = host
        self._now = now
        self._sleep = sleep
        self._deadline = now() + seconds

    def polls(self, describe: t.Callable[[], str]) -> t.Iterator[None]:
        """Yield at once, then after ever longer, jittered pauses, until the caller stops.

        :param describe: what is waited for; called only for a line or an error.

        Raises GaveUp when the time is over.
        """
        began = self._now()
        report_at = began + _FIRST_REPORT
        pause = _FIRST_PAUSE
        while True:
            yield
            now = self._now()
            if now >= self._deadline:
                raise GaveUp(
                    f"gave up after {self._seconds:.0f} s: {describe()}",
                    cure="AWS carries on: run again later, or raise wait_timeout",
                )
            if now >= report_at:
                self._report(self._line(describe(), f" for {now - began:.0f} s"))
                report_at = now + _NEXT_REPORT
            # Jitter keeps many workers from asking at the same moment.
            jittered = pause * random.uniform(0.8, 1.2)  # noqa: S311  # not for secrets
            self._sleep(min(jittered, self._deadline - now))
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _line(self, what: str, how_long: str) -> str:
        """Return one line of at most 100 columns, which always ends in *how_long*."""
        start = f"  {self._host}: {what}" if self._host else f"  {what}"
        room = _COLUMNS - len(how_long)
        return (start if len(start) <= room else f"{start[: room - 3]}...") + how_long


__all__ = ("Patience",)
