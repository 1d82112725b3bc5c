# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that are taken, and names that CloudFormation makes up."""

from __future__ import annotations

import copy
from collections.abc import Callable, Container, Mapping
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch_logs, eventbridge, iam, kms, lambda_svc, sns, sqs, ssm
from ministack.services.cloudformation import provisioners

from .work import CHECKS, Properties, Work

Store = Callable[[], Container[Any]]
Create = Callable[[str, Properties, str], tuple[str, dict[str, Any]]]


def _same(name: str, _unused: Properties) -> str:
    return name


def _topic(name: str, _unused: Properties) -> str:
    return f"arn:aws:sns:{get_region()}:{get_account_id()}:{name}"


def _policy(name: str, properties: Properties) -> str:
    return f"arn:aws:iam::{get_account_id()}:policy{properties.get('Path', '/')}{name}"


def _alias(name: str, _unused: Properties) -> str:
    return str(kms._alias_arn(name))


def _rule(name: str, properties: Properties) -> str:
    return str(eventbridge._rule_key(name, properties.get("EventBusName") or "default"))


# The property that names a resource, MiniStack's store of them, the key there, and AWS's words.
_NAMED: Mapping[str, tuple[str, Store, Callable[[str, Properties], str], str]] = {
    "AWS::Events::Rule": ("Name", lambda: eventbridge._rules, _rule, "Rule {} already exists."),
    "AWS::IAM::ManagedPolicy": (
        "ManagedPolicyName",
        lambda: iam._policies,
        _policy,
        "A policy called {} already exists. Duplicate names are not allowed.",
    ),
    "AWS::IAM::Role": (
        "RoleName",
        lambda: iam._roles,
        _same,
        "Role with name {} already exists.",
    ),
    "AWS::KMS::Alias": (
        "AliasName",
        lambda: kms._aliases,
        _alias,
        "An alias with the name {} already exists",
    ),
    "AWS::Lambda::Function": (
        "FunctionName",
        lambda: lambda_svc._functions,
        _same,
        "Function already exists: {}",
    ),
    "AWS::Logs::LogGroup": (
        "LogGroupName",
        lambda: cloudwatch_logs._log_groups,
        _same,
        "Log group {} already exists",
    ),
    "AWS::SNS::Topic": ("TopicName", lambda: sns._topics, _topic, "Topic {} already exists"),
    "AWS::SQS::Queue": (
        "QueueName",
        lambda: sqs._queue_name_to_url,
        _same,
        "Resource of type 'AWS::SQS::Queue' with identifier '{}' already exists.",
    ),
    "AWS::SSM::Parameter": (
        "Name",
        lambda: ssm._parameters,
        _same,
        "The parameter {} already exists.",
    ),
}


def install() -> None:
    """Restore all of it."""
    CHECKS.append(_refuse_taken)
    for resource_type in _NAMED:
        handlers = provisioners._RESOURCE_HANDLERS[resource_type]
        handlers["create"] = _drawing(handlers["create"])
    _log_group_names()


def _refuse_taken(work: Work) -> None:
    """A name that another resource has.

    AWS: the creation fails with "already exists", and the stack rolls back. MiniStack: the other
    resource is overwritten.
    """
    if work.operation == "delete":
        return
    if name := taken(work.resource_type, work.old, work.new):
        message = _NAMED[work.resource_type][3]
        raise ValueError(
            f'Resource handler returned message: "{message.format(name)}" '
            "(HandlerErrorCode: AlreadyExists)"
        )


def taken(resource_type: str, old: Properties, new: Properties) -> str:
    """The name that a resource is to get and that another has; empty when there is none."""
    if resource_type not in _NAMED:
        return ""
    property_name, store, key, _unused = _NAMED[resource_type]
    name = new.get(property_name)
    if not isinstance(name, str) or name == old.get(property_name):
        return ""
    return name if key(name, new) in store() else ""


def _drawing(create: Create) -> Create:
    """A name that CloudFormation makes up.

    AWS: differs each time. MiniStack: follows from stack and logical id, except for a bucket, so
    a stack that is made again meets what its predecessor retained.
    """

    def drawn(logical_id: str, properties: Properties, stack_name: str) -> Any:
        if not provisioners._NAME_SEED.get():
            provisioners._NAME_SEED.set(provisioners.new_uuid()[:8])
        return create(logical_id, properties, stack_name)

    return drawn


def _log_group_names() -> None:
    """The name of a log group without one.

    AWS: stack, logical id and random letters, as for other types; policies select by that.
    MiniStack: /aws/cloudformation/<stack>/<logical id>.
    """
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Logs::LogGroup"]
    create, update = handlers["create"], handlers["update"]

    def named(logical_id: str, properties: Properties, stack_name: str) -> Any:
        if not properties.get("LogGroupName"):
            name = provisioners._physical_name(stack_name, logical_id, max_len=512)
            properties = {**properties, "LogGroupName": name}
        return create(logical_id, properties, stack_name)

    def keep_name(
        physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
    ) -> Any:
        if not new.get("LogGroupName"):
            new = {**copy.copy(new), "LogGroupName": physical_id}
        return update(physical_id, old, new, stack_name, logical_id)

    handlers.update(create=_drawing(named), update=keep_name)


__all__ = ("install", "taken")
