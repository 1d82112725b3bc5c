# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts the workers of Python functions as forks of a process that has imported boto3.

A cold start would import it each time, which takes more than most functions do.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime

from . import template


def install() -> None:
    """Processes of functions, with what each would see in a Python of its own."""
    lambda_runtime.subprocess = SimpleNamespace(**{**vars(subprocess), "Popen": Starter()})


class Starter:
    """Starts a worker as subprocess.Popen does."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()
        self._template: _Template | None = None

    def __call__(
        self, command: list[str], *, cwd: str, env: Mapping[str, str], **options: Any
    ) -> Any:
        forked = self._fork(command[1], cwd, env) if command[0] == sys.executable else None
        return forked or subprocess.Popen(command, cwd=cwd, env=dict(env), **options)

    def _fork(self, script: str, folder: str, environment: Mapping[str, str]) -> _Worker | None:
        """A fork; None where the function needs a Python of its own."""
        wanted = {
            "script": script,
            "folder": folder,
            "environment": dict(environment.items() - os.environ.items()),
        }
        ends = [os.pipe() for _stream in range(3)]
        (input_, to_input), (from_output, output), (from_errors, errors) = ends
        theirs, ours = (input_, output, errors), (to_input, from_output, from_errors)
        with self._one_at_a_time:
            pid = self._ask(json.dumps(wanted).encode(), theirs)
        for end in theirs if pid else (*theirs, *ours):
            os.close(end)
        return _Worker(pid, *ours) if pid else None

    def _ask(self, wanted: bytes, streams: tuple[int, ...]) -> int:
        """Return the process id of a new fork; 0 where there is none."""
        self._template = self._template or _Template()
        pid = self._template.fork(wanted, streams)
        if pid is None:  # it has ended: the next function begins another one
            self.close()
        return pid or 0

    def close(self) -> None:
        """End that process."""
        if self._template is not None:
            self._template.close()
            self._template = None


class _Template:
    """The process that workers are forks of. It ends when its socket closes, as at our end."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                (sys.executable, "-m", template.__name__), stdin=theirs.fileno()
            )

    def fork(self, wanted: bytes, streams: tuple[int, ...]) -> int | None:
        """Return the process id of a fork, 0 where it needs a Python of its own; None at the end."""
        try:
            socket.send_fds(self._socket, [wanted], streams)
            answer = self._socket.recv(template.MOST_BYTES)
        except ConnectionError:
            return None
        return int(answer) if answer else None

    def close(self) -> None:
        self._socket.close()
        self._process.wait()


class _Worker:
    """What MiniStack uses of subprocess.Popen, for a process that is not a child of this one."""

    def __init__(self, pid: int, to_input: int, from_output: int, from_errors: int) -> None:
        self.pid = pid
        self._handle = os.pidfd_open(pid)
        weakref.finalize(self, os.close, self._handle)
        self.stdin = os.fdopen(to_input, "w", buffering=1, encoding="utf-8")
        self.stdout = os.fdopen(from_output, encoding="utf-8")
        self.stderr = os.fdopen(from_errors, encoding="utf-8")

    def poll(self) -> int | None:
        """None while it runs, then 0: only its parent learns how it has ended."""
        return self._end_within(0)

    def wait(self, timeout: float) -> int:
        """Wait for its end. Raises TimeoutExpired."""
        ended = self._end_within(timeout)
        if ended is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout)
        return ended

    def terminate(self) -> None:
        """Ask it to end."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self._send(signal.SIGKILL)

    def _end_within(self, seconds: float) -> int | None:
        waiting = select.poll()
        waiting.register(self._handle, select.POLLIN)
        return 0 if waiting.poll(seconds * 1000) else None

    def _send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, number)


__all__ = ("Starter", "install")
