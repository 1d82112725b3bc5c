# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run is killed at many points, over all its phases, and run again at once."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from lab import Call, Lab
from tests.integration.campaign import VARIABLE, seed
from tests.integration.held import Held, check_complete
from tests.integration.inventory import Inventory
from tests.integration.playbook import Playbook
from tests.integration.warm import Warm

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/comm").exists(), reason="workers are found by their name"
)

# How often each campaign kills; with another seed at other points.
FRESH, RETIRING = 3, 2
REGION = "eu-west-1"
LATENCY, CHANGE_SET = 0.2, 0.1
# The killed run has names of its own, by which its calls are known.
SESSION, ROLE = "killed", "KilledAccess"


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A lab of the test's own: operations may still be going on when the test ends."""
    with Lab() as lab:
        yield lab


@pytest.fixture
def inventory(inventory: Inventory) -> Inventory:
    """A small organisation: one more region, one account."""
    for name in ("ap-southeast-2", "development", "testing"):
        inventory.remove(name)
    return inventory


class Killer:
    """Kills runs of one inventory in one lab."""

    def __init__(
        self, lab: Lab, inventory: Inventory, warm: Warm, *, folder: Path, mark: str
    ) -> None:
        self._lab = lab
        self._inventory = inventory
        self._warm = warm
        self._folder = folder
        self._mark = mark
        self._numbers = count(1)

    def run(self, calls: int) -> float:
        """Start a run, kill it once it made so many calls, and return when it was gone."""
        self._admit()
        folder = self._folder / f"killed-{next(self._numbers)}"
        inventory = self._inventory.slice(folder / "inventory", *self._inventory.hosts)
        for name, account in inventory.accounts.items():
            inventory.set(name, role_arn=f"arn:aws:iam::{account.account_id}:role/{ROLE}")
        playbook = Playbook(self._lab, inventory, home=folder / "ansible", warm=self._warm)
        output, before = folder / "output", self._made()
        run = playbook.start(output=output, name=self._mark, variables=self._credentials())
        while not run.has_ended and self._made() - before < calls:
            time.sleep(0.005)
        os.kill(run.pid, signal.SIGKILL)
        code = run.wait()
        gone = time.time()
        # A run that ended before, for whatever reason, would prove nothing.
        assert code == -signal.SIGKILL, output.read_text(encoding="utf-8")
        return gone

    def check_nothing_late(self, gone: float) -> None:
        """Assert that what a killed run left wrote nothing after its parent was gone.

        One request a stack may have been under way at that moment.
        """
        late = [call for call in self._lab.calls(gone) if call.write and is_killed(call)]
        stacks = Counter((call.account, call.region) for call in late)
        assert set(stacks.values()) <= {1}, late

    def _made(self) -> int:
        """How many calls killed runs made so far; read from the lab's file, which costs little."""
        calls = (self._lab.directory / "calls.jsonl").read_bytes()
        return calls.count(f'/{SESSION}"'.encode()) + calls.count(f"/{ROLE}/".encode())

    def _credentials(self) -> dict[str, str]:
        """The operator's credentials, in a session of another name."""
        build, role = self._lab.organisation.build, self._lab.organisation.operator.operator_role
        answer = self._lab.client("sts", build).assume_role(
            RoleArn=f"arn:aws:iam::{build}:role/{role}", RoleSessionName=SESSION
        )["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": answer["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": answer["SecretAccessKey"],
            "AWS_SESSION_TOKEN": answer["SessionToken"],
        }

    def _admit(self) -> None:
        """Let the operator into each account through the killed run's role, too."""
        organisation = self._lab.organisation
        allowed = {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Resource": f"arn:aws:iam::*:role/{ROLE}",
        }
        self._lab.client("iam", organisation.build).put_role_policy(
            RoleName=organisation.operator.operator_role,
            PolicyName=ROLE,
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
        )
        for account in self._inventory.accounts.values():
            iam = self._lab.client("iam", account.account_id)
            if ROLE in {role["RoleName"] for role in iam.list_roles()["Roles"]}:
                continue
            access = iam.get_role(RoleName=organisation.operator.access_role)["Role"]
            trust = json.dumps(access["AssumeRolePolicyDocument"])
            iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=trust)
            iam.attach_role_policy(
                RoleName=ROLE, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
            )


def is_killed(call: Call) -> bool:
    """Whether a killed run made this call."""
    return call.principal.endswith(f"/{SESSION}") or f"/{ROLE}/" in call.principal


def points(number: int, calls: int) -> list[int]:
    """Numbers of calls after which to kill: one in each of so many equal parts of a run."""
    draw = random.Random(seed())  # noqa: S311  # not for secrets
    part = calls / number
    drawn = [int(part * (index + draw.random())) for index in range(number)]
    print(f"{VARIABLE}={seed()}: killed after {drawn} of {calls} calls")
    return drawn


@pytest.fixture
def killer(lab: Lab, inventory: Inventory, warm: Warm, tmp_path: Path, mark: str) -> Killer:
    """What kills runs."""
    return Killer(lab, inventory, warm, folder=tmp_path, mark=mark)


def test_a_first_run_that_is_killed_at_any_point(
    lab: Lab, playbook: Playbook, held: Held, inventory: Inventory, killer: Killer
) -> None:
    """Talks to the lab, where everything takes time. Each time from nothing, then run again.

    The second run leaves what an undisturbed one leaves: every stack created once, and no other
    key, bucket or change set.
    """
    lab.set_latency(LATENCY, change_set=CHANGE_SET)
    calls = undisturbed(playbook)
    expected = shape(held)

    for point in points(FRESH, calls):
        lab.reset()
        lab.set_latency(LATENCY, change_set=CHANGE_SET)
        gone = killer.run(point)

        run = playbook.run()

        assert run.code == 0, f"killed after {point} calls\n{run.output}"
        check_complete(held, inventory)
        assert shape(held) == expected, point
        assert held.retained() == set(), point
        killer.check_nothing_late(gone)


def test_a_run_that_removes_and_brings_back_is_killed_at_any_point(
    lab: Lab, playbook: Playbook, held: Held, inventory: Inventory, killer: Killer
) -> None:
    """Talks to the lab, where everything takes time. In turn a region goes and comes back.

    The next run finishes what the killed one began: the region is gone, its key and buckets
    retained, or it is there, with new ones.
    """
    undisturbed(playbook)
    lab.set_latency(LATENCY, change_set=CHANGE_SET)
    edit(inventory, absent=True)
    calls = undisturbed(playbook)
    edit(inventory, absent=False)
    calls = min(calls, undisturbed(playbook))
    kept = held.retained()
    assert len(kept) == 3  # a key and two buckets

    for index, point in enumerate(points(RETIRING, calls)):
        before = held.data_of(REGION) if index % 2 == 0 else set()
        edit(inventory, absent=index % 2 == 0)
        gone = killer.run(point)

        run = playbook.run()

        assert run.code == 0, f"killed after {point} calls\n{run.output}"
        check_complete(held, inventory)
        kept |= before
        assert held.retained() == kept, point
        killer.check_nothing_late(gone)


def shape(held: Held) -> dict[object, object]:
    """What an organisation is, apart from the names that AWS makes up."""
    return {
        name: (
            held.beginnings(name).count("CREATE"),
            stack["Tags"],
            sorted(one["OutputKey"] for one in stack["Outputs"]),
            sorted(one["ParameterKey"] for one in stack["Parameters"]),
        )
        for name, stack in held.stacks().items()
    }


def edit(inventory: Inventory, *, absent: bool) -> None:
    """Let the region go, or bring it back for production."""
    if absent:
        inventory.retire(REGION)
    else:
        inventory.set(REGION, state="present")
        inventory.set("production", regions=[inventory.primary_region, REGION])


def undisturbed(playbook: Playbook) -> int:
    """Run once, and return how many calls that takes."""
    run = playbook.run()
    assert run.code == 0, run.output
    return len(run.calls)
