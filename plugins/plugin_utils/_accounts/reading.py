# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the accounts of OUs, whole or not at all.

Whatever cannot be read is an error: with fewer accounts the organization would look smaller.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from .._aws.batch import Failure, for_each
from .._errors import PipelineError
from .._fields import suggestion
from .model import Account, Choice, Snapshot, is_id, names_of

try:
    import botocore.exceptions
except ImportError:  # the plugin reports it
    pass

Client = t.Any  # of botocore, which carries no types
Target = t.TypeVar("Target")
Result = t.TypeVar("Result")

_ITEMS = {
    "list_roots": "Roots",
    "list_organizational_units_for_parent": "OrganizationalUnits",
    "list_accounts_for_parent": "Accounts",
    "list_tags_for_resource": "Tags",
}
_ROLES = "the management account or of a delegated administrator"
_CURES = {
    "AccessDeniedException": (
        f"Allow organizations:{{operation}}, and use credentials of {_ROLES}"
        " (docs/organizations.md)"
    ),
    "AWSOrganizationsNotInUseException": f"Use credentials of {_ROLES}",
    "TooManyRequestsException": "Run again later",
}


@dataclasses.dataclass(frozen=True)
class _Ou:
    """An OU or the root, with names and ids from the root."""

    names: tuple[str, ...]
    ids: tuple[str, ...]

    @property
    def id(self) -> str:
        return self.ids[-1]

    @property
    def path(self) -> str:
        return "/".join(self.names) or "the root"

    def is_named(self, ou: str) -> bool:
        return self.id == ou if is_id(ou) else list(self.names) == names_of(ou)

    def is_below(self, ou: str) -> bool:
        """Return whether it is that OU or below it."""
        if is_id(ou):
            return ou in self.ids
        names = names_of(ou)
        return list(self.names[: len(names)]) == names

    def is_above(self, ou: str) -> bool:
        names = names_of(ou)
        return len(names) > len(self.names) and names[: len(self.names)] == list(self.names)


def read(client: Client, choice: Choice) -> Snapshot:
    """Return the accounts of the chosen OUs, with tags where they are needed.

    The management account is none of them: it is not one to deploy to.

    :param client: botocore's of ``organizations``; threads share it.

    Raises PipelineError for whatever cannot be read, and for an OU that is not there.
    """
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    root = _root(client)
    ous = _tree(client, _Ou(names=(), ids=(root["Id"],)), choice)
    _check(choice, ous)
    _arn, _aws, _organizations, _region, management, resource = root["Arn"].split(":")
    accounts = [
        account
        for account in _accounts(client, [ou for ou in ous if _is_chosen(ou, choice)])
        if account["id"] != management
    ]
    if choice.needs_tags:
        accounts = _with_tags(client, accounts)
    return Snapshot(
        asked=choice.as_dict(),
        organization=resource.split("/")[1],
        read=started,
        accounts=sorted(accounts, key=lambda account: account["id"]),
    )


def _root(client: Client) -> dict[str, t.Any]:
    roots = _pages(client, "list_roots", "the root of the organization")
    if len(roots) != 1:
        raise PipelineError(f"the organization has {len(roots)} roots, not one")
    return dict(roots[0])


def _tree(client: Client, root: _Ou, choice: Choice) -> list[_Ou]:
    """Return the root and the OUs below it, as far as the choice concerns them."""
    found, level = [root], [root]
    while level:
        open_ous = [ou for ou in level if _is_open(ou, choice)]
        children = _each(
            open_ous,
            lambda ou: _pages(
                client,
                "list_organizational_units_for_parent",
                f"the OUs of {ou.path}",
                ParentId=ou.id,
            ),
        )
        level = [
            _Ou(names=(*parent.names, child["Name"]), ids=(*parent.ids, child["Id"]))
            for parent, below in zip(open_ous, children, strict=True)
            for child in below
        ]
        found += level
    return found


def _named(choice: Choice) -> tuple[str, ...]:
    return (*choice.ous, *choice.excluded_ous, *choice.regions_by_ou)


def _is_open(ou: _Ou, choice: Choice) -> bool:
    """Return whether the OUs below *ou* matter. An id may be anywhere."""
    named = _named(choice)
    if any(is_id(other) or ou.is_above(other) for other in named):
        return True
    return choice.nested and _is_chosen(ou, choice)


def _is_chosen(ou: _Ou, choice: Choice) -> bool:
    """Return whether the accounts directly in *ou* are wanted."""
    wanted = ou.is_below if choice.nested else ou.is_named
    return any(map(wanted, choice.ous)) and not any(map(ou.is_below, choice.excluded_ous))


def _check(choice: Choice, ous: t.Sequence[_Ou]) -> None:
    """Raise PipelineError for OUs that are named and not there."""
    known = [ou.path for ou in ous if ou.names]
    missing = [
        f"{name}. {suggestion(name, known) or 'Correct it, or remove it from this file'}"
        for name in dict.fromkeys(_named(choice))
        if not any(ou.is_named(name) for ou in ous)
    ]
    if missing:
        raise PipelineError("the organization has no such OU", errors=missing)


def _accounts(client: Client, ous: t.Sequence[_Ou]) -> list[Account]:
    """Return the accounts that are directly in the OUs."""
    listed = _each(
        ous,
        lambda ou: _pages(
            client, "list_accounts_for_parent", f"the accounts of {ou.path}", ParentId=ou.id
        ),
    )
    found: dict[str, Account] = {}
    for ou, accounts in zip(ous, listed, strict=True):
        for item in accounts:
            if item["Id"] in found:
                raise PipelineError(
                    f"account {item['Id']} was moved to another OU while accounts were read",
                    cure="Run again",
                )
            found[item["Id"]] = Account(
                id=item["Id"],
                name=item["Name"],
                # Status is retired; an older endpoint has nothing else.
                state=item.get("State") or item["Status"],
                ou=list(ou.names),
                ou_ids=list(ou.ids),
                tags=None,
            )
    return list(found.values())


def _with_tags(client: Client, accounts: t.Sequence[Account]) -> list[Account]:
    tags = _each(
        accounts,
        lambda account: _pages(
            client,
            "list_tags_for_resource",
            f"the tags of account {account['id']} ({account['name']})",
            ResourceId=account["id"],
        ),
    )
    return [
        {**account, "tags": {tag["Key"]: tag["Value"] for tag in found}}
        for account, found in zip(accounts, tags, strict=True)
    ]


def _pages(client: Client, operation: str, what: str, **request: str) -> list[dict[str, t.Any]]:
    """Return the items of all pages; a page may be empty while more follow."""
    pages = client.get_paginator(operation)
    try:
        return [item for page in pages.paginate(**request) for item in page[_ITEMS[operation]]]
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as exc:
        raise PipelineError(f"{what} cannot be read", exc, cure=_cure(exc, operation)) from exc


def _cure(exc: Exception, operation: str) -> str | None:
    response = getattr(exc, "response", None) or {}
    cure = _CURES.get(response.get("Error", {}).get("Code", ""))
    name = operation.replace("_", " ").title().replace(" ", "")
    return cure.format(operation=name) if cure else None


def _each(targets: t.Sequence[Target], work: t.Callable[[Target], Result]) -> list[Result]:
    """Return what *work* returns for each target; the first error is that of all."""
    results: list[Result] = []
    for result in for_each(targets, work):
        if isinstance(result, Failure):
            raise PipelineError(result.error)
        results.append(result)
    return results


__all__ = ("read",)
