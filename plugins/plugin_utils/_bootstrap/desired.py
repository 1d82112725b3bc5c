# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host's desired stack, from its settings and other stacks' outputs. Pure.

The check and the roles both use this, so a role on its own makes the same stack.
"""

from __future__ import annotations

import functools
import typing as t
from pathlib import Path

from .._errors import PipelineError
from .._organisation.model import (
    ACCOUNTS,
    DEPLOY_ACCOUNTS,
    PIPELINES,
    PRIMARY,
    REGIONAL,
    bucket_prefix,
)
from .._organisation.regions import partition_of
from .._organisation.settings import ROLES
from .._pipeline.model import Pipeline
from .._pipeline.notifications import Notifications
from .._pipeline_stack.foundation import Foundation
from .._pipeline_stack.places import fill_places
from .._pipeline_stack.template import compose_parameters, compose_template
from .._pipeline_stack.topics import organisation_topics
from .._stack.model import Desired
from .._stack.template import check_body, render
from .plan import Entry, Inputs
from .receiving import receive_builds
from .register import register_parameters

_ROLES = Path(__file__).parents[3] / "roles"

# What a stack of each group may create, and whether it outlives a mistaken deletion.
_CAPABILITIES: dict[str, tuple[str, ...]] = {
    REGIONAL: (),
    PRIMARY: ("CAPABILITY_IAM",),
    DEPLOY_ACCOUNTS: ("CAPABILITY_NAMED_IAM",),
    PIPELINES: ("CAPABILITY_NAMED_IAM",),
}
# The roles that policies and settings outside the stack name. Others go with what needs them.
_KNOWN_ROLES: dict[str, frozenset[str]] = {
    PIPELINES: frozenset({"PipelineRole", "SourceRole", "UploaderRole"})
}
HOLDS_DATA = frozenset({REGIONAL, PRIMARY})

Settings = t.Mapping[str, t.Any]


def desired_stack(
    group: str,
    host: str,
    settings: Settings,
    inputs: Inputs,
    *,
    pipeline: Pipeline | None = None,
) -> Desired:
    """Return the stack that *host* of *group* should have.

    :param settings: what the role of the group takes, as ``read_settings`` returns it, with the
        name of the stack.
    :param pipeline: the pipeline of a host of that group.

    Raises PipelineError where CloudFormation would refuse the template, a parameter or a tag.
    """
    if pipeline is not None:
        template, parameters = _pipeline(pipeline, settings, inputs)
    else:
        template, parameters = _template(group), _PARAMETERS[group](settings, inputs)
    if group == PRIMARY:
        template = _with_topics(template, settings)
        template = receive_builds(template, settings["builds_from"], settings["organisation_id"])
    name = str(settings["stack_name"])
    tags = {
        **settings["tags"],
        "crossaccount:group": group,
        "crossaccount:host": host,
        "crossaccount:stack": name,
    }
    check_body(template, name=f"the template of {host}", has_bucket=bool(template_bucket(inputs)))
    return Desired.from_values(
        name=name,
        template=template,
        parameters=parameters,
        tags=tags,
        capabilities=_CAPABILITIES[group],
        termination_protection=group in HOLDS_DATA,
        stack_policy=None,
        known_roles=_KNOWN_ROLES.get(group),
    )


def template_bucket(inputs: Inputs) -> str | None:
    """Return the bucket for large templates; None if there is none."""
    return inputs.get("outputs", {}).get("BuildBucketName")


def _regional(settings: Settings, inputs: Inputs) -> dict[str, t.Any]:
    return {
        **_grants(settings, inputs),
        **_role_names(settings),
        "OrganisationId": settings["organisation_id"],
        "ArtifactRetentionDays": settings["artifact_retention_days"],
    }


def _grants(settings: Settings, inputs: Inputs) -> dict[str, t.Any]:
    """Return whom the policies admit.

    Of an organization, the build account's own principals only if it is a deploy account. Raises
    PipelineError without the organization's id.
    """
    mode = inputs.get("grant_mode") or settings["grant_mode"]
    named = inputs.get("deploy_account_ids", [])
    if mode == ACCOUNTS:
        return {
            "GrantMode": mode,
            "DeployAccountIds": named,
            "OrganisationPaths": [],
            "ExcludedAccountIds": [],
        }
    if not settings["organisation_id"]:
        raise PipelineError("grant_mode organization needs organisation_id", cure="Set it")
    own = {settings["account_id"]} - set(named)
    return {
        "GrantMode": mode,
        "DeployAccountIds": [],
        "OrganisationPaths": settings["organisation_paths"],
        "ExcludedAccountIds": sorted({*inputs.get("excluded_account_ids", []), *own}),
    }


def _register(inputs: Inputs) -> list[Entry]:
    """Return the register by region: its order must not matter."""
    return sorted(inputs.get("register", []), key=lambda entry: entry["region"])


def _primary(settings: Settings, inputs: Inputs) -> dict[str, t.Any]:
    return {
        **_regional(settings, inputs),
        **register_parameters(_register(inputs)),
        "PermissionsBoundaryArn": settings["permissions_boundary_arn"],
    }


def _with_topics(template: str, settings: Settings) -> str:
    topics = organisation_topics(Notifications.from_dict(settings["notifications"]))
    return fill_places(template, {"resources": topics.resources, "outputs": topics.outputs})


def _deploy_account(settings: Settings, inputs: Inputs) -> dict[str, t.Any]:
    register = _register(inputs)
    return {
        "BuildAccountId": settings["build_account_id"],
        "BucketArns": [entry["bucket_arn"] for entry in register],
        "AssetBucketArns": [
            arn for entry in register if (arn := entry.get("asset_bucket_arn", ""))
        ],
        "KeyArns": [entry["key_arn"] for entry in register],
        "ExecutionPolicyArns": settings["execution_policies"],
        "ReadsAlarms": "true" if settings["read_alarms"] else "false",
        **_opened(settings),
        "PermissionsBoundaryArn": settings["permissions_boundary_arn"],
        "CodePipelineBoundaryArn": settings["codepipeline_boundary_arn"],
        "OrganisationId": settings["organisation_id"],
        **_role_names(settings),
        "AccessRoleName": settings["access_role_name"],
        "PrimaryStackName": settings["primary_stack_name"],
        "RegionalStackName": settings["regional_stack_name"],
        "PrimaryBucketPrefix": bucket_prefix(settings["primary_stack_name"]),
        "RegionalBucketPrefix": bucket_prefix(settings["regional_stack_name"]),
    }


def _opened(settings: Settings) -> dict[str, t.Any]:
    """Return the buckets, services and roles that pipelines reach, by ARN."""
    partition, account = partition_of(str(settings["region"])), settings["account_id"]
    buckets, services = settings["buckets"], settings["services"]
    keys = dict.fromkeys(bucket["key_arn"] for bucket in buckets if bucket["key_arn"])
    roles = dict.fromkeys(role for service in services for role in service["roles"])
    cluster = f"arn:{partition}:ecs:*:{account}:service"
    return {
        "DeployBucketArns": [f"arn:{partition}:s3:::{bucket['name']}" for bucket in buckets],
        "DeployKeyArns": list(keys),
        "ServiceArns": [f"{cluster}/{item['cluster']}/{item['service']}" for item in services],
        "TaskRoleArns": [f"arn:{partition}:iam::{account}:role/{role}" for role in roles],
    }


def _role_names(settings: Settings) -> dict[str, str]:
    return {
        "CodePipelineRoleName": settings["codepipeline_role_name"],
        "CloudFormationRoleName": settings["cloudformation_role_name"],
    }


_PARAMETERS = {REGIONAL: _regional, PRIMARY: _primary, DEPLOY_ACCOUNTS: _deploy_account}


def _pipeline(
    pipeline: Pipeline, settings: Settings, inputs: Inputs
) -> tuple[str, dict[str, t.Any]]:
    region = str(settings["region"])
    register: dict[str, Entry] = {entry["region"]: entry for entry in inputs.get("register", [])}
    foundation = Foundation(
        region=region,
        register=t.cast("dict[str, dict[str, str]]", register),
        codepipeline_role_name=settings["codepipeline_role_name"],
        cloudformation_role_name=settings["cloudformation_role_name"],
    )
    return (
        compose_template(pipeline, _template(PIPELINES), foundation),
        {
            **compose_parameters(pipeline, foundation, inputs.get("outputs", {})),
            "PermissionsBoundaryArn": settings["permissions_boundary_arn"],
        },
    )


@functools.cache
def _template(group: str) -> str:
    """Return the template of the group's role, its files inserted."""
    role = ROLES[group]
    path = _ROLES / role / "files" / f"{role}.template"
    return path.read_text(encoding="ascii") if group == PIPELINES else render(path)


__all__ = ("HOLDS_DATA", "Settings", "desired_stack", "template_bucket")
