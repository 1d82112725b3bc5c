# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run prints: the answer last, in few lines, or one JSON document."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lab import Lab
from tests.integration.held import Held
from tests.integration.inventory import Inventory
from tests.integration.playbook import Playbook, Run
from tests.integration.states import States

ACCOUNTS = 20
REGIONS = ("ap-northeast-1", "ca-central-1", "eu-central-1", "sa-east-1")


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    """A copy of the inventory that the collection ships, with its pipeline."""
    return Inventory.copied_to(tmp_path / "inventory", pipelines=True)


def answer(run: Run) -> list[str]:
    """The lines between the last task and PLAY RECAP."""
    text = run.output[: run.output.index("PLAY RECAP")]
    lines = text[text.rindex("TASK [") :].splitlines()[1:]
    return [line for line in lines if line and not line.startswith("ok: ")]


def check_columns(run: Run) -> None:
    """Assert that no line of ours is over 100 columns; Ansible wraps none of its own."""
    assert [line for line in answer(run) if len(line) > 100] == []


def test_an_unchanged_organisation_of_20_accounts_prints_few_lines_and_writes_nothing(
    lab: Lab, states: States, playbook: Playbook, inventory: Inventory
) -> None:
    """Talks to the lab. 20 accounts, 6 regions and a pipeline; one host is in the recap."""
    ids = [f"5{number:011}" for number in range(ACCOUNTS - len(inventory.accounts))]
    for region in REGIONS:
        inventory.add_region(region)
    for number, account_id in enumerate(ids):
        inventory.add_account(f"account-{number:02}", account_id, "us-east-1", "eu-west-1")

    def bootstrap() -> None:
        lab.add_account(*ids)
        run = playbook.run()
        assert run.code == 0, run.output

    states.restore(lab, "large", bootstrap)

    run = playbook.run()

    assert run.code == 0, run.output
    assert run.writes == []
    assert len(run.output.splitlines()) < 40, run.output
    assert run.recap.keys() == {"build"}
    text = " ".join(answer(run)[-1].split())
    for words in ("28 stacks unchanged", "6 regions", "20 accounts", "1 pipeline"):
        assert words in text, run.output


def test_the_answer_is_directly_above_the_recap(
    lab: Lab, playbook: Playbook, existing: None, inventory: Inventory
) -> None:
    """Talks to the lab. What was done, what failed, why and what to do, each once."""
    lab.refuse_access(inventory.accounts["testing"].account_id)
    inventory.set_group("all", artifact_retention_days=120)

    run = playbook.run()

    assert run.code == 2, run.output
    shown = answer(run)
    rows = [line.split() for line in shown if re.match(r"  \S+ +\d{12} ", line)]
    assert {(row[0], row[-1]) for row in rows} == {
        *((host, "updated") for host in ("ap-southeast-2", "build", "eu-west-1")),
        ("testing", "FAILED"),
    }
    (title,) = [line for line in shown if line.startswith("  FAILED: ")]
    assert title == "  FAILED: testing"
    reason = run.reason("testing")[:60]
    assert "CrossAccountAccess" in run.reason("testing")
    assert " ".join(run.output.split()).count(reason) == 1
    assert "run the same command again" in shown[-1]
    check_columns(run)


@pytest.mark.parametrize("arguments", [(), ("--check", "--diff")], ids=["real", "check"])
def test_json_is_one_valid_document(
    playbook: Playbook, existing: None, inventory: Inventory, arguments: tuple[str, ...]
) -> None:
    """Talks to the lab. With a JSON callback nothing else is printed; the result holds the text."""
    inventory.set_group("all", artifact_retention_days=120)

    run = playbook.run(*arguments, variables={"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"})

    assert run.code == 0, run.output
    document = json.loads(run.output)
    (summary,) = [
        result
        for play in document["plays"]
        for task in play["tasks"]
        for result in task["hosts"].values()
        if result.get("action", "").endswith("bootstrap_summary")
    ]
    assert summary["results"] == run.results
    assert "CrossAccountPrimary" in "\n".join(summary["text"])


def test_check_mode_shows_what_changes_and_for_whom(
    playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. A change that several hosts share is shown once."""
    policies = ["arn:aws:iam::aws:policy/AmazonS3FullAccess"]
    inventory.set_group("deploy_accounts", deploy_account_execution_policies=policies)

    run = playbook.run("--check", "--diff")

    assert run.code == 0, run.output
    assert run.done == dict.fromkeys(inventory.accounts, "to update")
    text = "\n".join(answer(run))
    assert text.count("  + arn:aws:iam::aws:policy/AmazonS3FullAccess") == 1, run.output
    assert "the same on 3 hosts: development, production, testing" in text
    check_columns(run)
