# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What playbooks ask about a run, from what the plays before have registered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible import context
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap import (
    phases,
    recorded,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError

from tests.fakes.bootstrap import World
from tests.fakes.inventory import BUILD, PRODUCTION, TESTING, Inventory, entry

REGIONS, ACCOUNTS = ["ap-southeast-2", "eu-west-1"], ["development", "production", "testing"]
RESULTS = {
    "regional": ("ap-southeast-2", "regional_result"),
    "primary": ("build", "primary_result"),
    "deploy_accounts": ("production", "deploy_account_result"),
    "pipelines": ("shop", "pipeline_result"),
}


class HostVars(dict[str, dict[str, Any]]):
    """Stands in for Ansible's ``hostvars``, which combine the variables at each look-up.

    :ivar looked_up: the hosts, one for each look-up.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.looked_up: list[str] = []

    def raw_get(self, host_name: str) -> dict[str, Any]:
        self.looked_up.append(host_name)
        return self[host_name]


@pytest.fixture
def world() -> World:
    """An organisation after its first run, with something to do for every host."""
    inventory = Inventory()
    inventory.add_pipeline("shop", production=None)
    world = World(inventory)
    world.run()
    inventory.shared["stack_tags"] = {"team": "platform"}
    return world


def registered(world: World, *hosts: str, **options: Any) -> HostVars:
    """Return what is registered after the check; each host that was in it has the plan."""
    plan = world.check(*hosts, **options)
    return HostVars(
        {
            name: {"preflight_result": plan} if name in plan["hosts"] else {}
            for name in world.inventory.hosts
        }
    )


@pytest.mark.parametrize(
    ("result", "done", "failed"),
    [
        ({"run": "this", "operation": "update"}, True, False),
        ({"run": "this", "failed": True, "msg": "it broke"}, False, True),
        ({"failed": True, "msg": "it broke"}, False, True),
        ({"run": "earlier", "operation": "update"}, False, False),
        ({"run": "this", "skipped": True}, False, False),
    ],
)
def test_what_the_roles_register_counts_in_its_own_run(
    world: World, result: dict[str, Any], done: bool, failed: bool
) -> None:
    hostvars = registered(world)
    for phase, (name, variable) in RESULTS.items():
        assert name in phases.hosts(hostvars, phase)
        stack = hostvars[name]["preflight_result"]["stacks"][name]
        hostvars[name][variable] = {"stack": stack, **result}

        assert (name not in phases.hosts(hostvars, phase)) is (done or failed)
        assert phases.fails(hostvars, name, "summary") is (not done)
        hostvars[name][variable] = {"stack": stack, "run": "this", "operation": "none"}


def test_the_plan_is_that_of_the_last_check(world: World) -> None:
    hostvars = registered(world)  # of a playbook before, in the same command
    world.inventory.shared.pop("stack_tags")
    later = {**world.check("shop"), "run": "later", "started": "2026-11-24T09:00:00Z"}
    hostvars["shop"] |= {"preflight_result": later, "pipeline_result": {"run": "this"}}

    assert phases.hosts(hostvars, "deploy_accounts") == []
    assert phases.hosts(hostvars, "summary") == ["shop"]
    assert not phases.fails(hostvars, "shop", "summary")


def test_hosts_are_looked_up_as_rarely_as_can_be(world: World) -> None:
    hostvars = registered(world)
    world.run()
    for phase in ("regional", "primary", "deploy_accounts", "summary"):
        hostvars.looked_up.clear()
        phases.hosts(hostvars, phase)
        assert sorted(hostvars.looked_up) == sorted(hostvars)

    hostvars.looked_up.clear()
    phases.connection(hostvars, "testing")
    assert hostvars.looked_up == ["testing"]


def test_the_plan_of_a_noted_run_is_looked_up_once(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(recorded, "run_directory", lambda: tmp_path)
    hostvars = registered(world)
    later = {**world.check(), "run": "later"}
    for name in ("development", "testing"):
        hostvars[name]["preflight_result"] = later

    for run in ("this", "later"):
        recorded.note_run(run)
        hostvars.looked_up.clear()
        assert recorded.require_plan(hostvars)["run"] == run
        assert len(set(hostvars.looked_up)) < len(hostvars)


def test_the_summary_is_for_hosts_that_are_not_complete_or_else_for_one_host(world: World) -> None:
    hostvars = registered(world, "testing", "production")
    assert phases.hosts(hostvars, "summary") == ["production", "testing"]
    world.run()
    assert phases.hosts(registered(world), "summary") == ["build"]
    assert phases.hosts(registered(world, "testing", "shop"), "summary") == ["shop"]
    assert not phases.fails(registered(world), "build", "summary")


@pytest.mark.parametrize(
    ("report", "shown", "drifted"),
    [
        (None, ["build"], []),
        ({"failures": {}, "drifted": []}, ["build"], []),
        (
            {"failures": {"testing": "it drifted"}, "drifted": ["testing", "build"]},
            ["testing"],
            ["build", "testing"],
        ),
    ],
)
def test_a_drift_run_fails_and_reverts_what_its_report_names(
    world: World, report: dict[str, Any] | None, shown: list[str], drifted: list[str]
) -> None:
    hostvars = registered(world)
    if report:
        hostvars["production"]["drift_report_result"] = report

    assert phases.hosts(hostvars, "report") == shown
    assert phases.hosts(hostvars, "drifted") == drifted
    assert phases.fails(hostvars, "testing", "report") is bool(report and report["failures"])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "eu-west-1",
            {
                "grant_mode": "accounts",
                "deploy_account_ids": [TESTING, PRODUCTION],
                "excluded_account_ids": [],
            },
        ),
        ("testing", {"register": [entry("eu-west-1"), entry("us-east-1")]}),
        (
            "shop",
            {
                "register": [entry(region) for region in (*REGIONS, "us-east-1")],
                "outputs": {
                    "ApprovalTopicArn": f"arn:aws:sns:us-east-1:{BUILD}:approvals",
                    "BuildBucketName": "builds",
                    "SyncArtifactsFunctionName": "sync-artifacts",
                },
            },
        ),
    ],
)
def test_a_stack_is_given_what_it_needs_of_others_and_nothing_else(
    world: World, name: str, expected: dict[str, Any]
) -> None:
    assert phases.inputs(registered(world), name) == expected


def test_the_inputs_of_a_host_that_cannot_be_reached_are_an_error(world: World) -> None:
    hostvars = registered(world)
    hostvars["build"]["primary_result"] = {"failed": True, "msg": "it broke"}

    with pytest.raises(PipelineError, match=r"^the primary build failed in this run$"):
        phases.inputs(hostvars, "testing")


def test_a_play_before_the_check_is_an_error_with_its_cure() -> None:
    with pytest.raises(PipelineError) as failure:
        phases.hosts(HostVars(build={}), "regional")

    assert str(failure.value) == (
        "the check before the first write ran for no host. Look at the warnings above, at -i and"
        " --limit, and at the groups of the inventory; run the playbook from its start"
    )


def test_a_pipeline_is_reached_as_the_primary_is(world: World) -> None:
    world.inventory.hosts["build"]["aws_profile"] = "builds"

    hostvars = registered(world)

    expected = {
        "account_id": BUILD,
        "region": "us-east-1",
        "profile": "builds",
        "sts_region": "us-east-1",
        "caller_account_id": BUILD,
    }
    for name in ("build", "shop"):
        found = phases.connection(hostvars, name)
        assert {key: found[key] for key in expected} == expected


def test_drift_is_looked_for_where_accounts_answered_and_may_be_called(world: World) -> None:
    world.inventory.hosts["production"]["state"] = "quarantined"
    world.gateway.errors[TESTING] = "refused"
    hostvars = registered(world)

    everything = [target["name"] for target in phases.targets(hostvars)]

    assert everything == ["ap-southeast-2", "build", "development", "eu-west-1", "shop"]
    assert phases.targets(hostvars, ["development", "testing"]) == [
        {
            "name": "development",
            "account_id": "222222222222",
            "region": "us-east-1",
            "stack_name": "CrossAccountDeploy",
            "access_role_name": "CrossAccountAccess",
        }
    ]


@pytest.mark.parametrize("option", ["syntax", "listhosts", "listtasks", "listtags"])
def test_playbooks_can_be_listed_without_a_run(
    monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.setattr(context, "CLIARGS", {option: True})

    assert phases.hosts(HostVars(build={}), "regional") == []
