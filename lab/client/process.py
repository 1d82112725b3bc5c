# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts and ends the launcher's process, and finds one that runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from ..errors import LabError
from .groups import command_line, end_group

_ROOT = Path(__file__).parents[2]
_START_SECONDS = 300.0
# The endpoint is on loopback: a proxy of the user's must not be asked.
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


@dataclass(frozen=True, kw_only=True)
class State:
    """A running launcher: its process id, which is its process group's too, and its address."""

    pid: int
    url: str
    token: str


def start(
    directory: Path, *, watch: bool, stock: bool = False
) -> tuple[State, subprocess.Popen[bytes]]:
    """Start a launcher with its files in the directory, and wait until it answers.

    watch: end it when this process ends, however it ends. stock: without the lab's patches.
    """
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "lab.json").unlink(missing_ok=True)
    arguments = [sys.executable, "-m", "lab.server", str(directory.resolve())]
    arguments += ["--watch"] * watch + ["--stock"] * stock
    with (directory / "server.log").open("wb") as log:
        process = subprocess.Popen(
            arguments,
            cwd=_ROOT,
            env=_environment(),
            stdin=subprocess.PIPE if watch else subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        state = read_state(directory)
        if state and answers(state):
            return state, process
        if process.poll() is not None:
            break
        time.sleep(0.05)
    end_group(process.pid)
    process.communicate()
    log_text = (directory / "server.log").read_text(encoding="utf-8", errors="replace").strip()
    raise LabError(f"The lab did not start. Its log ({directory / 'server.log'}) ends:\n"
                   + "\n".join(log_text.splitlines()[-15:]))  # fmt: skip


def _environment() -> dict[str, str]:
    """This process's, but compiled modules are written: without them a start takes 4 s longer."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def read_state(directory: Path) -> State | None:
    """The launcher that the directory names, running or not."""
    try:
        return State(**json.loads((directory / "lab.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def running(directory: Path) -> State | None:
    """The launcher of this directory, if it runs."""
    state = read_state(directory)
    return state if state and answers(state) else None


def answers(state: State) -> bool:
    """Whether this very launcher answers; a process that took its number or port does not count."""
    try:
        with _open(f"{state.url}/_lab/health", timeout=5) as answer:
            health = json.load(answer)
    except (OSError, ValueError):
        return False
    return bool(health == {"pid": state.pid, "token": state.token})


def stop(state: State, directory: Path) -> None:
    """End the launcher and everything it started, then forget it."""
    end_group(state.pid)
    _forget(directory)


def stop_unresponsive(directory: Path) -> bool:
    """Clean up after a launcher that does not answer; True when it still lived and was ended.

    A stale file may name a process that is somebody else's by now: only one that runs our
    launcher for this directory is ended.
    """
    state = read_state(directory)
    if state is None:
        return False
    ours = f"lab.server {directory.resolve()}"
    lives = ours in command_line(state.pid)
    if lives:
        end_group(state.pid)
    _forget(directory)
    return lives


def _forget(directory: Path) -> None:
    (directory / "lab.json").unlink(missing_ok=True)
    shutil.rmtree(directory / "tmp", ignore_errors=True)


def ask(url: str, *, method: str = "GET", data: object = None) -> object:
    """One request to the control endpoint. A refusal raises LabError with its reason."""
    body = json.dumps(data).encode() if data is not None else None
    request = urllib.request.Request(url, method=method, data=body)
    try:
        with _open(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise LabError(f"The lab refused: {error.read().decode()}") from error


__all__ = ("State", "answers", "ask", "read_state", "running", "start", "stop", "stop_unresponsive")
