# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run did by host, and which hosts must fail. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .._organisation.model import DEPLOY_ACCOUNTS, GROUPS, PRIMARY, REGIONAL, Host, Organisation
from .._stack.granted import grantees
from .members import NewMember
from .plan import HostResult, Plan

# How a row counts, whatever its result is.
Outcome = t.Literal["ok", "changed", "failed", "skipped"]

DONE = {
    "none": "unchanged",
    "create": "created",
    "update": "updated",
    "delete": "removed",
    "repair": "repaired",
}
TO_DO = {
    "none": "unchanged",
    "create": "to create",
    "update": "to update",
    "delete": "to remove",
    "repair": "to repair",
}
UNCHANGED, ABSENT, QUARANTINED = "unchanged", "absent", "quarantined"
FAILED, NOT_REACHED, POSTPONED, INCOMPLETE = "FAILED", "NOT REACHED", "POSTPONED", "INCOMPLETE"

# Outputs of a new primary stack that people need next, and what each is.
_NEXT = {"ApprovalTopicArn": "approval topic", "BuildBucketName": "build bucket"}

Data = t.Mapping[str, t.Any]
_NOTHING: Data = {}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Preview:
    """What check mode found that would change in one stack.

    :param operation: ``create``, ``update``, ``delete`` or ``repair``.
    :param changes: the entries of the change set.
    :param differences: what differs in template, parameters, tags and direct settings.
    :param policies: what policies would allow and no longer allow, from ``policy_changes``.
    """

    operation: str
    changes: tuple[Data, ...] = ()
    differences: tuple[Data, ...] = ()
    policies: tuple[Data, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One host's line of the summary.

    :param failure: why the host must end as failed; None where it need not.
    :param problem: the kind of failure: FAILED, NOT REACHED, POSTPONED or INCOMPLETE.
    :param retained: keys and buckets without a stack, as the stack action returns them.
    :param granted: whom the policies of retained data still admit.
    :param outputs: outputs of a new stack that people need next, by meaning.
    :param preview: what would change; in check mode only.
    :param new_members: what a pipeline would newly deploy to; in check mode only.
    """

    host: Host
    result: str
    outcome: Outcome
    failure: str | None = None
    problem: str = ""
    retained: tuple[Data, ...] = ()
    granted: tuple[str, ...] = ()
    outputs: Data = dataclasses.field(default_factory=dict)
    preview: Preview | None = None
    new_members: tuple[NewMember, ...] = ()


class Progress(t.Protocol):
    """What the summary reads of a run: a ``Run`` at its end."""

    @property
    def organisation(self) -> Organisation:
        """The organisation."""

    @property
    def plan(self) -> Plan:
        """The plan."""

    @property
    def results(self) -> t.Mapping[str, HostResult]:
        """What the roles registered, by host that took part."""

    def failure(self, name: str) -> str | None:
        """Return why a host failed."""

    def postponed(self, name: str) -> str | None:
        """Return why the stack of an absent host must stay for now."""

    def not_reached(self, name: str) -> str | None:
        """Return why nothing can be done for a host in this run."""

    def unregistered(self, name: str) -> str | None:
        """Return which regions of a host the register does not hold yet."""

    def undeployable(self, name: str) -> str | None:
        """Return which accounts of a new or changed pipeline failed."""

    def unfinished(self, name: str) -> str | None:
        """Return why a host is not as desired although nothing stopped it."""


def summarise(run: Progress, *, check_mode: bool = False) -> list[Row]:
    """Return a row for each host, in the order of the phases."""
    words = TO_DO if check_mode else DONE
    rows = []
    for group in GROUPS:
        for host in run.organisation.of(group):
            if host.name in run.plan["hosts"]:
                row = _row(run, host, words)
                preview = _preview(run, host.name) if check_mode and not row.problem else None
                members = run.plan["new_members"].get(host.name, ()) if check_mode else ()
                rows.append(dataclasses.replace(row, preview=preview, new_members=tuple(members)))
    return rows


def failures(rows: t.Iterable[Row]) -> dict[str, str]:
    """Return the reason of each host that must end as failed."""
    return {row.host.name: row.failure for row in rows if row.failure}


def describe_hosts(hosts: t.Iterable[Host]) -> str:
    """Return *hosts* in numbers: ``6 regions, primary, 60 accounts``."""
    nouns = {REGIONAL: "region", PRIMARY: "primary", DEPLOY_ACCOUNTS: "account"}
    numbers: dict[str, int] = {}
    for _name, group in dict.fromkeys((host.name, host.group) for host in hosts):
        numbers[group] = numbers.get(group, 0) + 1
    parts = []
    for group in GROUPS:
        number, noun = numbers.get(group, 0), nouns.get(group, "pipeline")
        if number:
            parts.append(noun if group == PRIMARY else f"{number} {noun}{'s'[: number != 1]}")
    return ", ".join(parts)


def _row(run: Progress, host: Host, words: t.Mapping[str, str]) -> Row:
    name = host.name
    if host.is_quarantined:
        return Row(host=host, result=QUARANTINED, outcome="skipped")
    failure = run.failure(name)
    if failure:
        return _failed(host, FAILED, failure)
    postponed = run.postponed(name)
    if postponed:
        return _failed(host, POSTPONED, postponed)
    not_reached = run.not_reached(name)
    unfinished = not_reached or run.unfinished(name)
    if unfinished:
        return _failed(host, POSTPONED if host.is_absent else NOT_REACHED, unfinished)
    result: Data = run.results.get(name) or _NOTHING
    operation = str(result.get("operation", "none"))
    if host.is_absent:
        return _absent(host, operation, result, words)
    unregistered = run.unregistered(name) if host.group == DEPLOY_ACCOUNTS else None
    incomplete = unregistered or run.undeployable(name)
    if incomplete:
        row = _failed(host, INCOMPLETE, incomplete)
        return dataclasses.replace(row, result=f"{words[operation]}, incomplete")
    return Row(
        host=host,
        result=words[operation],
        outcome=_outcome(operation),
        retained=tuple(result.get("retained") or ()),
        outputs=_next(host, operation, result) if words is DONE else {},
    )


def _failed(host: Host, problem: str, reason: str) -> Row:
    return Row(host=host, result=problem, outcome="failed", failure=reason, problem=problem)


def _absent(host: Host, operation: str, result: Data, words: t.Mapping[str, str]) -> Row:
    parameters = (result.get("stack") or _NOTHING).get("parameters") or _NOTHING
    granted = grantees(parameters) if operation == "delete" else []
    return Row(
        host=host,
        result=ABSENT if operation == "none" else words[operation],
        outcome=_outcome(operation),
        retained=tuple(result.get("retained") or ()),
        granted=tuple(granted),
    )


def _outcome(operation: str) -> Outcome:
    return "ok" if operation == "none" else "changed"


def _next(host: Host, operation: str, result: Data) -> dict[str, str]:
    if host.group != PRIMARY or operation != "create":
        return {}
    outputs = (result.get("stack") or _NOTHING).get("outputs") or _NOTHING
    return {what: str(outputs[name]) for name, what in _NEXT.items() if outputs.get(name)}


def _preview(run: Progress, name: str) -> Preview | None:
    result: Data = run.results.get(name) or _NOTHING
    if result.get("operation", "none") == "none":
        return None
    state: Data = run.plan["stacks"].get(name) or _NOTHING
    return Preview(
        operation=str(result["operation"]),
        changes=tuple(result.get("changes") or ()),
        differences=tuple(result.get("differences") or state.get("differences") or ()),
        policies=tuple(result.get("policies") or ()),
    )


__all__ = (
    "ABSENT",
    "DONE",
    "FAILED",
    "INCOMPLETE",
    "NOT_REACHED",
    "POSTPONED",
    "QUARANTINED",
    "TO_DO",
    "UNCHANGED",
    "Outcome",
    "Preview",
    "Progress",
    "Row",
    "describe_hosts",
    "failures",
    "summarise",
)
