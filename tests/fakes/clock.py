# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A clock that runs only while somebody sleeps."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.patience import Patience


class Clock:
    """Stands in for the time of a Patience; records pauses and lines."""

    def __init__(self) -> None:
        self.time = 1_000.0
        self.pauses: list[float] = []
        self.lines: list[str] = []

    def patience(
        self,
        seconds: float = 3_600,
        *,
        report: Callable[[str], object] | None = None,
        host: str = "",
    ) -> Patience:
        """Return patience that lives by this clock."""
        return Patience(
            seconds,
            report=report or self.lines.append,
            host=host,
            now=lambda: self.time,
            sleep=self.sleep,
        )

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.pauses.append(seconds)
        self.time += seconds
