# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draw the packages of plugins/ and their imports into docs/contributing.md.

A module is named as below plugins: `plugin_utils._stack.model`. Its package is `_stack`, or the
kind of plugin (`action`), or the module itself where it stands alone (`_errors`).
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.environment import ROOT

PLUGINS = ROOT / "plugins"
PAGE = ROOT / "docs" / "contributing.md"
START = "<!-- Drawn by `make drawing` -->\n"
END = "<!-- End of the drawing -->\n"
COLLECTION = "ansible_collections.crossaccount.pipeline.plugins."

Graph = Mapping[str, set[str]]


@functools.cache
def modules() -> Graph:
    """Return the modules that each module imports."""
    files = {_name(path): path for path in sorted(PLUGINS.rglob("*.py"))}
    return {
        name: {imported for imported in _imports(path) if imported in files} - {name}
        for name, path in files.items()
    }


def packages() -> Graph:
    """Return the packages that each package imports."""
    found: dict[str, set[str]] = {}
    for name, imported in modules().items():
        others = {package(other) for other in imported} - {package(name)}
        found.setdefault(package(name), set()).update(others)
    return {name: imported for name, imported in found.items() if imported}


def package(module: str) -> str:
    """Return the package of a module."""
    first, *rest = module.split(".")
    return rest[0] if first == "plugin_utils" and rest else first


def drawing() -> str:
    """Return the packages as a Mermaid graph, without arrows that others imply."""
    graph = packages()
    lines = [
        f"    {name} --> {imported}"
        for name in sorted(graph)
        for imported in sorted(graph[name])
        if not any(imported in _reach(graph, other) for other in graph[name] - {imported})
    ]
    return "\n".join(["```mermaid", "graph TD", *lines, "```", ""])


def draw(page: str) -> str:
    """Return a page with the drawing between its markers."""
    before, _start, rest = page.partition(START)
    _old, _end, after = rest.partition(END)
    return f"{before}{START}{drawing()}{END}{after}"


def _name(path: Path) -> str:
    parts = path.relative_to(PLUGINS).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(path: Path) -> Iterator[str]:
    folder = path.relative_to(PLUGINS).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom):
            continue
        module = node.module or ""
        if node.level:
            parts = folder[: len(folder) - node.level + 1]
            module = ".".join([*parts, *filter(None, [module])])
        elif module.startswith(COLLECTION):
            module = module.removeprefix(COLLECTION)
        else:
            continue
        # `from .._stack import template` imports a module, `from .model import Host` a name.
        yield module
        yield from (f"{module}.{alias.name}" for alias in node.names)


def _reach(graph: Graph, start: str) -> set[str]:
    """Return everything that *start* imports, directly or not."""
    found: set[str] = set()
    todo = [start]
    while todo:
        new = graph.get(todo.pop(), set()) - found
        found |= new
        todo += new
    return found


if __name__ == "__main__":
    PAGE.write_text(draw(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
