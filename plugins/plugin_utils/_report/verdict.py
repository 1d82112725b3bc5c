# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdict on a drift run done in parts. Pure.

Each part publishes its summary as one JSON text: AWX hands structures on in a form in which
ansible-core reads versions as numbers and times as dates. A part that published nothing is unknown,
but its hosts are missing.
"""

from __future__ import annotations

import collections
import json
import typing as t

from .._drift.finding import KINDS
from .._errors import PipelineError
from .document import CLEAN, DRIFTED, INCOMPLETE, SCHEMA_VERSION, SEVERITIES, STATES
from .lines import count, counts, names

Data = dict[str, t.Any]

_NAMES_SHOWN = 10
_KEYS = (
    "hosts",
    "complete",
    "verdict",
    "stacks",
    "findings",
    "severities",
    "messages",
    "started",
    "finished",
)


def collect(reports: t.Mapping[str, t.Any], hosts: t.Collection[str]) -> Data:
    """Return the summaries of all parts as one.

    :param reports: the summaries of the parts as JSON, each by the name it was published under.
    :param hosts: every host that should have been checked.
    """
    parts = [_read(name, reports[name]) for name in sorted(reports)]
    missing = sorted(set(hosts).difference(*(part["hosts"] for part in parts)))
    complete = bool(parts and hosts) and not missing and all(part["complete"] for part in parts)
    drifted = any(part["verdict"] == DRIFTED for part in parts)
    findings = _sum((part["findings"] for part in parts), KINDS)
    messages = sorted({line for part in parts for line in part["messages"]}, key=_order)
    return {
        "schema_version": SCHEMA_VERSION,
        "organisation": next((part["organisation"] for part in parts if part["organisation"]), ""),
        "started": min((part["started"] for part in parts), default=""),
        "finished": max((part["finished"] for part in parts), default=""),
        "complete": complete,
        "verdict": DRIFTED if drifted else CLEAN if complete else INCOMPLETE,
        "hosts": sorted({host for part in parts for host in part["hosts"]}),
        "affected": sorted({host for part in parts for host in part["affected"]}),
        "missing": missing,
        # Nobody is asked to fix what was not checked, or what only a person can fix.
        "remediable": complete and any(kind != "orphaned" for kind in findings),
        "reports": len(parts),
        "stacks": _sum((part["stacks"] for part in parts), STATES),
        "findings": findings,
        "severities": _sum((part["severities"] for part in parts), SEVERITIES),
        "ignored": sum(part["ignored"] for part in parts),
        "unchecked": sum(part["unchecked"] for part in parts),
        "messages": messages,
        "more_messages": sum(part["more_messages"] for part in parts),
        "links": [link for part in parts for link in part["links"]],
    }


def failure(summary: Data, *, drift: bool = True) -> str:
    """Return why the job must fail; empty when it need not.

    :param drift: whether findings are a reason; what could not be checked always is.
    """
    reasons = []
    if summary["verdict"] == DRIFTED and drift:
        reasons.append(f"findings: {counts(summary['findings'])}")
    if not summary["reports"]:
        reasons.append("no part of the run published a report")
    if summary["missing"] and summary["reports"]:
        reasons.append(f"not checked by any part: {names(summary['missing'], shown=_NAMES_SHOWN)}")
    errors = summary["stacks"].get("error", 0)
    if errors:
        reasons.append(f"{count(errors, 'stack')} could not be checked")
    if not reasons and not summary["complete"]:
        reasons.append("the inventory has no hosts to check")
    return "; ".join(reasons)


def _read(name: str, published: t.Any) -> Data:
    """Return the summary of a part. Raises PipelineError if it is something else."""
    try:
        report = json.loads(published)
    except (TypeError, ValueError):
        report = None
    if not isinstance(report, dict) or "schema_version" not in report:
        raise PipelineError(
            f"{name} is not the summary of a drift run",
            cure="Names of the form drift_report_<number> are reserved for it: rename the variable",
        )
    version = report["schema_version"]
    if version != SCHEMA_VERSION:
        raise PipelineError(
            f"{name} has the schema version {version}, this collection {SCHEMA_VERSION}",
            cure="Use the same version of the collection in all job templates",
        )
    absent = sorted(set(_KEYS) - set(report))
    if absent:
        raise PipelineError(f"{name} has no {', '.join(absent)}")
    added: Data = {"organisation": "", "ignored": 0, "unchecked": 0, "more_messages": 0}
    return {**added, "affected": [], "links": [], **report}


def _sum(parts: t.Iterable[t.Mapping[str, int]], order: t.Sequence[str]) -> dict[str, int]:
    total: collections.Counter[str] = collections.Counter()
    for part in parts:
        total.update(part)
    return {key: total[key] for key in order if total[key]}


def _order(message: str) -> tuple[int, str]:
    """Return the sort key of a message: the dangerous first, errors last."""
    word = message.partition(" ")[0]
    return ({"DANGER": 0, "error": 2}.get(word, 1), message)


__all__ = ("collect", "failure")
