# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that end in the middle, and runs that meet."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from lab import Call, Lab
from tests.integration.held import Held, check_complete
from tests.integration.inventory import Inventory
from tests.integration.playbook import Playbook
from tests.integration.waiting import survivors, wait_until

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/comm").exists(), reason="workers are found by their name"
)


@dataclass(frozen=True, kw_only=True)
class Moment:
    """When a run is ended: so many stacks are at work, and none of them gets any further.

    action: the call that each was the last to make.
    """

    held: Literal["change_set", "operation"]
    action: str
    stacks: int

    def has_come(self, calls: list[Call]) -> bool:
        """Whether it is now."""
        made = {(call.account, call.region) for call in calls if call.action == self.action}
        return len(made) >= self.stacks


REGIONS_BEING_PLANNED = Moment(held="change_set", action="CreateChangeSet", stacks=2)
REGIONS_BEING_MADE = Moment(held="operation", action="ExecuteChangeSet", stacks=2)
ACCOUNTS_BEING_PLANNED = Moment(held="change_set", action="CreateChangeSet", stacks=3)


def interrupt(
    way: str, playbook: Playbook, *, lab: Lab, mark: str, output: Path, moment: Moment
) -> float:
    """Start a run, end it in a way and at a moment, and return when it had ended."""
    lab.hold(moment.held)
    if way == "closed terminal":
        terminal, its_side = os.openpty()
        run = playbook.start(output=output, name=mark, terminal=Path(os.ttyname(its_side)))
    else:
        run = playbook.start(output=output, name=mark)
    wait_until(lambda: moment.has_come(lab.calls()), f"{moment} in {output}")
    assert len(survivors(mark)) > 1
    if way == "closed terminal":
        os.close(its_side)
        os.close(terminal)
    else:
        os.kill(run.pid, signal.SIGKILL if way == "kill -9" else signal.SIGHUP)
    assert run.wait() == (-signal.SIGKILL if way == "kill -9" else -signal.SIGHUP)
    return time.time()


def check_nothing_late(lab: Lab, mark: str, ended: float) -> None:
    """Assert that the workers of a run that is gone end, and write nothing before they do."""
    # Now each of them could take its next step.
    lab.hold()
    wait_until(lambda: not survivors(mark), "the workers end")
    assert [call for call in lab.calls(ended) if call.write] == []


@pytest.mark.parametrize(
    ("way", "moment"), [("kill -9", REGIONS_BEING_PLANNED), ("hangup", REGIONS_BEING_MADE)]
)
def test_workers_write_nothing_once_the_run_is_gone(
    lab: Lab,
    playbook: Playbook,
    held: Held,
    inventory: Inventory,
    mark: str,
    tmp_path: Path,
    way: str,
    moment: Moment,
) -> None:
    """Talks to the lab. The workers notice, write nothing and end; the next run completes it."""
    ended = interrupt(way, playbook, lab=lab, mark=mark, output=tmp_path / "output", moment=moment)

    check_nothing_late(lab, mark, ended)
    run = playbook.run()
    assert run.code == 0, run.output
    check_complete(held, inventory)


def test_workers_write_nothing_once_the_terminal_is_closed(
    lab: Lab,
    playbook: Playbook,
    existing: None,
    held: Held,
    inventory: Inventory,
    mark: str,
    tmp_path: Path,
) -> None:
    """Talks to the lab. The same where every deploy account is to be updated."""
    policies = ["arn:aws:iam::aws:policy/AmazonS3FullAccess"]
    inventory.set_group("deploy_accounts", deploy_account_execution_policies=policies)

    ended = interrupt(
        "closed terminal",
        playbook,
        lab=lab,
        mark=mark,
        output=tmp_path / "output",
        moment=ACCOUNTS_BEING_PLANNED,
    )

    check_nothing_late(lab, mark, ended)
    run = playbook.run()
    assert run.code == 0, run.output
    assert run.changed == set(inventory.accounts)
    check_complete(held, inventory)


def test_two_runs_at_once_end_in_one_organisation(
    lab: Lab, playbook: Playbook, held: Held, inventory: Inventory, tmp_path: Path
) -> None:
    """Talks to the lab. Two users start the same run on an empty organisation."""
    lab.set_latency(0.3, change_set=0.2)
    outputs = [tmp_path / name for name in ("first", "second")]

    runs = [playbook.start(output=output) for output in outputs]
    codes = [run.wait() for run in runs]

    texts = "\n\n".join(output.read_text(encoding="utf-8") for output in outputs)
    assert codes == [0, 0], texts
    check_complete(held, inventory)
    for host in inventory.hosts:
        assert held.beginnings(held.stack_of(host)).count("CREATE") == 1, host
