# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The places of a base template, and the data that goes into them. Pure.

A line such as ``# @@ resources @@`` becomes data in YAML, and so does a scalar such as
``Stages: '@@ stages @@'``.
"""

from __future__ import annotations

import functools
import json
import re
import typing as t

try:
    import yaml
except ImportError:  # Ansible itself cannot run without it
    pass

_PLACE = re.compile(
    r"^(?P<indent> *)(?:(?P<key>\w+): '@@ (?P<name>\w+) @@'|# @@ (?P<line>\w+) @@)\n",
    re.MULTILINE,
)

_MAPPING, _SEQUENCE = "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"
_SMALL = 60  # characters of the values that are written on one line


def fill_places(base: str, values: t.Mapping[str, t.Any]) -> str:
    """Return the template *base* with *values* in its places."""
    return _PLACE.sub(lambda match: _fill(match, values), base)


def _fill(match: re.Match[str], values: t.Mapping[str, t.Any]) -> str:
    indent, value = match["indent"], values[match["line"] or match["name"]]
    if match["line"]:
        return _block(value, indent) if value else ""
    head = f"{indent}{match['key']}:"
    if not value or isinstance(value, str):
        return f"{head} {json.dumps(value)}\n"
    return f"{head}\n{_block(value, indent + '  ')}"


def _block(value: t.Any, indent: str) -> str:
    # By way of JSON: plain types, and no object twice, which YAML would write as an alias.
    plain = json.loads(json.dumps(value))
    text = yaml.dump(
        plain, Dumper=_dumper(), default_flow_style=False, sort_keys=False, width=10_000
    )
    return "".join(f"{indent}{line}\n" if line else "\n" for line in text.rstrip("\n").split("\n"))


@functools.cache
def _dumper() -> t.Any:
    """Return what writes as a person would: ``!Ref KeyArn``, and small values on one line."""

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        """Writes CloudFormation's YAML."""

    Dumper.add_representer(dict, _mapping)
    Dumper.add_representer(list, _sequence)
    return Dumper


def _mapping(dumper: t.Any, value: dict[str, t.Any]) -> t.Any:
    name, argument = next(iter(value.items())) if len(value) == 1 else ("", "")
    if name == "Fn::GetAtt":
        return dumper.represent_scalar("!GetAtt", ".".join(argument))
    if name == "Ref" or (name == "Fn::Sub" and isinstance(argument, str)):
        return dumper.represent_scalar(f"!{name.removeprefix('Fn::')}", argument)
    return dumper.represent_mapping(_MAPPING, value, flow_style=_is_small(value.values()))


def _sequence(dumper: t.Any, value: list[t.Any]) -> t.Any:
    return dumper.represent_sequence(_SEQUENCE, value, flow_style=_is_small(value))


def _is_small(values: t.Collection[t.Any]) -> bool:
    """Return whether a mapping or list fits on a line and has no place for code."""
    is_plain = all(isinstance(item, (str, int)) and "@@" not in str(item) for item in values)
    return is_plain and sum(len(str(item)) + 2 for item in values) <= _SMALL


__all__ = ("fill_places",)
