# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find and end the processes that a check leaves behind."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path

# Every process of a check inherits this variable, also in another session or process group.
MARK = "CROSSACCOUNT_CHECK_RUN"


@contextmanager
def ended_leftovers(variables: MutableMapping[str, str | None]) -> Iterator[list[str]]:
    """Mark the processes that start with these variables, and end at last those that still run.

    Yields a list that holds their command lines afterwards. It stays empty where /proc shows no
    environment of other processes: only Linux does.
    """
    mark = variables[MARK] = uuid.uuid4().hex
    left: list[str] = []
    try:
        yield left
    finally:
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                    os.kill(int(folder.name), signal.SIGKILL)
                    left.append(f"{folder.name} {command.decode('latin-1').strip()}")
            except OSError:
                continue  # It has ended, or belongs to somebody else.
