# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The places of a base template, and the data that goes into them. Pure.

A line such as ``# @@ resources @@`` becomes data in YAML, and so does a scalar such as
``Stages: '@@ stages @@'``.
"""

from __future__ import annotations

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


def _dumper() -> t.Any:
    return getattr(yaml, "CSafeDumper", yaml.SafeDumper)


__all__ = ("fill_places",)
