# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wait for a condition, and find the processes of a run."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

# Every worker that a run leaves carries this variable.
MARK = "CROSSACCOUNT_TEST_RUN"
# Seconds after which something hangs. Nothing takes nearly as long, even on a machine that is ten
# times slower than a developer's: no test is about speed.
HANGS = 900.0


def survivors(mark: str) -> list[int]:
    """Return the processes that carry a mark."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue  # It has just ended, or belongs to another user.
    return found


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + HANGS
    while not condition():
        assert time.monotonic() < deadline, f"still waiting after {HANGS:.0f} s: {what}"
        time.sleep(0.02)


__all__ = ("HANGS", "MARK", "survivors", "wait_until")
