# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Regions, accounts and whole organisations go in order, and no data with them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from lab import Lab
from tests.integration.held import Held, check_complete
from tests.integration.inventory import SHIPPED, Inventory
from tests.integration.playbook import Playbook, Run, StackName
from tests.integration.uploads import Uploads

REGION = "eu-west-1"
CONFIRM = ("-e", "confirm=org")
PURGE = ("-e", "purge_data=true")
TEARDOWN = "playbooks/teardown.yml"

Data = dict[str, Any]


def name_of(arn: str) -> str:
    """The name of a bucket or the id of a key."""
    return re.split(r"[:/]", arn)[-1]


def check_listed(run: Run, host: str, *arns: str) -> None:
    """Assert that the summary names these buckets and keys, with the commands to act on them."""
    told = run.retained.get(host, "")
    region = host if host != "build" else "us-east-1"
    for arn in arns:
        name = name_of(arn)
        if ":kms:" in arn:
            assert f"key {name}: " in told, run.output
            delete = command(told, "kms schedule-key-deletion", name)
            assert f"--key-id {name}" in delete
            assert f"--region {region}" in delete
        else:
            assert f"bucket {name}\n" in told, run.output
            assert command(told, "s3 ls", name)
            assert "all versions in it" in command(told, "s3 rb", name)


def command(told: str, words: str, name: str) -> str:
    """The command that begins with these words and is about this name, on one line."""
    lines = re.sub(r"\\\n +", "", told).splitlines()
    found = [line for line in lines if f"aws {words} " in line and name in line]
    assert len(found) == 1, told
    return found[0]


def check_admits_nobody(held: Held, inventory: Inventory, region: str, *arns: str) -> None:
    """Assert that a retained key and its buckets admit nobody but their own account."""
    for arn in arns:
        is_key = ":kms:" in arn
        policy = held.key_policy(arn, region) if is_key else held.bucket_policy(arn, region)
        accounts = set(re.findall(r"\d{12}", json.dumps(policy)))
        assert accounts <= {inventory.build_account_id}, arn


def pipeline(lab: Lab, inventory: Inventory, name: str, *, stores: Data, account_id: str) -> None:
    """Declare a pipeline that takes from a bucket and deploys to an account."""
    home, build = inventory.primary_region, inventory.build_account_id

    def action(name: str, category: str, owner: str, provider: str, **more: Any) -> Data:
        kind = {"category": category, "owner": owner, "provider": provider, "version": "1"}
        return {"name": name, "actionTypeId": kind, **more}

    source = action(
        "Source",
        "Source",
        "AWS",
        "S3",
        configuration={"S3Bucket": stores[home], "S3ObjectKey": "built.zip"},
        outputArtifacts=[{"name": "Built"}],
    )
    deploy = [
        action(
            f"Deploy-{region}",
            "Deploy",
            "AWS",
            "CloudFormation",
            configuration={
                "ActionMode": "CHANGE_SET_EXECUTE",
                "StackName": name,
                "ChangeSetName": name,
            },
            inputArtifacts=[{"name": "Built"}],
            region=region,
            roleArn=f"arn:aws:iam::{account_id}:role/CrossAccountCodePipeline",
        )
        for region in stores
    ]
    lab.client("codepipeline", build, home).create_pipeline(
        pipeline={
            "name": name,
            "roleArn": f"arn:aws:iam::{build}:role/crossaccount/pipeline/{name}",
            "artifactStores": {
                region: {"type": "S3", "location": bucket} for region, bucket in stores.items()
            },
            "stages": [
                {"name": "Source", "actions": [source]},
                {"name": "Deploy", "actions": deploy},
            ],
        }
    )


class TestNothingIsWritten:
    """Refusals and previews: each test leaves everything as it was."""

    @pytest.fixture(autouse=True)
    def unchanged(self, existing: None, held: Held) -> Iterator[None]:
        """Compare what AWS holds before and after."""
        before = held.everything()
        yield
        assert held.everything() == before

    def test_a_region_that_an_account_still_lists(
        self, playbook: Playbook, inventory: Inventory
    ) -> None:
        """Talks to the lab, which hears nothing. Both accounts that list it are named."""
        inventory.set(REGION, state="absent")

        run = playbook.run()

        assert run.code == 2, run.output
        text = " ".join(run.output.split())
        assert f"regions: the host of {REGION} is absent" in text
        assert "testing" in text
        assert "production" in text
        assert run.calls == []

    def test_a_region_in_which_a_pipeline_has_a_store(
        self,
        lab: Lab,
        playbook: Playbook,
        held: Held,
        inventory: Inventory,
    ) -> None:
        """Talks to the lab. The pipeline is named; another one is not."""
        stores = {
            region: name_of(held.store(region)[1]) for region in (inventory.primary_region, REGION)
        }
        account_id = inventory.accounts["development"].account_id
        pipeline(lab, inventory, "checkout", stores=stores, account_id=account_id)
        home = {inventory.primary_region: stores[inventory.primary_region]}
        pipeline(lab, inventory, "website", stores=home, account_id=account_id)
        inventory.retire(REGION)

        run = playbook.run()

        assert run.code == 2, run.output
        assert {*inventory.regional, "build"} <= run.failed
        assert "pipelines still use it: checkout" in run.reason(REGION)
        assert "Nothing was written" in run.reason(REGION)
        assert "website" not in run.output
        assert run.writes == []

    def test_an_account_that_a_pipeline_has_a_stage_in(
        self, lab: Lab, playbook: Playbook, held: Held, inventory: Inventory
    ) -> None:
        """Talks to the lab. The pipeline is named; pipelines of others' buckets do not count."""
        account_id = inventory.accounts["testing"].account_id
        home = inventory.primary_region
        ours = {home: name_of(held.store(home)[1])}
        pipeline(lab, inventory, "checkout", stores=ours, account_id=account_id)
        others = {home: "somebody-elses"}
        pipeline(lab, inventory, "website", stores=others, account_id=account_id)
        inventory.retire("testing")

        run = playbook.run()

        assert run.code == 2, run.output
        assert "testing" in run.failed
        assert "pipelines still use it: checkout" in run.reason("testing")
        assert "website" not in run.output
        assert run.writes == []

    def test_a_teardown_while_there_are_pipelines(
        self, lab: Lab, playbook: Playbook, held: Held, inventory: Inventory
    ) -> None:
        """Talks to the lab. Whatever a pipeline of ours uses, nothing goes."""
        home = inventory.primary_region
        stores = {home: name_of(held.store(home)[1])}
        account_id = inventory.accounts["development"].account_id
        pipeline(lab, inventory, "checkout", stores=stores, account_id=account_id)

        run = playbook.run(*CONFIRM, playbook=TEARDOWN)

        assert run.code == 2, run.output
        assert run.failed == inventory.hosts
        assert "checkout" in run.reason("build")
        assert run.writes == []

    def test_a_teardown_without_the_right_confirmation(self, playbook: Playbook) -> None:
        """Talks to the lab, which hears nothing. It says what would go, and how to confirm."""
        run = playbook.run("-e", "confirm=another", playbook=TEARDOWN)

        assert run.code == 2, run.output
        assert "This removes every stack of org" in " ".join(run.output.split())
        assert "-e confirm=<organisation_name" in run.output
        assert run.calls == []

    def test_the_preview_of_a_teardown(
        self, playbook: Playbook, held: Held, inventory: Inventory
    ) -> None:
        """Talks to the lab. All that would go is told, and no date or deletion."""
        run = playbook.run("--check", "--diff", *CONFIRM, *PURGE, playbook=TEARDOWN)

        assert run.code == 0, run.output
        assert run.results == dict.fromkeys(inventory.hosts, "to remove")
        assert run.changed == inventory.hosts
        assert run.writes == []


def test_a_region_goes_and_comes_back(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory, uploads: Uploads
) -> None:
    """Talks to the lab. The preview tells the same as the run; every other stack lets go first.

    Key and bucket stay, admit nobody and are listed. A second run does nothing. Brought back, the
    region has a new key and bucket, and the old ones are listed once more.
    """
    retained = held.data_of(REGION)
    _key, bucket = held.store(REGION)
    body = uploads.put(bucket, REGION, "artifact", b"release 1")
    inventory.retire(REGION)
    before = held.everything()

    check = playbook.run("--check", "--diff")

    assert check.code == 0, check.output
    assert held.everything() == before
    assert check.executions.total() == 0
    expected = {
        **dict.fromkeys(inventory.hosts, "to update"),
        REGION: "to remove",
        "ap-southeast-2": "unchanged",
        "development": "unchanged",
    }
    assert check.results == expected

    run = playbook.run()
    assert run.code == 0, run.output
    assert run.changed == check.changed
    words = {"to update": "updated", "to remove": "removed", "unchanged": "unchanged"}
    assert run.results == {host: words[result] for host, result in expected.items()}
    check_complete(held, inventory)
    assert held.retained() == retained
    check_listed(run, REGION, *retained)
    check_admits_nobody(held, inventory, REGION, *retained)
    assert uploads.get(bucket, REGION, "artifact") == body
    ends = [call for call in run.writes if call.action in ("ExecuteChangeSet", "DeleteStack")]
    assert ends[-1].action == "DeleteStack"
    assert (ends[-1].region, ends[-1].account) == (REGION, inventory.build_account_id)
    assert [call.action for call in ends].count("DeleteStack") == 1

    again = playbook.run()
    assert again.code == 0, again.output
    assert again.changed == set()
    assert again.writes == []
    assert again.results[REGION] == "absent"
    assert held.retained() == retained

    inventory.set(REGION, state="present")
    inventory.set("production", regions=[*inventory.accounts["production"].regions, REGION])
    run = playbook.run()
    assert run.code == 0, run.output
    assert run.results[REGION] == "created"
    check_complete(held, inventory)
    assert held.data_of(REGION).isdisjoint(retained)
    assert held.retained() == retained
    check_listed(run, REGION, *retained)
    for new in held.data_of(REGION):
        assert name_of(new) not in run.retained[REGION]


def test_an_account_goes(
    playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. The preview tells the same; policies forget it before its roles go."""
    account_id = inventory.accounts["testing"].account_id
    name = held.deploy("testing")
    inventory.retire("testing")
    before = held.everything()

    check = playbook.run("--check")

    assert check.code == 0, check.output
    assert held.everything() == before
    expected = {
        **dict.fromkeys(inventory.hosts, "unchanged"),
        "testing": "to remove",
        "build": "to update",
        REGION: "to update",
    }
    assert check.results == expected

    run = playbook.run()
    assert run.code == 0, run.output
    assert run.changed == check.changed == {"testing", "build", REGION}
    assert run.results["testing"] == "removed"
    check_complete(held, inventory)
    assert held.retained() == set()
    assert held.status(name) == ""
    (deletion,) = [call for call in run.writes if call.action == "DeleteStack"]
    executions = [call for call in run.writes if call.action == "ExecuteChangeSet"]
    assert deletion.account == account_id
    assert max(call.time for call in executions) < deletion.time

    # As the documentation says, its host may go from the inventory now.
    inventory.remove("testing")
    run = playbook.run()
    assert run.code == 0, run.output
    assert run.writes == []


def test_a_removal_waits_for_all_who_refer_to_it(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. --limit, then an account that refuses: the region's stack stays.

    It admits nobody meanwhile, and who did not let go is named. The next whole run removes it.
    """
    retained = held.data_of(REGION)
    inventory.retire(REGION)

    run = playbook.run("--limit", f"{REGION},build")

    assert run.code == 2, run.output
    assert run.results[REGION] == "POSTPONED"
    for account in inventory.accounts:
        assert account in run.reason(REGION)
    assert "postponed" in run.reason(REGION)
    assert held.status(held.foundation(REGION)).endswith("_COMPLETE")
    assert held.granted(REGION) == (set(), set())
    assert REGION not in held.register()

    lab.refuse_access(inventory.accounts["production"].account_id)
    run = playbook.run()
    assert run.code == 2, run.output
    assert run.failed == {"production", REGION}
    assert run.results[REGION] == "POSTPONED"
    assert "production still refers to it" in run.reason(REGION)
    assert "testing" not in run.reason(REGION)
    assert held.status(held.foundation(REGION)).endswith("_COMPLETE")

    lab.allow_access(inventory.accounts["production"].account_id)
    run = playbook.run()
    assert run.code == 0, run.output
    assert run.results[REGION] == "removed"
    check_complete(held, inventory)
    assert held.retained() == retained
    check_listed(run, REGION, *retained)


def test_an_account_stays_while_a_region_cannot_let_go(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. --limit to the account alone removes nothing; nor do failing policies."""
    inventory.retire("testing")

    run = playbook.run("--limit", "testing")

    assert run.code == 2, run.output
    assert run.results == {"testing": "POSTPONED"}
    assert REGION in run.reason("testing")
    assert run.writes == []
    check_complete(held, Inventory(SHIPPED))


def test_purging_a_region_deletes_all_that_its_bucket_holds(
    lab: Lab,
    playbook: Playbook,
    existing: None,
    held: Held,
    inventory: Inventory,
    uploads: Uploads,
    may_purge: None,
) -> None:
    """Talks to the lab. Versions and delete markers go with the bucket; the key's date is told."""
    key, bucket = held.store(REGION)
    others = held.data() - held.data_of(REGION)
    uploads.fill_with_versions(bucket, REGION)
    inventory.retire(REGION)

    run = playbook.run(*PURGE)

    assert run.code == 0, run.output
    assert run.results[REGION] == "removed"
    assert bucket not in held.buckets()
    date = held.keys()[key]
    assert date is not None
    assert f"bucket {name_of(bucket)}: emptied and deleted" in run.retained[REGION]
    assert f"key {name_of(key)}: deleted for good on {date}" in run.retained[REGION]
    assert f"--region {REGION}" in command(
        run.retained[REGION], "kms cancel-key-deletion", name_of(key)
    )
    assert held.data() == others
    check_complete(held, inventory)

    again = playbook.run(*PURGE)
    assert again.code == 0, again.output
    assert again.changed == set()
    assert again.writes == []
    assert held.keys()[key] == date


def test_purging_what_an_earlier_run_retained(
    lab: Lab,
    playbook: Playbook,
    existing: None,
    held: Held,
    inventory: Inventory,
    uploads: Uploads,
    may_purge: None,
) -> None:
    """Talks to the lab. Removed and retained; the user thinks again and runs with purge_data."""
    (key, bucket), data = held.store(REGION), held.data_of(REGION)
    uploads.fill_with_versions(bucket, REGION)
    inventory.retire(REGION)
    run = playbook.run()
    assert run.code == 0, run.output
    assert held.retained() == data

    run = playbook.run(*PURGE)

    assert run.code == 0, run.output
    assert run.changed == {REGION}
    assert held.retained() == set()
    assert f"deleted for good on {held.keys()[key]}" in run.retained[REGION]
    assert [call for call in run.writes if call.service == "cloudformation"] == []


def test_purging_without_the_permission_says_so_and_goes_on_later(
    lab: Lab,
    playbook: Playbook,
    existing: None,
    held: Held,
    inventory: Inventory,
    uploads: Uploads,
) -> None:
    """Talks to the lab. The operator may delete no objects: the stack goes, the data stays."""
    (_key, bucket), data = held.store(REGION), held.data_of(REGION)
    uploads.put(bucket, REGION, "artifact", b"release 1")
    inventory.retire(REGION)

    run = playbook.run(*PURGE)

    assert run.code == 2, run.output
    assert run.failed == {REGION}
    assert re.search("AccessDenied|not authorized", run.reason(REGION)), run.output
    assert uploads.get(bucket, REGION, "artifact") == b"release 1"
    assert held.retained() == data


def test_a_stack_of_ours_that_no_host_stands_for_is_listed(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. Known by our tag, under a name of its own; it is left alone."""
    orphan = make_orphan(lab, inventory.primary_region)
    before = held.everything()

    run = playbook.run()

    assert run.code == 0, run.output
    assert "Stacks of this collection without a host in the inventory" in run.output
    assert f"{orphan.name} in {orphan.account_id} {orphan.region}" in run.output
    delete = command(run.output, "cloudformation delete-stack", orphan.name)
    assert f"--region {orphan.region}" in delete
    assert run.writes == []
    assert held.everything() == before

    run = playbook.run(*CONFIRM, playbook=TEARDOWN)
    assert run.code == 0, run.output
    assert f"{orphan.name} in {orphan.account_id} {orphan.region}" in run.output
    assert held.stacks().keys() == {orphan}


def make_orphan(lab: Lab, region: str) -> StackName:
    """A stack with our tag under a name that the inventory does not use."""
    orphan = StackName("111111111111", region, "CrossAccountRegionalOld")
    client = lab.client("cloudformation", orphan.account_id, region)
    client.create_stack(
        StackName=orphan.name,
        TemplateBody=json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}),
        Tags=[{"Key": "crossaccount:group", "Value": "regional"}],
    )
    client.get_waiter("stack_create_complete").wait(
        StackName=orphan.name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 50}
    )
    return orphan


def test_a_teardown_stops_at_an_account_that_fails_and_goes_on_later(
    lab: Lab, playbook: Playbook, existing: None, held: Held, inventory: Inventory
) -> None:
    """Talks to the lab. The primary and the regions stay while an account still needs them.

    When it answers again, everything goes in reverse order. Keys and buckets stay, are listed, and
    admit nobody or the summary names who. Once more, there is nothing to do.
    """
    data = {host: held.data_of(region) for host, region in places(inventory).items()}
    account_id = inventory.accounts["testing"].account_id
    lab.refuse_access(account_id)

    run = playbook.run(*CONFIRM, playbook=TEARDOWN)

    assert run.code == 2, run.output
    assert run.results == {
        **dict.fromkeys(("build", *inventory.regional), "POSTPONED"),
        **dict.fromkeys(("development", "production"), "removed"),
        "testing": "FAILED",
    }
    assert "testing" in run.reason("build")
    assert {call.account for call in run.writes} == {
        inventory.accounts[name].account_id for name in ("development", "production")
    }
    assert held.stacks().keys() == {
        held.deploy("testing"),
        *(held.foundation(region) for region in inventory.regions),
    }

    lab.allow_access(account_id)
    run = playbook.run(*CONFIRM, playbook=TEARDOWN)
    assert run.code == 0, run.output
    assert held.stacks() == {}
    assert held.retained() == held.data() == set().union(*data.values())
    told = "".join(run.retained.values())
    everybody_named = all(one.account_id in told for one in inventory.accounts.values())
    for host, arns in data.items():
        check_listed(run, host, *arns)
        if not everybody_named:
            check_admits_nobody(held, inventory, places(inventory)[host], *arns)
    deletions = [(call.account, call.region) for call in run.writes if call.action == "DeleteStack"]
    build = inventory.build_account_id
    assert deletions[:2] == [(account_id, inventory.primary_region), (build, "us-east-1")]
    assert set(deletions[2:]) == {(build, region) for region in inventory.regional}

    again = playbook.run(*CONFIRM, playbook=TEARDOWN)
    assert again.code == 0, again.output
    assert again.changed == set()
    assert again.writes == []
    for host, arns in data.items():
        check_listed(again, host, *arns)


def places(inventory: Inventory) -> dict[str, str]:
    """The hosts of the build account and their regions."""
    return {"build": inventory.primary_region} | {region: region for region in inventory.regional}


def test_a_teardown_that_purges_leaves_nothing(
    lab: Lab,
    playbook: Playbook,
    existing: None,
    held: Held,
    inventory: Inventory,
    uploads: Uploads,
    may_purge: None,
) -> None:
    """Talks to the lab. Every bucket is deleted, every key's deletion scheduled and dated."""
    build_bucket = held.outputs(held.primary)["BuildBucketArn"]
    uploads.fill_with_versions(build_bucket, inventory.primary_region)
    keys = {region: held.store(region)[0] for region in inventory.regions}

    run = playbook.run(*CONFIRM, *PURGE, playbook=TEARDOWN)

    assert run.code == 0, run.output
    assert run.results == dict.fromkeys(inventory.hosts, "removed")
    assert held.stacks() == {}
    assert held.buckets() == set()
    dates = held.keys()
    assert dates.keys() == set(keys.values())
    for host, region in places(inventory).items():
        told = f"key {name_of(keys[region])}: deleted for good on {dates[keys[region]]}"
        assert told in run.retained[host]
