# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which sources of Ansible's inventory are files of the plugin. Reads files."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible.utils.path import unfrackpath

from .marker import is_configuration

_SUFFIXES = (".yml", ".yaml")
_OF_VARIABLES = frozenset({"group_vars", "host_vars"})


def configured(sources: t.Iterable[str]) -> list[str]:
    """Return the files of the plugin among *sources*, files or directories, as Ansible names them."""
    return [
        str(file)
        for source in sources
        for file in _files(Path(unfrackpath(source, follow=False)))
        if is_configuration(_text(file))
    ]


def _files(source: Path) -> t.Iterator[Path]:
    """Yield the YAML files of a source, without those of variables."""
    if source.is_dir():
        for path in sorted(source.iterdir()):
            if path.name not in _OF_VARIABLES and not path.name.startswith("."):
                yield from _files(path)
    elif source.suffix in _SUFFIXES and source.is_file():
        yield source


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


__all__ = ("configured",)
