# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report as files: JSON, Markdown, HTML. Both kinds of report share one page."""

from __future__ import annotations

import contextlib
import json
import typing as t
from pathlib import Path

NAME = "drift-report"
PROVE_NAME = "prove-report"
_SUFFIXES = ("json", "md", "html")

# The frame of the page, and what is inserted into it. A script draws the JSON.
_PARTS = Path(__file__).with_name("page")
_SCRIPTS = {NAME: "drift.js", PROVE_NAME: "prove.js"}


def write(folder: Path, report: dict[str, t.Any], text: str, *, name: str = NAME) -> list[Path]:
    """Write the three forms of *report* into *folder*, and return their paths.

    :param text: the report as Markdown.
    :param name: of the files, without suffix.
    """
    folder.mkdir(parents=True, exist_ok=True)
    forms = (as_json(report), text, as_html(report, name=name))
    paths = []
    for suffix, content in zip(_SUFFIXES, forms, strict=True):
        path = folder / f"{name}.{suffix}"
        path.write_text(content, encoding="utf-8")
        paths.append(path)
    return paths


def remove(folder: Path, *, name: str = NAME) -> None:
    """Remove the files that :func:`write` made, if there are any. Raises OSError."""
    for suffix in _SUFFIXES:
        with contextlib.suppress(NotADirectoryError):
            (folder / f"{name}.{suffix}").unlink(missing_ok=True)


def as_json(report: dict[str, t.Any]) -> str:
    """Return *report* as JSON, for people too."""
    return json.dumps(report, indent=2) + "\n"


def as_html(report: dict[str, t.Any], *, name: str = NAME) -> str:
    """Return *report* as one self-contained page: no network, no server."""
    # Nothing in the data can end the element that holds it.
    data = json.dumps(report).replace("<", "\\u003c").replace("\u2028", "\\u2028")
    page = _part("frame.html")
    page = page.replace("@@ styles @@\n", _part("styles.css"), 1)
    page = page.replace("@@ scripts @@\n", _part("shared.js") + _part(_SCRIPTS[name]), 1)
    return page.replace("@@ report @@", data, 1)


def _part(name: str) -> str:
    return (_PARTS / name).read_text(encoding="utf-8")


__all__ = ("NAME", "PROVE_NAME", "as_html", "as_json", "remove", "write")
