# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a drift run as one document: every stack with its state, every finding. Pure.

Its schema is docs/drift-report.schema.json. The other forms are made from it alone.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import typing as t

from .._bootstrap.summary import RESULTS
from .._drift import ignore as _findings
from .._drift.finding import Place
from .._organisation.model import DEPLOY_ACCOUNTS, GROUPS, Host, Organisation

SCHEMA_VERSION = "1.0"
APPLICATIONS = "pipelines"
CLEAN, DRIFTED, INCOMPLETE = "clean", "drifted", "incomplete"

KINDS = ("missing", "orphaned", "stuck", "outdated", "drifted", "policy")
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
_TOLD = 40  # findings in the summary for AWX, which is to stay small

Data = dict[str, t.Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Looked:
    """What a run saw.

    :param stacks: what stack_drift_info found, one entry for each target.
    :param orphans: the stacks with our tag that were no targets, as findings.
    :param hostvars: what the roles registered with state compared (``<role>_result``) and what was
        recorded (``drift_failure``, ``bootstrap_register``).
    :param failures: hosts that the bootstrap would do nothing to, each with the reason.
    :param applications: application pipelines, each with name, state and stack_name, and with
        ``result`` (what the stack action returned), ``failure``, or neither.
    """

    stacks: t.Sequence[Data]
    orphans: t.Sequence[Data] = ()
    hostvars: t.Mapping[str, t.Mapping[str, t.Any]]
    failures: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    applications: t.Sequence[Data] = ()


def document(
    organisation: Organisation,
    looked: Looked,
    *,
    name: str,
    play_hosts: t.Collection[str],
    ignores: t.Sequence[_findings.Ignore] = (),
    started: datetime.datetime,
    finished: datetime.datetime,
) -> Data:
    """Return the report.

    :param name: what the organisation is called; may be empty.
    :param play_hosts: the hosts of the run; others are not in the report.
    """
    seen = {(one["account_id"], one["region"], one["stack_name"]): one for one in looked.stacks}
    rows = [
        _host(host, looked, seen)
        for group in GROUPS
        for host in organisation.of(group)
        if host.name in play_hosts
    ]
    if organisation.primary.name in play_hosts:
        rows += [_application(one, organisation.primary, seen) for one in looked.applications]
    found = [one for row in rows for one in row.findings]
    found += _orphans(organisation, looked)
    findings, unchecked, expired = _findings.set_aside(
        _findings.without_repetition(found),
        sorted((one for row in rows for one in row.unchecked), key=_findings.order),
        ignores,
        today=finished.date(),
    )
    hosts = [_told(row, findings, unchecked) for row in rows]
    complete = not any(host["state"] == "error" for host in hosts)
    counted = [one for one in findings if one["ignored"] is None]
    verdict = CLEAN if complete else INCOMPLETE
    return {
        "schema_version": SCHEMA_VERSION,
        "organisation": name,
        "started": _moment(started),
        "finished": _moment(finished),
        "seconds": round((finished - started).total_seconds(), 1),
        "complete": complete,
        "verdict": DRIFTED if counted else verdict,
        "hosts": hosts,
        "findings": findings,
        "unchecked": unchecked,
        "ignored_expired": expired,
    }


def failures(report: Data, *, drift: bool = True) -> dict[str, str]:
    """Return why each host that must end as failed must: its own findings and errors.

    What belongs to no host of the run (an orphaned stack) is the primary's, or else the first's.

    :param drift: whether findings are a reason; errors always are.
    """
    lines: dict[str, list[str]] = {}
    for host in report["hosts"]:
        if host["error"]:
            lines.setdefault(host["name"], []).append(f"{host['stack']}: {host['error']}")
    first = _first(report)
    for one in report["findings"] if drift else ():
        if one["ignored"] is None and (one["host"] or first):
            lines.setdefault(one["host"] or first, []).append(f"{one['kind']}: {one['message']}")
    return {host: "\n".join(told) for host, told in lines.items()}


def drifted(report: Data) -> dict[str, list[str]]:
    """Return the stacks in which something was changed outside CloudFormation, by host."""
    stacks: dict[str, set[str]] = {}
    for one in report["findings"]:
        if one["kind"] in ("drifted", "policy") and one["ignored"] is None:
            stacks.setdefault(one["host"], set()).add(one["stack"])
    return {host: sorted(names) for host, names in sorted(stacks.items())}


def summary(report: Data) -> Data:
    """Return the report as AWX is to keep it: small, and with what a notification needs."""
    counted = [one for one in report["findings"] if one["ignored"] is None]
    told = [
        f"{one['account_id']} {one['region']} {one['stack']}: {one['kind']}: {one['message']}"
        for one in counted
    ]
    told += [
        f"{host['account_id']} {host['region']} {host['stack']}: error: {host['error']}"
        for host in report["hosts"]
        if host["error"]
    ]
    keys = (
        "schema_version",
        "organisation",
        "started",
        "finished",
        "seconds",
        "complete",
        "verdict",
    )
    return {
        **{key: report[key] for key in keys},
        "hosts": sorted({host["name"] for host in report["hosts"]}),
        "stacks": states(report),
        "findings": kinds(report),
        "ignored": len(report["findings"]) - len(counted),
        "unchecked": len(report["unchecked"]),
        "told": told[:_TOLD],
        "not_told": max(0, len(told) - _TOLD),
    }


def states(report: Data) -> dict[str, int]:
    """Return how many stacks are in each state, the worst first."""
    count = collections.Counter(host["state"] for host in report["hosts"])
    return {state: count[state] for state in STATES if count[state]}


def kinds(report: Data) -> dict[str, int]:
    """Return how many findings of each kind count."""
    count = collections.Counter(one["kind"] for one in report["findings"] if one["ignored"] is None)
    return {kind: count[kind] for kind in KINDS if count[kind]}


# One stack


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Row:
    """One stack of the inventory and what was seen of it."""

    place: Place
    group: str
    regions: tuple[str, ...]
    error: str | None = None
    quarantined: bool = False
    findings: tuple[Data, ...] = ()
    unchecked: tuple[Data, ...] = ()


_Seen = t.Mapping[tuple[str, str, str], Data]


def _host(host: Host, looked: Looked, seen: _Seen) -> _Row:
    place = Place(
        host=host.name, account_id=host.account_id, region=host.region, stack=host.stack_name
    )
    regions = host.regions or (host.region,)
    if host.is_quarantined:
        return _Row(place=place, group=host.group, regions=regions, quarantined=True)
    variables = looked.hostvars[host.name]
    failure = looked.failures.get(host.name) or variables.get("drift_failure")
    result = variables.get(RESULTS[host.group]) or {}
    if not failure and host.group == DEPLOY_ACCOUNTS:
        register = variables.get("bootstrap_register") or {}
        failure = register.get("problem") or _not_registered(host, register)
    return _row(
        place,
        host.group,
        regions,
        seen.get((host.account_id, host.region, host.stack_name)),
        result if "differences" in result else None,
        failure=failure,
        absent=host.is_absent,
    )


def _not_registered(host: Host, register: t.Mapping[str, t.Any]) -> str | None:
    absent = sorted(set(host.regions) - set(register.get("regions", host.regions)))
    if host.is_absent or not absent:
        return None
    return f"nothing can be deployed to {', '.join(absent)}: not in the register"


def _application(application: Data, primary: Host, seen: _Seen) -> _Row:
    place = Place(
        host=primary.name,
        account_id=primary.account_id,
        region=primary.region,
        stack=application["stack_name"],
    )
    return _row(
        place,
        APPLICATIONS,
        (place.region,),
        seen.get((place.account_id, place.region, place.stack)),
        application.get("result"),
        failure=application.get("failure"),
        absent=application.get("state") == "absent",
    )


def _row(
    place: Place,
    group: str,
    regions: tuple[str, ...],
    drift: Data | None,
    compared: t.Mapping[str, t.Any] | None,
    *,
    failure: str | None,
    absent: bool,
) -> _Row:
    """Return what was seen of one stack.

    :param drift: what stack_drift_info found; None where it was not asked.
    :param compared: what the stack action returned with state compared; None where it did not.
    """
    # A failure that a second look took back is the empty text.
    error = (drift or {}).get("error") or failure or None
    if absent:
        status = (drift or {}).get("status")
        there = bool((drift or {}).get("exists"))
        found = [_findings.still_there(place, status)] if there and status else []
        return _Row(place=place, group=group, regions=regions, error=error, findings=tuple(found))
    found = list((drift or {}).get("findings", ()))
    whole = {one["kind"] for one in found} & {"missing", "stuck"}
    if compared is not None and not whole:
        if compared["operation"] == "create":
            found = [_findings.missing(place)]
        else:
            found += _findings.outdated(place, compared["differences"])
    if error is None and not whole and (drift is None or compared is None):
        error = "an earlier failure ended the run before it was looked at"
    return _Row(
        place=place,
        group=group,
        regions=regions,
        # A stack that is not there, or is stuck, cannot be compared: that is no failure of the run.
        error=None if whole and not (drift or {}).get("error") else error,
        findings=tuple(found),
        unchecked=tuple((drift or {}).get("unchecked", ())),
    )


def _told(row: _Row, findings: t.Sequence[Data], unchecked: t.Sequence[Data]) -> Data:
    place = dataclasses.asdict(row.place)
    here = [one for one in findings if all(one[key] == place[key] for key in place)]
    failed = [
        one
        for one in unchecked
        if all(one[key] == place[key] for key in place) and _findings.could_not_look(one)
    ]
    error = row.error
    if error is None and failed:
        error = _not_seen(failed)
    return {
        "name": row.place.host,
        "group": row.group,
        "account_id": row.place.account_id,
        "region": row.place.region,
        "regions": sorted(row.regions),
        "stack": row.place.stack,
        "state": "quarantined" if row.quarantined else _state(error, here),
        "error": error,
    }


def _not_seen(failed: t.Sequence[Data]) -> str:
    names = sorted({one["resource"] or "the stack" for one in failed})
    return f"could not look at {', '.join(names)}: {failed[0]['why']}"


def _state(error: str | None, findings: t.Iterable[Data]) -> str:
    if error:
        return "error"
    kinds_here = {
        "ignored" if one["ignored"] else _STATE_OF.get(one["kind"], one["kind"]) for one in findings
    }
    return next((state for state in STATES if state in kinds_here), CLEAN)


def _orphans(organisation: Organisation, looked: Looked) -> list[Data]:
    """Return the orphaned stacks; what a slice does not see in the build account is none."""
    known = {
        (host.account_id, host.region, host.stack_name)
        for host in [organisation.primary, *organisation.hosts.values()]
    }
    primary = organisation.primary
    known |= {
        (primary.account_id, primary.region, one["stack_name"]) for one in looked.applications
    }
    return [
        one
        for one in looked.orphans
        if (one["account_id"], one["region"], one["stack"]) not in known
        and not (organisation.is_slice and one["account_id"] == organisation.build_account_id)
    ]


def _first(report: Data) -> str:
    names = [host["name"] for host in report["hosts"] if host["group"] == "primary"]
    names += sorted(host["name"] for host in report["hosts"])
    return names[0] if names else ""


def _moment(value: datetime.datetime) -> str:
    return value.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


__all__ = (
    "APPLICATIONS",
    "CLEAN",
    "DRIFTED",
    "INCOMPLETE",
    "KINDS",
    "SCHEMA_VERSION",
    "STATES",
    "Looked",
    "document",
    "drifted",
    "failures",
    "kinds",
    "states",
    "summary",
)
