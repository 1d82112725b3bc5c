# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom the policies of keys and buckets admit: the variables and their rules. Pure."""

from __future__ import annotations

import typing as t

from .._fields import LIST, Field
from .model import ACCOUNTS, DEPLOY_ACCOUNTS, ORGANIZATION, PRIMARY, REGIONAL, Organisation
from .problems import Problems
from .variables import Variables

ACCOUNT_ID = r"\d{12}"
_ORGANISATION_ID = r"o-[a-z0-9]{10,32}"
_UNITS = r"r-[a-z0-9]{4,32}/(ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}/)*\*?"

# A parameter of a stack holds 4,096 bytes. With both at their limit, the bucket policy has room.
MOST_EXCLUDED = 250
LONGEST_PATHS = 4_096

GRANT_MODE = Field(
    name="grant_mode",
    default=ACCOUNTS,
    choices=(ACCOUNTS, ORGANIZATION),
    doc="Whom keys and buckets admit: the deploy accounts by id, or the whole"
    " [organization](#grants).",
)
ORGANISATION_ID = Field(
    name="organisation_id",
    pattern=_ORGANISATION_ID,
    words="the id of an organization: o- and 10 to 32 letters and digits",
    kind="`o-...`",
    doc="The organization in AWS Organizations: keys, buckets and deploy roles then admit other"
    " accounts of it only. Required with `grant_mode: organization`. It must be that of the build"
    " account.",
)
ORGANISATION_PATHS = Field(
    name="organisation_paths",
    type=LIST,
    default=[],
    item=Field(
        required=True,
        pattern=rf"{_ORGANISATION_ID}/{_UNITS}",
        words="a path such as o-.../r-.../ou-.../ (of that unit) or o-.../r-.../ou-.../* (also of"
        " those below it)",
        fix="Correct it: aws organizations list-parents shows the ids",
    ),
    unique=("",),
    kind="list of `o-.../r-.../ou-.../*`",
    doc="With `grant_mode: organization`, the organizational units that are admitted; by default,"
    " all.",
)
READMIT_ACCOUNTS = Field(
    name="readmit_accounts",
    type=LIST,
    default=[],
    is_extra=True,
    item=Field(required=True, pattern=ACCOUNT_ID, words="12 digits"),
    kind="list of account ids",
    doc="Accounts that were [quarantined](#grants) and have no host any more, which policies no"
    " longer exclude.",
)


def check_grants(organisation: Organisation, variables: Variables, problems: Problems) -> None:
    """Add what does not fit the grant mode."""
    for host in [*organisation.of(PRIMARY), *organisation.of(REGIONAL)]:
        role = host.group
        own = variables.get(host.name, f"{role}_{GRANT_MODE.name}")
        if own not in (None, organisation.grant_mode):
            problems.add(
                f"{role}_{GRANT_MODE.name}: it is {own}, and grant_mode {organisation.grant_mode}",
                "Set grant_mode once, in group_vars/all.yml",
                host.name,
            )
        if organisation.grants_organization and not problems.of(host.name):
            _check_host(host.name, role, variables, problems)
    quarantined = sum(host.is_quarantined for host in organisation.of(DEPLOY_ACCOUNTS))
    if organisation.grants_organization and quarantined > MOST_EXCLUDED:
        problems.add(
            f"{quarantined} deploy accounts are quarantined, and policies exclude {MOST_EXCLUDED}",
            "Remove the hosts of accounts that AWS has closed",
        )


def _check_host(host: str, role: str, variables: Variables, problems: Problems) -> None:
    def value(field: Field) -> tuple[str, t.Any]:
        """Return the variable that holds a setting of the role, and its value."""
        own = variables.get(host, f"{role}_{field.name}")
        if own is not None:
            return f"{role}_{field.name}", own
        return field.name, variables.get(host, field.name)

    _name, organisation_id = value(ORGANISATION_ID)
    if not organisation_id:
        problems.add(
            "organisation_id: grant_mode: organization needs it, as only that keeps other"
            " organizations out",
            "Set it: aws organizations describe-organization shows it",
            host,
        )
        return
    name, paths = value(ORGANISATION_PATHS)
    for path in paths or []:
        if path.partition("/")[0] != organisation_id:
            problems.add(
                f"{name}: {path} is not of organisation_id {organisation_id}", "Correct it", host
            )
    length = len(",".join(paths or []))
    if length > LONGEST_PATHS:
        problems.add(
            f"{name}: {length} characters, and policies hold {LONGEST_PATHS}",
            "Name units further up",
            host,
        )


__all__ = (
    "GRANT_MODE",
    "LONGEST_PATHS",
    "MOST_EXCLUDED",
    "ORGANISATION_ID",
    "ORGANISATION_PATHS",
    "READMIT_ACCOUNTS",
    "check_grants",
)
