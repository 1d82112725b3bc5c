# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Application pipelines: made from data, changed by it, removed, and each failing alone."""

from __future__ import annotations

import copy
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import Lab, Pipeline, Rule
from tests.integration.held import Held
from tests.integration.inventory import Inventory
from tests.integration.playbook import Playbook, Run, StackName

PIPELINES = "playbooks/pipelines.yml"
TEARDOWN = "playbooks/teardown.yml"
HELLO = "hello"
REFUSED = "The lab refuses this change set."


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    """A copy of the inventory that the collection ships, with its application."""
    return Inventory.copied_to(tmp_path / "inventory", applications=True)


def declared(inventory: Inventory) -> list[dict[str, Any]]:
    """The applications as the inventory has them."""
    found: list[dict[str, Any]] = inventory.variables("primary")["pipelines"]
    return found


def declare(inventory: Inventory, *applications: dict[str, Any]) -> None:
    """Let the inventory have these applications and no others."""
    inventory.set_group("primary", pipelines=list(applications))


def renamed(application: dict[str, Any], name: str) -> dict[str, Any]:
    """The same application under another name, with stacks of its own."""
    found = {**copy.deepcopy(application), "name": name}
    for stack in found["stacks"]:
        stack["name"] = stack["name"].replace(HELLO, name)
    return found


def stack_of(inventory: Inventory, name: str) -> StackName:
    """The stack of an application."""
    return StackName(inventory.build_account_id, inventory.primary_region, f"{name}-pipeline")


def refuse(lab: Lab, stack: StackName) -> None:
    """Let CloudFormation take no change set of one stack."""
    rule = Rule(
        service="cloudformation",
        action="CreateChangeSet",
        account=stack.account_id,
        region=stack.region,
        stack=stack.name,
        error="AccessDenied",
        message=REFUSED,
    )
    lab.set_faults([rule])


def reads_of(run: Run, stack: StackName) -> list[str]:
    """What a run asked CloudFormation about one stack."""
    return [
        call.action
        for call in run.calls
        if call.service == "cloudformation" and call.resource == stack.name
    ]


# The whole of it


def test_the_bootstrap_ends_with_the_pipelines(
    lab: Lab, playbook: Playbook, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. From nothing, by the operator alone, each stack by one execution."""
    stack = stack_of(inventory, HELLO)

    run = playbook.run()

    assert run.code == 0, run.output
    assert run.results == dict.fromkeys(inventory.hosts, "created")
    assert run.applications == {HELLO: "created"}
    everything = {*map(held.stack_of, inventory.hosts), stack}
    assert run.executions == Counter(everything)
    last = [call for call in run.calls if call.action == "ExecuteChangeSet"][-1]
    assert last.resource == stack.name
    assert held.status(stack) == "CREATE_COMPLETE"
    tags = held.tags(stack)
    assert tags["crossaccount:group"] == "pipelines"
    assert tags["crossaccount:pipeline"] == HELLO
    pipeline = Pipeline(lab, HELLO)
    assert pipeline.stages == ["Source", "SyncArtifacts", "development", "testing", "production"]
    stores = pipeline.definition["artifactStores"]
    for region in inventory.regions:
        key, bucket = held.store(region)
        assert stores[region]["location"] == bucket.rpartition(":")[2]
        assert stores[region]["encryptionKey"] == {"id": key, "type": "KMS"}
    assert stores.keys() == set(inventory.regions)
    operator = f"assumed-role/{lab.organisation.operator.operator_role}/"
    about = [call for call in run.calls if call.resource == stack.name]
    assert about
    assert all(operator in call.principal for call in about)


def test_the_same_command_again_asks_two_things_of_an_application(
    playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. An unchanged organisation with an application: no write call."""
    before = held.everything()

    run = playbook.run()

    assert run.code == 0, run.output
    assert run.changed == set()
    assert run.applications == {HELLO: "unchanged"}
    assert run.writes == []
    assert held.everything() == before
    assert sorted(reads_of(run, stack_of(inventory, HELLO))) == ["DescribeStacks", "GetTemplate"]


def test_the_playbook_of_the_pipelines_asks_little_and_touches_nothing_else(
    playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. One list of stacks, then two reads an application; no other account."""
    run = playbook.run(playbook=PIPELINES)

    assert run.code == 0, run.output
    assert run.applications == {HELLO: "unchanged"}
    assert run.results == {}
    assert {call.account for call in run.calls} == {inventory.build_account_id}
    cloudformation = [call for call in run.calls if call.service == "cloudformation"]
    assert len(cloudformation) == 3
    assert len(run.calls) <= len(cloudformation) + 2

    inventory.set_group("all", stack_tags={"application": "another"})
    run = playbook.run(playbook=PIPELINES)

    assert run.code == 0, run.output
    assert run.written == {stack_of(inventory, HELLO)}
    assert run.applications == {HELLO: "updated"}


# Changes of the data


def with_a_region(application: dict[str, Any]) -> None:
    application["waves"][1]["environments"][0]["regions"] = ["eu-west-1", "us-east-1"]


def with_a_wave(application: dict[str, Any]) -> None:
    (production,) = application["waves"][2]["environments"]
    production["regions"] = ["eu-west-1", "ap-southeast-2"]
    canary = {
        "name": "canary",
        "environments": [{"host": "production", "regions": ["us-east-1"]}],
    }
    application["waves"].insert(2, canary)


def without_the_approval(application: dict[str, Any]) -> None:
    del application["waves"][-1]["approval"]


CHANGES = [with_a_region, with_a_wave, without_the_approval]


def test_a_change_of_the_data_changes_the_pipeline_and_nothing_else(
    lab: Lab, playbook: Playbook, existing: None, inventory: Inventory
) -> None:
    """Talks to the lab. A region more, a wave more, an approval less: one stack is written."""
    stack = stack_of(inventory, HELLO)
    (application,) = declared(inventory)
    for change in CHANGES:
        before = Pipeline(lab, HELLO).definition
        change(application)
        declare(inventory, application)

        check = playbook.run("--check")

        assert check.code == 0, check.output
        assert check.applications == {HELLO: "to update"}
        assert check.executions.total() == 0
        assert Pipeline(lab, HELLO).definition == before

        run = playbook.run()

        assert run.code == 0, run.output
        assert run.changed == {"build"}
        assert run.applications == {HELLO: "updated"}
        assert run.executions == Counter([stack])
        assert run.written == {stack}
        assert Pipeline(lab, HELLO).definition["version"] == before["version"] + 1
    assert playbook.run().writes == []


def test_variables_on_the_command_line_declare_applications_too(
    playbook: Playbook, existing: None, held: Held, inventory: Inventory, tmp_path: Path
) -> None:
    """Talks to the lab. -e @file takes the place of the inventory's; the other is told as lost."""
    file = tmp_path / "shop.yml"
    (application,) = declared(inventory)
    file.write_text(yaml.safe_dump({"pipelines": [renamed(application, "shop")]}), "utf-8")

    run = playbook.run("-e", f"@{file}", playbook=PIPELINES)

    assert run.code == 0, run.output
    assert run.applications == {"shop": "created"}
    assert "Application pipelines that are not in the data, left alone:\n  hello-pipeline in" in (
        run.output
    )
    assert held.status(stack_of(inventory, HELLO)) == "CREATE_COMPLETE"
    assert "Stacks of ours that no host stands for" not in playbook.run().output


# Data that is wrong


def unknown_host(application: dict[str, Any]) -> str:
    application["waves"][0]["environments"][0]["host"] = "nowhere"
    return "waves"


def unknown_region(application: dict[str, Any]) -> str:
    application["waves"][0]["environments"][0]["regions"] = ["eu-north-1"]
    return "waves"


def unknown_artifact(application: dict[str, Any]) -> str:
    application["stacks"][0]["artifact"] = "nothing"
    return "stacks"


def unknown_field(application: dict[str, Any]) -> str:
    application["wave"] = []
    return "wave"


@pytest.mark.parametrize("playbook_file", ["bootstrap.yml", PIPELINES])
@pytest.mark.parametrize("mistake", [unknown_host, unknown_region, unknown_artifact, unknown_field])
def test_wrong_data_is_refused_before_anything_is_called(
    playbook: Playbook, inventory: Inventory, mistake: Any, playbook_file: str
) -> None:
    """Talks to the lab, which is never asked. The message names pipeline and field."""
    (application,) = declared(inventory)
    field = mistake(application)
    declare(inventory, application)

    run = playbook.run(playbook=playbook_file)

    assert run.code == 2, run.output
    assert run.calls == []
    assert f"pipeline hello: {field}" in run.output
    assert len(run.plays) == 1


# Failures


def test_one_broken_application_stops_no_other(
    lab: Lab, playbook: Playbook, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. It fails alone, the run ends as failed, and the next one makes it good."""
    (application,) = declared(inventory)
    declare(inventory, *(renamed(application, name) for name in ("first", "broken", "last")))
    refuse(lab, stack_of(inventory, "broken"))

    run = playbook.run()

    assert run.code == 2, run.output
    assert run.results == dict.fromkeys(inventory.hosts, "created")
    assert run.applications == {"first": "created", "broken": "FAILED", "last": "created"}
    assert REFUSED in run.application_reason("broken")
    assert run.failed == {"build"}
    assert "pipelines that are not complete: broken" in run.output
    assert held.status(stack_of(inventory, "broken")) == ""

    lab.set_faults([])
    run = playbook.run(playbook=PIPELINES)
    assert run.code == 0, run.output
    assert run.applications == {"first": "unchanged", "broken": "created", "last": "unchanged"}


def test_a_pipeline_of_that_name_that_is_not_ours_fails_the_application(
    lab: Lab, playbook: Playbook, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. It is neither taken over nor touched, and nothing of ours is left."""
    inventory.set_group("primary", pipelines=declared(inventory))
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
    assert run.applications == {HELLO: "FAILED"}
    assert HELLO in run.application_reason(HELLO)
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
    return [{"name": one["name"], "actions": [one]} for one in (source, approval)]


def test_applications_are_not_reached_when_the_primary_fails(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. They would be built on a foundation that is not what is wanted."""
    inventory.set_group("all", stack_tags={"application": "another"})
    refuse(lab, held.primary)

    run = playbook.run()

    assert run.code == 2, run.output
    assert run.results["build"] == "FAILED"
    assert run.applications == {HELLO: "NOT REACHED"}
    assert run.application_reason(HELLO) == "not reached: the primary failed in this run"
    assert stack_of(inventory, HELLO) not in run.written


def test_applications_wait_for_their_own_regions_only(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. A new region fails: who deploys there waits, everybody else goes on."""
    (application,) = declared(inventory)
    inventory.add_region("ap-northeast-1", "production")
    eastern = renamed(application, "eastern")
    eastern["waves"][2]["environments"][0]["regions"] = ["ap-northeast-1"]
    western = renamed(application, "western")
    western["waves"][2]["environments"][0]["regions"] = ["eu-west-1"]
    declare(inventory, eastern, western)
    refuse(lab, StackName(inventory.build_account_id, "ap-northeast-1", "CrossAccountRegional"))

    run = playbook.run()

    assert run.code == 2, run.output
    assert run.failed == {"ap-northeast-1", "production", "build"}
    assert run.results["build"] in ("unchanged", "updated")
    assert run.applications == {"eastern": "NOT REACHED", "western": "created"}
    assert "ap-northeast-1 yet: not in the register" in run.application_reason("eastern")

    lab.set_faults([])
    run = playbook.run()
    assert run.code == 0, run.output
    assert run.applications == {"eastern": "created", "western": "unchanged"}


def test_an_account_that_fails_keeps_no_pipeline_from_being_built(
    lab: Lab, playbook: Playbook, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. The register has all regions; the account's own failure is told once."""
    refuse(lab, held.deploy("testing"))

    run = playbook.run()

    assert run.code == 2, run.output
    assert run.failed == {"testing"}
    assert run.applications == {HELLO: "created"}


def test_a_quarantined_account_leaves_the_pipelines_as_they_are(
    lab: Lab, playbook: Playbook, existing: None, inventory: Inventory
) -> None:
    """Talks to the lab. A suspended account stops no run, though an application deploys to it."""
    lab.refuse_access(inventory.accounts["production"].account_id)
    inventory.set("production", state="quarantined")

    run = playbook.run()

    assert run.code == 0, run.output
    assert run.results["production"] == "quarantined"
    assert run.applications == {HELLO: "unchanged"}


def test_without_a_foundation_there_are_no_pipelines(
    playbook: Playbook, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. The playbook of the pipelines alone, on an empty organisation."""
    run = playbook.run(playbook=PIPELINES)

    assert run.code == 2, run.output
    assert run.applications == {HELLO: "NOT REACHED"}
    assert "there is no primary stack yet" in run.application_reason(HELLO)
    assert run.writes == []
    assert held.stacks() == {}


# Looking first, and parts


def test_check_mode_on_an_empty_organisation_tells_everything_and_leaves_nothing(
    playbook: Playbook, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. Also the application, whose bucket and topic nobody knows yet."""
    before = held.everything()

    run = playbook.run("--check", "--diff")

    assert run.code == 0, run.output
    assert run.applications == {HELLO: "to create"}
    assert "+Add Pipeline (AWS::CodePipeline::Pipeline)" in run.output
    assert "+BuildBucketName: known-after-apply" in run.output
    assert run.executions.total() == 0
    assert held.everything() == before


@pytest.mark.parametrize(
    ("limit", "applications"), [("production", {}), ("build", {HELLO: "updated"})]
)
def test_a_limit_reaches_the_pipelines_with_the_primary_only(
    playbook: Playbook,
    existing: None,
    inventory: Inventory,
    limit: str,
    applications: dict[str, str],
) -> None:
    """Talks to the lab. They stand beside the primary stack, and belong to its host."""
    (application,) = declared(inventory)
    without_the_approval(application)
    declare(inventory, application)

    run = playbook.run("--limit", limit)

    assert run.code == 0, run.output
    assert run.applications == applications
    assert run.written == ({stack_of(inventory, HELLO)} if applications else set())


# A large one


def large(inventory: Inventory) -> dict[str, Any]:
    """An application whose template is over what CloudFormation takes inline."""
    (application,) = declared(inventory)
    found = renamed(application, "large")
    names = [f"{one}-{number}" for number in range(1, 8) for one in ("orders", "invoices")]
    first = found["stacks"][0]
    found["stacks"] = [{**copy.deepcopy(first), "name": name} for name in names]
    return found


def test_a_large_pipeline_goes_through_the_build_bucket(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. Uploaded once, encrypted by S3, read by CloudFormation, then unchanged."""
    declare(inventory, *declared(inventory), large(inventory))
    bucket = held.outputs(held.primary)["BuildBucketName"]
    s3 = lab.client("s3", inventory.build_account_id)

    run = playbook.run(playbook=PIPELINES)

    assert run.code == 0, run.output
    assert run.applications == {HELLO: "unchanged", "large": "created"}
    assert held.status(stack_of(inventory, "large")) == "CREATE_COMPLETE"
    (uploaded,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert uploaded["Size"] > 51_200
    assert uploaded["Key"].startswith("templates/")
    assert s3.head_object(Bucket=bucket, Key=uploaded["Key"])["ServerSideEncryption"] == "AES256"
    puts = [call for call in run.writes if call.service == "s3"]
    assert [call.action for call in puts] == ["PutObject"]

    again = playbook.run(playbook=PIPELINES)
    assert again.code == 0, again.output
    assert again.writes == []
    assert [call for call in again.calls if call.service == "s3"] == []


# The end of one


def test_an_application_that_is_to_be_absent_goes_alone(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. Its stack goes, with pipeline, projects, rule and roles."""
    declare(inventory, {"name": HELLO, "state": "absent"})

    check = playbook.run("--check", playbook=PIPELINES)
    assert check.applications == {HELLO: "to remove"}
    assert check.writes == []

    run = playbook.run(playbook=PIPELINES)

    assert run.code == 0, run.output
    assert run.applications == {HELLO: "removed"}
    assert run.written == {stack_of(inventory, HELLO)}
    assert held.stacks().keys() == {*map(held.stack_of, inventory.hosts)}
    build = inventory.build_account_id
    assert lab.client("codepipeline", build).list_pipelines()["pipelines"] == []
    assert lab.client("codebuild", build).list_projects()["projects"] == []
    roles = lab.client("iam", build).list_roles()["Roles"]
    assert [one["RoleName"] for one in roles if one["RoleName"].startswith("hello-")] == []

    again = playbook.run(playbook=PIPELINES)
    assert again.code == 0, again.output
    assert again.applications == {HELLO: "absent"}
    assert again.writes == []


def test_a_region_goes_once_its_pipeline_has_let_go_of_it(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. Refused with the cure; the cure works; then the region goes."""
    inventory.retire("ap-southeast-2")

    run = playbook.run()

    assert run.code == 2, run.output
    assert "ap-southeast-2 (pipelines hello)" in run.output
    assert "those of the inventory with playbooks/pipelines.yml" in run.output
    assert run.writes == []

    run = playbook.run(playbook=PIPELINES)
    assert run.code == 0, run.output
    assert run.applications == {HELLO: "updated"}
    assert set(Pipeline(lab, HELLO).definition["artifactStores"]) == {"us-east-1", "eu-west-1"}

    run = playbook.run()
    assert run.code == 0, run.output
    assert run.results["ap-southeast-2"] == "removed"
    assert run.applications == {HELLO: "unchanged"}


def test_a_teardown_removes_the_pipelines_before_everything_else(
    playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. The pipelines of the inventory hinder no teardown."""
    run = playbook.run("-e", "confirm=org", playbook=TEARDOWN)

    assert run.code == 0, run.output
    assert run.applications == {HELLO: "removed"}
    assert run.results == dict.fromkeys(inventory.hosts, "removed")
    deleted = [call.resource for call in run.calls if call.action == "DeleteStack"]
    assert deleted[0] == stack_of(inventory, HELLO).name
    assert held.stacks() == {}


def test_a_teardown_that_cannot_remove_a_pipeline_removes_nothing_else(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. The foundation stays below a pipeline that still stands."""
    before = held.stacks().keys()
    stack = stack_of(inventory, HELLO)
    rule = Rule(
        service="cloudformation",
        action="DeleteStack",
        account=stack.account_id,
        region=stack.region,
        stack=stack.name,
        error="AccessDenied",
        message="The lab deletes nothing.",
    )
    lab.set_faults([rule])

    run = playbook.run("-e", "confirm=org", playbook=TEARDOWN)

    assert run.code == 2, run.output
    assert run.applications == {HELLO: "FAILED"}
    assert run.results == dict.fromkeys(inventory.hosts, "POSTPONED")
    assert run.reason("production") == "postponed: the pipelines of hello still stand"
    assert held.stacks().keys() == before


def test_a_teardown_is_refused_by_a_pipeline_that_is_not_in_the_data(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. Neither the foundation nor the declared pipeline is touched."""
    (application,) = declared(inventory)
    declare(inventory, renamed(application, "shop"))
    made = playbook.run(playbook=PIPELINES)
    assert made.code == 0, made.output
    before = held.stacks().keys()

    run = playbook.run("-e", "confirm=org", playbook=TEARDOWN)

    assert run.code == 2, run.output
    assert "(pipelines hello)" in run.output
    assert run.applications == {"shop": "NOT REACHED"}
    assert run.writes == []
    assert held.stacks().keys() == before


def test_the_installed_archive_has_the_playbook_by_its_full_name(
    playbook: Playbook, existing: None, installed_collections: Path, tmp_path: Path
) -> None:
    """Talks to the lab. Nothing of the checkout is used."""
    empty = tmp_path / "empty"
    empty.mkdir()
    variables = {"ANSIBLE_COLLECTIONS_PATH": str(installed_collections)}

    run = playbook.run(
        playbook="crossaccount.pipeline.pipelines", folder=empty, variables=variables
    )

    assert run.code == 0, run.output
    assert run.applications == {HELLO: "unchanged"}
