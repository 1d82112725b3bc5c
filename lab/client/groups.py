# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Process groups: who is in one, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_END_SECONDS = 5.0


def end_group(pid: int) -> None:
    """End a process group at once: the launcher, and the Lambda workers in it.

    Nothing in the lab outlives it, so nobody is asked politely.
    """
    deadline = time.monotonic() + _END_SECONDS
    while group_members(pid) and time.monotonic() < deadline:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        time.sleep(0.02)


def group_members(pid: int) -> list[int]:
    """The process ids in a group, without those that ended and wait for their parent to notice."""
    return [
        member
        for member, group, state in _processes()
        if group == pid and not state.startswith("Z")
    ]


def command_line(pid: int) -> str:
    """The arguments of a process, by spaces; empty when there is none."""
    if _PROC.exists():
        with suppress(OSError):
            return (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return ""
    return _ps("command=", "-p", str(pid))


def _processes() -> list[tuple[int, int, str]]:
    """Process id, group and state of every process. Linux may lack ps, others lack /proc."""
    if _PROC.exists():
        found = []
        for path in _PROC.glob("[0-9]*/stat"):
            with suppress(OSError):
                # The name in brackets may hold spaces.
                state, _unused, group = path.read_text().rpartition(") ")[2].split()[:3]
                found.append((int(path.parent.name), int(group), state))
        return found
    rows = (line.split() for line in _ps("pid=,pgid=,stat=", "-A").splitlines())
    return [(int(pid), int(group), state) for pid, group, state in rows]


def _ps(columns: str, *arguments: str) -> str:
    return subprocess.run(
        ["ps", "-ww", "-o", columns, *arguments], capture_output=True, text=True, check=False
    ).stdout


__all__ = ("command_line", "end_group", "group_members")
