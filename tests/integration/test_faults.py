# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS misbehaves: the end is the same as without, and nothing is done twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import Lab, Rule
from tests.integration.campaign import seed
from tests.integration.haste import EXPIRING, HASTE, IMPATIENCE, variables
from tests.integration.held import Held, check_complete
from tests.integration.inventory import Inventory
from tests.integration.playbook import Playbook, Run


def fired(lab: Lab) -> list[int]:
    """How often each fault hit a call."""
    return [rule["fired"] for rule in lab.faults()]


def check_made_once(run: Run, held: Held, inventory: Inventory) -> None:
    """Assert that a run on an empty organisation made all of it, and each stack once."""
    assert run.code == 0, run.output
    assert run.results == dict.fromkeys(inventory.hosts, "created")
    for host in inventory.hosts:
        assert held.beginnings(held.stack_of(host)) == ["CREATE", "REVIEW"], host
    check_complete(held, inventory)
    assert held.retained() == set()


THROTTLED = [
    Rule(service="cloudformation", error="Throttling", message="Rate exceeded"),
    Rule(service="sts", error="Throttling", message="Rate exceeded"),
]
BROKEN = [
    Rule(service="cloudformation", error="InternalFailure", status=500),
    Rule(service="cloudformation", error="ServiceUnavailable", status=503),
    Rule(service="sts", error="InternalFailure", status=500),
]
BROKEN_AFTER = [
    Rule(service="cloudformation", action=action, after=True, error="InternalFailure", status=500)
    for action in ("CreateChangeSet", "ExecuteChangeSet", "UpdateTerminationProtection")
]


def with_chance(rules: list[Rule], probability: float) -> list[Rule]:
    """The rules, each hitting a call with this probability, drawn from the seed."""
    return [
        Rule(**{**vars(rule), "probability": probability, "seed": seed() + number})
        for number, rule in enumerate(rules)
    ]


@pytest.mark.parametrize(
    ("rules", "probability"),
    [(THROTTLED, 0.3), (BROKEN, 0.15), (BROKEN_AFTER, 0.5)],
    ids=["throttling", "5xx", "5xx after the effect"],
)
def test_calls_that_fail_now_and_then_change_nothing_in_the_end(
    lab: Lab,
    playbook: Playbook,
    held: Held,
    inventory: Inventory,
    hasty: dict[str, str],
    rules: list[Rule],
    probability: float,
) -> None:
    """Talks to the lab, with faults drawn from the seed. An organisation from nothing."""
    lab.set_latency(0.1, change_set=0.05)
    lab.set_faults(with_chance(rules, probability))

    run = playbook.run(variables=hasty)

    assert sum(fired(lab)) >= 3
    check_made_once(run, held, inventory)


def test_updates_and_removals_under_throttling(
    lab: Lab,
    playbook: Playbook,
    existing: None,
    held: Held,
    inventory: Inventory,
    hasty: dict[str, str],
) -> None:
    """Talks to the lab, with faults drawn from the seed. A region goes, the rest is updated."""
    retained = held.data_of("eu-west-1")
    inventory.retire("eu-west-1")
    inventory.set_group("all", stack_tags={"application": "pipelines"})
    lab.set_faults(with_chance(THROTTLED, 0.3))

    run = playbook.run(variables=hasty)

    assert run.code == 0, run.output
    assert run.results == {
        **dict.fromkeys(inventory.hosts, "updated"),
        "eu-west-1": "removed",
    }
    for host in inventory.hosts - {"eu-west-1"}:
        beginnings = held.beginnings(held.stack_of(host))
        assert [one for one in beginnings if "CLEANUP" not in one] == ["UPDATE", "CREATE", "REVIEW"]
    check_complete(held, inventory)
    assert held.retained() == retained


@pytest.mark.parametrize("action", ["CreateChangeSet", "ExecuteChangeSet"])
def test_replies_that_never_come(
    lab: Lab,
    playbook: Playbook,
    held: Held,
    inventory: Inventory,
    hasty: dict[str, str],
    action: str,
) -> None:
    """Talks to the lab. Every attempt takes effect, every reply is lost: all is made once.

    After the last attempt the run looks whether it was done.
    """
    lab.set_faults([Rule(service="cloudformation", action=action, after=True)])

    run = playbook.run(variables=hasty)

    assert len(fired(lab)) == 1
    assert fired(lab)[0] > len(inventory.hosts)
    check_made_once(run, held, inventory)


def test_calls_that_hang_in_every_phase(
    lab: Lab, playbook: Playbook, held: Held, inventory: Inventory, tmp_path: Path
) -> None:
    """Talks to the lab. Writes take effect and are never answered, and a role is not assumed."""
    lab.set_faults(
        [
            Rule(
                service="cloudformation", action="CreateChangeSet", hang=True, after=True, count=1
            ),
            Rule(
                service="cloudformation", action="ExecuteChangeSet", hang=True, after=True, count=1
            ),
            Rule(service="cloudformation", action="DescribeChangeSet", hang=True, count=1),
            Rule(service="sts", action="AssumeRole", hang=True, count=1),
        ]
    )

    run = playbook.run(variables=variables(tmp_path / "haste", HASTE, IMPATIENCE))

    assert fired(lab) == [1, 1, 1, 1]
    check_made_once(run, held, inventory)


@pytest.mark.parametrize("skip", [8, 25])
def test_credentials_that_expire_in_the_middle(
    lab: Lab, playbook: Playbook, held: Held, inventory: Inventory, skip: int
) -> None:
    """Talks to the lab. From one call on, the operator's credentials are good for nothing.

    The run ends, reports it, and leaves nothing broken. With new credentials the next one completes
    it, and no stack is made twice.
    """
    message = "The security token included in the request is expired"
    lab.set_faults(
        [
            Rule(account=inventory.build_account_id, error="ExpiredToken", status=403,
                 message=message, skip=skip)
        ]
    )  # fmt: skip

    run = playbook.run()

    assert run.code == 2, run.output
    assert message in run.output
    assert run.failed
    for name, stack in held.stacks().items():
        assert stack["StackStatus"].startswith(("CREATE_", "REVIEW_")), name
        assert not stack["StackStatus"].endswith("_FAILED"), name

    lab.set_faults([])
    run = playbook.run()
    assert run.code == 0, run.output
    check_complete(held, inventory)
    assert held.retained() == set()
    for host in inventory.hosts:
        assert held.beginnings(held.stack_of(host)).count("CREATE") == 1, host


def test_credentials_of_roles_are_renewed_before_they_expire(
    lab: Lab, playbook: Playbook, held: Held, inventory: Inventory, tmp_path: Path
) -> None:
    """Talks to the lab. Where credentials are about to end, roles are assumed anew."""
    run = playbook.run(variables=variables(tmp_path / "expiring", EXPIRING))

    check_made_once(run, held, inventory)
    assumed = [call for call in run.calls if call.action == "AssumeRole"]
    in_accounts = [
        call
        for call in run.calls
        if call.service == "cloudformation" and call.account != inventory.build_account_id
    ]
    assert len(assumed) >= len(in_accounts)
