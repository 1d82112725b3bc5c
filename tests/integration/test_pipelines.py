# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pipelines as hosts: created from their data, changed by it, removed, each failing alone."""

from __future__ import annotations

import copy
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lab import Lab, Pipeline, Rule
from tests.integration.held import Held, check_complete
from tests.integration.inventory import Inventory
from tests.integration.playbook import Playbook, StackName

PIPELINES = "playbooks/pipelines.yml"
TEARDOWN = "playbooks/teardown.yml"
HELLO = "hello"
REFUSED = "The lab refuses this change set."
REGION = "ap-northeast-1"


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    """A copy of the inventory that the collection ships, with its pipeline."""
    return Inventory.copied_to(tmp_path / "inventory", pipelines=True)


def renamed(pipeline: dict[str, Any], name: str) -> dict[str, Any]:
    """The same data for a pipeline of another name, which releases stacks of its own."""
    found = copy.deepcopy(pipeline)
    for stack in found["stacks"]:
        stack["name"] = stack["name"].replace(HELLO, name)
    return found


def refuse(lab: Lab, stack: StackName, action: str = "CreateChangeSet") -> None:
    """Let CloudFormation refuse a call for one stack."""
    rule = Rule(
        service="cloudformation",
        action=action,
        account=stack.account_id,
        region=stack.region,
        stack=stack.name,
        error="AccessDenied",
        message=REFUSED,
    )
    lab.set_faults([rule])


# Many at once, one alone


def test_twelve_pipelines_are_created_at_once_and_one_fails_alone(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. All of them are in progress together; the next run creates the last one."""
    hello = inventory.pipeline(HELLO)
    names = [f"service-{number:02}" for number in range(1, 13)]
    for name in names:
        inventory.declare(name, renamed(hello, name))
    broken = names[7]
    refuse(lab, held.stack_of(broken))

    run = playbook.run(playbook=PIPELINES)

    assert run.code == 2, run.output
    assert run.done == {**dict.fromkeys(names, "created"), broken: "FAILED"}
    assert run.failed == {broken}
    assert REFUSED in run.reason(broken)
    assert set(run.executions.values()) == {1}
    # Planned for all before the first is complete: they did not wait for each other.
    planned = [n for n, call in enumerate(run.calls) if call.action == "CreateChangeSet"]
    protected = [n for n, call in enumerate(run.calls) if call.action == "ExecuteChangeSet"]
    assert planned[5] < protected[-5]

    lab.set_faults([])
    run = playbook.run(playbook=PIPELINES)
    assert run.code == 0, run.output
    assert run.done == {broken: "created"}
    assert run.written == {held.stack_of(broken)}


def test_a_limit_reconciles_one_pipeline_from_the_register(
    playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. No other stack is written, and no deploy account is called."""
    inventory.set_group("all", stack_tags={"application": "another"})
    inventory.declare("shop", renamed(inventory.pipeline(HELLO), "shop"))

    run = playbook.run("--limit", HELLO)

    assert run.code == 0, run.output
    assert run.results == {HELLO: "updated"}
    assert run.recap.keys() == {HELLO}
    assert run.written == {held.stack_of(HELLO)}
    assert {call.account for call in run.calls} == {inventory.build_account_id}
    assert [call for call in run.calls if call.action == "AssumeRole"] == []


def test_a_limit_to_the_primary_leaves_the_pipelines_alone(
    playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. A pipeline is a host of its own."""
    inventory.set_group("all", stack_tags={"application": "another"})

    run = playbook.run("--limit", "build")

    assert run.code == 0, run.output
    assert run.written == {held.primary}


def test_the_playbook_of_the_pipelines_touches_nothing_else(
    playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. Every stack would change; only the pipeline's does."""
    inventory.set_group("all", stack_tags={"application": "another"})

    run = playbook.run(playbook=PIPELINES)

    assert run.code == 0, run.output
    assert run.results == {HELLO: "updated"}
    assert run.written == {held.stack_of(HELLO)}
    assert {call.account for call in run.calls} == {inventory.build_account_id}


def test_tags_choose_the_phases(
    playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. The check always runs; of the phases only those with the tag."""
    inventory.set_group("all", stack_tags={"application": "another"})

    run = playbook.run("--tags", "regional")
    assert run.written == {held.foundation(region) for region in inventory.regional}, run.output

    run = playbook.run("--tags", "pipelines")
    assert run.written == {held.stack_of(HELLO)}, run.output

    run = playbook.run("--skip-tags", "deploy_accounts")
    assert run.written == {held.primary}, run.output

    run = playbook.run("--tags", "deploy_accounts")
    assert run.code == 0, run.output
    assert run.written == {held.deploy(name) for name in inventory.accounts}


# Changes of the data


def test_a_change_of_the_data_changes_the_pipeline_and_nothing_else(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. A region more, a wave more, an approval less; check mode reports it."""
    pipeline = inventory.pipeline(HELLO)
    _development, testing, production = pipeline["waves"]
    testing["environments"][0]["regions"] = ["eu-west-1", "us-east-1"]
    production["environments"][0]["regions"] = ["eu-west-1", "ap-southeast-2"]
    del production["approval"]
    canary = {"name": "canary", "environments": [{"host": "production", "regions": ["us-east-1"]}]}
    pipeline["waves"].insert(2, canary)
    inventory.declare(HELLO, pipeline)
    before = Pipeline(lab, HELLO).definition

    check = playbook.run("--check")

    assert check.code == 0, check.output
    assert check.done == {HELLO: "to update"}
    assert check.executions.total() == 0
    assert Pipeline(lab, HELLO).definition == before

    run = playbook.run()

    assert run.code == 0, run.output
    assert run.done == {HELLO: "updated"}
    assert run.changed == {HELLO}
    assert run.executions == Counter([held.stack_of(HELLO)])
    assert run.written == {held.stack_of(HELLO)}
    assert Pipeline(lab, HELLO).definition["version"] == before["version"] + 1
    assert Pipeline(lab, HELLO).stages[-3:] == ["testing", "canary", "production"]


def test_a_group_that_grows_needs_a_word_where_releases_are_approved(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. The account is bootstrapped; its releases wait for somebody to agree."""
    account_id = "555555555550"
    lab.add_account(account_id)
    inventory.add_account("canary", account_id, "us-east-1")
    inventory.put_into("customers", "production", "canary")
    pipeline = inventory.pipeline(HELLO)
    pipeline["waves"][-1]["environments"] = [{"group": "customers"}]
    inventory.declare(HELLO, pipeline)

    run = playbook.run()

    assert run.code == 2, run.output
    assert run.done["canary"] == "created"
    assert run.done[HELLO] == "FAILED"
    assert "would also deploy to canary, new in group customers" in run.reason(HELLO)

    check = playbook.run("--check", "-e", "accept_new_members=true")

    assert check.code == 0, check.output
    assert "hello: new in group customers, wave production: canary" in check.output
    assert check.executions.total() == 0

    run = playbook.run("-e", "accept_new_members=true")

    assert run.code == 0, run.output
    assert run.done == {HELLO: "updated"}
    assert run.written == {held.stack_of(HELLO)}
    last = Pipeline(lab, HELLO).definition["stages"][-1]
    assert account_id in {
        action.get("roleArn", ":::::").split(":")[4] for action in last["actions"]
    }


# Wrong data


@pytest.mark.parametrize("file", ["bootstrap.yml", PIPELINES])
def test_everything_wrong_is_reported_together_before_any_call(
    playbook: Playbook, inventory: Inventory, file: str
) -> None:
    """Talks to the lab, which is never asked. Each problem names its host, field and file."""
    pipeline = inventory.pipeline(HELLO)
    pipeline["wave"] = []
    pipeline["waves"][0]["environments"][0]["host"] = "nowhere"
    inventory.declare(HELLO, pipeline)
    inventory.set("testing", regions="{{ regions_of_testing }}")
    inventory.set("production", account_id=444444444444)

    run = playbook.run(playbook=file)

    assert run.code == 2, run.output
    assert run.calls == []
    assert len(run.plays) == 1
    text = " ".join(run.output.split())
    for words in ("wave", "nowhere", "regions_of_testing", "account_id is a number", "hello.yml"):
        assert words in text, run.output


def test_hosts_share_one_namespace(playbook: Playbook, inventory: Inventory) -> None:
    """Talks to the lab, which is never asked. A host in two groups, and one named like a group."""
    inventory.declare("testing", renamed(inventory.pipeline(HELLO), "testing"))
    inventory.declare("primary", renamed(inventory.pipeline(HELLO), "primary"))

    run = playbook.run()

    assert run.code in (2, 4), run.output
    assert run.calls == []
    text = " ".join(run.output.split())
    assert "testing" in text
    assert "deploy_accounts" in text
    assert "Rename" in text
    assert "primary" in text


# Failures


def test_a_live_pipeline_of_that_name_that_is_not_ours_fails_the_pipeline(
    lab: Lab, playbook: Playbook, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. It is neither taken over nor touched, and the foundation is complete."""
    client = lab.client("codepipeline", inventory.build_account_id)
    foreign = {
        "name": HELLO,
        "roleArn": f"arn:aws:iam::{inventory.build_account_id}:role/CrossAccountOperator",
        "artifactStore": {"type": "S3", "location": "elsewhere"},
        "stages": foreign_stages(),
    }
    client.create_pipeline(pipeline=foreign)

    run = playbook.run()

    assert run.code == 2, run.output
    assert run.results == {**dict.fromkeys(inventory.foundation, "created"), HELLO: "FAILED"}
    assert HELLO in run.reason(HELLO)
    found = client.get_pipeline(name=HELLO)["pipeline"]
    assert (found["version"], found["roleArn"]) == (1, foreign["roleArn"])


def foreign_stages() -> list[dict[str, Any]]:
    """The least that a pipeline can be made of."""
    source = {
        "name": "Source",
        "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"},
        "configuration": {"S3Bucket": "elsewhere", "S3ObjectKey": "a.zip"},
        "outputArtifacts": [{"name": "a"}],
    }
    approval = {
        "name": "Approval",
        "actionTypeId": {
            "category": "Approval",
            "owner": "AWS",
            "provider": "Manual",
            "version": "1",
        },
    }
    return [{"name": action["name"], "actions": [action]} for action in (source, approval)]


def test_pipelines_are_not_reached_when_the_primary_fails(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. They would be built on a foundation that is not what is desired."""
    inventory.set_group("all", stack_tags={"application": "another"})
    refuse(lab, held.primary)

    run = playbook.run()

    assert run.code == 2, run.output
    assert run.results["build"] == "FAILED"
    assert run.results[HELLO] == "NOT REACHED"
    assert "the primary build failed in this run" in run.reason(HELLO)
    assert held.stack_of(HELLO) not in run.written


def test_pipelines_wait_for_their_own_regions_only(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. A new region fails: who deploys there waits, everybody else goes on."""
    hello = inventory.pipeline(HELLO)
    inventory.add_region(REGION, "production")
    for name, region in (("eastern", REGION), ("western", "eu-west-1")):
        pipeline = renamed(hello, name)
        pipeline["waves"][2]["environments"][0]["regions"] = [region]
        inventory.declare(name, pipeline)
    refuse(lab, held.foundation(REGION))

    run = playbook.run()

    assert run.code == 2, run.output
    # hello deploys to every region of production.
    assert run.failed == {REGION, "production", "eastern", HELLO}
    assert run.results["eastern"] == "NOT REACHED"
    assert run.results["western"] == "created"
    assert f"{REGION} yet: not in the register" in run.reason("eastern")

    lab.set_faults([])
    run = playbook.run()
    assert run.code == 0, run.output
    assert run.results["eastern"] == "created"
    assert run.results["western"] == "unchanged"


def test_an_account_that_fails_keeps_no_pipeline_from_being_created(
    lab: Lab, playbook: Playbook, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. The register has all regions; a release stops where there are no roles."""
    refuse(lab, held.deploy("testing"))

    run = playbook.run()

    assert run.code == 2, run.output
    assert run.failed == {"testing", HELLO}
    assert run.results[HELLO] == "created, incomplete"


def test_a_quarantined_account_leaves_the_pipelines_as_they_are(
    lab: Lab, playbook: Playbook, existing: None, inventory: Inventory
) -> None:
    """Talks to the lab. A suspended account stops no run, though a pipeline deploys to it."""
    lab.refuse_access(inventory.accounts["production"].account_id)
    inventory.set("production", state="quarantined")

    run = playbook.run()

    assert run.code == 0, run.output
    assert run.results["production"] == "quarantined"
    assert run.results[HELLO] == "unchanged"


def test_without_a_foundation_there_are_no_pipelines(
    playbook: Playbook, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. The playbook of the pipelines alone, on an empty organisation."""
    run = playbook.run(playbook=PIPELINES)

    assert run.code == 2, run.output
    assert run.results == {HELLO: "NOT REACHED"}
    assert "no primary stack" in run.reason(HELLO)
    assert run.writes == []
    assert held.stacks() == {}


# Large


def large(pipeline: dict[str, Any]) -> dict[str, Any]:
    """A pipeline whose template is over what CloudFormation takes inline."""
    found = renamed(pipeline, "large")
    names = [f"{name}-{number}" for number in range(1, 8) for name in ("orders", "invoices")]
    first = found["stacks"][0]
    found["stacks"] = [{**copy.deepcopy(first), "name": name} for name in names]
    return found


def test_a_large_pipeline_goes_through_the_build_bucket(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. Uploaded once, encrypted by S3, read by CloudFormation, then unchanged."""
    inventory.declare("large", large(inventory.pipeline(HELLO)))
    bucket = held.outputs(held.primary)["BuildBucketName"]
    s3 = lab.client("s3", inventory.build_account_id)
    before = {item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])}

    run = playbook.run(playbook=PIPELINES)

    assert run.code == 0, run.output
    assert run.results == {HELLO: "unchanged", "large": "created"}
    found = s3.list_objects_v2(Bucket=bucket)["Contents"]
    (uploaded,) = (item for item in found if item["Key"] not in before)
    assert uploaded["Size"] > 51_200
    assert uploaded["Key"].startswith("templates/")
    assert s3.head_object(Bucket=bucket, Key=uploaded["Key"])["ServerSideEncryption"] == "AES256"
    assert [call.action for call in run.writes if call.service == "s3"] == ["PutObject"]

    again = playbook.run(playbook=PIPELINES)
    assert again.code == 0, again.output
    assert again.writes == []
    assert [call for call in again.calls if call.service == "s3"] == []


# Removal


def test_a_pipeline_that_should_be_absent_goes_alone(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. Its stack goes, with live pipeline, projects, rule and roles."""
    stack = held.stack_of(HELLO)
    inventory.set(HELLO, state="absent")

    check = playbook.run("--check", playbook=PIPELINES)
    assert check.results == {HELLO: "to remove"}
    assert check.writes == []

    run = playbook.run(playbook=PIPELINES)

    assert run.code == 0, run.output
    assert run.results == {HELLO: "removed"}
    assert run.written == {stack}
    assert held.stacks().keys() == {*map(held.stack_of, inventory.foundation)}
    build = inventory.build_account_id
    assert lab.client("codepipeline", build).list_pipelines()["pipelines"] == []
    assert lab.client("codebuild", build).list_projects()["projects"] == []
    roles = lab.client("iam", build).list_roles()["Roles"]
    assert [role["RoleName"] for role in roles if role["RoleName"].startswith("hello-")] == []

    again = playbook.run()
    assert again.code == 0, again.output
    assert again.results[HELLO] == "absent"
    assert again.writes == []


def test_a_region_goes_in_the_run_in_which_its_pipeline_stops_using_it(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. The pipeline comes first, the region last."""
    inventory.retire("ap-southeast-2")

    run = playbook.run()

    assert run.code == 0, run.output
    assert run.results["ap-southeast-2"] == "removed"
    assert run.results[HELLO] == "updated"
    assert set(Pipeline(lab, HELLO).definition["artifactStores"]) == {"us-east-1", "eu-west-1"}
    ends = [call for call in run.calls if call.action in ("ExecuteChangeSet", "DeleteStack")]
    assert ends[0].resource == held.stack_of(HELLO).name
    assert (ends[-1].action, ends[-1].region) == ("DeleteStack", "ap-southeast-2")
    check_complete(held, inventory)


def test_a_pipeline_that_also_needs_something_new_postpones_the_removal(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. The pipeline leaves one region and needs another one that is new."""
    inventory.retire("ap-southeast-2")
    inventory.add_region(REGION, "production")

    run = playbook.run()

    assert run.code == 2, run.output
    assert run.results["ap-southeast-2"] == "POSTPONED"
    assert "hello" in run.reason("ap-southeast-2")
    assert "Run again" in run.reason("ap-southeast-2")
    assert run.results[HELLO] == "updated"
    assert set(Pipeline(lab, HELLO).definition["artifactStores"]) == {
        *("us-east-1", "eu-west-1", REGION)
    }

    run = playbook.run()
    assert run.code == 0, run.output
    assert run.results["ap-southeast-2"] == "removed"
    check_complete(held, inventory)


def test_a_teardown_removes_the_pipelines_before_everything_else(
    playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. The pipelines of the inventory hinder no teardown."""
    run = playbook.run("-e", "confirm=org", playbook=TEARDOWN)

    assert run.code == 0, run.output
    assert run.results == dict.fromkeys(inventory.hosts, "removed")
    deleted = [call.resource for call in run.calls if call.action == "DeleteStack"]
    assert deleted[0] == held.stack_of(HELLO).name
    assert held.stacks() == {}


def test_a_teardown_that_cannot_remove_a_pipeline_removes_nothing_else(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. The foundation stays below a pipeline that still exists."""
    before = held.stacks().keys()
    refuse(lab, held.stack_of(HELLO), "DeleteStack")

    run = playbook.run("-e", "confirm=org", playbook=TEARDOWN)

    assert run.code == 2, run.output
    assert run.results == {**dict.fromkeys(inventory.foundation, "POSTPONED"), HELLO: "FAILED"}
    assert "hello" in run.reason("production")
    assert held.stacks().keys() == before


def test_a_teardown_is_refused_by_a_pipeline_that_is_not_in_the_inventory(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. Neither the foundation nor the pipeline is touched."""
    inventory.remove(HELLO)
    before = held.stacks().keys()

    run = playbook.run("-e", "confirm=org", playbook=TEARDOWN)

    assert run.code == 2, run.output
    assert "hello" in run.reason("build")
    assert run.writes == []
    assert held.stacks().keys() == before
