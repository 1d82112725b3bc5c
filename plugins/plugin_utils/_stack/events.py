# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the events of a stack's operation say. Pure; events are newest first."""

from __future__ import annotations

import dataclasses
import typing as t

from .status import OPERATION_STARTS

_CANCELLED = "cancelled"
_HOOK_FAILURES = ("HOOK_COMPLETE_FAILED", "HOOK_FAILED")

Event = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Failed:
    """A resource that failed, and why.

    :param hooks: the Hooks that refused it, as events.
    """

    logical_id: str
    resource_type: str
    status: str
    reason: str
    hooks: tuple[Event, ...] = ()

    def __str__(self) -> str:
        return f"{self.resource} {self.status}: {self.reason}"

    @property
    def resource(self) -> str:
        """Its logical id and type."""
        return f"{self.logical_id} ({self.resource_type})"


def first_failure(events: t.Sequence[Event]) -> Failed | None:
    """Return the first failure, or None.

    A cancelled resource is a consequence, not a cause.
    """
    for event in reversed(events):
        if _has_failed(event):
            return _failed(event, events)
    return None


def not_rolled_back(events: t.Sequence[Event]) -> tuple[Failed, ...]:
    """Return the resources whose rollback failed, by what became of each last."""
    newest: dict[str, Event] = {}
    since_rollback: dict[str, Event] = {}
    for event in events:
        if not is_stack(event):
            newest.setdefault(event["LogicalResourceId"], event)
        elif event["ResourceStatus"].endswith("ROLLBACK_IN_PROGRESS"):
            since_rollback = dict(newest)
        elif event["ResourceStatus"] in OPERATION_STARTS:
            break
    failed = (event for event in since_rollback.values() if _has_failed(event))
    return tuple(_failed(event, events) for event in failed)


def in_progress(events: t.Iterable[Event]) -> str | None:
    """Return the latest resource in progress."""
    seen = set()
    for event in events:
        logical_id = event["LogicalResourceId"]
        newest = logical_id not in seen
        seen.add(logical_id)
        if newest and not is_stack(event) and event["ResourceStatus"].endswith("_IN_PROGRESS"):
            return f"{logical_id} ({event['ResourceType']})"
    return None


def is_stack(event: Event) -> bool:
    """Return whether the event is that of the stack itself."""
    return bool(event.get("PhysicalResourceId") == event["StackId"])


def failed_validation(events: t.Iterable[Event]) -> bool:
    """Return whether early validation ended the operation before it made anything."""
    return any(event.get("DetailedStatus") == "VALIDATION_FAILED" for event in events)


def _has_failed(event: Event) -> bool:
    reason = str(event.get("ResourceStatusReason", ""))
    return event["ResourceStatus"].endswith("_FAILED") and _CANCELLED not in reason.lower()


def _failed(event: Event, events: t.Iterable[Event]) -> Failed:
    logical_id = event["LogicalResourceId"]
    return Failed(
        logical_id=logical_id,
        resource_type=event["ResourceType"],
        status=event["ResourceStatus"],
        reason=event.get("ResourceStatusReason") or "no reason given",
        hooks=tuple(
            other
            for other in events
            if other["LogicalResourceId"] == logical_id
            and other.get("HookStatus") in _HOOK_FAILURES
            and other.get("HookFailureMode") != "WARN"
        ),
    )


__all__ = (
    "Event",
    "Failed",
    "failed_validation",
    "first_failure",
    "in_progress",
    "is_stack",
    "not_rolled_back",
)
