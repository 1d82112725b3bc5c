# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits that end, that do not beat in step, and that say what they wait for."""

from __future__ import annotations

import random
import time
import typing as t

from .._errors import PipelineError

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
_SPEAK_FIRST = 15.0
_SPEAK_AGAIN = 60.0


class Patience:
    """The time that one task may wait, over all its waits.

    :param seconds: after which a wait is given up.
    :param speak: prints one line; called after 15 s of a wait and every 60 s from then on.
    """

    def __init__(
        self,
        seconds: float,
        *,
        speak: t.Callable[[str], None],
        now: t.Callable[[], float] = time.monotonic,
        sleep: t.Callable[[float], None] = time.sleep,
    ) -> None:
        self._seconds = seconds
        self._speak = speak
        self._now = now
        self._sleep = sleep
        self._deadline = now() + seconds

    def polls(self, describe: t.Callable[[], str]) -> t.Iterator[None]:
        """Yield at once, then after ever longer, jittered pauses, until the caller stops asking.

        :param describe: says what is waited for; called only when it is time to speak.

        Raises PipelineError when the time is over.
        """
        began = self._now()
        speak_at = began + _SPEAK_FIRST
        pause = _FIRST_PAUSE
        while True:
            yield
            now = self._now()
            if now >= self._deadline:
                raise PipelineError(
                    f"gave up after {self._seconds:.0f} s: {describe()}",
                    cure="The operation goes on in AWS; run again to take it up, or raise"
                    " wait_timeout",
                )
            if now >= speak_at:
                self._speak(f"{describe()} for {now - began:.0f} s")
                speak_at = now + _SPEAK_AGAIN
            # Jitter only keeps many workers from asking in the same moment.
            jittered = pause * random.uniform(0.8, 1.2)  # noqa: S311  # not for secrets
            self._sleep(min(jittered, self._deadline - now))
            pause = min(pause * 1.5, _LONGEST_PAUSE)


__all__ = ("Patience",)
