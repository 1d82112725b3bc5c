# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every variable of the inventory and every setting of the roles. Data."""

from __future__ import annotations

import dataclasses
import functools
import typing as t
from collections.abc import Mapping

from ansible_collections.amazon.aws.plugins.module_utils.arn import parse_aws_arn

from .._fields import FLAG, LIST, MAPPING, NUMBER, Field, Reader
from .model import (
    ACCESS_ROLE_NAME,
    DEPLOY_ACCOUNTS,
    PIPELINES,
    PRIMARY,
    REGIONAL,
    ROLE_NAMES,
    STACK_NAMES,
)

ACCOUNT_ID = r"\d{12}"
REGION = r"[a-z]{2,}(-[a-z]+)+-\d"
# What Ansible takes as a name where it expects a pattern of hosts.
HOST_NAME = r"[\w.+=/@-]+"
MINIMUM_RETENTION_DAYS = 90

# The role of each group, whose name its variables begin with.
ROLES = {
    REGIONAL: "regional",
    PRIMARY: "primary",
    DEPLOY_ACCOUNTS: "deploy_account",
    PIPELINES: "pipeline",
}


def _role_arn(reader: Reader, value: t.Any, where: str) -> str | None:
    text = reader.text(Field(), value, where)
    arn = parse_aws_arn(text) if text else None
    if text and (arn is None or arn["service"] != "iam" or not arn["resource"].startswith("role/")):
        reader.problem(where, f"{text!r} is not the ARN of a role", "Correct it")
        return None
    return text


def _tags(reader: Reader, value: t.Any, where: str) -> dict[str, t.Any] | None:
    if isinstance(value, Mapping) and all(
        str(text).isascii() for pair in value.items() for text in pair
    ):
        return dict(value)
    # AWS returns other characters as "?", so that every run would find a difference.
    reader.problem(where, "is not a mapping of ASCII names to ASCII values", "Correct it")
    return None


def _stack_name(group: str, doc: str) -> Field:
    variable, default = STACK_NAMES[group]
    return Field(name=variable, default=default, doc=doc)


BUILD_ACCOUNT_ID = Field(
    name="build_account_id",
    required=True,
    pattern=ACCOUNT_ID,
    words="12 digits",
    doc="The account that holds builds, keys, buckets and pipelines.",
)
PRIMARY_REGION = Field(
    name="primary_region",
    required=True,
    pattern=REGION,
    words="a region",
    doc="Its home region.",
)
CODEPIPELINE_ROLE_NAME = Field(
    name="codepipeline_role_name",
    default=ROLE_NAMES["codepipeline_role_name"],
    doc="The role in deploy accounts that runs the actions of pipelines.",
)
CLOUDFORMATION_ROLE_NAME = Field(
    name="cloudformation_role_name",
    default=ROLE_NAMES["cloudformation_role_name"],
    doc="The role in deploy accounts that CloudFormation deploys with.",
)
# What all hosts must agree on.
SHARED = (BUILD_ACCOUNT_ID, PRIMARY_REGION, CODEPIPELINE_ROLE_NAME, CLOUDFORMATION_ROLE_NAME)

_ACCESS_ROLE_NAME = Field(
    name="access_role_name",
    default=ACCESS_ROLE_NAME,
    doc="The role to assume in every account but that of the base credentials.",
)
_STACK_TAGS = Field(
    name="stack_tags",
    type=MAPPING,
    default={},
    read=_tags,
    json={"type": "object"},
    kind="mapping, ASCII",
    doc="Tags of every stack, added to its `crossaccount:` tags.",
)
_ARTIFACT_RETENTION_DAYS = Field(
    name="artifact_retention_days",
    type=NUMBER,
    default=365,
    minimum=MINIMUM_RETENTION_DAYS,
    fix="Set more: a rollback needs the package of the previous release",
    doc="Days that pipeline buckets keep artifacts.",
)
_WAIT_TIMEOUT = Field(
    name="wait_timeout",
    type=NUMBER,
    default=3600,
    is_extra=True,
    doc="Seconds that a host waits for its stack.",
)
_STACK_NAMES = {
    REGIONAL: _stack_name(REGIONAL, "The stack of each host of `regional`."),
    PRIMARY: _stack_name(PRIMARY, "The stack of the primary."),
    DEPLOY_ACCOUNTS: _stack_name(DEPLOY_ACCOUNTS, "The stack of each host of `deploy_accounts`."),
}

# Variables of group_vars/all.yml.
ORGANISATION = (
    BUILD_ACCOUNT_ID,
    PRIMARY_REGION,
    _ACCESS_ROLE_NAME,
    Field(
        name="organisation_name",
        doc="A teardown asks for it; without it there is none.",
    ),
    _STACK_TAGS,
    _ARTIFACT_RETENTION_DAYS,
    CODEPIPELINE_ROLE_NAME,
    CLOUDFORMATION_ROLE_NAME,
    *_STACK_NAMES.values(),
    _WAIT_TIMEOUT,
)

_ALLOW_REPLACEMENT = Field(
    name="allow_replacement",
    type=FLAG,
    default=False,
    is_extra=True,
    doc="Lets a change set replace or remove keys, buckets and roles.",
)
_PURGE_DATA = Field(
    name="purge_data",
    type=FLAG,
    default=False,
    is_extra=True,
    doc="[Deletes](removal.md#purging-data) the buckets and keys of absent hosts for good.",
)
_RESOURCES_TO_SKIP = Field(
    name="resources_to_skip",
    type=LIST,
    default=[],
    is_extra=True,
    item=Field(required=True),
    kind="list of logical ids",
    doc="Resources that a stopped rollback continues without.",
)

# Variables of one run, for -e.
RUN = (
    _ALLOW_REPLACEMENT,
    _PURGE_DATA,
    _RESOURCES_TO_SKIP,
    Field(name="confirm", doc="For a teardown: the `organisation_name`."),
)

_STATE = Field(
    name="state",
    default="present",
    choices=("present", "quarantined", "absent"),
    doc="Whether its stack should exist: [States](#states).",
)

# Variables of any host.
HOST = (
    _STATE,
    Field(
        name="aws_profile",
        doc="A profile of the account, instead of the access role.",
    ),
    Field(
        name="role_arn",
        read=_role_arn,
        kind="ARN of a role",
        doc="A role instead of the access role.",
    ),
)

ACCOUNT_ID_OF_HOST = Field(
    name="account_id",
    required=True,
    pattern=ACCOUNT_ID,
    words="12 digits",
    doc="The account.",
)
REGIONS = Field(
    name="regions",
    type=LIST,
    required=True,
    minimum=1,
    item=Field(pattern=REGION, words="a region", required=True),
    unique=("",),
    fix="List at least one region",
    kind="list of regions",
    doc="Where pipelines deploy to: the primary region or hosts of `regional`.",
)
EXECUTION_POLICIES = Field(
    name="execution_policies",
    type=LIST,
    required=True,
    minimum=1,
    item=Field(required=True),
    fix="List the managed policies that deployments need",
    kind="list of ARNs",
    doc="Managed policies of the CloudFormation role: what deployments may do.",
)
_REPLICATION_BUCKET_ARNS = Field(
    name="replication_bucket_arns",
    type=LIST,
    default=[],
    item=Field(required=True),
    kind="list of ARNs",
    doc="Buckets in developers' accounts that builds are copied to.",
)
_PERMISSIONS_BOUNDARY_ARN = Field(
    name="permissions_boundary_arn",
    kind="ARN",
    doc="Permissions boundary of the CloudFormation role.",
)

# Variables of the hosts of each group, in addition to HOST and ORGANISATION.
GROUP_VARIABLES: dict[str, tuple[Field, ...]] = {
    REGIONAL: (),
    PRIMARY: (),
    DEPLOY_ACCOUNTS: (ACCOUNT_ID_OF_HOST, REGIONS),
    PIPELINES: (),
}


def _setting(field: Field, name: str = "", doc: str = "") -> Field:
    """Return a role's setting that falls back to an inventory variable."""
    return dataclasses.replace(
        field, name=name or field.name, doc=doc or field.doc, fallback=field.name
    )


_ALL_ROLES = (
    _setting(_STACK_TAGS, "tags", "Tags of the stack."),
    _setting(CODEPIPELINE_ROLE_NAME),
    _setting(CLOUDFORMATION_ROLE_NAME),
    _setting(_ALLOW_REPLACEMENT),
    _setting(_RESOURCES_TO_SKIP),
    _setting(_WAIT_TIMEOUT),
)
_BUILD_ACCOUNT = _setting(BUILD_ACCOUNT_ID, "account_id", "The build account.")
_HOME = _setting(PRIMARY_REGION, "region", "The region of the stack.")
_BUCKETS = (_setting(_ARTIFACT_RETENTION_DAYS), _setting(_PURGE_DATA))


def _own_stack_name(group: str) -> Field:
    return dataclasses.replace(_STACK_NAMES[group], name="stack_name", doc="The name of the stack.")


# What the role of each group takes. A variable is the role's name and the setting's.
SETTINGS: dict[str, tuple[Field, ...]] = {
    REGIONAL: (
        _BUILD_ACCOUNT,
        Field(
            name="region",
            fallback="inventory_hostname",
            required=True,
            default_words="the host's name",
            doc="The region of the stack.",
        ),
        _own_stack_name(REGIONAL),
        *_BUCKETS,
        *_ALL_ROLES,
    ),
    PRIMARY: (
        _BUILD_ACCOUNT,
        _HOME,
        _own_stack_name(PRIMARY),
        _REPLICATION_BUCKET_ARNS,
        *_BUCKETS,
        *_ALL_ROLES,
    ),
    DEPLOY_ACCOUNTS: (
        _setting(ACCOUNT_ID_OF_HOST, "id"),
        _HOME,
        _setting(BUILD_ACCOUNT_ID, doc="The account whose pipelines deploy here."),
        _own_stack_name(DEPLOY_ACCOUNTS),
        _setting(_STACK_NAMES[PRIMARY], doc="The primary stack, which deployments may not change."),
        _setting(
            _STACK_NAMES[REGIONAL], doc="The regional stacks, which deployments may not change."
        ),
        _setting(
            _ACCESS_ROLE_NAME,
            doc="The role that this collection uses, with its path, which deployments may not"
            " change.",
        ),
        EXECUTION_POLICIES,
        _PERMISSIONS_BOUNDARY_ARN,
        *_ALL_ROLES,
    ),
    PIPELINES: (_BUILD_ACCOUNT, _HOME, *_ALL_ROLES),
}


def setting_variable(group: str, setting: Field) -> Field:
    """Return a setting as a variable of its role, never required by itself."""
    return dataclasses.replace(
        setting, name=f"{ROLES[group]}_{setting.name}", required=setting is EXECUTION_POLICIES
    )


@functools.cache
def host_variables(group: str) -> tuple[Field, ...]:
    """Return the variables that a host of *group* may have, by name."""
    found = {
        field.name: field
        for field in (
            *(setting_variable(group, setting) for setting in SETTINGS[group]),
            *RUN,
            *ORGANISATION,
            *HOST,
            *GROUP_VARIABLES[group],
        )
    }
    return tuple(found.values())


__all__ = (
    "ACCOUNT_ID",
    "ACCOUNT_ID_OF_HOST",
    "BUILD_ACCOUNT_ID",
    "EXECUTION_POLICIES",
    "GROUP_VARIABLES",
    "HOST",
    "HOST_NAME",
    "MINIMUM_RETENTION_DAYS",
    "ORGANISATION",
    "PRIMARY_REGION",
    "REGION",
    "REGIONS",
    "ROLES",
    "RUN",
    "SETTINGS",
    "SHARED",
    "host_variables",
    "setting_variable",
)
