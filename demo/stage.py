# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stage of the demo: one lab, the playbooks that run on it, and what they called."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.checks import Untrue, check, check_equal
from demo.inventory import Stack
from demo.playbook import Run, run_playbook
from lab import Lab

# The inventory, in the directory where the playbooks run.
INVENTORY = "org"


@dataclass
class Stage:
    """Runs playbooks and prints what they do, chapter by chapter.

    directory: where they run. whole: print every line of ansible-playbook.
    """

    lab: Lab
    directory: Path
    whole: bool
    _chapters: int = field(default=0, init=False)

    def chapter(self, title: str) -> None:
        """Begin a chapter."""
        self._chapters += 1
        print(f"\n== {self._chapters}. {title}\n", flush=True)

    def show(self, *lines: str) -> None:
        """Print lines, indented."""
        for line in lines:
            print(f"  {line}".rstrip(), flush=True)

    def bootstrap(self) -> Run:
        """Run the bootstrap, which succeeds, and sum it up."""
        run = self._run("crossaccount.pipeline.bootstrap", "-i", INVENTORY)
        self._check_succeeded(run)
        self._sum_up(run)
        return run

    def drift(self, *arguments: str) -> tuple[Run, dict[str, Any]]:
        """Run a drift run; return it and the report that it wrote."""
        run = self._run("crossaccount.pipeline.drift", "-i", INVENTORY, *arguments)
        self._sum_up(run)
        report = self.directory / "drift-report" / "drift-report.json"
        return run, json.loads(report.read_text(encoding="utf-8"))

    def writes(self) -> list[str]:
        """The calls of the last run that change what AWS holds."""
        calls = (call for call in self.lab.calls() if call.write)
        return [f"{call.action} {call.resource} in {call.account} {call.region}" for call in calls]

    def written(self) -> set[Stack]:
        """The stacks that the last run wrote to; each by one change set, or it is not true."""
        calls = [call for call in self.lab.calls() if call.write]
        executed = [
            (call.account, call.region, call.resource)
            for call in calls
            if call.action == "ExecuteChangeSet"
        ]
        check(len(executed) == len(set(executed)), f"a stack was changed twice: {executed}")
        written = {(call.account, call.region, call.resource) for call in calls}
        check_equal(written, set(executed), "stacks that were written to")
        return written

    def _run(self, *arguments: str) -> Run:
        self.lab.clear_calls()
        environment = self.lab.environment()
        return run_playbook(arguments, self.directory, environment, whole=self.whole)

    def _check_succeeded(self, run: Run) -> None:
        if run.status or run.failed:
            if not self.whole:
                print(f"All its output:\n\n{run.output}", flush=True)
            raise Untrue(f"ansible-playbook ended with {run.status}")

    def _sum_up(self, run: Run) -> None:
        writes = len(self.writes())
        reads = len(self.lab.calls()) - writes
        counts = [f"{name}={run.total(name)}" for name in ("changed", "failed")]
        calls = f"{reads} read and {writes} write calls of AWS"
        print(f"\n  {' '.join(counts)}, {calls}, {run.seconds:.1f} s", flush=True)


__all__ = ("INVENTORY", "Stage")
