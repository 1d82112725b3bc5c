# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look-ups in the build account: policies, keys, the function, topics, connections, quotas."""

from __future__ import annotations

import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code

from .._aws.batch import account_of
from .._aws.gateway import AccountSession, Client, Gateway
from .._errors import ErrorHandler
from .._organisation.model import Host, Organisation
from .._pipeline.live import live_names
from .._pipeline.model import Pipeline
from .._pipeline.source import CODEBUILD
from .._stack.granted import admits
from .facts import Fact, make_cause
from .policies import Differing, StackPolicies, read_stack_policies

_KEY, _BUCKET_POLICY = "Key", "PipelineBucketPolicy"
_FUNCTION, _FUNCTION_ROLE = "SyncArtifactsFunction", "SyncArtifactsRole"
_TOPIC = "AWS::SNS::Topic"
_GONE = {_KEY: "key_missing", _BUCKET_POLICY: "bucket_missing", _FUNCTION_ROLE: "sync_role"}
_CHANGED = {_KEY: "key_policy", _BUCKET_POLICY: "bucket_policy", _FUNCTION_ROLE: "sync_role"}
# Pipelines of an account in a region, and how few left are worth a note:
# https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html
_PIPELINES, _FEW = 1000, 10


def region_facts(
    gateway: Gateway, host: Host, accounts: t.Collection[str], *, inventory: str
) -> list[Fact]:
    """Return what is wrong with the bucket, key and function of a region. Raises PipelineError.

    :param accounts: those that are deployed to there.
    """
    session = gateway.open(account_of(host.target()))
    found = read_stack_policies(session, host, _CHANGED)
    known: dict[str, t.Any] = {
        "host": host.name,
        "region": host.region,
        "inventory": inventory,
    }
    if found is None:
        message = f"{host.region} has no stack {host.stack_name} that is complete"
        return [_fact(host, "not_deployed", message, stops=True, **known)]
    facts = [
        _fact(
            host,
            (_GONE if item.gone else _CHANGED)[item.resource.logical_id],
            _text(item),
            resource=item.resource.physical_id or None,
            **known,
        )
        for item in found.differing
    ]
    facts += [_note(make_cause("unread", f"{host.name}: {text}", **known)) for text in found.unread]
    key_id = found.physical_id(_KEY)
    state = _key_state(session.client("kms", host.region), key_id=key_id) if key_id else "Enabled"
    if state != "Enabled":
        kind = "key_missing" if state is None else "key_disabled"
        message = f"key {key_id} of {host.region} is {state or 'gone'}"
        facts.append(_fact(host, kind, message, resource=key_id, **known))
    facts += _grant_facts(host, accounts, found.parameters, known)
    facts += _function_facts(session, host, found, known)
    facts += _topic_facts(session, host, found, inventory)
    return facts


def _text(item: Differing) -> str:
    return "; ".join(filter(None, (item.message, item.trust)))


def _grant_facts(
    host: Host,
    accounts: t.Collection[str],
    parameters: t.Mapping[str, str],
    known: dict[str, t.Any],
) -> list[Fact]:
    """Return the accounts that the policies of a region do not admit."""
    return [
        Fact(
            cause=make_cause(
                "not_granted",
                f"the policies of {host.region} do not admit account {account_id}",
                **{**known, "account_id": account_id},
            ),
            account_id=account_id,
            region=host.region,
        )
        for account_id in sorted(accounts)
        if not admits(parameters, account_id)
    ]


def _function_facts(
    session: AccountSession, host: Host, found: StackPolicies, known: dict[str, t.Any]
) -> list[Fact]:
    name = found.physical_id(_FUNCTION)
    if not name:
        return []
    problem = _function_problem(session.client("lambda", host.region), name=name)
    if not problem:
        return []
    # CodePipeline waits for a function that does not run.
    cause = make_cause("sync_function", problem, resource=name, **known)
    return [Fact(cause=cause, stops=True)]


@ErrorHandler.common_error_handler("read the state of key {key_id}")  # type: ignore[untyped-decorator]
def _key_state(kms: Client, *, key_id: str) -> str | None:
    """Return the state of a key; None without the key."""
    try:
        return str(kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"])
    except is_boto3_error_code("NotFoundException"):
        return None


@ErrorHandler.common_error_handler("read the function {name}")  # type: ignore[untyped-decorator]
def _function_problem(client: Client, *, name: str) -> str:
    """Return why a function cannot run; empty where it can."""
    try:
        found = client.get_function(FunctionName=name)
    except is_boto3_error_code("ResourceNotFoundException"):
        return f"function {name} does not exist"
    if found.get("Concurrency", {}).get("ReservedConcurrentExecutions") == 0:
        return f"function {name} has a reserved concurrency of 0, so it never runs"
    # A function that was idle for long is Inactive, and the next call activates it.
    if found["Configuration"].get("State") == "Failed":
        reason = found["Configuration"].get("StateReason", "no reason given")
        return f"function {name} is Failed: {reason}"
    return ""


# Notes: what stops no path, but a pipeline


def _topic_facts(
    session: AccountSession, host: Host, found: StackPolicies, inventory: str
) -> list[Fact]:
    """Return the topics of the primary stack that nobody hears."""
    topics = [item.physical_id for item in found.resources if item.resource_type == _TOPIC]
    notes = []
    for arn in topics:
        if _has_subscribers(session.client("sns", host.region), arn=arn):
            continue
        message = f"topic {arn} has no confirmed subscription"
        cause = make_cause(
            "no_subscribers", message, region=host.region, resource=arn, inventory=inventory
        )
        notes.append(_note(cause))
    return notes


@ErrorHandler.common_error_handler("read the subscribers of {arn}")  # type: ignore[untyped-decorator]
def _has_subscribers(sns: Client, *, arn: str) -> bool:
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    return int(attributes.get("SubscriptionsConfirmed", "0")) > 0


def connection_facts(gateway: Gateway, host: Host, arn: str) -> list[Fact]:
    """Return a note where a connection is not available. Raises PipelineError."""
    session = gateway.open(account_of(host.target()))
    service, region = arn.split(":")[2:4]
    status = _connection_status(session.client(service, region), arn=arn)
    if status == "AVAILABLE":
        return []
    return [_note(make_cause("connection", f"connection {arn} is {status}", resource=arn))]


@ErrorHandler.common_error_handler("read the connection {arn}")  # type: ignore[untyped-decorator]
def _connection_status(client: Client, *, arn: str) -> str:
    try:
        return str(client.get_connection(ConnectionArn=arn)["Connection"]["ConnectionStatus"])
    except is_boto3_error_code("ResourceNotFoundException"):
        return "gone"


def oauth_facts(gateway: Gateway, host: Host, pipelines: t.Mapping[str, Pipeline]) -> list[Fact]:
    """Return a note for each provider that CodeBuild has no credentials of.

    Raises PipelineError.
    """
    wanted: dict[str, list[str]] = {}
    for name, pipeline in pipelines.items():
        source = pipeline.source
        if source is None or source.type != CODEBUILD or source.connection_arn:
            continue
        provider = source.git_provider
        if provider:
            wanted.setdefault(provider.source_type, []).append(name)
    if not wanted:
        return []
    session = gateway.open(account_of(host.target()))
    there = _server_types(session.client("codebuild", host.region))
    return [
        _note(
            make_cause(
                "oauth",
                f"CodeBuild has no credentials for {server} in {host.region}, which"
                f" {', '.join(sorted(names))} need",
                region=host.region,
            )
        )
        for server, names in sorted(wanted.items())
        if server not in there
    ]


@ErrorHandler.common_error_handler("read the source credentials of CodeBuild")  # type: ignore[untyped-decorator]
def _server_types(client: Client) -> frozenset[str]:
    found = client.list_source_credentials()["sourceCredentialsInfos"]
    return frozenset(entry["serverType"] for entry in found)


def quota_facts(gateway: Gateway, organisation: Organisation) -> list[Fact]:
    """Return a note where few pipelines are left of AWS's quota. Raises PipelineError."""
    host = organisation.primary
    session = gateway.open(account_of(host.target()))
    number = _pipelines(session.client("codepipeline", host.region))
    if number <= _PIPELINES - _FEW:
        return []
    message = (
        f"{host.region} has {number} pipelines, and AWS's default quota is {_PIPELINES:,}: the"
        " canary's may find no place"
    )
    return [_note(make_cause("quota", message, region=host.region))]


@ErrorHandler.common_error_handler("count the pipelines")  # type: ignore[untyped-decorator]
def _pipelines(client: Client) -> int:
    return len(live_names(client))


def _fact(place: Host, kind: str, message: str, *, stops: bool = False, **known: t.Any) -> Fact:
    # What the function of the primary region does concerns every region.
    region = "" if kind == "sync_role" else place.region
    return Fact(cause=make_cause(kind, message, **known), region=region, stops=stops)


def _note(cause: t.Any) -> Fact:
    return Fact(cause=cause, is_note=True)


__all__ = ("connection_facts", "oauth_facts", "quota_facts", "region_facts")
