# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdict on a drift run that was done in parts, from what each part published. Pure.

A part that published nothing is not known by name: what tells is the hosts that nobody looked at.
"""

from __future__ import annotations

import collections
import textwrap
import typing as t

from .._errors import PipelineError
from .document import CLEAN, DRIFTED, INCOMPLETE, KINDS, SCHEMA_VERSION, STATES

Data = dict[str, t.Any]

COLUMNS = 100
_NAMES_SHOWN = 10
_KEYS = ("hosts", "complete", "verdict", "stacks", "findings", "told", "started", "finished")
_TITLES = {
    CLEAN: "as the inventory says",
    DRIFTED: "not as the inventory says",
    INCOMPLETE: "could not be looked at completely",
}


def collect(reports: t.Mapping[str, t.Any], hosts: t.Collection[str]) -> Data:
    """Return one summary made of many.

    :param reports: the summaries of the parts, each under the name that it was published by.
    :param hosts: every host that was to be looked at.
    """
    parts = [_read(name, reports[name]) for name in sorted(reports)]
    missing = sorted(set(hosts).difference(*(part["hosts"] for part in parts)))
    complete = bool(parts and hosts) and not missing and all(part["complete"] for part in parts)
    drifted = any(part["verdict"] == DRIFTED for part in parts)
    told = _without_repetition(line for part in parts for line in part["told"])
    return {
        "schema_version": SCHEMA_VERSION,
        "organisation": next((part["organisation"] for part in parts if part["organisation"]), ""),
        "started": min((part["started"] for part in parts), default=""),
        "finished": max((part["finished"] for part in parts), default=""),
        "complete": complete,
        "verdict": DRIFTED if drifted else CLEAN if complete else INCOMPLETE,
        "hosts": sorted({host for part in parts for host in part["hosts"]}),
        "missing": missing,
        "reports": len(parts),
        "stacks": _sum((part["stacks"] for part in parts), STATES),
        "findings": _sum((part["findings"] for part in parts), KINDS),
        "ignored": sum(part["ignored"] for part in parts),
        "unchecked": sum(part["unchecked"] for part in parts),
        "told": told,
        "not_told": sum(part["not_told"] for part in parts),
    }


def failure(summary: Data, *, drift: bool = True) -> str:
    """Return why the job must fail; empty when it need not.

    :param drift: whether findings are a reason; what nobody could look at always is.
    """
    reasons = []
    if summary["verdict"] == DRIFTED and drift:
        reasons.append(f"not as the inventory says: {_counted(summary['findings'])}")
    if not summary["reports"]:
        reasons.append("no part of the run published a report")
    if summary["missing"] and summary["reports"]:
        reasons.append(f"nobody looked at {_names(summary['missing'])}")
    errors = summary["stacks"].get("error", 0)
    if errors:
        reasons.append(f"could not look at {errors} stack{'s'[: errors != 1]}")
    if not reasons and not summary["complete"]:
        reasons.append("the inventory has no hosts that were to be looked at")
    return "; ".join(reasons)


def as_markdown(summary: Data) -> str:
    """Return the summary for the terminal."""
    name = summary["organisation"] or "the organisation"
    parts, hosts = summary["reports"], len(summary["hosts"])
    lines = [f"# Drift: {name} {_TITLES[summary['verdict']]}", ""]
    lines.append(f"- {parts} report{'s'[: parts != 1]} on {hosts} host{'s'[: hosts != 1]}")
    if summary["missing"]:
        lines.append(f"- nobody looked at: {_names(summary['missing'], all_of_them=True)}")
    if summary["stacks"]:
        lines.append(f"- stacks: {_counted(summary['stacks'])}")
    if summary["findings"]:
        lines.append(f"- findings: {_counted(summary['findings'])}")
    if summary["ignored"]:
        lines.append(f"- ignored findings: {summary['ignored']}")
    if summary["unchecked"]:
        lines.append(f"- resources that nobody could look at: {summary['unchecked']}")
    if summary["told"]:
        lines += ["", "## Told", "", *(f"- {line}" for line in summary["told"])]
    if summary["not_told"]:
        lines.append(f"- and {summary['not_told']} more, in the reports of the parts")
    wrapped = [part for line in lines for part in _wrapped(line)]
    return "\n".join([*wrapped, ""])


def _read(name: str, report: t.Any) -> Data:
    """Return a part's summary if it is one."""
    if not isinstance(report, dict) or "schema_version" not in report:
        raise PipelineError(
            f"{name} is not the summary of a drift run",
            cure="Names of the form drift_report_<number> are kept for those: rename the variable",
        )
    version = report["schema_version"]
    if version != SCHEMA_VERSION:
        raise PipelineError(
            f"{name} has the schema version {version}, and this is {SCHEMA_VERSION}",
            cure="Let all templates use the same version of the collection",
        )
    absent = sorted(set(_KEYS) - set(report))
    if absent:
        raise PipelineError(f"{name} has no {', '.join(absent)}")
    return {"organisation": "", "ignored": 0, "unchecked": 0, "not_told": 0, **report}


def _sum(parts: t.Iterable[t.Mapping[str, int]], order: t.Sequence[str]) -> dict[str, int]:
    total: collections.Counter[str] = collections.Counter()
    for part in parts:
        total.update(part)
    return {key: total[key] for key in order if total[key]}


def _without_repetition(lines: t.Iterable[str]) -> list[str]:
    return sorted(set(lines))


def _counted(numbers: t.Mapping[str, int]) -> str:
    return ", ".join(f"{number} {what}" for what, number in numbers.items())


def _names(names: t.Sequence[str], *, all_of_them: bool = False) -> str:
    shown = names if all_of_them else names[:_NAMES_SHOWN]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def _wrapped(line: str) -> list[str]:
    if not line.startswith("- "):
        return [line]
    return textwrap.wrap(line, COLUMNS, subsequent_indent="  ", break_on_hyphens=False)


__all__ = ("as_markdown", "collect", "failure")
