# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs ansible-playbook as a user would, and reads what it reported."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from lab import Call, Lab, Setup
from tests.commands import run_command
from tests.integration.inventory import ROOT, Inventory
from tests.integration.waiting import HANGS
from tests.integration.warm import Started, Warm

FULL_NAME = "crossaccount.pipeline.bootstrap"
# Variables that a run may have and still be a fork.
_NOT_OF_ANSIBLE = {
    "PYTHONPATH",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
}

_RECAP = re.compile(r"^(?P<host>\S+) +: (?P<counts>(?:\w+=\d+ *){7})$", re.MULTILINE)
_PLAY = re.compile(r"^PLAY \[(.*)\] \*+$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Recap:
    """One line of PLAY RECAP."""

    ok: int
    changed: int
    unreachable: int
    failed: int
    skipped: int
    rescued: int
    ignored: int


class StackName(NamedTuple):
    """One stack of the organisation."""

    account_id: str
    region: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run that has ended.

    output: what it printed, on both streams. calls: what it called, in the order of their ends.
    summary: what the summary returned; empty when there was none.
    """

    code: int
    output: str
    calls: list[Call]
    summary: dict[str, Any]

    @property
    def recap(self) -> dict[str, Recap]:
        """PLAY RECAP by host."""
        return {
            line["host"]: Recap(
                **{name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", line["counts"])}
            )
            for line in _RECAP.finditer(self.output)
        }

    @property
    def changed(self) -> set[str]:
        """The hosts that report a change."""
        return {host for host, recap in self.recap.items() if recap.changed}

    @property
    def failed(self) -> set[str]:
        """The hosts that failed."""
        return {host for host, recap in self.recap.items() if recap.failed or recap.unreachable}

    @property
    def results(self) -> dict[str, str]:
        """The result of each host; empty when there is no summary."""
        return dict(self.summary.get("results", {}))

    @property
    def done(self) -> dict[str, str]:
        """The results of the hosts that were not unchanged."""
        return {host: result for host, result in self.results.items() if result != "unchanged"}

    def reason(self, host: str) -> str:
        """Why a host failed; empty when it did not."""
        return str(self.summary.get("failures", {}).get(host, ""))

    @property
    def retained(self) -> dict[str, str]:
        """What the summary shows of data without a stack, by host."""
        text = "\n".join(self.summary.get("text", []))
        blocks = re.findall(r"^  (\S+): data without a stack\n((?:    .*\n?)+)", text, re.MULTILINE)
        return dict(blocks)

    @property
    def plays(self) -> list[str]:
        """The plays that began."""
        return _PLAY.findall(self.output)

    @property
    def writes(self) -> list[Call]:
        """The calls that change what AWS holds."""
        return [call for call in self.calls if call.write]

    @property
    def written(self) -> set[StackName]:
        """The stacks that a call wrote to."""
        return {_stack_of(call) for call in self.writes}

    @property
    def executions(self) -> Counter[StackName]:
        """How often each stack's change sets were executed."""
        return Counter(_stack_of(call) for call in self.calls if call.action == "ExecuteChangeSet")


class Playbook:
    """`ansible-playbook` on one inventory, against one lab.

    home: takes the place of ~/.ansible, so that nothing of the user's is read or written. warm:
    runs what needs no other folder and no other settings.
    """

    def __init__(self, lab: Lab, inventory: Inventory, *, home: Path, warm: Warm) -> None:
        self._lab = lab
        self._inventory = inventory
        self._home = home
        self._warm = warm

    def run(
        self,
        *arguments: str,
        setup: Setup = "operator",
        inventory: Inventory | None = None,
        playbook: str = "bootstrap.yml",
        folder: Path = ROOT,
        variables: Mapping[str, str] | None = None,
    ) -> Run:
        """Run it to its end. setup: whose credentials; variables: more of the environment."""
        started = time.time()
        summary = self._home / "summary.json"
        summary.unlink(missing_ok=True)
        command = self.command(*arguments, inventory=inventory, playbook=playbook)
        environment = {**self.environment(setup), **(variables or {})}
        if folder == ROOT and {*(variables or ())} <= _NOT_OF_ANSIBLE:
            file = self._home / "output"
            code, output = self._warm.run(command, environment=environment, output=file)
        else:
            done = run_command(command, environment=environment, folder=folder, seconds=HANGS)
            code, output = done.returncode, done.stdout
        return Run(
            code=code,
            output=output,
            calls=self._lab.calls(started),
            summary=json.loads(summary.read_text(encoding="utf-8")) if summary.exists() else {},
        )

    def start(
        self,
        *arguments: str,
        output: Path,
        playbook: str = "bootstrap.yml",
        name: str = "",
        terminal: Path | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> Started:
        """Start it as the operator and leave it running; its output goes to a file.

        name: of its processes. terminal: its own.
        """
        return self._warm.start(
            self.command(*arguments, playbook=playbook),
            environment={**self.environment("operator"), **(variables or {})},
            output=output,
            name=name,
            terminal=terminal,
        )

    def command(
        self, *arguments: str, inventory: Inventory | None = None, playbook: str = "bootstrap.yml"
    ) -> tuple[str, ...]:
        """The command line."""
        directory = (inventory or self._inventory).directory
        return ("ansible-playbook", playbook, "-i", str(directory), *arguments)

    def environment(self, setup: Setup) -> dict[str, str]:
        """The environment of a run."""
        self._home.mkdir(exist_ok=True)
        return {
            **self._lab.environment(setup),
            **settings(self._home),
            "CROSSACCOUNT_TEST_SUMMARY": str(self._home / "summary.json"),
        }


def settings(home: Path) -> dict[str, str]:
    """The settings of Ansible, as environment variables."""
    return {
        "ANSIBLE_HOME": str(home),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": "summary_file",
    }


def _stack_of(call: Call) -> StackName:
    assert call.service == "cloudformation", f"a write call to {call.service}: {call}"
    return StackName(call.account, call.region, call.resource)


__all__ = ("FULL_NAME", "Playbook", "Recap", "Run", "StackName", "settings")
