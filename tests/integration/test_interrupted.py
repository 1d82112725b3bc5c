# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that end in the middle, and runs that meet."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import Call, Lab
from tests.integration.held import Held, check_complete
from tests.integration.inventory import Inventory
from tests.integration.playbook import Playbook
from tests.integration.waiting import MARK, survivors, wait_until

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="workers are found by their environment"
)

# A worker may sleep between two polls, 6 s at most.
SECONDS_TO_NOTICE = 8.0
# Runs its arguments in a session of its own, whose terminal is standard input.
TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
IN_TERMINAL = (sys.executable, "-c", TERMINAL)


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A lab of the test's own: operations may still be going on when the test ends."""
    with Lab() as lab:
        yield lab


def began(calls: list[Call], action: str, count: int) -> bool:
    """Whether a call was made, and answered, for so many stacks."""
    return len({(c.account, c.region) for c in calls if c.action == action}) >= count


# After this call was answered, in so many accounts and regions.
REGIONS_BEING_PLANNED = ("CreateChangeSet", 2)
REGIONS_BEING_MADE = ("ExecuteChangeSet", 2)
ACCOUNTS_BEING_PLANNED = ("CreateChangeSet", 6)


def interrupt(
    way: str, playbook: Playbook, *, lab: Lab, mark: str, output: Path, moment: tuple[str, int]
) -> float:
    """Start a run, end it in a moment and in a way, and return when it had ended."""
    if way == "closed terminal":
        terminal, stdin = os.openpty()
        process = playbook.start(
            output=output, prefix=IN_TERMINAL, stdin=stdin, variables={MARK: mark}
        )
        os.close(stdin)
    else:
        terminal = -1
        process = playbook.start(output=output, variables={MARK: mark})
    wait_until(lambda: began(lab.calls(), *moment), 30, f"{moment} in {output}")
    # The workers sleep now: nothing of theirs is on its way.
    time.sleep(0.3)
    assert len(survivors(mark)) > 1
    if way == "closed terminal":
        os.close(terminal)
    else:
        process.send_signal(signal.SIGKILL if way == "kill -9" else signal.SIGHUP)
    code = process.wait(timeout=10)
    assert code == (-signal.SIGKILL if way == "kill -9" else -signal.SIGHUP)
    return time.time()


@pytest.mark.parametrize(
    ("way", "moment"),
    [
        ("kill -9", REGIONS_BEING_PLANNED),
        ("hangup", REGIONS_BEING_MADE),
        ("closed terminal", ACCOUNTS_BEING_PLANNED),
    ],
)
def test_workers_write_nothing_once_the_run_is_gone(
    lab: Lab,
    playbook: Playbook,
    held: Held,
    inventory: Inventory,
    mark: str,
    tmp_path: Path,
    way: str,
    moment: tuple[str, int],
) -> None:
    """Talks to the lab, where every change set and stack takes its time.

    What is left of the run notices, writes nothing more and ends; the next run completes what was
    begun.
    """
    lab.set_latency(2, change_set=2)
    output = tmp_path / "output"

    ended = interrupt(way, playbook, lab=lab, mark=mark, output=output, moment=moment)

    left = survivors(mark)
    assert left, "no worker was left to prove anything"
    wait_until(lambda: not survivors(mark), SECONDS_TO_NOTICE, f"workers {left} end")
    # Long enough for every stack and change set to be ready for the next step.
    time.sleep(max(0.0, ended + 4 - time.time()))
    late = [call for call in lab.calls(ended) if call.write]
    assert late == []

    lab.set_latency(0)
    run = playbook.run()
    assert run.code == 0, run.output
    check_complete(held, inventory)
    again = playbook.run()
    assert again.changed == set(), again.output


def test_two_runs_at_once_end_in_one_organisation(
    lab: Lab, playbook: Playbook, held: Held, inventory: Inventory, tmp_path: Path
) -> None:
    """Talks to the lab. Two users start the same run on an empty organisation."""
    lab.set_latency(0.5, change_set=0.2)
    outputs = [tmp_path / name for name in ("first", "second")]

    processes = [playbook.start(output=output) for output in outputs]
    codes = [process.wait(timeout=120) for process in processes]

    texts = "\n\n".join(output.read_text(encoding="utf-8") for output in outputs)
    assert codes == [0, 0], texts
    check_complete(held, inventory)
    lab.set_latency(0)
    again = playbook.run()
    assert again.code == 0, again.output
    assert again.changed == set()
