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
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.integration.waiting import HANGS


class Warm:
    """The process, as a context manager.

    folder: where runs take place, with their ansible.cfg. environment: the settings of Ansible.
    modules: of collections, by their full names, that runs would import.
    """

    def __init__(
        self, folder: Path, environment: Mapping[str, str], modules: Iterable[str]
    ) -> None:
        self._folder = folder
        self._environment = environment
        self._modules = modules

    def __enter__(self) -> Warm:
        self._process = subprocess.Popen(
            (sys.executable, "-m", __name__, *self._modules),
            cwd=self._folder,
            env=dict(self._environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *exception: object) -> None:
        # Its input ends, and so does it.
        self._process.communicate()

    def run(
        self, command: Sequence[str], *, environment: Mapping[str, str], output: Path
    ) -> tuple[int, str]:
        """Run `ansible-playbook ...`; return its exit code, and both streams.

        output: a file for them.
        """
        wanted = {
            "command": command,
            "environment": dict(environment),
            "output": str(output),
        }
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline()), output.read_text(encoding="utf-8")


def _serve() -> None:
    """Fork for each line of standard input, and answer with the exit code."""
    from ansible.cli.playbook import main
    from ansible.executor import playbook_executor  # noqa: F401
    from ansible.plugins.loader import init_plugin_loader
    from ansible.plugins.strategy import linear  # noqa: F401

    init_plugin_loader()
    for module in sys.argv[1:]:
        importlib.import_module(module)
    # Each run does that, too.
    warnings.filterwarnings("ignore", message="AnsibleCollectionFinder has already been configured")
    # The garbage collector of a run leaves alone what all of them share.
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        wanted = json.loads(line)
        child = os.fork()
        if child == 0:
            _become_run(wanted)
            main(wanted["command"])
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become_run(wanted: dict[str, Any]) -> None:
    """Give this process what a new one would have."""
    from ansible import constants

    signal.alarm(int(HANGS))
    os.environ.clear()
    os.environ.update(wanted["environment"])
    nothing = os.open(os.devnull, os.O_RDONLY)
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

__all__ = ("Warm",)
