# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs to summarise: what the plan found, and what the roles registered."""

from __future__ import annotations

import dataclasses
from typing import Any, cast

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._accounts.marker import Marker
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.plan import (
    BlockedStack,
    HostResult,
    Plan,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.summary import (
    Row,
    summarise,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    Organisation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.screen import (
    summary_lines,
)

from tests.unit.report.sample import organisation

Data = dict[str, Any]

SMALL = organisation(("development", "testing", "production"), ("eu-west-1",), ("hello",))
LARGE = organisation(
    tuple(f"account-{number:02}" for number in range(60)),
    ("ap-northeast-1", "ap-southeast-2", "eu-central-1", "eu-west-1", "sa-east-1", "us-west-2"),
    tuple(f"service-{number:02}" for number in range(12)),
)


@dataclasses.dataclass
class FakeRun:
    """A run at its end, as far as the summary asks; hosts without a result are unchanged."""

    organisation: Organisation = SMALL
    done: Data = dataclasses.field(default_factory=dict)
    failed: dict[str, str] = dataclasses.field(default_factory=dict)
    waiting: dict[str, str] = dataclasses.field(default_factory=dict)
    unreached: dict[str, str] = dataclasses.field(default_factory=dict)
    unfinished_hosts: dict[str, str] = dataclasses.field(default_factory=dict)
    missing: dict[str, str] = dataclasses.field(default_factory=dict)
    unsupplied: dict[str, str] = dataclasses.field(default_factory=dict)
    differences: Data = dataclasses.field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    new_members: Data = dataclasses.field(default_factory=dict)

    @property
    def plan(self) -> Plan:
        """The part of the plan that is read."""
        hosts = list(self.hosts or self.organisation.hosts)
        stacks = {name: {"differences": self.differences.get(name, [])} for name in hosts}
        return cast("Plan", {"hosts": hosts, "stacks": stacks, "new_members": self.new_members})

    @property
    def results(self) -> dict[str, HostResult]:
        """What roles registered."""
        return cast("dict[str, HostResult]", self.done)

    def failure(self, name: str) -> str | None:
        """Why it failed."""
        return self.failed.get(name)

    def postponed(self, name: str) -> str | None:
        """Why it must wait."""
        return self.waiting.get(name)

    def not_reached(self, name: str) -> str | None:
        """Why nothing could be done."""
        return self.unreached.get(name)

    def unregistered(self, name: str) -> str | None:
        """Which regions are missing."""
        return self.missing.get(name)

    def undeployable(self, name: str) -> str | None:
        """Which accounts failed."""
        return self.unsupplied.get(name)

    def unfinished(self, name: str) -> str | None:
        """Why it is not as desired."""
        return self.unfinished_hosts.get(name)

    def rows(self, *, check_mode: bool = False) -> dict[str, Row]:
        """The rows of the summary, by host."""
        return {row.host.name: row for row in summarise(self, check_mode=check_mode)}

    def screen(
        self,
        *,
        check_mode: bool = False,
        orphans: tuple[Data, ...] = (),
        blocked: tuple[BlockedStack, ...] = (),
        readings: tuple[Marker, ...] = (),
        width: int = 100,
    ) -> str:
        """The summary as it is shown."""
        lines = summary_lines(
            list(self.rows(check_mode=check_mode).values()),
            orphans,
            blocked,
            readings,
            name="org",
            seconds=4.12,
            check_mode=check_mode,
            width=width,
        )
        return "\n".join(line.text for line in lines)


def result(operation: str, **more: Any) -> Data:
    """What a role registers."""
    stack = {"outputs": {}, "parameters": {}, **more.pop("stack", {})}
    return {"changed": operation != "none", "operation": operation, "stack": stack, **more}


def change(
    logical_id: str,
    action: str = "Modify",
    *,
    replacement: str = "False",
    of: str = "AWS::X::Y",
    depends_on: tuple[str, ...] = (),
) -> Data:
    """An entry of a change set."""
    return {
        "action": action,
        "logical_id": logical_id,
        "resource_type": of,
        "replacement": replacement,
        "scope": ["Properties"],
        "depends_on": depends_on,
    }


__all__ = ("LARGE", "SMALL", "FakeRun", "change", "result")
