# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/first-pipeline.md, followed from an empty directory: it does what it says."""

from __future__ import annotations

import re
from pathlib import Path

from lab import Lab
from tests.commands import run_command
from tests.integration.inventory import ROOT
from tests.integration.playbook import Playbook
from tests.integration.waiting import HANGS
from tools.environment import COLLECTIONS

PAGE = ROOT / "docs" / "first-pipeline.md"
# What follows a command is what it says, where it begins so; other texts are about mistakes.
_ANSWERS = ("HOST ", "greeter: ")
_END = "-- the end of a block --"


def blocks() -> list[tuple[str, list[str]]]:
    """The commands of the page, block by block, each with what it says that they answer."""
    found: list[tuple[str, list[str]]] = []
    text = PAGE.read_text(encoding="utf-8")
    for kind, content in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if kind == "shell":
            found.append((content, []))
        elif kind == "text" and content.startswith(_ANSWERS):
            found[-1][1].extend(content.splitlines())
    return found


def squeezed(line: str) -> str:
    """A line without what columns differ in."""
    return " ".join(line.split())


def test_the_first_pipeline_can_be_made_as_the_page_says(
    lab: Lab, playbook: Playbook, tmp_path: Path
) -> None:
    """Talks to the lab. Every command, in one shell that ends at the first that fails."""
    directory = tmp_path / "my-pipeline"
    directory.mkdir()
    command = "python -m lab "
    script = "set -e\n" + f"\necho '{_END}'\n".join(commands for commands, _answer in blocks())
    assert script.count(command) > 5
    environment = {
        **playbook.environment("operator"),
        "CHECKOUT": str(ROOT),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "PYTHONPATH": str(ROOT),
    }

    done = run_command(
        ["bash", "-c", script.replace(command, f"{command}--directory {lab.directory} ")],
        environment=environment,
        folder=directory,
        seconds=HANGS,
    )

    assert done.returncode == 0, done.stdout
    said = done.stdout.split(_END)
    assert len(said) == len(blocks())
    for output, (commands, answer) in zip(said, blocks(), strict=True):
        lines = {squeezed(line) for line in output.splitlines()}
        for line in answer:
            assert squeezed(line) in lines, f"{commands}\n{line}\n{output}"
    assert lab.client("codepipeline", lab.organisation.build).list_pipelines()["pipelines"] == []
