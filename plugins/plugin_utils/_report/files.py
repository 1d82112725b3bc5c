# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drift report as files: JSON, Markdown, HTML."""

from __future__ import annotations

import contextlib
import json
import typing as t
from pathlib import Path

NAME = "drift-report"
_SUFFIXES = ("json", "md", "html")

# The script of the page draws the JSON that is inserted here.
_PAGE = Path(__file__).with_name("page.html")
_PLACE = "@@ report @@"


def write(folder: Path, report: dict[str, t.Any], text: str) -> list[Path]:
    """Write the three forms of *report* into *folder*, and return their paths.

    :param text: the report as Markdown.
    """
    folder.mkdir(parents=True, exist_ok=True)
    forms = (as_json(report), text, as_html(report))
    paths = []
    for suffix, content in zip(_SUFFIXES, forms, strict=True):
        path = folder / f"{NAME}.{suffix}"
        path.write_text(content, encoding="utf-8")
        paths.append(path)
    return paths


def remove(folder: Path) -> None:
    """Remove the files that :func:`write` made, if there are any. Raises OSError."""
    for suffix in _SUFFIXES:
        with contextlib.suppress(NotADirectoryError):
            (folder / f"{NAME}.{suffix}").unlink(missing_ok=True)


def as_json(report: dict[str, t.Any]) -> str:
    """Return *report* as JSON, for people too."""
    return json.dumps(report, indent=2) + "\n"


def as_html(report: dict[str, t.Any]) -> str:
    """Return *report* as one self-contained page: no network, no server."""
    # Nothing in the data can end the element that holds it.
    data = json.dumps(report).replace("<", "\\u003c").replace("\u2028", "\\u2028")
    return _PAGE.read_text(encoding="utf-8").replace(_PLACE, data, 1)


__all__ = ("NAME", "as_html", "as_json", "remove", "write")
