# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts as hosts: which, their names and their variables. Pure."""

from __future__ import annotations

import dataclasses
import fnmatch
import re
import typing as t

from .._errors import PipelineError
from .model import ACTIVE, Account, Choice, is_id, names_of, path_of, paths_of

QUARANTINED = "quarantined"
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d")
_NAME = re.compile(r"[\w.+=/@-]+", re.ASCII)
_MOST_NAMED = 3

Variables = dict[str, t.Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Regions:
    """Where the pipelines of an account deploy to: by its tag, its nearest OU, or as all others."""

    default: tuple[str, ...] = ()
    by_ou: t.Mapping[str, t.Sequence[str]] = dataclasses.field(default_factory=dict)
    tag: str = ""

    def of(self, account: Account) -> list[str]:
        """Return the regions of an account; none if nothing names any."""
        if self.tag and self.tag in (account["tags"] or {}):
            # Values of tags hold no commas, but spaces, colons, slashes, plus and equals signs.
            return re.findall(r"[A-Za-z0-9-]+", (account["tags"] or {})[self.tag])
        for depth in reversed(range(len(account["ou_ids"]))):
            for ou, regions in self.by_ou.items():
                if ou == account["ou_ids"][depth] or (
                    not is_id(ou) and names_of(ou) == account["ou"][:depth]
                ):
                    return list(regions)
        return list(self.default)


def choose(accounts: t.Iterable[Account], choice: Choice) -> list[Account]:
    """Return the accounts with the tags that are wanted, without the excluded ones."""
    return [
        account
        for account in accounts
        if all(_has(account, tag, patterns) for tag, patterns in choice.tags.items())
        and not any(_has(account, tag, values) for tag, values in choice.excluded_tags.items())
        and not any(_is_named(account, name) for name in choice.excluded_accounts)
    ]


def unused(accounts: t.Sequence[Account], choice: Choice) -> list[str]:
    """Return the excluded accounts that none of *accounts* is."""
    return [
        name
        for name in choice.excluded_accounts
        if not any(_is_named(account, name) for account in accounts)
    ]


def variables_of(account: Account, regions: Regions) -> Variables:
    """Return the variables of an account's host. One that is not active is quarantined."""
    found: Variables = {
        "account_id": account["id"],
        "account_name": account["name"],
        "account_state": account["state"],
        "account_ou": path_of(account),
        "account_ous": paths_of(account),
        "regions": regions.of(account),
    }
    if account["tags"] is not None:
        found["account_tags"] = account["tags"]
    if account["state"] != ACTIVE:
        found["state"] = QUARANTINED
    return found


def default_name(account_name: str) -> str:
    """Return a host's name made from that of its account."""
    return re.sub(r"[^a-z0-9]+", "-", account_name.lower()).strip("-")


def check(hosts: t.Sequence[tuple[str, Variables]], *, regions: bool = True) -> None:
    """Raise PipelineError with everything that is wrong with the names of *hosts*.

    :param regions: whether their regions are checked too.
    """
    problems = [
        *(
            f"account {account['account_id']} ({account['account_name']}): its host name {name!r}"
            " has characters other than letters, digits and . _ - + = / @. Change hostname"
            for name, account in hosts
            if not _NAME.fullmatch(name)
        ),
        *_clashes(hosts),
        *(_region_problems(hosts) if regions else ()),
    ]
    if problems:
        raise PipelineError("the accounts do not make an inventory", errors=problems)


def _clashes(hosts: t.Iterable[tuple[str, Variables]]) -> t.Iterator[str]:
    accounts: dict[str, list[str]] = {}
    for name, account in hosts:
        text = f"{account['account_id']} ({account['account_name']})"
        accounts.setdefault(name, []).append(text)
    for name, found in accounts.items():
        if len(found) > 1:
            yield (
                f"host name {name}: accounts {_listed(found)} have it. Make hostname differ,"
                " such as {{ account_name }}-{{ account_id }}"
            )


def _region_problems(hosts: t.Sequence[tuple[str, Variables]]) -> t.Iterator[str]:
    without = [name for name, account in hosts if not account["regions"]]
    if without:
        yield f"host {_listed(without)}: no regions. Set regions, regions_by_ou or the account's tag"
    wrong: dict[str, list[str]] = {}
    for name, account in hosts:
        for region in account["regions"]:
            if not _REGION.fullmatch(region):
                wrong.setdefault(region, []).append(name)
    for region, names in wrong.items():
        yield f"host {_listed(names)}: {region!r} is not a region. Correct the option or the tag"


def _listed(names: t.Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _has(account: Account, tag: str, patterns: t.Iterable[str]) -> bool:
    value = (account["tags"] or {}).get(tag)
    return value is not None and any(fnmatch.fnmatchcase(value, item) for item in patterns)


def _is_named(account: Account, name: str) -> bool:
    return account["id"] == name or fnmatch.fnmatchcase(account["name"], name)


__all__ = (
    "QUARANTINED",
    "Regions",
    "Variables",
    "check",
    "choose",
    "default_name",
    "unused",
    "variables_of",
)
