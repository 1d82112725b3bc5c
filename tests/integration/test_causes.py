# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A canary run names what refuses, and nothing else: one fault at a time, without Ansible.

Each fault concerns one account, development, in the primary region and in one that accounts enable.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from lab import Lab
from tests.integration.held import CLOUDFORMATION, CODEPIPELINE
from tests.integration.inventory import Inventory
from tests.integration.playbook import Playbook
from tests.integration.proving import World
from tests.integration.states import States

HOME, AWAY = "us-east-1", "eu-south-1"
HOST, ACCOUNT, BUILD, MANAGEMENT = "development", "222222222222", "111111111111", "555555555555"
Data = dict[str, Any]


@pytest.fixture
def organisation(lab: Lab, states: States, playbook: Playbook, inventory: Inventory) -> Inventory:
    """A bootstrapped organisation that deploys to an opt-in region too."""
    inventory.add_region(AWAY, HOST)

    def bootstrap() -> None:
        run = playbook.run()
        assert run.code == 0, run.output

    states.restore(lab, "opted", bootstrap)
    lab.set_role_check(True)
    return inventory


@dataclasses.dataclass(frozen=True)
class Broken:
    """The lab, and what a fault breaks in it."""

    lab: Lab

    def stack(self, name: str, account: str, region: str) -> Data:
        """The physical ids of a stack, by logical ids."""
        found = self.lab.client("cloudformation", account, region).describe_stack_resources(
            StackName=name
        )["StackResources"]
        return {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in found}

    def regional(self, logical_id: str) -> str:
        return str(self.stack("CrossAccountRegional", BUILD, AWAY)[logical_id])

    def primary(self, logical_id: str) -> str:
        return str(self.stack("CrossAccountPrimary", BUILD, HOME)[logical_id])

    def without(self, role: str, policy: str, sid: str, account: str = ACCOUNT) -> None:
        """Take a statement out of an inline policy."""
        iam = self.lab.client("iam", account)
        document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        left = [item for item in document["Statement"] if item.get("Sid") != sid]
        assert len(left) < len(document["Statement"])
        iam.put_role_policy(
            RoleName=role,
            PolicyName=policy,
            PolicyDocument=json.dumps({**document, "Statement": left}),
        )


def bucket_policy(broken: Broken) -> None:
    bucket = broken.regional("PipelineBucket")
    s3 = broken.lab.client("s3", BUILD, AWAY)
    document = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    left = [item for item in document["Statement"] if item["Sid"] != "DeployAccountRolesRead"]
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({**document, "Statement": left}))


def key_policy(broken: Broken) -> None:
    key = broken.regional("Key")
    kms = broken.lab.client("kms", BUILD, AWAY)
    document = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    left = [item for item in document["Statement"] if item["Sid"] != "DeployAccountRolesDecrypt"]
    policy = json.dumps({**document, "Statement": left})
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)


def key_disabled(broken: Broken) -> None:
    broken.lab.client("kms", BUILD, AWAY).disable_key(KeyId=broken.regional("Key"))


def trust(broken: Broken) -> None:
    nobody = json.dumps({"Version": "2012-10-17", "Statement": []})
    broken.lab.client("iam", ACCOUNT).update_assume_role_policy(
        RoleName=CODEPIPELINE, PolicyDocument=nobody
    )


def pass_role(broken: Broken) -> None:
    broken.without(CODEPIPELINE, "Deploy", "PassCloudFormationRole")


def role_policy(broken: Broken) -> None:
    broken.without(CODEPIPELINE, "Deploy", "ReadArtifacts")


def role_missing(broken: Broken) -> None:
    _delete(broken, CODEPIPELINE)


def cloudformation_role_missing(broken: Broken) -> None:
    _delete(broken, CLOUDFORMATION)


def _delete(broken: Broken, name: str) -> None:
    iam = broken.lab.client("iam", ACCOUNT)
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=attached["PolicyArn"])
    iam.delete_role(RoleName=name)


def region_off(broken: Broken) -> None:
    broken.lab.client("account", ACCOUNT).disable_region(RegionName=AWAY)


def account_suspended(broken: Broken) -> None:
    broken.lab.client("organizations", MANAGEMENT).close_account(AccountId=ACCOUNT)


def no_access(broken: Broken) -> None:
    broken.lab.refuse_access(ACCOUNT)


def scp(broken: Broken) -> None:
    api = broken.lab.client("organizations", MANAGEMENT)
    (root,) = api.list_roots()["Roots"]
    if not root["PolicyTypes"]:
        api.enable_policy_type(RootId=root["Id"], PolicyType="SERVICE_CONTROL_POLICY")
    deny = {"Effect": "Deny", "Action": "cloudformation:CreateChangeSet", "Resource": "*"}
    policy = api.create_policy(
        Content=json.dumps({"Version": "2012-10-17", "Statement": [deny]}),
        Description="",
        Name="no change sets",
        Type="SERVICE_CONTROL_POLICY",
    )["Policy"]["PolicySummary"]
    api.attach_policy(PolicyId=policy["Id"], TargetId=ACCOUNT)


def quota(broken: Broken) -> None:
    pipelines = broken.lab.client("codepipeline", BUILD).list_pipelines()["pipelines"]
    broken.lab.set_pipeline_quota(len(pipelines))


def sync_function(broken: Broken) -> None:
    name = broken.primary("SyncArtifactsFunction")
    broken.lab.client("lambda", BUILD).delete_function(FunctionName=name)


def idle_sync_function(broken: Broken) -> None:
    """CodePipeline would wait for it, and the canary would answer late."""
    name = broken.primary("SyncArtifactsFunction")
    broken.lab.client("lambda", BUILD).put_function_concurrency(
        FunctionName=name, ReservedConcurrentExecutions=0
    )


def sync_role(broken: Broken) -> None:
    role = broken.primary("SyncArtifactsRole")
    broken.without(role, "SyncArtifacts", "WriteRegisteredBuckets", BUILD)


# What breaks both regions of the account, and what breaks only the other region.
@pytest.mark.parametrize(
    ("fault", "regions"),
    [
        (bucket_policy, [AWAY]),
        (key_policy, [AWAY]),
        (key_disabled, [AWAY]),
        (trust, [AWAY, HOME]),
        (pass_role, [AWAY, HOME]),
        (role_policy, [AWAY, HOME]),
        (role_missing, [AWAY, HOME]),
        (cloudformation_role_missing, [AWAY, HOME]),
        (region_off, [AWAY]),
        (no_access, [AWAY, HOME]),
        (scp, [AWAY, HOME]),
        (quota, [AWAY, HOME]),
        (sync_function, [AWAY]),
        (idle_sync_function, [AWAY]),
        (sync_role, [AWAY]),
    ],
)
def test_the_cause_is_named_and_nothing_else(
    lab: Lab,
    organisation: Inventory,
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[Broken], None],
    regions: list[str],
) -> None:
    fault(Broken(lab))
    _take_credentials(lab, monkeypatch, "operator")

    proof = World(lab, organisation).prove(HOST)

    kind = fault.__name__.removeprefix("cloudformation_").removeprefix("idle_")
    causes = {path["region"]: path["cause"] for path in proof["paths"] if path["cause"]}
    kinds = {region: cause["kind"] for region, cause in causes.items()}
    assert kinds == dict.fromkeys(regions, kind), [c["message"] for c in causes.values()]
    assert {note["kind"] for note in proof["notes"]} <= _usual(fault), [
        note["message"] for note in proof["notes"]
    ]
    for cause in causes.values():
        assert not {"HOST", "REGION", "ACCOUNT_ID"} & set(cause["cure"].split())


def _usual(fault: Callable[[Broken], None]) -> set[str]:
    """Notes that come without a fault, and with one."""
    more = {"unread", "left_behind"} if fault in (no_access,) else set()
    more |= {"left_behind"} if fault in (region_off, cloudformation_role_missing, scp) else set()
    return {"no_subscribers", *more}


def _take_credentials(lab: Lab, monkeypatch: pytest.MonkeyPatch, setup: Any) -> None:
    for name, value in lab.environment(setup).items():
        monkeypatch.setenv(name, value)


def test_organizations_names_an_account_that_is_closed(
    lab: Lab, organisation: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_suspended(Broken(lab))
    _take_credentials(lab, monkeypatch, "management")

    proof = World(lab, organisation, setup=lab.organisation.management_access).prove(HOST)

    causes = [path["cause"] for path in proof["paths"] if path["cause"]]
    assert [cause["kind"] for cause in causes] == ["account_suspended", "account_suspended"]
    assert "CLOSURE" in causes[0]["message"] or "CLOSED" in causes[0]["message"]
    assert f"state: quarantined of {HOST}" in causes[0]["cure"]


def test_a_quarantined_account_is_left_out(
    lab: Lab, organisation: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    organisation.set(HOST, state="quarantined")
    _take_credentials(lab, monkeypatch, "operator")

    proof = World(lab, organisation).prove(HOST)

    found = [(path["status"], path["cause"]["kind"]) for path in proof["paths"] if path["cause"]]
    assert found == [("left_out", "quarantined")] * 2
