# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A template's properties as the request of an API, compared with what the API returns. Pure.

AWS returns more than it was given: its defaults. So only what the template gives is compared, and
additions that change what a release does.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

Data = dict[str, t.Any]
Shape = t.Any  # a shape of botocore's service model

# Additions that change what is released, and the values that mean nothing was added.
_ADDITIONS: dict[str, tuple[t.Any, ...]] = {
    "beforeEntry": (),
    "blockers": (),
    "buildBatchConfig": (),
    "cache": ({"type": "NO_CACHE"},),
    "fileSystemLocations": (),
    "onFailure": (),
    "onSuccess": (),
    "projectVisibility": ("PRIVATE",),
    "secondaryArtifacts": (),
    "secondarySources": (),
    "triggers": (),
    "variables": (),
    "vpcConfig": (),
    "webhook": (),
}
_NAMES = ("name", "artifactIdentifier")  # what identifies an item of a list
_ORDERED = "stages"
_HIDDEN = "****"  # what AWS returns instead of a secret
# AWS does not document when it returns it.
_MAY_BE_MISSING = frozenset({"auth"})
_VARIABLES = "EnvironmentVariables"  # the values of added ones may be secret


class UnknownPropertyError(ValueError):
    """The API has no member for a property."""


@dataclasses.dataclass(frozen=True)
class Change:
    """One difference between what a template gives and what an API returns.

    :param path: names joined by dots, as a template writes them.
    :param expected: as text; empty for nothing.
    :param actual: as text; empty for nothing.
    """

    path: str
    expected: str
    actual: str

    @property
    def top(self) -> str:
        """The first name of the path."""
        return self.path.partition(".")[0]


def as_request(value: t.Any, shape: Shape) -> t.Any:
    """Return a template's *value* with the names and types of *shape*.

    Raises UnknownPropertyError for a property without a member.
    """
    if shape.type_name == "structure" and isinstance(value, dict):
        members = {name.lower(): name for name in shape.members}
        unknown = [key for key in value if key.lower() not in members]
        if unknown:
            raise UnknownPropertyError(f"property {unknown[0]} is not known here")
        named = ((members[key.lower()], item) for key, item in value.items())
        return {name: as_request(item, shape.members[name]) for name, item in named}
    if shape.type_name == "list" and isinstance(value, list):
        return [as_request(item, shape.member) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: as_request(item, shape.value) for key, item in value.items()}
    if shape.type_name in ("integer", "long"):
        return int(value)
    if shape.type_name == "boolean":
        return value if isinstance(value, bool) else str(value).lower() == "true"
    return _text(value)


def changes(expected: t.Any, actual: t.Any, path: str = "") -> list[Change]:
    """Return where *actual* differs from *expected*, both as requests."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        return _of_members(expected, actual, path)
    if isinstance(expected, list) and isinstance(actual, list):
        return _of_items(expected, actual, path)
    if _text(expected) == _text(actual) or actual == _HIDDEN:
        return []
    return [Change(path, _text(expected), _text(actual))]


def _of_members(expected: Data, actual: Data, path: str) -> list[Change]:
    result = []
    for name, wanted in expected.items():
        below = _below(path, property_name(name))
        if name in actual:
            result += changes(wanted, actual[name], below)
        elif not _is_empty(wanted) and name not in _MAY_BE_MISSING:
            result.append(Change(below, _text(wanted), ""))
    for name, nothing in _ADDITIONS.items():
        found = actual.get(name)
        if name not in expected and not _is_empty(found) and found not in nothing:
            result.append(Change(_below(path, property_name(name)), "", _text(found)))
    return result


def _of_items(expected: list[t.Any], actual: list[t.Any], path: str) -> list[Change]:
    wanted, found = _by_name(expected), _by_name(actual)
    if wanted is None or found is None:
        if len(expected) != len(actual):
            return [Change(path, _text(expected), _text(actual))]
        pairs = enumerate(zip(expected, actual, strict=True))
        return [item for index, pair in pairs for item in changes(*pair, _below(path, str(index)))]
    result = []
    for name, item in wanted.items():
        below = _below(path, name)
        result += (
            changes(item, found[name], below) if name in found else [Change(below, _text(item), "")]
        )
    for name in found.keys() - wanted.keys():
        shown = name if path.endswith(_VARIABLES) else _text(found[name])
        result.append(Change(_below(path, name), "", shown))
    if path.lower() == _ORDERED and not result and list(wanted) != list(found):
        result.append(Change(path, ", ".join(wanted), ", ".join(found)))
    return result


def _by_name(items: list[t.Any]) -> dict[str, t.Any] | None:
    """Return *items* by their names; None unless each has one of its own."""
    result = {}
    for item in items:
        names = [str(item[key]) for key in _NAMES if key in item] if isinstance(item, dict) else []
        if not names or names[0] in result:
            return None
        result[names[0]] = item
    return result


def _is_empty(value: t.Any) -> bool:
    return value in (None, "", [], {}) or value is False


def _text(value: t.Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (dict, list)):
        return json.dumps(value, sort_keys=True)
    return str(value)


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def property_name(member: str) -> str:
    """Return what a template calls a member of a request."""
    return "Triggers" if member == "webhook" else member[0].upper() + member[1:]


def member_name(prop: str) -> str:
    """Return what a request calls a property that no template of ours sets."""
    return prop[0].lower() + prop[1:]


__all__ = (
    "Change",
    "UnknownPropertyError",
    "as_request",
    "changes",
    "member_name",
    "property_name",
)
