# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drift report as one document: every stack and finding. Pure.

Its schema is docs/drift-report.schema.json. Every other form is made from it alone.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import typing as t

from .._access.version import OutdatedRole
from .._drift.finding import KINDS, check_failed, sort_key, unique_findings
from .._drift.ignore import Ignore, apply_ignores
from .._organisation.model import Organisation
from .rows import Observed, StackRow, orphans, stack_rows
from .severity import DANGER, DRIFT, Severity, severity

SCHEMA_VERSION = "1.2"
CLEAN, DRIFTED, INCOMPLETE = "clean", "drifted", "incomplete"

SEVERITIES: tuple[Severity, ...] = (DANGER, DRIFT)
# The states of a stack, the worst first.
STATES = (
    "error",
    "missing",
    "stuck",
    "drifted",
    "outdated",
    "quarantined",
    "ignored",
    "clean",
)
_STATE_OF = {"policy": "drifted"}

Data = dict[str, t.Any]


def document(
    organisation: Organisation,
    observed: Observed,
    *,
    name: str,
    play_hosts: t.Collection[str],
    ignores: t.Sequence[Ignore] = (),
    started: datetime.datetime,
    finished: datetime.datetime,
    outdated_roles: t.Sequence[OutdatedRole] = (),
) -> Data:
    """Return the report.

    :param name: the name of the organisation; may be empty.
    :param play_hosts: the hosts of the run; others are not in the report.
    :param outdated_roles: stacks of access.yml of an earlier version, which are no drift.
    """
    rows = stack_rows(organisation, observed, play_hosts)
    found = [finding for row in rows for finding in row.findings]
    found += orphans(organisation, observed)
    findings, unchecked, expired = apply_ignores(
        unique_findings(found),
        sorted((entry for row in rows for entry in row.unchecked), key=sort_key),
        ignores,
        today=finished.date(),
    )
    findings = [{**finding, "severity": severity(finding)} for finding in findings]
    hosts = [_host(row, findings, unchecked) for row in rows]
    complete = not any(host["state"] == "error" for host in hosts)
    verdict = CLEAN if complete else INCOMPLETE
    return {
        "schema_version": SCHEMA_VERSION,
        "organisation": name,
        "started": _moment(started),
        "finished": _moment(finished),
        "seconds": round((finished - started).total_seconds(), 1),
        "complete": complete,
        "verdict": DRIFTED if any(finding["ignored"] is None for finding in findings) else verdict,
        "hosts": hosts,
        "findings": findings,
        "unchecked": unchecked,
        "ignored_expired": expired,
        "not_reverted": dict(observed.reverts),
        "outdated_roles": list(outdated_roles),
    }


def not_ignored(report: Data) -> list[Data]:
    """Return the findings that are not ignored."""
    return [finding for finding in report["findings"] if finding["ignored"] is None]


def states(report: Data) -> dict[str, int]:
    """Return how many stacks are in each state, the worst first."""
    numbers = collections.Counter(host["state"] for host in report["hosts"])
    return {state: numbers[state] for state in STATES if numbers[state]}


def kinds(report: Data) -> dict[str, int]:
    """Return how many findings of each kind are not ignored."""
    numbers = collections.Counter(finding["kind"] for finding in not_ignored(report))
    return {kind: numbers[kind] for kind in KINDS if numbers[kind]}


def severities(report: Data) -> dict[str, int]:
    """Return how many findings of each severity are not ignored."""
    numbers = collections.Counter(finding["severity"] for finding in not_ignored(report))
    return {each: numbers[each] for each in SEVERITIES if numbers[each]}


def _host(row: StackRow, findings: t.Sequence[Data], unchecked: t.Sequence[Data]) -> Data:
    host, place = row.host, dataclasses.asdict(row.place)

    def is_here(entry: Data) -> bool:
        return all(entry[key] == place[key] for key in place)

    error = row.error or _unreadable(
        [entry for entry in unchecked if is_here(entry) and check_failed(entry)]
    )
    state = _state(error, [finding for finding in findings if is_here(finding)])
    return {
        "name": host.name,
        "group": host.group,
        "account_id": host.account_id,
        "region": host.region,
        "regions": sorted(host.regions or (host.region,)),
        "stack": host.stack_name,
        "state": "quarantined" if host.is_quarantined else state,
        "error": error,
    }


def _unreadable(unchecked: t.Sequence[Data]) -> str | None:
    """Return the resources that should have been checked and could not be."""
    if not unchecked:
        return None
    names = sorted({entry["resource"] or "the stack" for entry in unchecked})
    return f"could not check {', '.join(names)}: {unchecked[0]['why']}"


def _state(error: str | None, findings: t.Iterable[Data]) -> str:
    if error:
        return "error"
    found = {
        "ignored" if finding["ignored"] else _STATE_OF.get(finding["kind"], finding["kind"])
        for finding in findings
    }
    return next((state for state in STATES if state in found), CLEAN)


def _moment(value: datetime.datetime) -> str:
    return value.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


__all__ = (
    "CLEAN",
    "DRIFTED",
    "INCOMPLETE",
    "SCHEMA_VERSION",
    "SEVERITIES",
    "STATES",
    "document",
    "kinds",
    "not_ignored",
    "severities",
    "states",
)
