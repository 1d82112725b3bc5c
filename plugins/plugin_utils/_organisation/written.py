# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values as the inventory's files have them, before YAML or INI reads them.

Ansible hands over what YAML made of 012345 or NO, with the place in the file where it is. A file is
read only for values that are not text.
"""

from __future__ import annotations

import dataclasses
import datetime
import linecache
import re
import typing as t
from collections.abc import Mapping
from pathlib import Path

try:
    # Where a value is set; no public name gives it. Without it, messages name the host's file.
    from ansible._internal._datatag._tags import Origin
except ImportError:
    Origin = None

from .._fields import QUOTE, Rewritten

try:
    import yaml
except ImportError:  # Ansible itself cannot run without it
    pass

# What YAML reads as something other than text.
SCALARS = (bool, int, float, type(None), datetime.date)

Place = tuple[int, int]  # line and column, from 1


class Written:
    """The nodes of YAML files by their place."""

    def __init__(self) -> None:
        self._files: dict[str, dict[Place, t.Any]] = {}

    def scalar(self, value: t.Any, origin: t.Any) -> t.Any:
        """Return a scalar; Rewritten if the file has another text than its value."""
        return _compared(value, self._node(origin))

    def entry(self, value: t.Any, origin: t.Any, key: t.Any) -> t.Any:
        """Return a scalar of a mapping or list, as :meth:`scalar` does.

        :param origin: that of the mapping or list: true, false and null have none of their own.
        :param key: its name or index.
        """
        return _compared(value, _child(self._node(origin), key))

    def place(self, origin: t.Any, key: t.Any) -> t.Any:
        """Return where an entry of a mapping or list is set, or *origin* where that is unknown."""
        node = _child(self._node(origin), key)
        if node is None:
            return origin
        mark = node.start_mark
        return dataclasses.replace(origin, line_num=mark.line + 1, col_num=mark.column + 1)

    def plain(self, value: t.Any) -> t.Any:
        """Return a value with Rewritten where the file has another text."""
        origin = None if Origin is None else Origin.get_tag(value)
        if isinstance(value, SCALARS):
            return self.scalar(value, origin)
        if isinstance(value, Mapping):
            return {key: self._plain_entry(item, origin, key) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._plain_entry(item, origin, index) for index, item in enumerate(value)]
        return value

    def _plain_entry(self, value: t.Any, origin: t.Any, key: t.Any) -> t.Any:
        is_scalar = isinstance(value, SCALARS)
        return self.entry(value, origin, key) if is_scalar else self.plain(value)

    def _node(self, origin: t.Any) -> t.Any:
        """Return the node at a place; None if that is unknown, or not in a YAML file."""
        if origin is None or not origin.path or not origin.col_num:
            return None
        if origin.path not in self._files:
            self._files[origin.path] = _nodes(origin.path)
        return self._files[origin.path].get((origin.line_num, origin.col_num))


def _child(node: t.Any, key: t.Any) -> t.Any:
    """Return the node of an entry of a mapping or list; None if it is not there."""
    if isinstance(node, yaml.MappingNode):
        return next((child for name, child in node.value if name.value == key), None)
    if isinstance(node, yaml.SequenceNode) and len(node.value) > key:
        return node.value[key]
    return None


def _nodes(path: str) -> dict[Place, t.Any]:
    try:
        text = Path(path).read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    found: dict[Place, t.Any] = {}
    rest = [] if root is None else [root]
    while rest:
        node = rest.pop()
        place = (node.start_mark.line + 1, node.start_mark.column + 1)
        if place in found:
            continue
        found[place] = node
        if isinstance(node, yaml.MappingNode):
            rest += [part for _name, part in node.value]
        elif isinstance(node, yaml.SequenceNode):
            rest += node.value
    return found


def _compared(value: t.Any, node: t.Any) -> t.Any:
    text = node.value if isinstance(node, yaml.ScalarNode) and not node.style else None
    if text is None or value is None:
        return value
    plain = str(value).lower() if isinstance(value, bool) else str(value)
    is_plain = text == plain and not isinstance(value, datetime.date)
    return value if is_plain else Rewritten(value, text)


def how_to_quote(name: str, origin: t.Any) -> str:
    """Return how to make text of the value of *name*, which has no quotes where it is set."""
    if origin is None or not origin.path or not origin.line_num or origin.col_num:
        return QUOTE
    # Only INI files have lines without columns. They drop the quotes on the line of a host.
    line = linecache.getline(origin.path, origin.line_num)
    of_group = re.match(rf"\s*{re.escape(name)}\s*=", line)
    return f"{QUOTE}: {name}=" + ('"..."' if of_group else "'\"...\"'")


__all__ = ("SCALARS", "Origin", "Written", "how_to_quote")
