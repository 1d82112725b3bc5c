# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many detections run at once in one account and region."""

from __future__ import annotations

import collections
import threading

from .finding import Place

# AWS documents no limit; a detection reads every resource with the quotas of its service.
_AT_ONCE = 10


class Slots:
    """A limit for each account and region; safe to share between threads."""

    def __init__(self) -> None:
        self._taken: collections.Counter[tuple[str, str]] = collections.Counter()
        self._lock = threading.Lock()

    def take(self, place: Place) -> bool:
        """Take a slot; return False where all are taken."""
        with self._lock:
            if self._taken[place.account_id, place.region] >= _AT_ONCE:
                return False
            self._taken[place.account_id, place.region] += 1
            return True

    def release(self, place: Place) -> None:
        """Give a slot back."""
        with self._lock:
            self._taken[place.account_id, place.region] -= 1


__all__ = ("Slots",)
