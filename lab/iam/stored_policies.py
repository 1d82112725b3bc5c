# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policies as the services store them: rewritten, with the ids of deleted roles."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ministack.core.responses import AccountScopedDict
from ministack.services import iam, kms, s3, sns

Document = dict[str, Any]

_ACCOUNT = re.compile(r"\d{12}")
_LISTS = ("Action", "NotAction", "Resource", "NotResource")
# The ARN of each role that is gone, by its id.
_dead: dict[str, str] = {}


def install() -> None:
    """Let a role that goes leave its id in the policies that name it.

    AWS: a policy stores the id of a role, and shows its ARN as long as the role exists; another
    role of that name is another principal. MiniStack: stores the ARN, which a new role fits.
    """
    iam._roles.__class__ = _Roles


class _Roles(AccountScopedDict):  # type: ignore[misc]  # MiniStack has no types
    """The roles; one that is taken out is gone, in every account's policies."""

    __slots__ = ()

    def pop(self, key: str, *default: Any) -> Any:
        role = super().pop(key, *default)
        if role:
            _bury(role["Arn"], role["RoleId"])
        return role


def _bury(arn: str, role_id: str) -> None:
    _dead[role_id] = arn
    for holder, name in list(_all_policies()):
        document = parsed(holder.get(name))
        if isinstance(document, dict) and _replace(document, {arn: role_id}):
            holder[name] = json.dumps(document)


def _all_policies() -> Iterator[tuple[dict[Any, Any], Any]]:
    """Where every bucket, key, trust and topic policy of every account is: a dict and its key."""
    yield from ((s3._bucket_policies._data, bucket) for bucket in s3._bucket_policies._data)
    yield from ((key, "Policy") for key in kms._keys.all_values())
    yield from ((role, "AssumeRolePolicyDocument") for role in iam._roles._data.values())
    yield from ((topic["attributes"], "Policy") for topic in sns._topics.all_values())


def parsed(policy: Any) -> Any:
    """A policy as data; text that is not JSON stays text."""
    if not isinstance(policy, str):
        return policy
    try:
        return json.loads(policy)
    except ValueError:
        return policy


def revived(document: Document) -> Document:
    """A document with the ARNs of roles that are gone, as CloudFormation compares it."""
    copy: Document = json.loads(json.dumps(document))
    _replace(copy, _dead)
    return copy


def _replace(document: Document, names: dict[str, str]) -> bool:
    """Exchange principals by a table; whether there were any."""
    found = False
    for principal in _principals(document):
        given = principal["AWS"]
        listed = [given] if isinstance(given, str) else given
        replaced = [names.get(name, name) for name in listed]
        found |= replaced != listed
        principal["AWS"] = replaced[0] if isinstance(given, str) else replaced
    return found


def _statements(document: Document) -> list[Document]:
    statements = document.get("Statement", [])
    return statements if isinstance(statements, list) else [statements]


def _principals(document: Document) -> Iterator[Document]:
    for statement in _statements(document):
        for name in ("Principal", "NotPrincipal"):
            principal = statement.get(name)
            if isinstance(principal, dict) and "AWS" in principal:
                yield principal


def rewritten(service: str, policy: Any) -> Any:
    """A policy as the service stores it, in the form in which it was given: text or data.

    AWS: an account's id becomes the ARN of its root; S3 and IAM store a list of one as its member.
    MiniStack: stores what it is given.
    """
    document = parsed(policy)
    if not isinstance(document, dict):
        return policy
    document = json.loads(json.dumps(document))
    for principal in _principals(document):
        given = principal["AWS"]
        listed = [_root(principal) for principal in ([given] if isinstance(given, str) else given)]
        principal["AWS"] = listed[0] if isinstance(given, str) else listed
    if service != "kms":
        for statement in _statements(document):
            _unlist(statement)
    return json.dumps(document) if isinstance(policy, str) else document


def _root(principal: str) -> str:
    return f"arn:aws:iam::{principal}:root" if _ACCOUNT.fullmatch(principal) else principal


def _unlist(statement: Document) -> None:
    holders = [(statement, name) for name in _LISTS]
    for name in ("Principal", "NotPrincipal"):
        principal = statement.get(name)
        if isinstance(principal, dict):
            holders += [(principal, kind) for kind in principal]
    for holder, name in holders:
        value = holder.get(name)
        if isinstance(value, list) and len(value) == 1:
            holder[name] = value[0]


def as_expected(service: str, policy: Any, expected: Any) -> Any:
    """A stored policy as CloudFormation shows it: as expected, wherever it means the same."""
    document = parsed(policy)
    if not isinstance(document, dict):
        return document
    return _aligned(revived(document), rewritten(service, parsed(expected)), parsed(expected))


def _aligned(found: Any, stored: Any, expected: Any) -> Any:
    """What was found, with what is stored in the form in which it was expected."""
    if found == stored:
        return expected
    if isinstance(found, dict) and isinstance(stored, dict) and isinstance(expected, dict):
        return {
            name: _aligned(value, stored[name], expected[name]) if name in stored else value
            for name, value in found.items()
        }
    if isinstance(found, list) and isinstance(stored, list) and isinstance(expected, list):
        pairs = zip(found, stored, expected, strict=False)
        return [_aligned(*three) for three in pairs] + found[len(stored) :]
    return found


__all__ = ("as_expected", "install", "parsed", "revived", "rewritten")
