# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the real ansible-playbook, shows its output shortened, and reads its recap."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import end_group
from tools.environment import ROOT, VENV

_RECAP = re.compile(r"(?P<host>\S+)\s+:(?P<counts>(?:\s+\w+=\d+)+)\s*")
_ANSWERS = ("TASK [Show what was done]", "TASK [Show what was found]")
# Longer than a run takes to stop by itself, shorter than patience.
_STOP_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a playbook that ended.

    recap: host to ansible-playbook's own counts (changed, failed ...). seconds: wall time.
    """

    status: int
    seconds: float
    output: str
    recap: Mapping[str, Mapping[str, int]]

    @property
    def changed(self) -> set[str]:
        """Hosts that report a change."""
        return {host for host, counts in self.recap.items() if counts["changed"]}

    @property
    def failed(self) -> set[str]:
        """Hosts that report a failure."""
        return {
            host for host, counts in self.recap.items() if counts["failed"] or counts["unreachable"]
        }

    def total(self, name: str) -> int:
        """The sum of one of the recap's counts over all hosts."""
        return sum(counts[name] for counts in self.recap.values())


def run_playbook(
    arguments: Sequence[str], folder: Path, aws: Mapping[str, str], *, whole: bool
) -> Run:
    """Run ansible-playbook with these arguments in a folder, and print its output as it comes.

    aws: the environment that leads to AWS. whole: every line instead of what :func:`shorten` keeps.
    The run is ended when this function is left before it ended, by Ctrl-C for one.
    """
    command = ("ansible-playbook", *arguments)
    print(f"$ {shlex.join(command)}", flush=True)
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=_environment(aws),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A group of its own: all of it can be ended, workers too, and Ctrl-C comes to us alone.
        process_group=0,
    )
    lines: list[str] = []
    try:
        with process:
            output = process.stdout or ()
            for line in _recorded(output, lines) if whole else shorten(_recorded(output, lines)):
                print(line.rstrip(), flush=True)
    except BaseException:
        _end(process)
        raise
    return Run(
        status=process.returncode,
        seconds=time.monotonic() - started,
        output="\n".join(lines),
        recap=read_recap(lines),
    )


def shorten(lines: Iterable[str]) -> Iterable[str]:
    """Leave out all but what changed, and the answer. Nothing is reworded."""
    play = ""
    in_answer = in_gap = False
    for line in lines:
        if line.startswith(("PLAY ", "TASK [")):
            in_answer = line.startswith(_ANSWERS)
            if line.startswith("PLAY ["):
                play = line.rstrip(" *")
        elif line.startswith("changed:"):
            if play:
                yield play
                play = ""
            yield line
        elif line.startswith("ok:"):
            in_answer = False
        elif in_answer and not line:
            in_gap = True
        elif in_answer:
            if in_gap:
                yield ""
                in_gap = False
            yield line


def read_recap(lines: Iterable[str]) -> dict[str, dict[str, int]]:
    """Return the counts of PLAY RECAP: host to count by name. Without a recap, nothing."""
    recap: dict[str, dict[str, int]] = {}
    seen = False
    for line in lines:
        seen = seen or line.startswith("PLAY RECAP")
        match = _RECAP.fullmatch(line) if seen else None
        if match:
            pairs = (pair.split("=") for pair in match["counts"].split())
            recap[match["host"]] = {name: int(count) for name, count in pairs}
    return recap


def _recorded(output: Iterable[str], lines: list[str]) -> Iterable[str]:
    for line in output:
        lines.append(line.rstrip("\n"))
        yield lines[-1]


def _environment(aws: Mapping[str, str]) -> dict[str, str]:
    """The lab's environment without the user's own Ansible settings: theirs must not change it."""
    kept = {name: value for name, value in aws.items() if not name.startswith("ANSIBLE_")}
    return {
        **kept,
        "PATH": os.pathsep.join((str(VENV / "bin"), aws.get("PATH", os.defpath))),
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        # The pipe would hold lines back.
        "PYTHONUNBUFFERED": "1",
    }


def _end(process: subprocess.Popen[str]) -> None:
    end_group(process.pid)
    process.wait(_STOP_SECONDS)


__all__ = ("Run", "read_recap", "run_playbook", "shorten")
