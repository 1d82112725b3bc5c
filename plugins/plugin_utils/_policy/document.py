# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policy documents: a canonical form, and what differs statement by statement. Pure.

AWS returns documents in another form than it received: account ids as root ARNs, single-item lists
as strings, lists in another order. In the canonical form such documents are equal.
"""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

Data = dict[str, t.Any]

_ELEMENTS = (
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
)
_ACCOUNT = re.compile(r"[0-9]{12}")
# The unique id of a role, user or group that a policy named and that was deleted.
_DEAD = re.compile(r"A(?:ROA|IDA|IPA|GPA)[A-Z0-9]{8,}(?::.*)?")
_OLDEST_VERSION = "2008-10-17"  # AWS's default
_NAMED = 5  # values in a message


@dataclasses.dataclass(frozen=True, kw_only=True)
class StatementDifference:
    """One difference between a document and what is expected.

    :param name: the statement's Sid, ``Statement[0]`` without one, or ``Version``; empty where the
        whole document was added or removed.
    :param difference: ``NOT_EQUAL``, ``ADD`` or ``REMOVE``.
    :param expected: what is expected, as text; empty for nothing.
    :param actual: what was found, as text; empty for nothing.
    :param message: what happened, for people.
    """

    name: str
    difference: t.Literal["NOT_EQUAL", "ADD", "REMOVE"]
    expected: str
    actual: str
    message: str


def parse(document: t.Any) -> Data | None:
    """Return *document*, data or JSON text, as data; None for an empty one."""
    data = json.loads(document) if isinstance(document, str) and document else document
    return t.cast("Data", data) if isinstance(data, dict) and data else None


def is_same(first: t.Any, second: t.Any, *, partition: str) -> bool:
    """Return whether two documents mean the same."""
    return not compare(first, second, partition=partition)


def compare(
    expected: t.Any, actual: t.Any, *, partition: str, by_content: bool = False
) -> list[StatementDifference]:
    """Return what differs: first by the expected statements, then those that were added.

    :param by_content: AWS made up the Sids, so only their content identifies statements.
    """
    desired, found = parse(expected), parse(actual)
    if desired is None and found is None:
        return []
    if found is None:
        return [_whole("REMOVE", expected=_shown_document(desired, partition))]
    if desired is None:
        dead = [name for statement in _statements(found) for name in dead_principals(statement)]
        return [_whole("ADD", actual=_shown_document(found, partition), dead=dead)]
    pairs, alone = _pairs(desired, found, partition=partition, by_content=by_content)
    result = [
        _removed(statement) if partner is None else _difference(statement, partner)
        for statement, partner in pairs
        if partner is None or statement.content != partner.content
    ]
    result += [_added(statement) for statement in alone]
    versions = [str(document.get("Version", _OLDEST_VERSION)) for document in (desired, found)]
    if versions[0] != versions[1] and not by_content:
        result.append(
            StatementDifference(
                name="Version",
                difference="NOT_EQUAL",
                expected=versions[0],
                actual=versions[1],
                message=f"Version is {versions[1]}, not {versions[0]}",
            )
        )
    return result


def dead_principals(statement: Data) -> list[str]:
    """Return the deleted principals that *statement* names, by their unique ids."""
    found = []
    for element in ("Principal", "NotPrincipal"):
        principals = statement.get(element)
        if isinstance(principals, dict):
            names = _strings(principals.get("AWS", []))
            found += [name for name in names if _DEAD.fullmatch(name)]
    return found


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Statement:
    """A statement in both forms.

    :param content: canonical: the set of values at each path, without the Sid.
    :param shown: for people: lists sorted, names as they were written.
    """

    sid: str
    name: str
    content: dict[str, frozenset[str]]
    shown: str
    dead: tuple[str, ...]


def _statement(index: int, data: Data, partition: str) -> _Statement:
    sid = str(data.get("Sid") or "")
    return _Statement(
        sid=sid,
        name=sid or f"Statement[{index}]",
        content=_content(data, partition),
        shown=_text(_presentable(data, partition)),
        dead=tuple(dead_principals(data)),
    )


def _pairs(
    desired: Data, found: Data, *, partition: str, by_content: bool
) -> tuple[list[tuple[_Statement, _Statement | None]], list[_Statement]]:
    """Return expected statements with their found partners, and the rest found."""
    expected, left = (
        [_statement(index, data, partition) for index, data in enumerate(_statements(document))]
        for document in (desired, found)
    )
    partners: dict[int, _Statement] = {}

    def pair_off(belong: t.Callable[[_Statement, _Statement], bool]) -> None:
        for index, statement in enumerate(expected):
            for candidate in left:
                if index not in partners and belong(statement, candidate):
                    partners[index] = candidate
                    left.remove(candidate)
                    break

    if by_content:
        pair_off(lambda a, b: a.content == b.content)
    else:
        pair_off(lambda a, b: bool(a.sid) and a.sid == b.sid)
        pair_off(lambda a, b: not a.sid + b.sid and a.content == b.content)
        pair_off(lambda a, b: not a.sid + b.sid)
    return [(statement, partners.get(index)) for index, statement in enumerate(expected)], left


def _difference(expected: _Statement, actual: _Statement) -> StatementDifference:
    changes = _changes(expected.content, actual.content)
    return StatementDifference(
        name=actual.name,
        difference="NOT_EQUAL",
        expected=expected.shown,
        actual=actual.shown,
        message=f"{actual.name} was changed: {changes}{_dead_text(actual.dead)}",
    )


def _added(actual: _Statement) -> StatementDifference:
    return StatementDifference(
        name=actual.name,
        difference="ADD",
        expected="",
        actual=actual.shown,
        message=f"{actual.name} was added{_dead_text(actual.dead)}",
    )


def _removed(expected: _Statement) -> StatementDifference:
    return StatementDifference(
        name=expected.name,
        difference="REMOVE",
        expected=expected.shown,
        actual="",
        message=f"{expected.name} was removed",
    )


def _whole(
    difference: t.Literal["ADD", "REMOVE"],
    *,
    expected: str = "",
    actual: str = "",
    dead: t.Sequence[str] = (),
) -> StatementDifference:
    what = "the policy was added" if difference == "ADD" else "the policy is gone"
    return StatementDifference(
        name="",
        difference=difference,
        expected=expected,
        actual=actual,
        message=what + _dead_text(dead),
    )


def _dead_text(dead: t.Sequence[str]) -> str:
    if not dead:
        return ""
    names = ", ".join(dict.fromkeys(dead))
    return f"; {names} was a principal that has been deleted since, and matches nobody"


def _changes(expected: dict[str, frozenset[str]], actual: dict[str, frozenset[str]]) -> str:
    parts = []
    for path in sorted(expected.keys() | actual.keys()):
        missing = expected.get(path, frozenset()) - actual.get(path, frozenset())
        extra = actual.get(path, frozenset()) - expected.get(path, frozenset())
        if missing:
            parts.append(f"{path} lacks {_some(missing)}")
        if extra:
            parts.append(f"{path} has {_some(extra)}")
    return "; ".join(parts)


def _some(values: t.Collection[str]) -> str:
    named = ", ".join(sorted(values)[:_NAMED])
    return f"{named} and {len(values) - _NAMED} more" if len(values) > _NAMED else named


def _statements(document: Data) -> list[Data]:
    found = document.get("Statement", [])
    return found if isinstance(found, list) else [found]


def _content(statement: Data, partition: str) -> dict[str, frozenset[str]]:
    """Return the values of *statement* at each path, as AWS understands them."""
    result: dict[str, frozenset[str]] = {}
    for element, value in statement.items():
        if element == "Sid":
            continue
        if element in ("Principal", "NotPrincipal"):
            for kind, names in _principals(value, partition).items():
                result[f"{element}.{kind}"] = frozenset(names)
        elif element in ("Action", "NotAction"):
            # Actions are not case-sensitive.
            result[element] = frozenset(name.lower() for name in _strings(value))
        elif element == "Condition":
            for path, values in _conditions(value).items():
                result[f"Condition.{path}"] = values
        else:
            result[element] = frozenset(_strings(value))
    return result


def _principals(value: t.Any, partition: str) -> dict[str, list[str]]:
    if not isinstance(value, dict):
        value = {"AWS": value}  # "*", which means the same as AWS: "*"
    return {
        kind: [_principal(name, partition) for name in _strings(names)]
        for kind, names in value.items()
    }


def _principal(name: str, partition: str) -> str:
    return f"arn:{partition}:iam::{name}:root" if _ACCOUNT.fullmatch(name) else name


def _conditions(value: t.Any) -> dict[str, frozenset[str]]:
    result = {}
    for operator, keys in (value or {}).items():
        truth = operator.rpartition(":")[2] in ("Bool", "BoolIfExists", "Null")
        for key, values in keys.items():
            found = _strings(values)
            # Keys, true and false are not case-sensitive.
            result[f"{operator}.{key.lower()}"] = frozenset(
                item.lower() if truth else item for item in found
            )
    return result


def _strings(value: t.Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [str(item).lower() if isinstance(item, bool) else str(item) for item in values]


def _presentable(statement: Data, partition: str) -> Data:
    """Return *statement* in a fixed order, for a diff."""
    result: Data = {}
    for element in (*_ELEMENTS, *sorted(statement.keys() - set(_ELEMENTS))):
        if element not in statement:
            continue
        value = statement[element]
        if element in ("Sid", "Effect"):
            result[element] = value
        elif element in ("Principal", "NotPrincipal"):
            named = _principals(value, partition)
            result[element] = {kind: _sorted(named[kind]) for kind in sorted(named)}
        elif element == "Condition":
            result[element] = {
                operator: {key: _sorted(_strings(keys[key])) for key in sorted(keys)}
                for operator, keys in sorted((value or {}).items())
            }
        else:
            result[element] = _sorted(_strings(value))
    return result


def _sorted(values: t.Iterable[str]) -> list[str] | str:
    """Return *values* in order; a single value without a list."""
    found = sorted(set(values))
    return found[0] if len(found) == 1 else found


def _shown_document(document: Data | None, partition: str) -> str:
    data = document or {}
    statements = [_presentable(statement, partition) for statement in _statements(data)]
    return _text({"Version": data.get("Version", _OLDEST_VERSION), "Statement": statements})


def _text(value: t.Any) -> str:
    return json.dumps(value, indent=2)


def shown(document: t.Any, *, partition: str) -> str:
    """Return *document* as text, lists sorted; empty for none."""
    data = parse(document)
    return "" if data is None else _shown_document(data, partition)


__all__ = ("StatementDifference", "compare", "dead_principals", "is_same", "parse", "shown")
