# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of hosts that are almost ours: a misspelt one would be ignored silently.

Any other variable may be the user's own.
"""

from __future__ import annotations

import difflib
import functools

from .model import DEPLOY_ACCOUNTS, GROUPS, PIPELINES, PRIMARY, REGIONAL
from .problems import Problems
from .schema import ROLES, SETTINGS, host_variables
from .variables import Variables

# How much a name must resemble one of ours: "stat" does, "stage" does not.
_CUTOFF = 0.82
_PIPELINE = "pipeline"
_NOT_OURS = ("ansible_", "group_names", "groups", "inventory_", "playbook_dir", "_")

# Other names that users give a variable, and what they may mean.
_SLIPS = {
    "account": ("account_id", "build_account_id"),
    "profile": ("aws_profile",),
    "role": ("role_arn",),
    "tags": ("stack_tags",),
    **{
        setting.name: tuple(f"{role}_{setting.name}" for role in ROLES.values())
        for settings in SETTINGS.values()
        for setting in settings
        if not setting.fallback
    },
}
# Variables of before, and what took their place.
_MOVED = {"primary_replication_bucket_arns": "Name the buckets in developers of each pipeline"}
_MEANT_BY_REGION = {
    PRIMARY: "primary_region",
    DEPLOY_ACCOUNTS: "regions",
    PIPELINES: "primary_region",
}


def check_variables(variables: Variables, problems: Problems) -> None:
    """Add every variable whose name is almost that of one of ours which is not set."""
    for group in GROUPS:
        for host in variables.groups.get(group, []):
            names = [name for name in variables.names(host) if not name.startswith(_NOT_OURS)]
            for name in names:
                variables.locate(host, name)
                if name in _MOVED:
                    problems.add(f"{name}: is not used any more", _MOVED[name], host)
                elif name == "region":
                    _check_region(host, group, variables, problems)
                elif meant := [other for other in _meant_by(name, group) if other not in names]:
                    problems.add(
                        f"{name}: unknown variable",
                        f"Did you mean {meant[0]}? If it is your own, rename it",
                        host,
                    )
                    problems.explain(f"{meant[0]} is not set", host)


def _check_region(host: str, group: str, variables: Variables, problems: Problems) -> None:
    if group != REGIONAL:
        meant = _MEANT_BY_REGION[group]
        problems.add(
            "region: unknown variable",
            f"Did you mean {meant}? If it is your own, rename it",
            host,
        )
        problems.explain(f"{meant} is not set", host)
    elif variables.value(host, "region") != host:
        problems.add(
            "region: unknown variable; a host of group regional is named by its region",
            "Remove it, or rename the host",
            host,
        )


@functools.cache
def _ours(group: str) -> tuple[str, ...]:
    own = tuple(field.name for field in host_variables(group))
    return (*own, _PIPELINE) if group == PIPELINES else own


@functools.cache
def _meant_by(name: str, group: str) -> tuple[str, ...]:
    """Return the variables of *group* that a name resembles, the most likely one first."""
    if any(name in _ours(other) for other in GROUPS):
        return ()
    slips = (meant for meant in _SLIPS.get(name, ()) if meant in _ours(group))
    return (*slips, *difflib.get_close_matches(name.lower(), _ours(group), cutoff=_CUTOFF))


__all__ = ("check_variables",)
