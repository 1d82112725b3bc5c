# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a drift run observed about each stack of the inventory. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .._drift.finding import Place, missing, outdated, should_be_absent
from .._organisation.model import GROUPS, Host, Organisation

Data = dict[str, t.Any]

_NOT_CHECKED = "an earlier failure ended the run before it was checked"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Observed:
    """What a run observed.

    :param stacks: what stack_drift_info found, one entry for each target.
    :param comparisons: each host's stack compared with the desired one: ``operation``,
        ``differences`` and, where that failed, ``error`` or ``reason``.
    :param failures: hosts that could not be reached or compared, each with the reason.
    :param orphans: the stacks with our tag that were no targets, as findings.
    :param reverts: hosts whose stacks a remediation could not revert, each with the reason.
    """

    stacks: t.Sequence[Data]
    comparisons: t.Mapping[str, t.Mapping[str, t.Any]]
    failures: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    orphans: t.Sequence[Data] = ()
    reverts: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class StackRow:
    """One stack of the inventory.

    :param error: why it could not be checked completely.
    """

    host: Host
    error: str | None = None
    findings: tuple[Data, ...] = ()
    unchecked: tuple[Data, ...] = ()

    @property
    def place(self) -> Place:
        """Where its findings belong."""
        return _place(self.host)


def stack_rows(
    organisation: Organisation, observed: Observed, play_hosts: t.Collection[str]
) -> list[StackRow]:
    """Return a row for each host, in the order of the phases."""
    drifts = {
        (stack["account_id"], stack["region"], stack["stack_name"]): stack
        for stack in observed.stacks
    }
    return [
        _row(host, observed, drifts.get((host.account_id, host.region, host.stack_name)))
        for group in GROUPS
        for host in organisation.of(group)
        if host.name in play_hosts
    ]


def orphans(organisation: Organisation, observed: Observed) -> list[Data]:
    """Return the orphaned stacks; a slice misses the build account's."""
    known = {
        (host.account_id, host.region, host.stack_name)
        for host in [organisation.primary, *organisation.hosts.values()]
    }
    return [
        finding
        for finding in observed.orphans
        if (finding["account_id"], finding["region"], finding["stack"]) not in known
        and not (organisation.is_slice and finding["account_id"] == organisation.build_account_id)
    ]


def _place(host: Host) -> Place:
    return Place(
        host=host.name, account_id=host.account_id, region=host.region, stack=host.stack_name
    )


def _row(host: Host, observed: Observed, drift: Data | None) -> StackRow:
    """Return what was observed about one stack.

    :param drift: what stack_drift_info found; None where it did not run.
    """
    if host.is_quarantined:
        return StackRow(host=host)
    comparison = observed.comparisons.get(host.name) or {}
    found = drift or {}
    error = found.get("error") or observed.failures.get(host.name)
    error = error or comparison.get("error") or comparison.get("reason")
    if host.is_absent:
        status = found.get("status") if found.get("exists") else None
        left = (should_be_absent(_place(host), status),) if status else ()
        return StackRow(host=host, error=error or _not_observed(drift), findings=left)
    operation = comparison.get("operation", "unknown")
    findings = list(found.get("findings", ()))
    # A stack that is missing or stuck cannot be compared: the run did not fail because of that.
    whole = bool({finding["kind"] for finding in findings} & {"missing", "stuck"})
    if operation == "create" and not whole:
        findings = [missing(_place(host))]
    elif operation != "unknown" and not whole:
        findings += outdated(_place(host), comparison.get("differences", ()))
    if whole:
        error = None
    elif not error and operation == "unknown":
        error = _NOT_CHECKED
    return StackRow(
        host=host,
        error=error or _not_observed(drift),
        findings=tuple(findings),
        unchecked=tuple(found.get("unchecked", ())),
    )


def _not_observed(drift: Data | None) -> str | None:
    return _NOT_CHECKED if drift is None else None


__all__ = ("Observed", "StackRow", "orphans", "stack_rows")
