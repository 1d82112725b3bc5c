# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a drift run remediates, and what it leaves to a person. The tests talk to the lab."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab import Lab
from tests.integration.drifting import Organisation
from tests.integration.held import CLOUDFORMATION, CODEPIPELINE
from tests.integration.playbook import StackName
from tests.integration.states import States
from tests.integration.tampering import (
    ADDED_POLICY,
    KINDS,
    PRIMARY_HOST,
    REGION_A,
    REGION_B,
    UNKNOWN,
)
from tests.integration.warm import Warm


@pytest.fixture
def organisation(lab: Lab, states: States, tmp_path: Path, warm: Warm) -> Organisation:
    return Organisation(lab, states, tmp_path, warm)


def state(organisation: Organisation) -> dict[str, Any]:
    """All that the kinds of tampering change, as AWS holds it."""
    held, lab = organisation.held, organisation.lab
    found: dict[str, Any] = {}
    for host in (REGION_A, REGION_B, PRIMARY_HOST):
        stack = held.foundation(host if host != PRIMARY_HOST else held.primary.region)
        key, bucket = held.store(stack.region)
        kms = lab.client("kms", stack.account_id, stack.region)
        tags = kms.list_resource_tags(KeyId=key)["Tags"]
        found[host] = {
            "key policy": held.key_policy(key, stack.region),
            "bucket policy": held.bucket_policy(bucket, stack.region),
            "enabled": kms.describe_key(KeyId=key)["KeyMetadata"]["Enabled"],
            "rotation": kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"],
            "aliases": [alias["AliasName"] for alias in kms.list_aliases(KeyId=key)["Aliases"]],
            "tags": {tag["TagKey"]: tag["TagValue"] for tag in tags},
            "parameters": held.parameters(stack),
        }
    for host, account in organisation.inventory.accounts.items():
        iam = lab.client("iam", account.account_id)
        found[host] = {
            role: {
                "trust": iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"],
                "boundary": iam.get_role(RoleName=role)["Role"].get("PermissionsBoundary"),
                "inline": iam.list_role_policies(RoleName=role)["PolicyNames"],
                "documents": held.role_policies(account.account_id, role),
                "attached": sorted(
                    policy["PolicyArn"]
                    for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
                ),
            }
            for role in (CODEPIPELINE, CLOUDFORMATION)
        }
    api = lab.client("lambda", held.primary.account_id)
    functions = api.list_functions()["Functions"]
    found["timeouts"] = {one["FunctionName"]: one["Timeout"] for one in functions}
    found["concurrency"] = {
        one["FunctionName"]: api.get_function(FunctionName=one["FunctionName"]).get("Concurrency")
        for one in functions
    }
    return found


def test_all_of_it_is_found_at_once_and_put_right(organisation: Organisation) -> None:
    before = state(organisation)
    for tamper, _trace in KINDS.values():
        tamper(organisation.tamperer)
    tampered = organisation.everything()

    run, report = organisation.look()
    assert run.code == 2, run.output
    traces = {name: trace for name, (_tamper, trace) in KINDS.items()}
    for name, trace in traces.items():
        assert any(trace.fits(finding) for finding in report["findings"]), name
    for finding in report["findings"]:
        assert any(trace.fits(finding) for trace in traces.values()), finding
        place = StackName(finding["account_id"], finding["region"], finding["stack"])
        host = finding["host"]
        assert place == (organisation.held.stack_of(host) if host else UNKNOWN)
    assert report["complete"]
    assert run.failed == {trace.host or PRIMARY_HOST for trace in traces.values()}
    assert run.writes == []
    assert organisation.everything() == tampered

    run, report = organisation.remediate()
    assert state(organisation) == before
    assert report["complete"]
    (finding,) = report["findings"]
    assert traces["unknown stack"].fits(finding)
    command = (
        f"aws cloudformation delete-stack --region {UNKNOWN.region} --stack-name {UNKNOWN.name}"
    )
    assert command in finding["message"]
    assert run.code == 0, run.output
    assert organisation.held.status(UNKNOWN) == "CREATE_COMPLETE"
    assert organisation.held.change_sets(organisation.held.stacks()) == []

    organisation.lab.client("cloudformation", UNKNOWN.account_id, UNKNOWN.region).delete_stack(
        StackName=UNKNOWN.name
    )
    run, report = organisation.look()
    assert run.code == 0, run.output
    assert (report["verdict"], report["findings"]) == ("clean", [])


def test_nothing_is_written_where_all_is_well(organisation: Organisation) -> None:
    before = organisation.everything()
    run, report = organisation.remediate()
    assert run.code == 0, run.output
    assert report["verdict"] == "clean"
    assert run.writes == []
    assert organisation.everything() == before


def test_what_is_shown_is_what_is_put_back(organisation: Organisation) -> None:
    organisation.tamperer.added_policy()
    organisation.tamperer.timeout()
    run, _report = organisation.remediate()
    assert run.code == 0, run.output
    shown = run.output
    assert f"inline policy {ADDED_POLICY} of role {CODEPIPELINE}" in shown
    assert "-  /Properties/Timeout: 3" in shown
    assert "+  /Properties/Timeout: 900" in shown
    assert [call.action for call in run.writes if call.service == "iam"] == ["DeleteRolePolicy"]
    executed = [call for call in run.writes if call.action == "ExecuteChangeSet"]
    assert [StackName(one.account, one.region, one.resource) for one in executed] == [
        organisation.held.primary
    ]


def test_what_no_change_set_shows_is_put_back_directly(organisation: Organisation) -> None:
    """With the operator's policies and the two for drift runs, and nothing besides."""
    organisation.tamperer.unseen()
    run, report = organisation.look()
    assert run.code == 2, run.output
    assert {(one["kind"], one["resource"]) for one in report["findings"]} == {
        ("drifted", "SyncArtifactsRole"),
        ("policy", "ApprovalTopicPolicy"),
        ("policy", "SyncArtifactsFunction"),
        ("policy", "SyncArtifactsRole"),
    }
    run, report = organisation.remediate()
    assert run.code == 0, run.output
    assert sorted(call.action for call in run.writes) == [
        "DeleteRolePermissionsBoundary",
        "DetachRolePolicy",
        "RemovePermission",
        "SetTopicAttributes",
    ]
    assert report["verdict"] == "clean"


def test_a_key_that_is_gone_is_left_to_a_person(organisation: Organisation) -> None:
    """Another key would not read what is encrypted. What else is wrong elsewhere is put right."""
    stack = organisation.held.foundation(REGION_B)
    key, _bucket = organisation.held.store(REGION_B)
    kms = organisation.lab.client("kms", stack.account_id, stack.region)
    kms.schedule_key_deletion(KeyId=key)
    organisation.tamperer.rotation()
    run, report = organisation.remediate()
    assert run.code == 2, run.output
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert organisation.held.store(REGION_B)[0] == key
    assert {(one["host"], one["resource"]) for one in report["findings"]} == {(REGION_B, "Key")}
    assert stack not in {
        StackName(call.account, call.region, call.resource)
        for call in run.writes
        if call.action == "ExecuteChangeSet"
    }
    assert run.failed == {REGION_B}


def test_an_account_that_refuses_stops_no_other(organisation: Organisation) -> None:
    before = state(organisation)
    organisation.tamperer.rotation()
    organisation.tamperer.trust()
    account_id = organisation.inventory.accounts["production"].account_id
    organisation.lab.refuse_access(account_id)
    try:
        run, report = organisation.remediate()
    finally:
        organisation.lab.allow_access(account_id)
    assert run.code == 2, run.output
    assert run.failed == {"production"}
    assert not report["complete"]
    assert report["findings"] == []
    assert state(organisation) == before


def test_a_pipeline_is_remediated_too(lab: Lab, states: States, tmp_path: Path, warm: Warm) -> None:
    organisation = Organisation(lab, states, tmp_path, warm, pipelines=True)
    build = organisation.held.primary.account_id
    pipelines, events = (lab.client(name, build) for name in ("codepipeline", "events"))
    before = pipelines.get_pipeline(name="hello")["pipeline"]
    organisation.tamperer.unapproved("hello")
    transition = {"pipelineName": "hello", "stageName": "production", "transitionType": "Inbound"}
    pipelines.disable_stage_transition(**transition, reason="incident")

    run, report = organisation.look()
    assert run.code == 2, run.output
    assert {(one["kind"], one["stack"], one["resource"]) for one in report["findings"]} == {
        ("drifted", "hello-pipeline", "Pipeline"),
        ("drifted", "hello-pipeline", "ReleaseProject"),
        ("drifted", "hello-pipeline", "StartRule"),
        ("policy", "hello-pipeline", "PipelineRole"),
    }
    assert report["unchecked"] == []
    assert run.failed == {"hello"}

    # Whoever closed a stage opens it again.
    run, report = organisation.remediate()
    assert run.code == 2, run.output
    (closed,) = report["findings"]
    assert closed["property"] == "DisableInboundStageTransitions.production"
    assert "aws codepipeline enable-stage-transition --pipeline-name hello" in closed["message"]
    after = pipelines.get_pipeline(name="hello")["pipeline"]
    assert {**after, "version": None} == {**before, "version": None}
    assert events.describe_rule(Name="hello-start")["State"] == "ENABLED"
    policies = lab.client("iam", build).list_role_policies(RoleName="hello-pipeline")
    assert ADDED_POLICY not in policies["PolicyNames"]


def test_what_the_inventory_ignores_stays_as_it_is(organisation: Organisation) -> None:
    ignored = {
        "stack": "CrossAccountDeploy",
        "resource": "CodePipelineRole",
        "property": f"Policies.{ADDED_POLICY}*",
        "reason": "a trial",
        "until": "2999-01-01",
    }
    organisation.inventory.set_group("all", drift_ignore=[ignored])
    organisation.tamperer.added_policy()
    organisation.tamperer.detached_policy()
    account_id = organisation.held.deploy("development").account_id
    iam = organisation.lab.client("iam", account_id)
    before = organisation.held.role_policies(account_id, CODEPIPELINE)

    run, report = organisation.remediate()

    assert run.code == 0, run.output
    assert report["verdict"] == "clean"
    assert [one["ignored"]["reason"] for one in report["findings"]] == ["a trial"]
    assert ADDED_POLICY in iam.list_role_policies(RoleName=CODEPIPELINE)["PolicyNames"]
    assert organisation.held.role_policies(account_id, CODEPIPELINE) == before
    attached = iam.list_attached_role_policies(RoleName=CLOUDFORMATION)["AttachedPolicies"]
    assert [one["PolicyName"] for one in attached] == ["CrossAccountExecution"]
