# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run groups of checks, all of them, and say at the end what failed.

    python -m tools.check lint unit sanity

The exit code is 0 only if every step passed. Steps of `lint` do not touch each other and run side
by side, with their output shown only when they fail. The others run one after the other and speak
for themselves. A process that a step leaves behind is ended, and is a failure.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools.environment import ROOT, environment

# Every process that a step starts inherits this variable, whatever session or group it moves to.
MARK = "CROSSACCOUNT_CHECK_RUN"

# Seconds after which a step hangs rather than works. The longest takes a few minutes.
LIMIT = 1800


@dataclass(frozen=True)
class Step:
    """One command and how to call it in the summary."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of a step."""

    step: Step
    passed: bool
    seconds: float
    output: str


PYTHON = sys.executable
# Two files of tests at a time: they mostly wait, and a file's own lab stays with its tests.
PYTEST = (PYTHON, "-m", "pytest", "--numprocesses", "2", "--dist", "loadfile")
SCRIPTS = sorted(str(path) for path in (ROOT / "tools").glob("*.sh"))

GROUPS: dict[str, tuple[Step, ...]] = {
    "lint": (
        Step("ruff check", ("ruff", "check", ".")),
        Step("ruff format", ("ruff", "format", "--check", ".")),
        Step("mypy", (PYTHON, "-m", "tools.type_check")),
        Step("shellcheck", ("shellcheck", ".ci/run", *SCRIPTS)),
        Step("yamllint", ("yamllint", "--strict", ".")),
        Step("ansible-lint", ("ansible-lint", "--nocolor")),
        Step("cfn-lint", (PYTHON, "-m", "tools.lint_templates")),
        Step("antsibull-docs", ("antsibull-docs", "lint-collection-docs", "--plugin-docs", ".")),
        Step("antsibull-changelog", ("antsibull-changelog", "lint")),
    ),
    "unit": (
        # What the tests of the role awx compare with.
        Step("awx.awx", (PYTHON, "-m", "tools.awx_collection")),
        Step("unit tests", (*PYTEST, "tests/unit", "lab/tests")),
    ),
    "sanity": (Step("ansible-test sanity", (PYTHON, "-m", "tools.sanity")),),
    "integration": (Step("integration tests", (*PYTEST, "tests/integration")),),
    "policy": (Step("policy tests", (*PYTEST, "tests/policy")),),
    "molecule": (Step("molecule", ("molecule", "test", "--all")),),
}
SIDE_BY_SIDE = frozenset({"lint"})


def main(names: list[str]) -> int:
    """Run the named groups in the order given and return the exit code."""
    unknown = sorted(set(names) - set(GROUPS))
    if unknown or not names:
        print(f"usage: python -m tools.check GROUP...   groups: {', '.join(GROUPS)}")
        return 2

    started = time.monotonic()
    outcomes: list[Outcome] = []
    for name in names:
        steps = GROUPS[name]
        if name in SIDE_BY_SIDE:
            with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
                for outcome in pool.map(_run_quietly, steps):
                    _report(outcome)
                    outcomes.append(outcome)
        else:
            for step in steps:
                print(f"\n==> {step.name}", flush=True)
                outcomes.append(_run_aloud(step))
                _report(outcomes[-1])

    failed = [outcome for outcome in outcomes if not outcome.passed]
    print(f"\nAll of it took {time.monotonic() - started:.0f} s.")
    if failed:
        print("Failed: " + ", ".join(outcome.step.name for outcome in failed))
    print(f"steps: {len(outcomes) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def _run_quietly(step: Step) -> Outcome:
    return _run(step, capture=True)


def _run_aloud(step: Step) -> Outcome:
    return _run(step, capture=False)


def _run(step: Step, *, capture: bool) -> Outcome:
    """Run one step to its end, then end what it left behind."""
    mark = uuid.uuid4().hex
    started = time.monotonic()
    try:
        done = subprocess.run(
            step.command,
            cwd=ROOT,
            env=environment({MARK: mark}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if capture else None,
            stderr=subprocess.STDOUT if capture else None,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        seconds = time.monotonic() - started
        return Outcome(step, passed=False, seconds=seconds, output=f"{error}\n")
    finally:
        left = _end_leftovers(mark)

    output = done.stdout or ""
    passed = done.returncode == 0
    if left:
        passed = False
        output += "left running, and ended now:\n" + "".join(f"  {line}\n" for line in left)
    return Outcome(step, passed, time.monotonic() - started, output)


def _end_leftovers(mark: str) -> list[str]:
    """End every process that carries `mark`, and return their command lines.

    Only Linux shows other processes' environment; elsewhere nothing is found.
    """
    wanted = f"{MARK}={mark}".encode()
    left: list[str] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted not in (folder / "environ").read_bytes().split(b"\0"):
                continue
            command = (
                (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            )
            os.kill(int(folder.name), signal.SIGKILL)
        except (OSError, ValueError):
            continue  # It ended by itself, or belongs to somebody else.
        left.append(f"{folder.name} {command.strip()}")
    return left


def _report(outcome: Outcome) -> None:
    verdict = "ok" if outcome.passed else "FAILED"
    if outcome.output and not outcome.passed:
        print(f"\n==> {outcome.step.name}\n{outcome.output}", end="")
    print(f"{outcome.step.name:<20} {verdict:<6} {outcome.seconds:6.1f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
