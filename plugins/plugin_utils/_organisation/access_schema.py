# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may run the playbooks, and with which roles: every variable. Data."""

from __future__ import annotations

from .._fields import FLAG, LIST, Field
from .account_schema import POLICY_ARN
from .model import ACCESS_ROLE_NAME

ROLE_NAME = r"[\w+=,.@-]{1,64}"
STACK_NAME = r"[A-Za-z][A-Za-z0-9-]{0,127}"
STACK_NAME_WORDS = "the name of a stack: up to 128 letters, digits and hyphens, a letter first"

# An account is never a principal as a whole: the name is part of each.
_PRINCIPAL = r"arn:aws[a-z-]*:iam::\d{12}:(role|user)/[\w+=,.@/*?-]+"
_PRINCIPAL_WORDS = "the ARN of a role or user, in which * and ? may stand for parts of the name"
_POLICY_PATTERN = r"arn:aws[a-z-]*:iam::(aws|\d{12}):policy/[\w+=,.@/*-]+"


def _role_name(name: str, default: str, doc: str) -> Field:
    return Field(
        name=name,
        default=default,
        pattern=ROLE_NAME,
        words="the name of a role, without a path: up to 64 letters, digits and _+=,.@-",
        kind="role name",
        doc=doc,
    )


def _stack_name(name: str, default: str, doc: str) -> Field:
    return Field(
        name=name,
        default=default,
        pattern=STACK_NAME,
        words=STACK_NAME_WORDS,
        kind="stack name",
        doc=doc,
    )


def _principals(name: str, doc: str, default_words: str = "") -> Field:
    return Field(
        name=name,
        type=LIST,
        default=[],
        item=Field(required=True, pattern=_PRINCIPAL, words=_PRINCIPAL_WORDS),
        unique=("",),
        kind="list of ARNs",
        default_words=default_words,
        doc=doc,
    )


def _boundary(name: str, doc: str, default_words: str = "") -> Field:
    return Field(
        name=name,
        pattern=POLICY_ARN,
        words="the ARN of a managed policy",
        kind="ARN",
        default_words=default_words,
        doc=doc,
    )


OPERATOR_PRINCIPALS = _principals(
    "operator_principals",
    "The roles and users that may assume the operator's role; `*` may stand for a part of a name.",
    "none: access.yml needs it",
)
OPERATOR_ROLE_NAME = _role_name(
    "operator_role_name", "CrossAccountOperator", "The role in the build account that deploys."
)
DRIFT_ROLE_NAME = _role_name(
    "drift_role_name", "CrossAccountDrift", "The role in the build account for drift runs."
)

# Variables of access.yml.
ACCESS = (
    OPERATOR_PRINCIPALS,
    _principals(
        "drift_principals",
        "Those that may assume the role of drift runs.",
        "`operator_principals`",
    ),
    Field(
        name="operator_remediates",
        type=FLAG,
        default=False,
        doc="Lets the operator [fix drift](permissions.md#to-fix-drift).",
    ),
    Field(
        name="operator_purges",
        type=FLAG,
        default=False,
        is_extra=True,
        doc="Lets the operator [purge data](permissions.md#to-purge-data). For one run only.",
    ),
    _role_name(
        "installer_role_name",
        ACCESS_ROLE_NAME,
        "The administrator's role in every account but that of the base credentials, with which"
        " access.yml works.",
    ),
    OPERATOR_ROLE_NAME,
    DRIFT_ROLE_NAME,
    _role_name(
        "drift_access_role_name",
        "CrossAccountDriftAccess",
        "The access role of drift runs in deploy accounts.",
    ),
    Field(
        name="execution_policy_name",
        default="CrossAccountExecution",
        pattern=r"[\w+=,.@-]{1,128}",
        words="the name of a policy, without a path",
        kind="policy name",
        doc="The example of an execution policy, made where `deploy_account_execution_policies`"
        " has it.",
    ),
    Field(
        name="allowed_execution_policies",
        type=LIST,
        default=[],
        item=Field(
            required=True,
            pattern=_POLICY_PATTERN,
            words="the ARN of a managed policy, or a pattern of one with *",
        ),
        unique=("",),
        kind="list of ARNs",
        default_words="`deploy_account_execution_policies`",
        doc="The policies that the operator may make execution policies.",
    ),
    _boundary(
        "required_boundary_arn",
        "The permissions boundary that the operator must set on the CloudFormation role.",
    ),
    _boundary(
        "access_boundary_arn",
        "The permissions boundary of the roles of access.yml.",
        "`permissions_boundary_arn`",
    ),
    _stack_name("access_stack_name", "CrossAccountAccess", "The stack of the access role."),
    _stack_name(
        "drift_access_stack_name",
        "CrossAccountDriftAccess",
        "The stack of the access role of drift runs.",
    ),
    _stack_name(
        "execution_stack_name", "CrossAccountExecution", "The stack of the execution policy."
    ),
    _stack_name("operator_stack_name", "CrossAccountOperator", "The stack of the operator's role."),
    _stack_name("drift_stack_name", "CrossAccountDrift", "The stack of the role of drift runs."),
)

__all__ = (
    "ACCESS",
    "DRIFT_ROLE_NAME",
    "OPERATOR_PRINCIPALS",
    "OPERATOR_ROLE_NAME",
    "ROLE_NAME",
    "STACK_NAME",
    "STACK_NAME_WORDS",
)
