# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: no promise is made to others.
"""What users may write: fields with their type, default and meaning."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping

TEXT, FLAG, NUMBER, LIST, MAPPING = "str", "bool", "int", "list", "dict"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setting:
    """What a role takes: its own variable, else the inventory's, else the default.

    :param name: the plain noun; the role's variable has the role's name before it.
    :param inventory: the variable of the inventory that it falls back to.
    """

    name: str
    type: str = TEXT
    inventory: str = ""
    default: t.Any = None


def called(entry: t.Any, number: int) -> str:
    """Return what an entry of a list is called in a message: its name, or its number."""
    if isinstance(entry, Mapping):
        for key in ("name", "host"):
            if isinstance(entry.get(key), str):
                return str(entry[key])
    return str(number)


__all__ = ("FLAG", "LIST", "MAPPING", "NUMBER", "TEXT", "Setting", "called")
