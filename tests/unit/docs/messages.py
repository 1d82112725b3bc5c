# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The texts in the code that a user may see, and the messages that a page quotes."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

# Stands for a value in a text of the code. In a page it is written "...".
VALUE = "\0"
_CELL = re.compile(r"(?<!\\)\|")
_QUOTED = re.compile(r"`([^`]+)`")
_EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


@functools.cache
def texts_of_code(root: Path) -> set[str]:
    """Every text in the plugins and playbooks, with VALUE where a value goes."""
    found: set[str] = set()
    for path in (root / "plugins").rglob("*.py"):
        if path.parent.name not in ("modules", "doc_fragments"):
            found |= set(_texts(ast.parse(path.read_text(encoding="utf-8"))))
    for path in (*(root / "playbooks").rglob("*.yml"), *root.glob("roles/*/tasks/*.yml")):
        found |= set(_scalars(yaml.safe_load(path.read_text(encoding="utf-8"))))
    return {" ".join(text.split()) for text in found}


def _texts(node: ast.AST) -> Iterator[str]:
    text = _text(node)
    if text is not None:
        yield text
    elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        for child in ast.iter_child_nodes(node):
            yield from _texts(child)


def _text(node: ast.AST) -> str | None:
    """A literal, an f-string, or a sum of them; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or VALUE for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = _text(node.left), _text(node.right)
        return None if sides == (None, None) else "".join(side or VALUE for side in sides)
    return None


def _scalars(data: object) -> Iterator[str]:
    if isinstance(data, str):
        yield _EXPRESSION.sub(VALUE, data)
    elif isinstance(data, dict):
        for value in data.values():
            yield from _scalars(value)
    elif isinstance(data, list):
        for value in data:
            yield from _scalars(value)


def messages_of_page(page: Path) -> list[str]:
    """What the tables of a page quote in their first column, where it is headed "Message"."""
    found: list[str] = []
    inside = False
    for line in page.read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            inside = False
        elif _CELL.split(line)[1].strip() == "Message":
            inside = True
        elif inside:
            found += _QUOTED.findall(_CELL.split(line)[1])
    return found


def is_in_code(message: str, texts: set[str]) -> bool:
    """Whether one text of the code holds every part of a message, in order.

    "Failed to" is left out: it precedes every failed request, and the code names only the request.
    """
    parts = [part for part in message.removeprefix("Failed to ").split("...") if part.strip(" .:;")]
    pattern = re.compile(".*".join(re.escape(part.strip()) for part in parts), re.DOTALL)
    return bool(parts) and any(pattern.search(text) for text in texts)
