# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWS would refuse of names and ARNs together: equal names, other partitions and accounts."""

from __future__ import annotations

import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.arn import parse_aws_arn

from .model import DEPLOY_ACCOUNTS, PRIMARY, REGIONAL, Host, Organisation
from .notifications import NOTIFICATIONS, foreign_problems
from .problems import Problems
from .regions import partition_of
from .variables import Variables

# Variables with ARNs, by group; policies must be of the host's own account or AWS's.
_POLICIES = (
    "deploy_account_execution_policies",
    "deploy_account_permissions_boundary_arn",
    "permissions_boundary_arn",
)
_ARNS = {
    REGIONAL: ("role_arn",),
    PRIMARY: ("role_arn", "permissions_boundary_arn"),
    DEPLOY_ACCOUNTS: ("role_arn", *_POLICIES),
}


def check_forms(organisation: Organisation, variables: Variables, problems: Problems) -> None:
    """Add what AWS would refuse."""
    region = organisation.primary_region
    partition = partition_of(region) if region else ""
    for host in organisation.foundation:
        if host.group == REGIONAL and partition not in ("", partition_of(host.region)):
            problems.add(
                f"its name: {host.region} is of partition {partition_of(host.region)}, and"
                f" primary_region of {partition}",
                "An organisation is in one partition: remove the host",
                host.name,
            )
        for name in _ARNS[host.group]:
            for arn in _texts(variables.get(host.name, name)):
                _check_arn(host, name, arn, partition, problems)
        if host.group == PRIMARY:
            notifications = variables.get(host.name, NOTIFICATIONS.name)
            if isinstance(notifications, dict):
                for field, what, fix in foreign_problems(notifications, host.account_id):
                    problems.add(f"{field}: {what}", fix, host.name)
        if host.group == DEPLOY_ACCOUNTS:
            _check_role_names(host, organisation, problems)


def _texts(value: t.Any) -> list[str]:
    entries = value if isinstance(value, list) else [value]
    return [entry for entry in entries if isinstance(entry, str)]


def _check_arn(host: Host, name: str, text: str, partition: str, problems: Problems) -> None:
    arn = parse_aws_arn(text)
    if arn is None or not host.account_id:
        return
    if partition not in ("", arn["partition"]):
        problems.add(
            f"{name}: {text} is of partition {arn['partition']}, and primary_region of {partition}",
            "Correct it",
            host.name,
        )
    elif (
        name in _POLICIES and host.account_id and arn["account_id"] not in ("aws", host.account_id)
    ):
        problems.add(
            f"{name}: {text} is of another account than the host, whose roles cannot use it",
            "Name a policy of AWS or of the account itself",
            host.name,
        )


def _check_role_names(host: Host, organisation: Organisation, problems: Problems) -> None:
    """Check that the roles differ, also for IAM, which ignores case."""
    names = dict(organisation.role_names)
    if host.role_arn:
        names["role_arn"] = host.role_arn
    elif host.access_role_name and not host.profile:
        names["access_role_name"] = host.access_role_name
    seen: dict[str, str] = {}
    for name, text in names.items():
        role = text.rpartition("/")[2]
        other = seen.setdefault(role.lower(), name)
        if role and other != name:
            problems.add(
                f"{name}: {role} is the role of {other} too",
                "Give each role its own name",
                host.name,
            )


__all__ = ("check_forms",)
