# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a tree of processes holds in memory, from Linux's own accounts."""

from __future__ import annotations

import threading
import time
from pathlib import Path

_PROC = Path("/proc")
_SHORTEST_PAUSE = 0.05
# Reading the maps of fifty processes takes a while; most of the time belongs to what is measured.
_PAUSE_PER_READING = 3.0

AVAILABLE = (_PROC / "self" / "smaps_rollup").exists()


class Sampler(threading.Thread):
    """Reads the memory of a process and its descendants again and again until it is stopped.

    peak_bytes: the most that they held together, each shared page counted once in all (PSS).
    peak_processes: the most of them at one time.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._stopped = threading.Event()
        self.peak_bytes = 0
        self.peak_processes = 0

    def run(self) -> None:
        """Sample until stop() is called."""
        pause = 0.0
        while not self._stopped.wait(pause):
            began = time.monotonic()
            processes = tree(self._pid)
            self.peak_bytes = max(self.peak_bytes, sum(map(_pss, processes)))
            self.peak_processes = max(self.peak_processes, len(processes))
            pause = max(_SHORTEST_PAUSE, _PAUSE_PER_READING * (time.monotonic() - began))

    def stop(self) -> None:
        """End the sampling, and wait for its end."""
        self._stopped.set()
        self.join()


def tree(pid: int) -> list[int]:
    """The process and its descendants, as they are now."""
    children: dict[int, list[int]] = {}
    for folder in _PROC.glob("[0-9]*"):
        try:
            # The name of a program may hold spaces and brackets; what follows it does not.
            fields = (folder / "stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            continue  # It ended in the meantime.
        parent = int(fields.rpartition(")")[2].split()[1])
        children.setdefault(parent, []).append(int(folder.name))
    found = [pid]
    for one in found:
        found.extend(children.get(one, ()))
    return found


def _pss(pid: int) -> int:
    """The proportional set size of one process in bytes; 0 when it has ended."""
    try:
        text = (_PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    sizes = [line.split()[1] for line in text.splitlines() if line.startswith("Pss:")]
    return sum(map(int, sizes)) * 1024


__all__ = ("AVAILABLE", "Sampler", "tree")
