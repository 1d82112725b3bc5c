# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every variable of the inventory and every setting of the roles. Data."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from .._fields import LIST, MAPPING, NUMBER, SCALAR, Field, Reader
from .access_schema import ACCESS, ROLE_NAME, STACK_NAME, STACK_NAME_WORDS
from .account_schema import ACCOUNT_SETTINGS, EXECUTION_POLICIES, MOST_POLICIES, POLICY_ARN
from .builds_from import BUILDS_FROM
from .grants import GRANT_MODE, ORGANISATION_ID, ORGANISATION_PATHS
from .model import (
    ACCESS_ROLE_NAME,
    DEPLOY_ACCOUNTS,
    PIPELINES,
    PRIMARY,
    REGIONAL,
    ROLE_NAMES,
    STACK_NAMES,
)
from .notifications import NOTIFICATIONS
from .regions import REGION, region_problem
from .run_schema import ALLOW_REPLACEMENT, PURGE_DATA, RESOURCES_TO_SKIP, RUN

ACCOUNT_ID = r"\d{12}"
_PARTITION = "arn:aws[a-z-]*"
_ROLE_ARN = rf"{_PARTITION}:iam::{ACCOUNT_ID}:role/([!-~]+/)?{ROLE_NAME}"
# What Ansible takes as a name where it expects a pattern of hosts.
HOST_NAME = r"[\w.+=/@-]+"
MINIMUM_RETENTION_DAYS = 90
_MOST_DAYS = 2_147_483_647  # of a lifecycle rule
_MOST_TAGS = 50 - 3  # of a stack, without our own
# CodeBuild's limits, and IAM's characters: the narrowest of the services that get the tags.
_TAG_CHARACTERS = r"[\w .:/=+@-]"
_TAG_WORDS = "letters, digits, spaces and _.:/=+-@"

# The role of each group, whose name its variables begin with.
ROLES = {
    REGIONAL: "regional",
    PRIMARY: "primary",
    DEPLOY_ACCOUNTS: "deploy_account",
    PIPELINES: "pipeline",
}


def _tags(reader: Reader, value: t.Any, where: str) -> dict[str, t.Any] | None:
    found = reader.mapping(_TAGS, value, where)
    names: dict[str, str] = {}
    for name in found or {}:
        other = names.setdefault(name.lower(), name)
        if other != name:
            reader.problem(where, f"{other} and {name} are the same name to IAM", "Keep one")
    return found


_TAGS = Field(
    type=MAPPING,
    maximum=_MOST_TAGS,
    keys=Field(
        pattern=rf"(?![aA][wW][sS]:){_TAG_CHARACTERS}{{1,127}}",
        words=f"the name of a tag: 1 to 127 {_TAG_WORDS}, not aws: first",
        fix="Rename it",
    ),
    item=Field(
        type=SCALAR,
        pattern=rf"{_TAG_CHARACTERS}{{1,255}}",
        words=f"the value of a tag: 1 to 255 {_TAG_WORDS}",
    ),
)


def _stack_name(group: str, doc: str) -> Field:
    variable, default = STACK_NAMES[group]
    return Field(
        name=variable,
        default=default,
        pattern=STACK_NAME,
        words=STACK_NAME_WORDS,
        kind="stack name",
        doc=doc,
    )


def _role_name(name: str, doc: str) -> Field:
    return Field(
        name=name,
        default=ROLE_NAMES[name],
        pattern=ROLE_NAME,
        words="the name of a role, without a path: up to 64 letters, digits and _+=,.@-",
        kind="role name",
        doc=doc,
    )


def _region(name: str = "", **fields: t.Any) -> Field:
    return Field(
        name=name, required=True, pattern=REGION, words="a region", check=region_problem, **fields
    )


REGION_OF_LIST = _region()


BUILD_ACCOUNT_ID = Field(
    name="build_account_id",
    required=True,
    pattern=ACCOUNT_ID,
    words="12 digits",
    doc="The account that holds builds, keys, buckets and pipelines.",
)
PRIMARY_REGION = _region("primary_region", doc="Its home region.")
CODEPIPELINE_ROLE_NAME = _role_name(
    "codepipeline_role_name", "The role in deploy accounts that runs the actions of pipelines."
)
CLOUDFORMATION_ROLE_NAME = _role_name(
    "cloudformation_role_name", "The role in deploy accounts that CloudFormation deploys with."
)
_SESSION_NAME = r"[\w+=,.@-]{2,64}"
_SESSION_WORDS = "2 to 64 letters, digits and + = , . @ _ -"
# The session of an assumed role.
SESSION = (
    Field(
        name="external_id",
        pattern=r"[\w+=,.@:/-]{2,1224}",
        words="2 to 1,224 letters, digits and + = , . @ : / _ -",
        kind="text",
        doc="The external id that the role demands. AWS does not treat it as a secret.",
    ),
    Field(
        name="session_name",
        pattern=_SESSION_NAME,
        words=_SESSION_WORDS,
        kind="text",
        default_words="who runs it",
        doc="The name of the session, in CloudTrail. By default AWX's user or schedule, else the"
        " user of the machine.",
    ),
    Field(
        name="session_duration",
        type=NUMBER,
        minimum=900,
        maximum=43_200,
        fix="Set seconds that the role allows",
        default_words="3600",
        doc="Seconds of a session; it renews itself. From a role, AWS allows 3600.",
    ),
    Field(
        name="source_identity",
        pattern=_SESSION_NAME,
        words=_SESSION_WORDS,
        kind="text",
        doc="The source identity of the session.",
    ),
    Field(
        name="session_tags",
        type=MAPPING,
        default={},
        maximum=50,
        keys=_TAGS.keys,
        item=_TAGS.item,
        doc="Tags of the session.",
    ),
)
_STACK_NAMES = {
    REGIONAL: _stack_name(REGIONAL, "The stack of each host of `regional`."),
    PRIMARY: _stack_name(PRIMARY, "The stack of the primary."),
    DEPLOY_ACCOUNTS: _stack_name(DEPLOY_ACCOUNTS, "The stack of each host of `deploy_accounts`."),
}
# What all hosts must agree on: deploy roles name roles and stacks of the build account.
SHARED = (
    BUILD_ACCOUNT_ID,
    PRIMARY_REGION,
    CODEPIPELINE_ROLE_NAME,
    CLOUDFORMATION_ROLE_NAME,
    _STACK_NAMES[REGIONAL],
    _STACK_NAMES[PRIMARY],
    GRANT_MODE,
)

_ACCESS_ROLE_NAME = Field(
    name="access_role_name",
    default=ACCESS_ROLE_NAME,
    pattern=rf"([\w+=,.@-]+/)*{ROLE_NAME}",
    words="the name of a role, with or without a path: name or path/name",
    longest=512,
    kind="role name, path",
    doc="The role to assume in every account but that of the base credentials.",
)
_STACK_TAGS = Field(
    name="stack_tags",
    type=MAPPING,
    default={},
    maximum=_MOST_TAGS,
    keys=_TAGS.keys,
    item=_TAGS.item,
    read=_tags,
    kind="name to text",
    doc="Tags of every stack, added to its `crossaccount:` tags.",
)
_ARTIFACT_RETENTION_DAYS = Field(
    name="artifact_retention_days",
    type=NUMBER,
    default=365,
    minimum=MINIMUM_RETENTION_DAYS,
    maximum=_MOST_DAYS,
    kind="number, at least 90",
    fix="Set more: a rollback needs the package of the previous release",
    doc="Days that pipeline buckets keep artifacts.",
)
_PERMISSIONS_BOUNDARY_ARN = Field(
    name="permissions_boundary_arn",
    pattern=POLICY_ARN,
    words="the ARN of a managed policy",
    kind="ARN",
    doc="Permissions boundary of every role;"
    " `deploy_account_permissions_boundary_arn` replaces it for the CloudFormation role.",
)
_WAIT_TIMEOUT = Field(
    name="wait_timeout",
    type=NUMBER,
    default=3600,
    minimum=1,
    kind="number",
    is_extra=True,
    doc="Seconds that a host waits for its stack.",
)

FILES, ORGANIZATIONS = "files", "organizations"
ACCOUNTS_FROM = Field(
    name="accounts_from",
    default=FILES,
    choices=(FILES, ORGANIZATIONS),
    doc="With `organizations`, no run starts without accounts from the"
    " [plugin](organizations.md#in-awx).",
)

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
    _PERMISSIONS_BOUNDARY_ARN,
    ORGANISATION_ID,
    GRANT_MODE,
    ORGANISATION_PATHS,
    ACCOUNTS_FROM,
    NOTIFICATIONS,
    BUILDS_FROM,
    _WAIT_TIMEOUT,
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
        pattern=_ROLE_ARN,
        words="the ARN of a role",
        kind="ARN of a role",
        doc="A role instead of the access role.",
    ),
    *SESSION,
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
    item=REGION_OF_LIST,
    unique=("",),
    fix="List at least one region",
    kind="list of regions",
    doc="Where pipelines deploy to: the primary region or hosts of `regional`.",
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
    _setting(ALLOW_REPLACEMENT),
    _setting(RESOURCES_TO_SKIP),
    _setting(_WAIT_TIMEOUT),
)
_BUILD_ACCOUNT = _setting(BUILD_ACCOUNT_ID, "account_id", "The build account.")
_HOME = _setting(PRIMARY_REGION, "region", "The region of the stack.")
_BUCKETS = (_setting(_ARTIFACT_RETENTION_DAYS), _setting(PURGE_DATA))


def _own_stack_name(group: str) -> Field:
    return dataclasses.replace(_STACK_NAMES[group], name="stack_name", doc="The name of the stack.")


_OF_ORGANISATION = _setting(ORGANISATION_ID, doc="The organization that principals must belong to.")
_GRANTS = (_OF_ORGANISATION, _setting(GRANT_MODE), _setting(ORGANISATION_PATHS))
_BOUNDARY_OF_ROLES = _setting(
    _PERMISSIONS_BOUNDARY_ARN, doc="The permissions boundary of the stack's roles."
)

# What the role of each group takes. A variable is the role's name and the setting's.
SETTINGS: dict[str, tuple[Field, ...]] = {
    REGIONAL: (
        _BUILD_ACCOUNT,
        _region(
            "region",
            fallback="inventory_hostname",
            default_words="the host's name",
            doc="The region of the stack.",
        ),
        _own_stack_name(REGIONAL),
        *_GRANTS,
        *_BUCKETS,
        *_ALL_ROLES,
    ),
    PRIMARY: (
        _BUILD_ACCOUNT,
        _HOME,
        _own_stack_name(PRIMARY),
        _setting(BUILDS_FROM),
        _setting(NOTIFICATIONS, doc="Who hears of releases."),
        _BOUNDARY_OF_ROLES,
        *_GRANTS,
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
        *ACCOUNT_SETTINGS,
        _setting(
            _PERMISSIONS_BOUNDARY_ARN, doc="The permissions boundary of the CloudFormation role."
        ),
        _setting(
            _PERMISSIONS_BOUNDARY_ARN,
            "codepipeline_boundary_arn",
            "The permissions boundary of the role of pipelines' actions.",
        ),
        _OF_ORGANISATION,
        *_ALL_ROLES,
    ),
    PIPELINES: (_BUILD_ACCOUNT, _HOME, _BOUNDARY_OF_ROLES, *_ALL_ROLES),
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
            *ACCESS,
            *HOST,
            *GROUP_VARIABLES[group],
        )
    }
    return tuple(found.values())


__all__ = (
    "ACCOUNTS_FROM",
    "ACCOUNT_ID",
    "ACCOUNT_ID_OF_HOST",
    "BUILD_ACCOUNT_ID",
    "EXECUTION_POLICIES",
    "GROUP_VARIABLES",
    "HOST",
    "HOST_NAME",
    "MINIMUM_RETENTION_DAYS",
    "MOST_POLICIES",
    "ORGANISATION",
    "ORGANIZATIONS",
    "PRIMARY_REGION",
    "REGION",
    "REGIONS",
    "REGION_OF_LIST",
    "ROLES",
    "RUN",
    "SESSION",
    "SETTINGS",
    "SHARED",
    "STACK_NAME",
    "STACK_NAME_WORDS",
    "host_variables",
    "setting_variable",
)
