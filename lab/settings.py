# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a test can change while the lab runs: the state behind the control endpoint."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from .calls.faults import Faults
from .cloudformation.hooks import Hook
from .cloudformation.resource_faults import ResourceFaults
from .codebuild.results import BuildResult

CHANGE_PAGE = 100
DRIFT_PAGE = 100
ORGANIZATION_PAGE = 20
ARTIFACT_COPIER = "pipeline-role"
TIME = "2026-01-05T12:00:00+00:00"  # a Monday
PIPELINE_QUOTA = 1000
JOB_SECONDS = 20 * 60.0
APPROVAL_SECONDS = 7 * 24 * 3600.0


@dataclass
class Latency:
    """Seconds that work takes. Several stacks wait at once.

    read: until a call that only reads is answered, as over a network; root's are not delayed.
    """

    operation: float = 0.0
    resource: float = 0.0
    change_set: float = 0.0
    drift: float = 0.0
    read: float = 0.0


@dataclass
class Settings:
    """Everything that the control endpoint sets.

    held: kinds of work (operation, change_set, drift, rule) that stay in progress while listed.
    until_seen: no state of a stack in progress ends before a DescribeStacks has shown it.
    accounts: the ids that exist (principals of others are refused); empty means: any.
    early_validation: whether a change set fails that would take a name that is taken.
    hooks: what refuses change sets.
    change_page: changes on one page of DescribeChangeSet.
    drift_page: resources on one page of DescribeStackResourceDrifts, at most.
    organization_page: items on one page of a list of Organizations, at most.
    artifact_copier: who brings artifacts into another region's store: "pipeline-role" or "service".
    job_seconds: how long a pipeline waits for the result of a function.
    approval_seconds: how long it waits for an approval without a timeout of its own.
    build_results: what builds leave that a pipeline or StartBuild starts.
    role_check: whether a pipeline is made only if its roles can be assumed.
    pipeline_quota: how many pipelines an account may have in a region.
    time: the time by which deployment windows open.
    """

    latency: Latency = field(default_factory=Latency)
    held: set[str] = field(default_factory=set)
    until_seen: bool = False
    faults: Faults = field(default_factory=Faults)
    resource_faults: ResourceFaults = field(default_factory=ResourceFaults)
    secure_transport: bool = True
    accounts: set[str] = field(default_factory=set)
    early_validation: bool = True
    hooks: tuple[Hook, ...] = ()
    change_page: int = CHANGE_PAGE
    drift_page: int = DRIFT_PAGE
    organization_page: int = ORGANIZATION_PAGE
    artifact_copier: str = ARTIFACT_COPIER
    job_seconds: float = JOB_SECONDS
    approval_seconds: float = APPROVAL_SECONDS
    build_results: tuple[BuildResult, ...] = ()
    role_check: bool = False
    pipeline_quota: int = PIPELINE_QUOTA
    time: str = TIME

    def update(self, changes: dict[str, Any]) -> None:
        """Apply a partial change. Unknown keys raise ValueError, so that no switch is a typo."""
        unknown = set(changes) - {item.name for item in fields(self)}
        if unknown:
            raise ValueError(f"unknown settings: {', '.join(sorted(unknown))}")
        for name, value in changes.items():
            if name == "latency":
                self.latency = Latency(**value)
            elif name == "faults":
                self.faults = Faults.from_data(value)
            elif name == "resource_faults":
                self.resource_faults = ResourceFaults.from_data(value)
            elif name == "hooks":
                self.hooks = tuple(Hook(**item) for item in value)
            elif name == "build_results":
                self.build_results = tuple(BuildResult.from_data(item) for item in value)
            elif name in ("accounts", "held"):
                setattr(self, name, set(value))
            else:
                setattr(self, name, value)

    def takes_time(self, kind: str) -> bool:
        """Whether work of a kind can be seen in progress."""
        return kind in self.held or getattr(self.latency, kind) > 0

    async def wait(self, kind: str, seconds: float) -> None:
        """Take the time that work of a kind takes, and wait while it is held."""
        await asyncio.sleep(seconds)
        while kind in self.held:
            await asyncio.sleep(0.01)

    def reset(self) -> None:
        """Put every switch back; the accounts stay."""
        default = Settings(accounts=self.accounts)
        for item in fields(self):
            setattr(self, item.name, getattr(default, item.name))

    def as_data(self) -> dict[str, Any]:
        """The settings as JSON data."""
        return {
            "latency": asdict(self.latency),
            "held": sorted(self.held),
            "until_seen": self.until_seen,
            "faults": self.faults.as_data(),
            "resource_faults": self.resource_faults.as_data(),
            "secure_transport": self.secure_transport,
            "accounts": sorted(self.accounts),
            "early_validation": self.early_validation,
            "hooks": [asdict(hook) for hook in self.hooks],
            "change_page": self.change_page,
            "drift_page": self.drift_page,
            "organization_page": self.organization_page,
            "artifact_copier": self.artifact_copier,
            "job_seconds": self.job_seconds,
            "approval_seconds": self.approval_seconds,
            "build_results": [result.as_data() for result in self.build_results],
            "role_check": self.role_check,
            "pipeline_quota": self.pipeline_quota,
            "time": self.time,
        }


__all__ = (
    "APPROVAL_SECONDS",
    "ARTIFACT_COPIER",
    "CHANGE_PAGE",
    "DRIFT_PAGE",
    "JOB_SECONDS",
    "PIPELINE_QUOTA",
    "TIME",
    "Latency",
    "Settings",
)
