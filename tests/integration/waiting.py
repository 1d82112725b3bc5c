# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits for what must come true, and finds the processes of a run."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

# Every worker that a run leaves carries this variable.
MARK = "CROSSACCOUNT_TEST_RUN"


def survivors(mark: str) -> list[int]:
    """The processes that carry a mark."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue  # It ended in this moment, or belongs to somebody else.
    return found


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for a condition that must come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


__all__ = ("MARK", "survivors", "wait_until")
