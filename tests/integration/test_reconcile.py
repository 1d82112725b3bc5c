# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main job: an organisation from nothing, nothing to do, and one change at a time."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from lab import Lab, Pipeline
from tests.integration.held import CLOUDFORMATION, CODEPIPELINE, Held, check_complete
from tests.integration.inventory import Inventory
from tests.integration.playbook import FULL_NAME, Playbook

HELLO = "hello"
FIRST_HOSTS = {
    *("ap-southeast-2", "eu-west-1", "build"),
    *("development", "testing", "production", HELLO),
}


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    """A copy of the inventory that the collection ships, with its pipeline."""
    return Inventory.copied_to(tmp_path / "inventory", pipelines=True)


def test_a_fresh_organisation_is_complete_after_one_run(
    lab: Lab, playbook: Playbook, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. Everything is made, each stack by one execution, by the operator alone."""
    run = playbook.run()

    assert run.code == 0, run.output
    assert run.changed == inventory.hosts == FIRST_HOSTS
    assert run.results == dict.fromkeys(FIRST_HOSTS, "created")
    assert run.executions == Counter(held.stack_of(host) for host in FIRST_HOSTS)
    check_complete(held, inventory)
    operator = f"assumed-role/{lab.organisation.operator.operator_role}/"
    access = f"assumed-role/{lab.organisation.operator.access_role}/"
    # The live pipeline starts at once, with roles of its own.
    for call in (call for call in run.calls if call.service == "cloudformation"):
        mine = call.account == lab.organisation.build
        assert (operator if mine else access) in call.principal, call
    last = [call for call in run.calls if call.action == "ExecuteChangeSet"][-1]
    assert last.resource == held.stack_of(HELLO).name
    assert held.tags(held.stack_of(HELLO))["crossaccount:group"] == "pipelines"
    pipeline = Pipeline(lab, HELLO)
    assert pipeline.stages == ["Source", "SyncArtifacts", "development", "testing", "production"]
    stores = pipeline.definition["artifactStores"]
    assert stores.keys() == set(inventory.regions)
    for region in inventory.regions:
        key, bucket = held.store(region)
        assert stores[region]["location"] == bucket.rpartition(":")[2]
        assert stores[region]["encryptionKey"] == {"id": key, "type": "KMS"}


def test_a_fresh_organisation_is_as_safe_as_its_templates_say(
    lab: Lab, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. Keys rotate and have their alias; buckets take our key only, privately."""
    build = inventory.build_account_id
    for region in inventory.regions:
        kms = lab.client("kms", build, region)
        key, bucket_arn = held.store(region)
        assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
        alias = f"alias/{held.foundation(region).name}"
        assert kms.describe_key(KeyId=alias)["KeyMetadata"]["Arn"] == key

        s3 = lab.client("s3", build, region)
        outputs = held.outputs(held.foundation(region))
        arns = [outputs[name] for name in outputs if name.endswith("BucketArn")]
        names = [arn.rpartition(":")[2] for arn in arns]
        assert len(names) == (3 if region == inventory.primary_region else 2)
        assert bucket_arn == f"arn:aws:s3:::{outputs['PipelineBucketName']}"
        for name in names:
            encryption = s3.get_bucket_encryption(Bucket=name)
            (rule,) = encryption["ServerSideEncryptionConfiguration"]["Rules"]
            assert rule["BucketKeyEnabled"]
            assert rule["ApplyServerSideEncryptionByDefault"] == {
                "SSEAlgorithm": "aws:kms",
                "KMSMasterKeyID": key,
            }
            block = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
            assert set(block.values()) == {True}
            (ownership,) = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"][
                "Rules"
            ]
            assert ownership == {"ObjectOwnership": "BucketOwnerEnforced"}

    outputs = held.outputs(held.primary)
    s3 = lab.client("s3", build)
    assert s3.get_bucket_versioning(Bucket=outputs["BuildBucketName"])["Status"] == "Enabled"
    notifications = s3.get_bucket_notification_configuration(Bucket=outputs["BuildBucketName"])
    assert "EventBridgeConfiguration" in notifications
    function = lab.client("lambda", build).get_function(
        FunctionName=outputs["SyncArtifactsFunctionName"]
    )
    assert function["Configuration"]["FunctionArn"] == outputs["SyncArtifactsFunctionArn"]
    assert "/crossaccount/build/" in function["Configuration"]["Role"]
    topics = lab.client("sns", build).list_topics()["Topics"]
    assert outputs["ApprovalTopicArn"] in [topic["TopicArn"] for topic in topics]


def test_a_deploy_account_trusts_pipelines_and_cloudformation_only(
    lab: Lab, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. Who may assume the two roles, and what CloudFormation works with."""
    build = inventory.build_account_id
    for name, account in inventory.accounts.items():
        iam = lab.client("iam", account.account_id)
        outputs = held.outputs(held.deploy(name))
        role = iam.get_role(RoleName=CODEPIPELINE)["Role"]
        assert role["Arn"] == outputs["CodePipelineRoleArn"]
        assert role["AssumeRolePolicyDocument"]["Statement"] == [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{build}:root"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "ArnLike": {
                        "aws:PrincipalArn": f"arn:aws:iam::{build}:role/crossaccount/pipeline/*"
                    }
                },
            }
        ]
        role = iam.get_role(RoleName=CLOUDFORMATION)["Role"]
        assert role["Arn"] == outputs["CloudFormationRoleArn"]
        assert role["AssumeRolePolicyDocument"]["Statement"] == [
            {
                "Effect": "Allow",
                "Principal": {"Service": "cloudformation.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ]
        attached = iam.list_attached_role_policies(RoleName=CLOUDFORMATION)["AttachedPolicies"]
        assert [policy["PolicyArn"] for policy in attached] == [
            f"arn:aws:iam::{account.account_id}:policy/CrossAccountExecution"
        ]
        assert not iam.list_attached_role_policies(RoleName=CODEPIPELINE)["AttachedPolicies"]


def test_the_same_command_again_changes_nothing_and_asks_little(
    playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. Two CloudFormation calls a stack, one of STS an account, one a pipeline."""
    before = held.everything()

    run = playbook.run()

    assert run.code == 0, run.output
    assert run.recap.keys() == {"build"}
    assert run.changed == set()
    assert run.results == dict.fromkeys(inventory.hosts, "unchanged")
    assert run.writes == []
    assert held.everything() == before
    asked = Counter(call.account for call in run.calls if call.service == "cloudformation")
    for account in inventory.accounts.values():
        assert asked[account.account_id] == 2
    # Each region of the build account is listed once, which also finds stacks without a host.
    stacks = len(inventory.regions) + len(inventory.pipelines)
    assert asked[inventory.build_account_id] == stacks + len(inventory.regions)
    sts = [call for call in run.calls if call.service == "sts"]
    assert len(sts) <= 1 + len(inventory.accounts)
    # Has a first deployment failed?
    states = [call for call in run.calls if call.action == "GetPipelineState"]
    assert len(states) == len(inventory.pipelines)
    assert len(run.calls) == asked.total() + len(sts) + len(states)


def test_a_changed_tag_updates_every_stack_once(
    playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. Tags of the organisation are on every stack; ours stay beside them."""
    inventory.set_group("all", stack_tags={"application": "pipelines", "cost-centre": "1234"})

    run = playbook.run()

    assert run.code == 0, run.output
    assert run.changed == inventory.hosts
    assert run.executions == Counter(held.stack_of(host) for host in inventory.hosts)
    for host in inventory.hosts:
        tags = held.tags(held.stack_of(host))
        assert tags["application"] == "pipelines"
        assert tags["cost-centre"] == "1234"
        assert tags["crossaccount:host"] == host
    check_complete(held, inventory)


def test_a_changed_template_updates_the_stacks_made_from_it(
    playbook: Playbook,
    existing: None,
    held: Held,
    inventory: Inventory,
    lab: Lab,
    changed_collection: Path,
    tmp_path: Path,
) -> None:
    """Talks to the lab. The next version of the collection keeps artifacts' uploads for 8 days."""
    template = changed_collection / "roles" / "regional" / "files" / "regional.template"
    text = template.read_text(encoding="utf-8")
    assert "DaysAfterInitiation: 7" in text
    template.write_text(text.replace("DaysAfterInitiation: 7", "DaysAfterInitiation: 8"), "utf-8")
    collections = changed_collection.parents[2]

    run = playbook.run(
        playbook=FULL_NAME,
        folder=tmp_path,
        variables={"ANSIBLE_COLLECTIONS_PATH": str(collections)},
    )

    assert run.code == 0, run.output
    assert run.changed == set(inventory.regional)
    assert run.executions == Counter(held.foundation(region) for region in inventory.regional)
    assert run.written == set(run.executions)
    for region in inventory.regional:
        name = held.outputs(held.foundation(region))["PipelineBucketName"]
        client = lab.client("s3", inventory.build_account_id, region)
        rules = client.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
        days = [rule.get("AbortIncompleteMultipartUpload") for rule in rules]
        assert {"DaysAfterInitiation": 8} in days
    check_complete(held, inventory)


def test_a_shorter_retention_reaches_every_pipeline_bucket(
    playbook: Playbook, existing: None, held: Held, inventory: Inventory, lab: Lab
) -> None:
    """Talks to the lab. One variable for the whole organisation; deploy accounts are untouched."""
    inventory.set_group("all", artifact_retention_days=120)

    run = playbook.run()

    assert run.code == 0, run.output
    assert run.changed == {*inventory.regional, "build"}
    assert run.written == {held.foundation(region) for region in inventory.regions}
    for region in inventory.regions:
        name = held.outputs(held.foundation(region))["PipelineBucketName"]
        client = lab.client("s3", inventory.build_account_id, region)
        rules = client.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
        assert [rule["Expiration"]["Days"] for rule in rules if "Expiration" in rule] == [120]


def test_the_installed_archive_does_the_whole_job_by_its_full_name(
    playbook: Playbook,
    held: Held,
    inventory: Inventory,
    installed_collections: Path,
    tmp_path: Path,
) -> None:
    """Talks to the lab. Nothing of the checkout is used: neither its folder nor its plugins."""
    empty = tmp_path / "empty"
    empty.mkdir()
    variables = {"ANSIBLE_COLLECTIONS_PATH": str(installed_collections)}

    run = playbook.run("-vvvv", playbook=FULL_NAME, folder=empty, variables=variables)

    assert run.code == 0, run.output
    installed = installed_collections / "ansible_collections" / "crossaccount" / "pipeline"
    assert f"Loading collection crossaccount.pipeline from {installed}\n" in run.output
    assert run.results == dict.fromkeys(inventory.hosts, "created")
    check_complete(held, inventory)
    assert list(empty.iterdir()) == []
