# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The summary: one line a host, and everybody who is not complete ends as failed."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.module_utils._summary import (
    RESULTS,
    Row,
    as_text,
    summarise,
)

from tests.unit.plugins.module_utils.inventory import BUILD, PRODUCTION, Inventory, entry

ORDER = ["ap-southeast-2", "eu-west-1", "build", "development", "production", "testing"]
REGIONS = ("ap-southeast-2", "eu-west-1", "us-east-1")
INCOMPLETE = (
    "nothing can be deployed to {} yet: not in the register. Run the bootstrap again, without"
    " --limit, once its region is complete"
)
ROLES = dict(zip(ORDER, ["regional"] * 2 + ["primary"] + ["deploy_account"] * 3, strict=True))


class Run:
    """What is known at the end of a run; a test changes what it is about."""

    def __init__(self, operation: str = "none") -> None:
        self.inventory = Inventory()
        self.plan: dict[str, Any] = {"failures": {}, "quarantined": []}
        register = {"regions": {region: entry(region) for region in REGIONS}, "problem": None}
        self.variables: dict[str, dict[str, Any]] = {
            name: {
                f"{ROLES[name]}_result": {"operation": operation, "changed": operation != "none"}
            }
            for name in ORDER
        }
        for name in ORDER[3:]:
            self.variables[name]["bootstrap_register"] = register

    def rows(self, *play_hosts: str, check_mode: bool = False) -> dict[str, Row]:
        rows = summarise(
            self.inventory.read(),
            self.plan,
            self.variables,
            play_hosts=play_hosts or ORDER,
            check_mode=check_mode,
        )
        return {row.host.name: row for row in rows}

    def row(self, name: str, *, check_mode: bool = False) -> tuple[str, str | None]:
        row = self.rows(check_mode=check_mode)[name]
        return row.result, row.failure


def test_hosts_come_in_the_order_of_the_phases() -> None:
    assert list(Run().rows()) == ORDER


def test_only_hosts_of_the_play_are_told() -> None:
    assert list(Run().rows("production", "build")) == ["build", "production"]


def test_results_are_those_that_the_roles_register() -> None:
    assert {f"{role}_result" for role in ROLES.values()} == set(RESULTS.values())
    assert set(RESULTS) == set(Inventory().groups)


@pytest.mark.parametrize(
    ("operation", "check_mode", "word"),
    [
        ("none", False, "unchanged"),
        ("create", False, "created"),
        ("update", False, "updated"),
        ("none", True, "unchanged"),
        ("create", True, "to create"),
        ("update", True, "to update"),
        ("repair", True, "to repair"),
    ],
)
def test_what_was_done_is_said_in_a_word(operation: str, check_mode: bool, word: str) -> None:
    rows = Run(operation).rows(check_mode=check_mode)

    assert {row.result for row in rows.values()} == {word}
    assert {row.failure for row in rows.values()} == {None}


def test_a_failure_of_the_check_is_told() -> None:
    run = Run()
    run.plan["failures"]["testing"] = "refused"
    del run.variables["testing"]["deploy_account_result"]

    assert run.row("testing") == ("FAILED", "refused")
    assert run.row("production") == ("unchanged", None)


def test_a_failure_of_a_phase_is_told() -> None:
    run = Run()
    run.variables["eu-west-1"] = {"bootstrap_failure": "it broke"}

    assert run.row("eu-west-1") == ("FAILED", "it broke")


def test_a_failure_goes_before_a_result() -> None:
    run = Run("update")
    run.variables["build"]["bootstrap_failure"] = "it broke afterwards"

    assert run.row("build") == ("FAILED", "it broke afterwards")


def test_a_quarantined_account_is_no_failure() -> None:
    run = Run()
    run.inventory.hosts["production"]["state"] = "quarantined"
    run.variables["production"] = {}

    assert run.row("production") == ("quarantined", None)


def test_a_host_that_was_not_reached_says_why() -> None:
    run = Run()
    run.variables["testing"] = {
        "bootstrap_register": {"regions": {}, "problem": "the primary stack failed in this run"}
    }

    assert run.row("testing") == (
        "NOT REACHED",
        "not reached: the primary stack failed in this run",
    )


@pytest.mark.parametrize("skipped", [{}, {"regional_result": {"skipped": True}}])
def test_a_host_that_was_not_reached_for_no_reason_says_so(skipped: dict[str, Any]) -> None:
    run = Run()
    run.variables["eu-west-1"] = skipped

    assert run.row("eu-west-1") == (
        "NOT REACHED",
        "not reached: an earlier phase ended the run",
    )


def test_an_account_is_incomplete_without_one_of_its_regions() -> None:
    run = Run("create")
    register = run.variables["production"]["bootstrap_register"]
    del register["regions"]["ap-southeast-2"], register["regions"]["eu-west-1"]

    assert run.row("production") == (
        "created, incomplete",
        INCOMPLETE.format("ap-southeast-2, eu-west-1"),
    )
    assert run.row("testing")[0] == "created, incomplete"
    assert run.row("development") == ("created", None)


def test_check_mode_tells_what_stays_incomplete() -> None:
    run = Run()
    del run.variables["production"]["bootstrap_register"]["regions"]["eu-west-1"]

    assert run.row("production", check_mode=True)[0] == "unchanged, incomplete"


# As text


def test_the_summary_is_a_table_with_the_reasons_below() -> None:
    run = Run()
    run.variables["ap-southeast-2"]["regional_result"]["operation"] = "create"
    run.variables["production"] = {"bootstrap_failure": "it broke"}
    run.variables["testing"] = {}

    lines = as_text(list(run.rows("ap-southeast-2", "build", "production", "testing").values()))

    assert lines == [
        "HOST            ACCOUNT       REGION          STACK                 RESULT",
        f"ap-southeast-2  {BUILD}  ap-southeast-2  CrossAccountRegional  created",
        f"build           {BUILD}  us-east-1       CrossAccountPrimary   unchanged",
        f"production      {PRODUCTION}  us-east-1       CrossAccountDeploy    FAILED",
        "testing         333333333333  us-east-1       CrossAccountDeploy    NOT REACHED",
        "",
        "1 created, 1 unchanged, 1 FAILED, 1 NOT REACHED",
        "",
        "production: it broke",
        "",
        "testing: not reached: an earlier phase ended the run",
    ]


def test_a_summary_without_failures_ends_with_the_counts() -> None:
    assert as_text(list(Run().rows().values()))[-2:] == ["", "6 unchanged"]


def test_a_summary_of_nobody_is_short() -> None:
    assert as_text([]) == ["HOST  ACCOUNT  REGION  STACK  RESULT", "", ""]
