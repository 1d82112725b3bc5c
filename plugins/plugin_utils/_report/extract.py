# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Extracts of the report: who fails, what to remediate, a summary. Pure."""

from __future__ import annotations

import typing as t

from .._drift.finding import needs_person
from .document import kinds, not_ignored, severities, states

_MESSAGES = 40  # the summary stays in AWX's database

Data = dict[str, t.Any]


def failures(report: Data, *, drift: bool = True, orphans: bool = True) -> dict[str, str]:
    """Return why each failed host fails: its findings and errors.

    An orphaned stack has no host: it fails one of its account and region, else of its account,
    else the primary or the first.

    :param drift: whether findings are a reason; errors always are.
    :param orphans: whether orphaned stacks are a reason too.
    """
    lines: dict[str, list[str]] = {}
    for host in report["hosts"]:
        if host["error"]:
            lines.setdefault(host["name"], []).append(f"{host['stack']}: {host['error']}")
    for finding in not_ignored(report) if drift else ():
        name = finding["host"] or (_nearest(report, finding) if orphans else "")
        if name:
            lines.setdefault(name, []).append(f"{finding['kind']}: {finding['message']}")
    return {name: "\n".join(reasons) for name, reasons in lines.items()}


def drifted(report: Data) -> dict[str, list[str]]:
    """Return the stacks in which something was changed outside CloudFormation, by host."""
    stacks: dict[str, set[str]] = {}
    for finding in not_ignored(report):
        if finding["kind"] in ("drifted", "policy"):
            stacks.setdefault(finding["host"], set()).add(finding["stack"])
    return {host: sorted(names) for host, names in sorted(stacks.items())}


def remediable(report: Data) -> list[str]:
    """Return the hosts with findings that a remediation fixes."""
    return sorted({finding["host"] for finding in not_ignored(report) if not needs_person(finding)})


def messages(report: Data) -> list[str]:
    """Return a line for each finding, dangerous first, then each error."""
    found = sorted(not_ignored(report), key=lambda finding: bool(finding["severity"] != "danger"))
    lines = [
        f"{label(finding)} {finding['host'] or 'no host'} {finding['stack']}"
        f" ({finding['account_id']} {finding['region']}): {finding['message']}"
        for finding in found
    ]
    return lines + [
        f"error {host['name']} {host['stack']} ({host['account_id']} {host['region']}):"
        f" {host['error']}"
        for host in report["hosts"]
        if host["error"]
    ]


def label(finding: Data) -> str:
    """Return the word for a finding's severity: ``DANGER`` stands out."""
    return "DANGER" if finding["severity"] == "danger" else "drift"


def affected(report: Data) -> list[str]:
    """Return the hosts with findings or errors."""
    found = {finding["host"] for finding in not_ignored(report)}
    found |= {host["name"] for host in report["hosts"] if host["error"]}
    return sorted(found - {"", None})


def summary(report: Data, *, link: str = "") -> Data:
    """Return the report in short, for AWX to store and for notifications.

    :param link: where the page is; empty if it is nowhere.
    """
    keys = (
        "schema_version",
        "organisation",
        "started",
        "finished",
        "seconds",
        "complete",
        "verdict",
    )
    lines = messages(report)
    return {
        **{key: report[key] for key in keys},
        "hosts": sorted({host["name"] for host in report["hosts"]}),
        "affected": affected(report),
        "stacks": states(report),
        "findings": kinds(report),
        "severities": severities(report),
        "ignored": len(report["findings"]) - len(not_ignored(report)),
        "unchecked": len(report["unchecked"]),
        "messages": lines[:_MESSAGES],
        "more_messages": max(0, len(lines) - _MESSAGES),
        "links": [link] if link else [],
    }


def _nearest(report: Data, orphan: Data) -> str:
    """Return the host that stands for the place of an orphaned stack."""

    def distance(host: Data) -> tuple[bool, bool, bool, str]:
        is_there = host["account_id"] == orphan["account_id"]
        return (
            not is_there,
            not (is_there and host["region"] == orphan["region"]),
            host["group"] != "primary",
            host["name"],
        )

    return min(report["hosts"], key=distance, default={"name": ""})["name"]


__all__ = ("affected", "drifted", "failures", "label", "messages", "remediable", "summary")
