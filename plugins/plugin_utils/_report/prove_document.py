# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a canary run as one document: every path, and each cause once. Pure.

Its schema is docs/prove-report.schema.json. Every other form is made from it alone.
"""

from __future__ import annotations

import collections
import datetime
import re
import typing as t

from .._prove.catalogue import KINDS
from .._prove.model import LEFT_OUT, REACHED, REFUSED, STATUSES, UNKNOWN, Cause, Proof

SCHEMA_VERSION = "1.0"
PROVEN, INCOMPLETE = "proven", "incomplete"

# The order of everything that is shown: what needs somebody first.
WORST_FIRST = (REFUSED, UNKNOWN, LEFT_OUT, REACHED)

_LIMIT = re.compile(r" --limit (?P<hosts>[\w.,-]+)")
_LIMITED = 10  # hosts that a command names; more are all
# What differs between paths that one cause stops.
_MASKS = (
    re.compile(r"\barn:[^\s,;'\"()]+"),
    re.compile(r"'[^']*'|\"[^\"]*\""),
    re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"),
    re.compile(r"(?i)\b(?:request|host) ?id: ?[^\s,;()]+"),
    re.compile(r"\b[0-9]{12}\b"),
    re.compile(r"\b[a-z]{2}(?:-[a-z]+){1,2}-[0-9]\b"),
    re.compile(r"\b[\w.-]+-[0-9a-z]{12,}\b"),  # names that CloudFormation made up
)

Data = dict[str, t.Any]


def prove_document(proof: Proof, *, name: str = "") -> Data:
    """Return the report.

    :param name: the name of the organisation; may be empty.
    """
    causes, of_path = _causes(proof)
    counts = collections.Counter(path["status"] for path in proof["paths"])
    verdict = PROVEN
    if counts[REFUSED]:
        verdict = REFUSED
    elif counts[UNKNOWN] or not counts[REACHED]:
        verdict = INCOMPLETE
    started, ended = (_moment(proof[key]) for key in ("started", "ended"))
    return {
        "schema_version": SCHEMA_VERSION,
        "run": proof["run"],
        "organisation": name,
        "build_account_id": proof["organisation"],
        "started": _text(started),
        "finished": _text(ended),
        "seconds": round((ended - started).total_seconds(), 1),
        "pipelines": proof["pipelines"],
        "verdict": verdict,
        "counts": {status: counts[status] for status in STATUSES},
        "paths": [
            {
                "host": path["host"],
                "account_id": path["account_id"],
                "region": path["region"],
                "status": path["status"],
                "cause": cause,
            }
            for path, cause in zip(proof["paths"], of_path, strict=True)
        ],
        "causes": causes,
        "notes": _notes(proof["notes"]),
    }


def _causes(proof: Proof) -> tuple[list[Data], list[int | None]]:
    """Return each cause once, the worst first, and which of them each path has."""
    groups: dict[tuple[t.Any, ...], list[int]] = {}
    hosts = {path["host"] for path in proof["paths"]}
    for number, path in enumerate(proof["paths"]):
        cause = path["cause"]
        if cause is not None:
            key = (path["status"], *_key(cause, hosts))
            groups.setdefault(key, []).append(number)
    order = sorted(groups, key=lambda key: (WORST_FIRST.index(key[0]), -len(groups[key])))
    of_path: list[int | None] = [None] * len(proof["paths"])
    causes = []
    for position, key in enumerate(order):
        found = [proof["paths"][number] for number in groups[key]]
        for number in groups[key]:
            of_path[number] = position
        members = [t.cast("Cause", path["cause"]) for path in found]
        causes.append({"status": key[0], **_merged(members), "paths": len(found)})
    return causes, of_path


def _key(cause: Cause, hosts: t.Collection[str] = ()) -> tuple[t.Any, ...]:
    """Return what paths that one cause stops have in common."""
    message = cause["message"]
    for mask in _MASKS:
        message = mask.sub("*", message)
    words = re.split(r"(?<![\w.-])([\w.-]+)", message)
    message = "".join("*" if word in hosts else word for word in words)
    return (cause["kind"], cause["stage"], cause["permission"], message)


def _merged(causes: t.Sequence[Cause]) -> Data:
    """Return one cause for many: the message of the first, one command for all."""
    first = causes[0]

    def same(field: t.Literal["principal", "resource"]) -> str | None:
        values = {cause[field] for cause in causes}
        return values.pop() if len(values) == 1 else None

    return {
        "kind": first["kind"],
        "meaning": KINDS[first["kind"]].meaning if first["kind"] in KINDS else "",
        "stage": first["stage"],
        "principal": same("principal"),
        "permission": first["permission"],
        "resource": same("resource"),
        "message": first["message"],
        "cure": _cure([cause["cure"] for cause in causes]),
    }


def _cure(cures: t.Sequence[str]) -> str:
    """Return the first cure, its command limited to the hosts of all of them."""
    limits = [match["hosts"] for cure in cures if (match := _LIMIT.search(cure))]
    hosts = list(dict.fromkeys(limits))
    if len(hosts) < 2:
        return cures[0]
    limit = f" --limit {','.join(hosts)}" if len(hosts) <= _LIMITED else ""
    return _LIMIT.sub(limit, cures[0], count=1)


def _notes(notes: t.Sequence[Cause]) -> list[Data]:
    groups: dict[tuple[t.Any, ...], list[Cause]] = {}
    for note in notes:
        groups.setdefault(_key(note), []).append(note)
    return [{**_merged(members), "times": len(members)} for members in groups.values()]


def _moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).astimezone(datetime.UTC)


def _text(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


__all__ = (
    "INCOMPLETE",
    "PROVEN",
    "SCHEMA_VERSION",
    "WORST_FIRST",
    "prove_document",
)
