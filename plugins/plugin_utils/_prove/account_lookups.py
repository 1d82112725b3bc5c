# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look-ups in deploy accounts: their state, regions, roles, and the policies of these roles."""

from __future__ import annotations

import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code

from .._aws.batch import account_of
from .._aws.gateway import Client, Gateway
from .._errors import ErrorHandler, PipelineError
from .._organisation.model import Host, Organisation
from .._organisation.regions import partition_of
from .facts import Fact, make_cause
from .policies import read_stack_policies
from .trust import admits

# Where every account is from the start; any other region of the partition aws is opted into.
# https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
_ALWAYS_ON = frozenset(
    {
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ca-central-1",
        "eu-central-1",
        "eu-north-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
    }
)
_ON = ("ENABLED", "ENABLED_BY_DEFAULT")
_ROLES = ("CodePipelineRole", "CloudFormationRole")


def account_facts(
    gateway: Gateway,
    organisation: Organisation,
    host: Host,
    regions: t.Collection[str],
    *,
    inventory: str,
) -> list[Fact]:
    """Return what keeps pipelines from a deploy account. Raises PipelineError."""
    known = {"host": host.name, "account_id": host.account_id, "inventory": inventory}
    try:
        session = gateway.open(account_of(host.target()))
    except PipelineError as exc:
        return _unopened(gateway, organisation, host, str(exc), known)
    iam = session.client("iam", host.region)
    partition = partition_of(host.region)
    facts: list[Fact] = []
    for variable, caller in (
        ("codepipeline_role_name", _pipeline_role(organisation, partition)),
        ("cloudformation_role_name", ""),
    ):
        name = organisation.role_names[variable]
        arn = f"arn:{partition}:iam::{host.account_id}:role/{name}"
        trust = _trust(iam, name=name)
        kind = message = ""
        if trust is None:
            kind, message = "role_missing", f"role {name} of {host.account_id} does not exist"
        elif caller and not admits(trust, caller):
            kind, message = "trust", f"the trust of role {name} does not admit {caller}"
        if kind:
            # CodePipeline tries the roles of actions when a pipeline is made.
            stops = bool(caller)
            cause = make_cause(
                kind,
                message,
                permission="sts:AssumeRole",
                principal=caller or "cloudformation.amazonaws.com",
                resource=arn,
                **known,
            )
            facts.append(Fact(cause=cause, account_id=host.account_id, stops=stops))
    for region in sorted(set(regions) - _ALWAYS_ON if partition == "aws" else ()):
        facts += _region_facts(session.client("account", host.region), host, region, known)
    return facts


def _pipeline_role(organisation: Organisation, partition: str) -> str:
    """Return the ARN of a role as pipelines have it, to try trust policies with."""
    account_id = organisation.build_account_id
    return f"arn:{partition}:iam::{account_id}:role/crossaccount/pipeline/canary-pipeline"


def _region_facts(
    client: Client, host: Host, region: str, known: t.Mapping[str, str]
) -> list[Fact]:
    try:
        status = _opt_status(client, region=region)
    except PipelineError as exc:
        return [_unread(f"{host.name}: {exc}")]
    if status in _ON:
        return []
    message = f"region {region} is {status} in {host.account_id}"
    cause = make_cause("region_off", message, region=region, resource=region, **known)
    return [Fact(cause=cause, account_id=host.account_id, region=region, stops=True)]


def _unopened(
    gateway: Gateway,
    organisation: Organisation,
    host: Host,
    error: str,
    known: t.Mapping[str, str],
) -> list[Fact]:
    """Return why an account cannot be entered: by Organizations, where it may be asked."""
    kind, message, extra = "no_access", error, []
    try:
        status = _account_state(_organizations(gateway, organisation), account_id=host.account_id)
    except PipelineError as exc:
        extra = [_unread(f"the state of accounts in Organizations: {exc}")]
    else:
        if status != "ACTIVE":
            kind, message = "account_suspended", f"account {host.account_id} is {status}"
    cause = make_cause(kind, message, **known)
    return [Fact(cause=cause, account_id=host.account_id, stops=True), *extra]


def _organizations(gateway: Gateway, organisation: Organisation) -> Client:
    """Return Organizations as the base credentials see it."""
    caller = account_of({"account_id": gateway.caller_account_id()})
    return gateway.open(caller).client("organizations", organisation.primary_region)


@ErrorHandler.common_error_handler("describe account {account_id}")  # type: ignore[untyped-decorator]
def _account_state(client: Client, *, account_id: str) -> str:
    """Return the state of an account; ``State`` since 2025, before that ``Status``."""
    try:
        found = client.describe_account(AccountId=account_id)["Account"]
    except is_boto3_error_code("AccountNotFoundException"):
        return "not in the organization"
    return str(found.get("State") or found["Status"])


@ErrorHandler.common_error_handler("read the role {name}")  # type: ignore[untyped-decorator]
def _trust(iam: Client, *, name: str) -> t.Any:
    """Return the trust policy of a role; None without the role."""
    try:
        return iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    except is_boto3_error_code(["NoSuchEntity", "NoSuchEntityException"]):
        return None


@ErrorHandler.common_error_handler("read whether {region} is enabled")  # type: ignore[untyped-decorator]
def _opt_status(client: Client, *, region: str) -> str:
    return str(client.get_region_opt_status(RegionName=region)["RegionOptStatus"])


def role_facts(gateway: Gateway, host: Host, *, inventory: str) -> list[Fact]:
    """Return how the policies of a deploy account's roles differ. Raises PipelineError."""
    session = gateway.open(account_of(host.target()))
    found = read_stack_policies(session, host, _ROLES)
    known = {"host": host.name, "account_id": host.account_id, "inventory": inventory}
    if found is None:
        message = f"{host.account_id} has no stack {host.stack_name} that is complete"
        return [
            Fact(cause=make_cause("role_missing", message, **known), account_id=host.account_id)
        ]
    facts = [_unread(f"{host.name}: {text}") for text in found.unread]
    for item in found.differing:
        name = item.resource.physical_id
        arn = f"arn:{partition_of(host.region)}:iam::{host.account_id}:role/{name}"
        texts = {
            "role_missing": item.message if item.gone else "",
            "trust": item.trust,
            "role_policy": "" if item.gone else item.message,
        }
        facts += [
            Fact(
                cause=make_cause(kind, text, resource=arn, **known),
                account_id=host.account_id,
            )
            for kind, text in texts.items()
            if text
        ]
    return facts


def _unread(text: str) -> Fact:
    return Fact(cause=make_cause("unread", text), is_note=True)


__all__ = ("account_facts", "role_facts")
