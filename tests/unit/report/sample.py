# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports to draw: an organisation with something of everything, a clean one, a large one."""

from __future__ import annotations

import datetime
import json
from typing import Any

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._access.version import (
    OutdatedRole,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.finding import (
    Finding,
    Kind,
    Place,
    Resource,
    Unchecked,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.ignore import (
    read_ignores,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    Host,
    Organisation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.document import document
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.rows import Observed

Data = dict[str, Any]

BUILD, HOME = "111111111111", "us-east-1"
STARTED = datetime.datetime(2026, 11, 24, 3, 0, 4, tzinfo=datetime.UTC)
REGIONS = ("ap-southeast-2", "eu-central-1", "eu-west-1", "us-west-2")
PIPELINES = ("hello", "orders")
ACCOUNTS = ("development", "testing", "staging", "production", "analytics", "sandbox", "payments")
COMPLETE = "CREATE_COMPLETE"
PROBE = "</script><img src=x onerror=\"document.title='run'\">"  # text, whatever it looks like


def _host(name: str, group: str, account_id: str, region: str = HOME, **more: Any) -> Host:
    names = {"regional": "Regional", "primary": "Primary", "deploy_accounts": "Deploy"}
    stack = f"CrossAccount{names[group]}" if group in names else f"{name}-pipeline"
    return Host(
        name=name, group=group, account_id=account_id, region=region, stack_name=stack, **more
    )


def organisation(
    accounts: tuple[str, ...] = ACCOUNTS,
    regions: tuple[str, ...] = REGIONS,
    pipelines: tuple[str, ...] = PIPELINES,
) -> Organisation:
    """An organisation of these deploy accounts, regional regions and pipelines."""
    hosts = [_host(region, "regional", BUILD, region) for region in regions]
    hosts.append(_host("build", "primary", BUILD))
    for number, name in enumerate(accounts):
        reach = (HOME, *regions[: 1 + number % len(regions)]) if number % 3 else (HOME,)
        state = "quarantined" if name == "sandbox" else "present"
        account = f"{222222222222 + number * 111111111:012d}"
        hosts.append(_host(name, "deploy_accounts", account, regions=reach, state=state))
    hosts += [_host(name, "pipelines", BUILD) for name in pipelines]
    return Organisation(
        build_account_id=BUILD,
        primary_region=HOME,
        role_names={},
        primary=next(host for host in hosts if host.group == "primary"),
        hosts={host.name: host for host in hosts},
    )


def place(host: Host) -> Place:
    """Where a finding of a host is."""
    return Place(
        host=host.name,
        account_id=host.account_id,
        region=host.region,
        stack=host.stack_name,
    )


def drift_of(
    host: Host, *found: Finding, unchecked: tuple[Unchecked, ...] = (), **more: Any
) -> Data:
    """What stack_drift_info returns of a host's stack."""
    where = place(host)
    return {
        "name": host.name,
        "account_id": host.account_id,
        "region": host.region,
        "stack_name": host.stack_name,
        "exists": True,
        "status": COMPLETE,
        "error": None,
        "findings": [one.as_dict(where) for one in found],
        "unchecked": [one.as_dict(where) for one in unchecked],
        **more,
    }


def compared(*differences: tuple[str, str, str | None, str | None]) -> Data:
    """A stack compared with the desired one, as the plan holds it."""
    return {
        "operation": "update" if differences else "none",
        "differences": [
            {
                "what": what,
                "name": name,
                "resource_type": "AWS::IAM::Role" if name.startswith("Resources.") else "",
                "before": before,
                "after": after,
            }
            for what, name, before, after in differences
        ],
    }


def finding(kind: Kind, resource: str, of: str, name: str, message: str, **more: str) -> Finding:
    """A finding at one property."""
    where = Resource(logical_id=resource, resource_type=of, physical_id=more.pop("physical_id", ""))
    return Finding(kind=kind, resource=where, property=name, message=message, **more)


def statement(sid: str, principal: Any, *actions: str) -> Data:
    """A statement of a policy."""
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal,
        "Action": list(actions),
        "Resource": "*",
    }


def policy(*statements: Data) -> str:
    """A policy as text."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, indent=2)


def _document(whole: Organisation, **observed: Any) -> Data:
    hosts = whole.hosts.values()
    known = {entry["name"] for entry in observed["stacks"]}
    observed["stacks"] += [
        drift_of(host) for host in hosts if host.name not in known and not host.is_quarantined
    ]
    comparisons = {host.name: compared() for host in hosts} | observed.pop("compared", {})
    ignores = read_ignores(observed.pop("ignore", ()))
    roles = observed.pop("outdated_roles", ())
    return document(
        whole,
        Observed(comparisons=comparisons, **observed),
        name="example",
        play_hosts=list(whole.hosts),
        ignores=ignores,
        outdated_roles=roles,
        started=STARTED,
        finished=STARTED + datetime.timedelta(seconds=41.3),
    )


def clean() -> Data:
    """An organisation in which nothing differs."""
    return _document(organisation(), stacks=[])


def everything() -> Data:
    """An organisation with a finding of every kind, errors, and what is known."""
    whole = organisation()
    hosts = whole.hosts
    root = {"AWS": f"arn:aws:iam::{BUILD}:root"}
    dead = {"AWS": [f"arn:aws:iam::{BUILD}:root", "AROAEXAMPLEEXAMPLE123"]}
    admin = statement("Administration", root, "kms:Create*", "kms:Describe*", "kms:Put*")
    use = statement("Use", {"AWS": ["222222222222", "333333333333"]}, "kms:Decrypt")
    build, primary = hosts["eu-west-1"], whole.primary
    key = "AWS::KMS::Key"
    role = "AWS::IAM::Role"
    stacks = [
        drift_of(
            build,
            finding(
                "policy",
                "Key",
                key,
                "KeyPolicy",
                "Key (AWS::KMS::Key): the key policy is not the template's",
                expected=policy(admin, use),
                actual=policy(admin, {**use, "Principal": dead, "Action": ["kms:*"]}),
                difference="NOT_EQUAL",
                physical_id="1a2b3c4d-1111-2222-3333-444455556666",
            ),
            finding(
                "drifted",
                "Key",
                key,
                "EnableKeyRotation",
                "Key (AWS::KMS::Key): EnableKeyRotation is false, not true",
                expected="true",
                actual="false",
                difference="NOT_EQUAL",
                physical_id="1a2b3c4d-1111-2222-3333-444455556666",
            ),
            unchecked=(
                Unchecked(
                    resource=Resource(
                        logical_id="ReleaseProject", resource_type="AWS::CodeBuild::Project"
                    ),
                    kind="undetectable",
                    why="AWS::CodeBuild::Project has no drift detection",
                ),
            ),
        ),
        drift_of(
            primary,
            finding(
                "drifted",
                "SyncArtifacts",
                "AWS::Lambda::Function",
                "Timeout",
                "SyncArtifacts (AWS::Lambda::Function): Timeout is 30, not 900",
                expected="900",
                actual="30",
                difference="NOT_EQUAL",
                physical_id="CrossAccountPrimary-SyncArtifacts-1A2B3C",
            ),
            finding(
                "drifted",
                "BuildBucket",
                "AWS::S3::Bucket",
                "Tags.0",
                "BuildBucket (AWS::S3::Bucket): Tags.0 was added: " + PROBE,
                actual=json.dumps({"Key": "cost", "Value": PROBE}),
                difference="ADD",
                physical_id="crossaccountprimary-buildbucket-1a2b3c",
            ),
            unchecked=(
                Unchecked(
                    resource=Resource(logical_id="Policy", resource_type="AWS::IAM::Policy"),
                    kind="undetectable",
                    why="AWS::IAM::Policy has no drift detection",
                ),
            ),
        ),
        drift_of(
            hosts["production"],
            finding(
                "policy",
                "CodePipelineRole",
                role,
                "ManagedPolicyArns",
                "CodePipelineRole (AWS::IAM::Role): policy"
                " arn:aws:iam::aws:policy/AdministratorAccess was attached",
                actual="arn:aws:iam::aws:policy/AdministratorAccess",
                difference="ADD",
                physical_id="CrossAccountCodePipeline",
            ),
            finding(
                "drifted",
                "CloudFormationRole",
                role,
                "",
                "CloudFormationRole (AWS::IAM::Role) was deleted",
                difference="DELETED",
                physical_id="CrossAccountCloudFormation",
            ),
        ),
        drift_of(
            hosts["testing"],
            Finding(kind="missing", message="stack CrossAccountDeploy does not exist"),
            exists=False,
            status=None,
        ),
        drift_of(
            hosts["us-west-2"],
            Finding(
                kind="stuck",
                property="status",
                actual="UPDATE_ROLLBACK_FAILED",
                message="CrossAccountRegional is UPDATE_ROLLBACK_FAILED. What it needs: its"
                " rollback stopped half way: continue it",
            ),
            status="UPDATE_ROLLBACK_FAILED",
        ),
        drift_of(hosts["analytics"], exists=None, status=None, error="Rate exceeded"),
    ]
    orphan = Finding(
        kind="orphaned",
        actual=COMPLETE,
        message="Forgotten carries our tag, and nothing in the inventory stands for it. To remove"
        " it: aws cloudformation delete-stack --region eu-central-1 --stack-name Forgotten",
    ).as_dict(Place(host="", account_id=BUILD, region="eu-central-1", stack="Forgotten"))
    old = "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"
    return _document(
        whole,
        stacks=stacks,
        orphans=[orphan],
        outdated_roles=[
            OutdatedRole(
                host=name,
                account_id=whole.hosts[name].account_id,
                kind="access",
                stack_name="CrossAccountAccess",
                version=0,
                current=2,
            )
            for name in ("development", "testing")
        ],
        compared={
            "development": compared(
                (
                    "parameters",
                    "ExecutionPolicyArns",
                    "arn:aws:iam::aws:policy/PowerUserAccess",
                    old,
                ),
                ("tags", "team", None, "platform"),
                (
                    "template",
                    "Resources.CodePipelineRole.Properties.MaxSessionDuration",
                    "3600",
                    "7200",
                ),
            ),
            "orders": compared(("tags", "team", "web", "orders")),
        },
        ignore=[
            {
                "stack": "CrossAccountPrimary",
                "resource": "BuildBucket",
                "property": "Tags*",
                "reason": "the cost tool tags every bucket",
                "until": "2026-12-31",
            },
            {
                "resource": "SyncArtifacts",
                "reason": "a shorter timeout was tried",
                "until": "2026-10-01",
            },
        ],
    )


def large() -> Data:
    """100 accounts and 11 regions, one of them drifted."""
    accounts = tuple(f"workload-{number:03d}" for number in range(100))
    regions = (
        *("ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1"),
        *("eu-central-1", "eu-north-1", "eu-west-1", "sa-east-1", "us-west-2"),
    )
    whole = organisation(accounts, regions)
    missing = Finding(kind="missing", message="stack CrossAccountDeploy does not exist")
    return _document(whole, stacks=[drift_of(whole.hosts["workload-042"], missing)])


__all__ = ("PROBE", "Place", "clean", "everything", "large", "organisation")
