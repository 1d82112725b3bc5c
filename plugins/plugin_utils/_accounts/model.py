# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts of AWS Organizations as data, and which of them are wanted. Pure."""

from __future__ import annotations

import dataclasses
import re
import typing as t

ACTIVE = "ACTIVE"
_ID = re.compile(r"ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|r-[0-9a-z]{4,32}")


class Account(t.TypedDict):
    """An account as it was read.

    ou: the names of its OUs from the root, and ou_ids their ids with that of the root first.
    tags: None where they were not needed.
    """

    id: str
    name: str
    state: str
    ou: list[str]
    ou_ids: list[str]
    tags: dict[str, str] | None


class Snapshot(t.TypedDict):
    """The accounts of the chosen OUs, as they were read; what a cache stores.

    asked: what was asked for, by :meth:`Choice.as_dict`.
    organization: its id. read: when, in UTC (ISO 8601).
    """

    asked: dict[str, t.Any]
    organization: str
    read: str
    accounts: list[Account]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choice:
    """Which accounts are wanted.

    :param ous: paths from the root, or ids; nested or only the accounts directly in them.
    :param tags: patterns of values by tag; an account needs one of each.
    :param excluded_accounts: ids, or patterns of names.
    :param excluded_tags: patterns of values by tag; an account with one is left out.
    :param regions_by_ou: OUs that decide regions, so they must be there too.
    :param needs_tags: whether tags are read.
    :param connection: whose organization it is, for what is cached.
    """

    ous: tuple[str, ...]
    nested: bool = True
    tags: t.Mapping[str, t.Sequence[str]] = dataclasses.field(default_factory=dict)
    excluded_accounts: tuple[str, ...] = ()
    excluded_ous: tuple[str, ...] = ()
    excluded_tags: t.Mapping[str, t.Sequence[str]] = dataclasses.field(default_factory=dict)
    regions_by_ou: tuple[str, ...] = ()
    needs_tags: bool = False
    connection: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)

    def as_dict(self) -> dict[str, t.Any]:
        """Return the choice as JSON data: a snapshot for another one is of no use."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in dataclasses.asdict(self).items()
        }


def path_of(account: Account) -> str:
    """Return the path of an account's OU; empty in the root."""
    return "/".join(account["ou"])


def paths_of(account: Account) -> list[str]:
    """Return the paths of an account's OUs, the outermost first."""
    return ["/".join(account["ou"][: depth + 1]) for depth in range(len(account["ou"]))]


def names_of(path: str) -> list[str]:
    """Return the names in the path of an OU; none for the root, ``/``."""
    return [name for name in path.split("/") if name]


def is_id(ou: str) -> bool:
    """Return whether an OU or the root is named by its id."""
    return _ID.fullmatch(ou) is not None


__all__ = (
    "ACTIVE",
    "Account",
    "Choice",
    "Snapshot",
    "is_id",
    "names_of",
    "path_of",
    "paths_of",
)
