# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What CloudFormation does to a resource, it does with the permissions of its caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudformation, iam
from ministack.services.cloudformation import changesets, drift, handlers

from ..codepipeline.source_rules import passed_connections
from ..iam.authorisation import Principal
from .resource_permissions import needed
from .work import CHECKS, Work

Parameters = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[Parameters], Response]

_SERVICE = "cloudformation.amazonaws.com"
_TAKE_ROLES = (
    "ContinueUpdateRollback",
    "CreateChangeSet",
    "CreateStack",
    "DeleteStack",
    "RollbackStack",
    "UpdateStack",
)
# CloudFormation makes up names that end in so many letters.
_MADE_UP = "X" * 12
# The property that names a resource, and how long a name may be.
_NAMES = {
    "AWS::CodeBuild::Project": ("Name", 255),
    "AWS::CodePipeline::Pipeline": ("Name", 100),
    "AWS::Events::Rule": ("Name", 64),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", 128),
    "AWS::IAM::Role": ("RoleName", 64),
    "AWS::KMS::Alias": ("AliasName", 256),
    "AWS::Lambda::Function": ("FunctionName", 64),
    "AWS::Lambda::LayerVersion": ("LayerName", 64),
    "AWS::Logs::LogGroup": ("LogGroupName", 512),
    "AWS::S3::Bucket": ("BucketName", 63),
    "AWS::SNS::Topic": ("TopicName", 256),
    "AWS::SQS::Queue": ("QueueName", 80),
}
# The properties that give a resource a role, and the service that it is passed to.
_ROLES = {
    "AWS::CodeBuild::Project": ("ServiceRole", "codebuild.amazonaws.com"),
    "AWS::CodePipeline::Pipeline": ("RoleArn", "codepipeline.amazonaws.com"),
    "AWS::Lambda::Function": ("Role", "lambda.amazonaws.com"),
}
# Actions that AWS authorises without a resource.
_WITHOUT_RESOURCE = frozenset(
    {
        "kms:CreateKey",
        "kms:ListAliases",
        "logs:DescribeIndexPolicies",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
    }
)


def install() -> None:
    """Restore all of it."""
    CHECKS.append(_check)
    _check_drift_detection()
    for action in _TAKE_ROLES:
        stock: Handler = handlers._ACTION_HANDLERS[action]
        handlers._ACTION_HANDLERS[action] = partial(_with_role, action, stock)
    stock = handlers._ACTION_HANDLERS["ExecuteChangeSet"]
    handlers._ACTION_HANDLERS["ExecuteChangeSet"] = partial(_with_role_of_change_set, stock)
    stock = handlers._ACTION_HANDLERS["DescribeStacks"]
    handlers._ACTION_HANDLERS["DescribeStacks"] = partial(_show_roles, stock)


def _check(work: Work) -> None:
    """The work on one resource.

    AWS: done with the permissions of the caller, or of the stack's role, which fail it when one
    is missing. MiniStack: asks nobody.
    """
    if work.is_unchanged:
        return
    actions = needed(work.resource_type, work.operation, work.old, work.new)
    _authorise(principal_of(work.stack), work, actions)


def _check_drift_detection() -> None:
    """The drift of one resource.

    AWS: read with the caller's permissions; one that is missing leaves the resource unknown and
    fails the detection. MiniStack: asks nobody.
    """
    detect = drift.detect_resource_drift

    def detected(
        stack: dict[str, Any], logical_id: str, record: dict[str, Any], timestamp: str
    ) -> dict[str, Any]:
        work = Work(
            operation="read",
            resource_type=record["ResourceType"],
            logical_id=logical_id,
            physical_id=record["PhysicalResourceId"],
            old=record["Properties"],
            new=record["Properties"],
            stack=stack,
        )
        caller = Principal(arn=iam_evaluator.caller_arn(), calls_via=_SERVICE)
        try:
            _authorise(caller, work, needed(work.resource_type, "read", work.old, work.new))
        except ValueError as error:
            return {
                "StackId": stack["StackId"],
                "LogicalResourceId": logical_id,
                "PhysicalResourceId": work.physical_id,
                "ResourceType": work.resource_type,
                "Timestamp": timestamp,
                "StackResourceDriftStatus": "UNKNOWN",
                "DriftStatusReason": str(error),
            }
        result: dict[str, Any] = detect(stack, logical_id, record, timestamp)
        return result

    drift.detect_resource_drift = detected


def principal_of(stack: dict[str, Any]) -> Principal:
    """As whom a stack is worked on.

    The caller, through CloudFormation; or the stack's role, which CloudFormation assumes.
    """
    if role := stack.get("_lab_role"):
        account, name = role.split(":")[4], role.rpartition("/")[2]
        return Principal(arn=f"arn:aws:sts::{account}:assumed-role/{name}/AWSCloudFormation")
    return Principal(arn=iam_evaluator.caller_arn(), calls_via=_SERVICE)


def _authorise(principal: Principal, work: Work, actions: Iterator[str]) -> None:
    for asked in actions:
        for resource, context in _requests(asked, work):
            action = asked
            if asked.endswith(":PassConnection"):
                action = f"{resource.split(':')[2]}:PassConnection"
            refusal = principal.check(
                action,
                resource,
                region=work.region,
                policy=_resource_policy(action, resource, work),
                owner=work.account,
                context=context,
            )
            if refusal:
                service = action.partition(":")[0].title()
                raise ValueError(
                    f'Resource handler returned message: "{refusal} (Service: {service}, '
                    'Status Code: 403)" (HandlerErrorCode: AccessDenied)'
                )


def _requests(action: str, work: Work) -> Iterator[tuple[str, dict[str, Any]]]:
    """The resource of an action, and its condition keys; one request for each policy attached."""
    if action in _WITHOUT_RESOURCE:
        yield "*", {}
    elif action == "iam:PassRole":
        for role, service in _passed_roles(work):
            yield role, {"iam:passedtoservice": service}
    elif action.endswith(":PassConnection"):
        for arn, permission in passed_connections(work.new.get("Stages", [])):
            key = f"{permission.partition(':')[0]}:passedtoservice"
            yield arn, {key: "codepipeline.amazonaws.com"}
    elif action == "iam:GetRole" and work.resource_type == "AWS::CodePipeline::Pipeline":
        yield work.new["RoleArn"], {}
    elif action in ("iam:AttachRolePolicy", "iam:DetachRolePolicy"):
        before, after = (
            set(properties.get("ManagedPolicyArns", [])) for properties in (work.old, work.new)
        )
        changed = after - before if action == "iam:AttachRolePolicy" else before - after
        for policy_arn in sorted(changed):
            yield _arn(work), {"iam:policyarn": policy_arn, **_boundary(work)}
    elif work.resource_type == "AWS::IAM::Policy":
        for name in (work.new or work.old)["Roles"]:
            role = iam._roles.get_scoped(work.account, None, name)
            yield role["Arn"] if role else f"arn:aws:iam::{work.account}:role/{name}", {}
    elif work.resource_type == "AWS::KMS::Alias":
        yield _arn(work), {}
        key = (work.new or work.old)["TargetKeyId"]
        prefix = "" if key.startswith("arn:") else f"arn:aws:kms:{work.region}:{work.account}:key/"
        yield f"{prefix}{key}", {}
    else:
        yield _arn(work), _boundary(work)


def _passed_roles(work: Work) -> Iterator[tuple[str, str]]:
    """The roles that a resource is given, and the service that each is passed to."""
    properties = work.new or work.old
    if work.resource_type == "AWS::CloudFormation::Stack" and "_lab_role" in work.stack:
        yield work.stack["_lab_role"], _SERVICE
    if work.resource_type in _ROLES:
        name, service = _ROLES[work.resource_type]
        yield properties[name], service
    # Whether CodePipeline asks it of an action's role is not documented; no role crosses accounts.
    actions = [action for stage in properties.get("Stages", []) for action in stage["Actions"]]
    for role in sorted({action["RoleArn"] for action in actions if "RoleArn" in action}):
        if role.split(":")[4] == work.account:
            yield role, "codepipeline.amazonaws.com"
    for target in properties.get("Targets", []):
        if "RoleArn" in target:
            yield target["RoleArn"], "events.amazonaws.com"


def _boundary(work: Work) -> dict[str, Any]:
    boundary = (work.new or work.old).get("PermissionsBoundary")
    return {"iam:permissionsboundary": boundary} if boundary else {}


def _arn(work: Work) -> str:
    """The resource's ARN; before its creation, with letters in place of those to be made up."""
    properties = work.new or work.old
    prefix, account, region = "arn:aws", work.account, work.region
    match work.resource_type:
        case "AWS::KMS::Key":
            return f"{prefix}:kms:{region}:{account}:key/{work.physical_id or _MADE_UP}"
        case "AWS::KMS::Alias":
            return f"{prefix}:kms:{region}:{account}:{_name(work)}"
        case "AWS::S3::Bucket":
            return f"{prefix}:s3:::{_name(work).lower()}"
        case "AWS::S3::BucketPolicy":
            return f"{prefix}:s3:::{properties['Bucket']}"
        case "AWS::IAM::Role":
            return f"{prefix}:iam::{account}:role{properties.get('Path', '/')}{_name(work)}"
        case "AWS::IAM::ManagedPolicy":
            path = f"policy{properties.get('Path', '/')}"
            return work.physical_id or f"{prefix}:iam::{account}:{path}{_name(work)}"
        case "AWS::CodeBuild::Project":
            return f"{prefix}:codebuild:{region}:{account}:project/{_name(work)}"
        case "AWS::CodePipeline::Pipeline":
            return f"{prefix}:codepipeline:{region}:{account}:{_name(work)}"
        case "AWS::Lambda::Function":
            return f"{prefix}:lambda:{region}:{account}:function:{_name(work)}"
        case "AWS::Lambda::LayerVersion":
            where = f"{prefix}:lambda:{region}:{account}:layer:"
            return work.physical_id or f"{where}{_name(work)}"
        case "AWS::CloudFormation::Stack":
            name = f"{work.stack_name}-{work.logical_id}-{_MADE_UP}"
            where = f"{prefix}:cloudformation:{region}:{account}:stack/"
            return work.physical_id or f"{where}{name}/{_MADE_UP}"
        case "AWS::Lambda::Permission":
            name = properties["FunctionName"].rpartition(":")[2]
            return f"{prefix}:lambda:{region}:{account}:function:{name}"
        case "AWS::Logs::LogGroup":
            return f"{prefix}:logs:{region}:{account}:log-group:{_name(work)}"
        case "AWS::Events::Rule":
            return f"{prefix}:events:{region}:{account}:rule/{_name(work)}"
        case "AWS::SNS::Topic":
            return f"{prefix}:sns:{region}:{account}:{_name(work)}"
        case "AWS::SNS::Subscription":
            # What is done to a subscription is authorised against its topic.
            return str(properties["TopicArn"])
        case "AWS::SNS::TopicPolicy":
            return str(properties["Topics"][0])
        case "AWS::SQS::Queue":
            # Its id is a URL.
            return f"{prefix}:sqs:{region}:{account}:{_name(work).rpartition('/')[2]}"
    raise AssertionError(f"{work.resource_type} is in the table and has no ARN here")


def _name(work: Work) -> str:
    if work.physical_id:
        return work.physical_id.rpartition(":")[2]
    property_name, length = _NAMES[work.resource_type]
    if name := work.new.get(property_name):
        return str(name)
    prefix = f"{work.stack_name}-{work.logical_id}-"
    return prefix[: length - len(_MADE_UP)] + _MADE_UP


def _resource_policy(action: str, resource: str, work: Work) -> Any:
    """The policy of the resource itself: a key's, a bucket's. That of a new key is on its way."""
    if work.resource_type == "AWS::KMS::Key" and not work.physical_id:
        return None if resource == "*" else work.new["KeyPolicy"]
    service = action.partition(":")[0]
    if service not in ("kms", "s3"):
        return None
    found = iam_evaluator._resource_policy(service, resource)
    return found[0] if found else None


def _with_role(action: str, stock: Handler, parameters: Parameters) -> Response:
    """RoleARN of a request.

    AWS: the caller must be allowed to pass the role, and CloudFormation to assume it; the stack
    works with it then and later, and shows it. MiniStack: does not look at it.
    """
    role = cloudformation._p(parameters, "RoleARN")
    if role and (refusal := _role_problem(role)):
        return refusal
    before = set(cloudformation._change_sets.keys())
    name = cloudformation._p(parameters, "StackName")
    stack = handlers._resolve_stack(name)
    if role and stack and action != "CreateChangeSet":
        stack["_lab_role"] = role
    answer = stock(parameters)
    if role and action == "CreateChangeSet":
        for change_set_id in set(cloudformation._change_sets.keys()) - before:
            cloudformation._change_sets[change_set_id]["_lab_role"] = role
    elif role and (stack := handlers._resolve_stack(name)):
        # Its work begins only when this request has been answered.
        stack["_lab_role"] = role
    return answer


def _with_role_of_change_set(stock: Handler, parameters: Parameters) -> Response:
    names = (cloudformation._p(parameters, key) for key in ("ChangeSetName", "StackName"))
    _unused, change_set = changesets._find_change_set(*names)
    answer = stock(parameters)
    if change_set and change_set.get("_lab_role") and answer[0] == 200:
        stack = handlers._resolve_stack(change_set["StackName"])
        stack["_lab_role"] = change_set["_lab_role"]
    return answer


def _show_roles(stock: Handler, parameters: Parameters) -> Response:
    status, headers, body = stock(parameters)
    for stack in cloudformation._stacks.values():
        if role := stack.get("_lab_role"):
            stack_id = f"<StackId>{stack['StackId']}</StackId>"
            body = body.replace(
                stack_id.encode(), f"{stack_id}<RoleARN>{role}</RoleARN>".encode(), 1
            )
    return status, headers, body


def _role_problem(role: str) -> Response | None:
    caller = Principal(arn=iam_evaluator.caller_arn())
    refusal = caller.check(
        "iam:PassRole", role, region=get_region(), context={"iam:passedtoservice": _SERVICE}
    )
    if refusal:
        denied: Response = handlers._error("AccessDenied", refusal, 403)
        return denied
    record = iam._roles.get_scoped(get_account_id(), None, role.rpartition("/")[2])
    if record is None or _SERVICE not in str(record["AssumeRolePolicyDocument"]):
        invalid: Response = handlers._error(
            "ValidationError", f"Role {role} is invalid or cannot be assumed"
        )
        return invalid
    return None


__all__ = ("install", "principal_of")
