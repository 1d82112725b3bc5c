# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The layout of plugins/ and the words of the collection. Reads files only."""

from __future__ import annotations

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tools.drawing import PAGE, PLUGINS, draw, modules, packages
from tools.environment import ROOT

# Lowest first: a package imports only from packages before it.
ORDER = (
    *("_botocore", "_errors", "_fields", "_aws", "_stack", "_policy", "_drift"),
    *(
        "_accounts",
        "_organisation",
        "_access",
        "_pipeline",
        "_pipeline_stack",
        "_bootstrap",
        "_prove",
        "_report",
    ),
    *("_arguments", "_action", "action", "filter", "inventory", "modules"),
)

# Words that have a better one, whole or as part of a name, and where they are right all the same.
WORDS = {
    r"told|tells?": "describe, report, message",
    r"beside": "next to; direct settings",
    r"kept": "retained",
    r"judge[ds]?": "evaluate",
    r"mend(s|ed|ing)?": "fix",
    r"(take|takes|took|taken) away": "remove",
    r"(let|lets|letting) go": "remove, release",
    r"(is|are) no fields?": "unknown field",
    r"application pipelines?|pipeline of (an|the) application": "pipeline",
    # In names
    r"says?(?=[_(])|(?<=_)says?": "report, message",
    r"(?-i:(?<=for )one(?= in )|(?<=lambda )one|one(?= = )|one(?=\.\w))": "a noun",
    r"(?-i:(?<=class )Look(ed)?|Look(ed)?(?=[(\]]))": "Inspection, Observed",
    r"applications?(?=_)|(?<=_)applications?": "pipeline",
}
TEXTS = sorted(
    path
    for folder in ("plugins", "roles", "playbooks", "docs")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {".py", ".yml", ".md", ".html", ".json", ".template"}
)


def test_the_drawing_in_the_documentation_is_right() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert page == draw(page), "run `make drawing`"


def test_no_module_imports_itself_by_way_of_others() -> None:
    TopologicalSorter(modules()).prepare()


def test_no_package_imports_one_above_it() -> None:
    upwards = [
        f"{name} imports {other}"
        for name, imported in packages().items()
        for other in imported
        if ORDER.index(other) >= ORDER.index(name)
    ]

    assert upwards == []


def test_no_file_has_over_500_lines_and_no_class_over_300() -> None:
    long = []
    for path in sorted(PLUGINS.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        long += [f"{path.relative_to(ROOT)}: {text.count(chr(10))}"] * (text.count("\n") > 500)
        for node in ast.walk(ast.parse(text)):
            lines = (node.end_lineno or 0) - node.lineno if isinstance(node, ast.ClassDef) else 0
            if lines >= 300:
                long.append(f"{path.relative_to(ROOT)}: {ast.unparse(node).splitlines()[0]}")

    assert long == []


@pytest.mark.parametrize(("words", "better"), WORDS.items())
def test_no_retired_word_is_used(words: str, better: str) -> None:
    pattern = re.compile(rf"(?<![A-Za-z])({words})(?![A-Za-z])", re.IGNORECASE)

    assert [found for path in TEXTS for found in found_in(path, pattern)] == [], f"use {better}"


def found_in(path: Path, pattern: re.Pattern[str]) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]
