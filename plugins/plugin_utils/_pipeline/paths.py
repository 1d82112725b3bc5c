# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Relative paths, some of which differ by host and region. Pure."""

from __future__ import annotations

from .._fields import Field

_SEGMENT = r"(?!\.\.?(/|$))[\w.-]+"
_PATH = rf"{_SEGMENT}(/{_SEGMENT})*"
_PATH_WORDS = "a plain relative path of letters, digits and ._/-"
_PLACED_SEGMENT = r"(?!\.\.?(/|$))(?:[\w.-]|\{(?:host|region)\})+"
_PLACED_PATH = rf"{_PLACED_SEGMENT}(/{_PLACED_SEGMENT})*"
_PLACED_WORDS = f"{_PATH_WORDS}, and {{host}} or {{region}}"
_LONGEST_PATH = 512  # so that an action's value of 1,000 characters holds artifact and path


def path_field(name: str, doc: str, *, required: bool = False, default: str | None = None) -> Field:
    """Return the field of a relative path."""
    return Field(
        name=name,
        required=required,
        default=default,
        pattern=_PATH,
        words=_PATH_WORDS,
        longest=_LONGEST_PATH,
        kind="relative path",
        doc=doc,
    )


def placed_path_field(name: str, doc: str, *, required: bool = False) -> Field:
    """Return the field of a relative path that may name the host and the region."""
    return Field(
        name=name,
        required=required,
        pattern=_PLACED_PATH,
        words=_PLACED_WORDS,
        longest=_LONGEST_PATH,
        kind="relative path",
        doc=doc,
    )


def placed(path: str, host: str, region: str) -> str:
    """Return *path* for a region of a host."""
    return path.replace("{host}", host).replace("{region}", region)


__all__ = ("path_field", "placed", "placed_path_field")
