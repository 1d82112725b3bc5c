# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run one command, and measure what it took."""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from benchmarks.memory import AVAILABLE, Sampler, tree

_TIMEOUT = 1800.0
_START = "start of Ansible"
_TICKS = os.sysconf("SC_CLK_TCK")


class BenchmarkError(Exception):
    """A measurement could not be made; the message says why."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Usage:
    """What a command took.

    wall, cpu: seconds; cpu is user and system time of the whole tree of processes. server_cpu: the
    same of the lab in that time. load: the machine's load average at the start. memory: bytes, peak
    PSS of the tree; processes: the most at one time; both 0 where they were not sampled.
    phases: seconds of wall time by phase, for a run of ansible-playbook; see callbacks/phases.py.
    """

    wall: float
    cpu: float
    server_cpu: float
    load: float
    memory: int = 0
    processes: int = 0
    phases: dict[str, float] = dataclasses.field(default_factory=dict)


def run(
    command: list[str],
    *,
    environment: dict[str, str],
    folder: Path,
    log: Path,
    server: int,
    sample: bool,
) -> Usage:
    """Run *command* to its end and return what it took; what it prints goes to *log*.

    server: the lab's process id. sample: watch the memory too, which costs time itself.
    Raises BenchmarkError when the command fails or does not end.
    """
    marks = log.with_suffix(".phases")
    load = os.getloadavg()[0]
    before, server_before = _children_seconds(), _seconds(server)
    began, began_at = time.monotonic(), time.time()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**environment, "BENCHMARK_PHASES": str(marks)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        sampler = Sampler(process.pid) if sample and AVAILABLE else None
        try:
            if sampler:
                sampler.start()
            process.wait(_TIMEOUT)
            wall = time.monotonic() - began
        except BaseException:
            _end(process)
            raise
        finally:
            if sampler:
                sampler.stop()
    if process.returncode:
        raise BenchmarkError(_failure(command, process.returncode, log))
    return Usage(
        wall=wall,
        cpu=_children_seconds() - before,
        server_cpu=_seconds(server) - server_before,
        load=load,
        memory=sampler.peak_bytes if sampler else 0,
        processes=sampler.peak_processes if sampler else 0,
        phases=_phases(marks, began=began_at, wall=wall),
    )


def _phases(marks: Path, *, began: float, wall: float) -> dict[str, float]:
    """Return the seconds of each phase; none for a command that marked nothing."""
    if not marks.exists():
        return {}
    lines = [json.loads(line) for line in marks.read_text(encoding="utf-8").splitlines()]
    begins = [(_START, began), *((line["name"], line["time"]) for line in lines)]
    ends = [time for _name, time in begins[1:]] + [began + wall]
    found: dict[str, float] = {}
    for (name, begin), end in zip(begins, ends, strict=True):
        found[name] = found.get(name, 0.0) + end - begin
    return found


def _children_seconds() -> float:
    """CPU seconds of every process that ended below this one."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _seconds(pid: int) -> float:
    """CPU seconds of a process that runs; 0 where the system does not tell."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0.0
    user, system = text.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / _TICKS


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command and all that it started, whatever session that moved to."""
    for pid in reversed(tree(process.pid)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def _failure(command: list[str], status: int, log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()[-30:]
    name = Path(command[0]).name
    return f"{name} ended with {status}. Its output ({log}) ends:\n" + "\n".join(lines)


__all__ = ("BenchmarkError", "Usage", "run")
