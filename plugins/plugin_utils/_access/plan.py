# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run of access.yml may do: the stacks of each account, and what is refused. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .._organisation.model import DEPLOY_ACCOUNTS, PRIMARY, Host, Organisation
from .._organisation.problems import Problems
from .._stack.result import DifferenceEntry
from .desired import Settings, names_example
from .kinds import ACCESS, DRIFT, EXECUTION, KINDS, OPERATOR, Kind


class AccessStack(t.TypedDict):
    """One stack before the first write.

    operation: none, create, update, repair, wait or delete.
    """

    kind: str
    stack_name: str
    operation: str
    differences: list[DifferenceEntry]


class AccessHost(t.TypedDict):
    """One account.

    host: as the installer reaches it. failure: why the run leaves it alone.
    """

    host: dict[str, t.Any]
    stacks: list[AccessStack]
    failure: str | None


class AccessPlan(t.TypedDict):
    """What the check found; every later play reads it.

    run: identifies this run's results. started: in UTC (ISO 8601).
    hosts: those of the run, without those that --limit leaves out.
    """

    run: str
    started: str
    check_mode: bool
    sts_region: str
    caller_account_id: str | None
    hosts: dict[str, AccessHost]


class AccessResult(t.TypedDict, total=False):
    """What a host registers.

    stacks: the results of its stacks by kind. failures: the reasons of those that failed.
    """

    run: str
    changed: bool
    failed: bool
    msg: str
    stacks: dict[str, dict[str, t.Any]]
    failures: dict[str, str]


def taking_part(organisation: Organisation, play_hosts: t.Collection[str]) -> list[Host]:
    """Return the hosts of the run, the build account first: the accounts that get roles."""
    hosts = [*organisation.of(PRIMARY), *organisation.of(DEPLOY_ACCOUNTS)]
    return [host for host in hosts if host.name in play_hosts]


def kinds_of(host: Host, settings: Settings) -> list[Kind]:
    """Return the kinds of stacks that the account of *host* gets.

    Removed are all kinds, whatever the variables are by now.
    """
    kinds = [kind for kind in KINDS.values() if kind.group == host.group]
    if host.is_absent:
        return kinds[::-1]
    left_out = set()
    if not enters_by_access_role(host, settings):
        left_out.add(ACCESS)
    if host.group == DEPLOY_ACCOUNTS and not names_example(host.account_id, settings):
        left_out.add(EXECUTION)
    return [kind for kind in kinds if kind not in left_out]


def enters_by_access_role(host: Host, settings: Settings) -> bool:
    """Return whether the operator enters the account by its access role, and no other way."""
    if host.profile or not (host.access_role_name or host.role_arn):
        return False
    return not host.role_arn or host.role_arn.rpartition("/")[2] == settings["access_role_name"]


def as_installer(host: Host, settings: Settings) -> Host:
    """Return *host* as the installer reaches its account.

    Not with the session of the operator, which an administrator's role need not admit.
    """
    return dataclasses.replace(
        host,
        access_role_name=settings["installer_role_name"],
        role_arn=None,
        external_id=None,
        session_duration=None,
        source_identity=None,
        session_tags=(),
    )


def check_settings(host: Host, settings: Settings, problems: Problems) -> None:
    """Add what access.yml cannot work with, or what would lock somebody out."""
    if host.group == PRIMARY and not settings["operator_principals"]:
        problems.add(
            "operator_principals: is not set",
            "List the roles and users that may assume the operator's role",
            host.name,
        )
    if "/" in settings["access_role_name"]:
        problems.add(
            f"access_role_name: {settings['access_role_name']} has a path",
            "access.yml makes roles without one: remove it",
            host.name,
        )
    _check_names(host, settings, problems)


def _check_names(host: Host, settings: Settings, problems: Problems) -> None:
    """Check that the roles of an account differ, also for IAM, which ignores case."""
    variables = ["installer_role_name"]
    if host.group == PRIMARY:
        variables += ["operator_role_name", "drift_role_name"]
    else:
        variables += [
            "codepipeline_role_name",
            "cloudformation_role_name",
            "drift_access_role_name",
        ]
    if host.group == PRIMARY or enters_by_access_role(host, settings):
        variables.append("access_role_name")
    seen: dict[str, str] = {}
    for variable in variables:
        name = settings[variable]
        other = seen.setdefault(name.lower(), variable)
        if other == variable:
            continue
        if other == "installer_role_name":
            problems.add(
                f"{variable}: {name} is the role that access.yml works with",
                f"Set {variable} to the role that it is to make, such as {_EXAMPLES[variable]}",
                host.name,
            )
        else:
            problems.add(
                f"{variable}: {name} is the role of {other} too",
                "Give each role its own name",
                host.name,
            )


_EXAMPLES = {
    "access_role_name": "CrossAccountAccess",
    "drift_access_role_name": "CrossAccountDriftAccess",
    "operator_role_name": "CrossAccountOperator",
    "drift_role_name": "CrossAccountDrift",
    "codepipeline_role_name": "CrossAccountCodePipeline",
    "cloudformation_role_name": "CrossAccountCloudFormation",
}


def needed_by(host: Host, standing: t.Collection[str]) -> str | None:
    """Return why the stacks of an absent host must stay: *standing* needs them to be removed."""
    if not standing:
        return None
    roles = "operator's role" if host.group == PRIMARY else "access role"
    return (
        f"{', '.join(standing)} of account {host.account_id} still exists, and only the {roles} can"
        " remove it. Remove it first: docs/removal.md"
    )


__all__ = (
    "DRIFT",
    "OPERATOR",
    "AccessHost",
    "AccessPlan",
    "AccessResult",
    "AccessStack",
    "as_installer",
    "check_settings",
    "enters_by_access_role",
    "kinds_of",
    "needed_by",
    "taking_part",
)
