# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wait for a condition, and find the processes of a run."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

# Seconds after which something hangs. Nothing takes nearly as long, even on a machine that is ten
# times slower than a developer's: no test is about speed.
HANGS = 900.0


def survivors(name: str) -> list[int]:
    """Return the processes of a name that have not ended."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "comm").read_bytes() == f"{name}\n".encode() and not is_dead(folder):
                found.append(int(folder.name))
        except OSError:
            continue  # It has just ended.
    return found


def is_dead(folder: Path) -> bool:
    """Whether the process of a folder of /proc has ended, and nobody waited for it yet."""
    return b") Z " in (folder / "stat").read_bytes()


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + HANGS
    while not condition():
        assert time.monotonic() < deadline, f"still waiting after {HANGS:.0f} s: {what}"
        time.sleep(0.02)


__all__ = ("HANGS", "is_dead", "survivors", "wait_until")
