# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-playbook without its imports, which are most of what a short run costs.

A process imports Ansible and what runs use once; each run is a fork of it. Ansible reads its
settings at import, so the runs share those; who needs others starts ansible-playbook itself.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integration.waiting import HANGS, is_dead
from tools.environment import ROOT

# Kinds of plugins of which a run loads all, and reads the documentation.
KINDS = ("become", "callback", "connection", "filter", "inventory", "shell", "test")
# What else every run imports.
_IMPORTED = (
    "ansible.executor.playbook_executor",
    "ansible.playbook.handler_task_include",
    "ansible.plugins.cache.memory",
    "ansible.plugins.strategy.linear",
    "ansible.plugins.vars.host_group_vars",
)


class Warm:
    """The process, as a context manager.

    folder: where runs take place, with their ansible.cfg. environment: the settings of Ansible.
    modules: of collections, by their full names, that runs would import. kinds: of plugins that
    are loaded once.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        modules: Iterable[str],
        *,
        kinds: Iterable[str] = KINDS,
    ) -> None:
        self._folder = folder
        self._environment = environment
        self._modules = modules
        self._kinds = kinds

    def __enter__(self) -> Warm:
        self._process = subprocess.Popen(
            (sys.executable, "-m", __name__, ",".join(self._kinds), *self._modules),
            cwd=self._folder,
            env={**self._environment, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *exception: object) -> None:
        # Its input ends, and so does it.
        self._process.communicate()

    def run(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        output: Path,
        folder: Path | None = None,
    ) -> tuple[int, str]:
        """Run `ansible-playbook ...`; return its exit code, and both streams.

        output: a file for them. folder: another one, with the same ansible.cfg.
        """
        started = self.start(command, environment=environment, output=output, folder=folder)
        return started.wait(), output.read_text(encoding="utf-8")

    def start(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        output: Path,
        folder: Path | None = None,
        name: str = "",
        terminal: Path | None = None,
    ) -> Started:
        """Start it and leave it running.

        name: of its processes, at most 15 characters. terminal: its own, in a session of its own.
        """
        wanted = {
            "command": command,
            "environment": dict(environment),
            "output": str(output),
            "folder": str(folder or self._folder),
            "name": name,
            "terminal": str(terminal or ""),
        }
        return Started(self._ask(wanted), self._ask)

    def _ask(self, request: Mapping[str, Any]) -> int:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@dataclass(frozen=True)
class Started:
    """A run that was started."""

    pid: int
    _ask: Callable[[Mapping[str, Any]], int]

    def wait(self) -> int:
        """Wait for its end, and return its exit code; of a signal, negative."""
        return self._ask({"ended": self.pid})

    @property
    def has_ended(self) -> bool:
        """Whether it has, before anybody waited for it; needs /proc."""
        return is_dead(Path(f"/proc/{self.pid}"))


def _serve() -> None:
    """Start what standard input asks for, line by line: a run, or the exit code of one."""
    from ansible.cli.playbook import main
    from ansible.plugins import loader

    kinds, *modules = sys.argv[1:]
    loader.init_plugin_loader()
    for kind in kinds.split(","):
        for _plugin in getattr(loader, f"{kind}_loader").all(class_only=True):
            pass
    for module in (*_IMPORTED, *modules):
        importlib.import_module(module)
    # Each run does that, too.
    warnings.filterwarnings("ignore", message="AnsibleCollectionFinder has already been configured")
    # The garbage collector of a run leaves alone what all of them share.
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        wanted = json.loads(line)
        if "ended" in wanted:
            _pid, status = os.waitpid(wanted["ended"], 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        child = os.fork()
        if child == 0:
            _become_run(wanted)
            main(wanted["command"])
        print(child, flush=True)


def _become_run(wanted: dict[str, Any]) -> None:
    """Give this process what a new one would have."""
    from ansible import constants

    signal.alarm(int(HANGS))
    # Where the tests run under nohup, it would ignore SIGHUP as they do.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    os.chdir(wanted["folder"])
    os.environ.clear()
    os.environ.update(wanted["environment"])
    if wanted["name"]:
        Path("/proc/self/comm").write_text(wanted["name"], encoding="ascii")
    if wanted["terminal"]:
        # The first terminal that the leader of a session opens is the session's.
        os.setsid()
    nothing = os.open(wanted["terminal"] or os.devnull, os.O_RDONLY)
    output = os.open(wanted["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    # What a new Python would start with.
    for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep):
        code = Path(folder, "sitecustomize.py")
        if folder and code.exists():
            runpy.run_path(str(code))
    # The directory of a run carries the number of its process, and goes with it.
    directory = tempfile.mkdtemp(
        prefix=f"ansible-local-{os.getpid()}", dir=Path(constants.DEFAULT_LOCAL_TMP).parent
    )
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    constants.DEFAULT_LOCAL_TMP = directory


if __name__ == "__main__":
    _serve()

__all__ = ("KINDS", "Started", "Warm")
