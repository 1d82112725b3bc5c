# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run did, host by host, and which hosts must end as failed. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .._organisation.model import DEPLOY_ACCOUNTS, GROUPS, PRIMARY, Host, Organisation
from .._pipeline.model import stack_name

_DONE = {"none": "unchanged", "create": "created", "update": "updated", "delete": "removed"}
_TO_DO = {
    "none": "unchanged",
    "create": "to create",
    "update": "to update",
    "delete": "to remove",
    "repair": "to repair",
}
_FAILED, _NOT_REACHED, _POSTPONED = "FAILED", "NOT REACHED", "POSTPONED"
_ABSENT, _QUARANTINED = "absent", "quarantined"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One host's line of the summary.

    :param failure: why the host must end as failed; None where it must not.
    :param kept: keys and buckets without a stack, as the stack action returns them.
    :param granted: the accounts that the policies of what was kept name, with commas.
    """

    host: Host
    result: str
    failure: str | None = None
    kept: tuple[t.Mapping[str, t.Any], ...] = ()
    granted: str = ""


def summarise(
    organisation: Organisation,
    plan: t.Mapping[str, t.Any],
    hostvars: t.Mapping[str, t.Mapping[str, t.Any]],
    *,
    play_hosts: t.Collection[str],
    check_mode: bool = False,
) -> list[Row]:
    """Return one row for each host of the play, in the order of the phases.

    :param hostvars: what the roles registered (``<role>_result``), what was recorded
        (``bootstrap_failure``) and the register (``bootstrap_register``).
    """
    words = _TO_DO if check_mode else _DONE
    return [
        _row(host, plan, hostvars[host.name], words)
        for group in GROUPS
        for host in organisation.of(group)
        if host.name in play_hosts
    ]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ApplicationRow:
    """One application's line of the summary.

    :param failure: why its pipeline is not complete; None where it is.
    """

    name: str
    account_id: str
    region: str
    result: str
    failure: str | None = None


def summarise_applications(
    organisation: Organisation,
    applications: t.Iterable[t.Mapping[str, t.Any]],
    variables: t.Mapping[str, t.Any],
    *,
    check_mode: bool = False,
) -> list[ApplicationRow]:
    """Return one row for each application, in the order given.

    :param variables: what was recorded at the primary host: ``bootstrap_application_problems``,
        ``bootstrap_application_failures``, and what the role returned of each application,
        ``bootstrap_application_results``.
    """
    words = _TO_DO if check_mode else _DONE
    rows = []
    for application in applications:
        result, failure = _application_result(application, variables, words)
        rows.append(
            ApplicationRow(
                name=application["name"],
                account_id=organisation.primary.account_id,
                region=organisation.primary.region,
                result=result,
                failure=failure,
            )
        )
    return rows


def _application_result(
    application: t.Mapping[str, t.Any],
    variables: t.Mapping[str, t.Any],
    words: t.Mapping[str, str],
) -> tuple[str, str | None]:
    name = application["name"]
    problem = (variables.get("bootstrap_application_problems") or {}).get(name)
    if problem:
        return _NOT_REACHED, str(problem)
    failure = (variables.get("bootstrap_application_failures") or {}).get(name)
    if failure:
        return _FAILED, str(failure)
    operation = (variables.get("bootstrap_application_results") or {}).get(name)
    if operation is None:
        return _NOT_REACHED, "not reached: an earlier phase ended the run"
    if application["state"] == "absent" and operation == "none":
        return _ABSENT, None
    return words[operation], None


def incomplete(rows: t.Iterable[ApplicationRow]) -> str | None:
    """Return why the primary host must end as failed; None when every application is complete."""
    names = [row.name for row in rows if row.failure]
    return f"pipelines that are not complete: {', '.join(names)}" if names else None


def _row(
    host: Host,
    plan: t.Mapping[str, t.Any],
    variables: t.Mapping[str, t.Any],
    words: t.Mapping[str, str],
) -> Row:
    if host.is_quarantined:
        return Row(host=host, result=_QUARANTINED)
    failure = plan["failures"].get(host.name) or variables.get("bootstrap_failure")
    if failure:
        return Row(host=host, result=_FAILED, failure=str(failure))
    waiting = (variables.get("bootstrap_postponed") or {}).get(host.name)
    if waiting:
        return Row(host=host, result=_POSTPONED, failure=waiting)
    register = variables.get("bootstrap_register") or {}
    result = variables.get(RESULTS[host.group]) or {}
    if "operation" not in result:
        why = register.get("problem") or "an earlier phase ended the run"
        return Row(host=host, result=_NOT_REACHED, failure=f"not reached: {why}")
    kept = tuple(result.get("retained") or ())
    if host.is_absent:
        done = result["operation"] == "delete"
        return Row(
            host=host,
            result=words["delete"] if done else _ABSENT,
            kept=kept,
            granted=result["stack"]["parameters"].get("DeployAccountIds", "") if done else "",
        )
    word = words[result["operation"]]
    missing = sorted(set(host.regions) - set(register.get("regions", {})))
    if host.group == DEPLOY_ACCOUNTS and missing:
        return Row(
            host=host,
            result=f"{word} but incomplete",
            failure=f"nothing can be deployed to {', '.join(missing)} yet: not in the register."
            " Run the bootstrap again, without --limit, once its region is complete",
        )
    return Row(host=host, result=word, kept=kept)


RESULTS = {
    "regional": "regional_result",
    "primary": "primary_result",
    "deploy_accounts": "deploy_account_result",
}


def converged(
    organisation: Organisation, hostvars: t.Mapping[str, t.Mapping[str, t.Any]]
) -> dict[str, t.Mapping[str, t.Any]]:
    """Return the stack of each host of *organisation* that was converged in this run."""
    result = {}
    for host in organisation.hosts.values():
        found = hostvars[host.name].get(RESULTS[host.group]) or {}
        if "operation" in found:
            result[host.name] = found["stack"]
    return result


def as_text(
    rows: t.Sequence[Row],
    orphans: t.Sequence[t.Mapping[str, str]] = (),
    *,
    check_mode: bool = False,
) -> list[str]:
    """Return the summary as lines: a table, what was kept, what nobody owns, what failed.

    :param orphans: stacks of ours that no host stands for.
    """
    cells = [
        (row.host.name, row.host.account_id, row.host.region, row.host.stack_name, row.result)
        for row in rows
    ]
    lines = _table("HOST", cells)
    failed = [row for row in rows if row.failure]
    for row in rows:
        if row.kept:
            lines += ["", f"{row.host.name}: data without a stack"]
            for one in row.kept:
                lines += _kept_lines(one, row.host, check_mode=check_mode)
            if row.granted:
                lines += [f"  their policies still name: {row.granted.replace(',', ', ')}"]
    if orphans:
        lines += ["", "Stacks of ours that no host stands for, left alone:"]
        lines += _orphan_lines(orphans)
    hosts_of: dict[str, list[str]] = {}
    for row in failed:
        hosts_of.setdefault(row.failure or "", []).append(row.host.name)
    for failure, hosts in hosts_of.items():
        lines += ["", f"{', '.join(hosts)}: {failure}"]
    return lines


def applications_as_text(
    rows: t.Sequence[ApplicationRow], orphans: t.Sequence[t.Mapping[str, str]] = ()
) -> list[str]:
    """Return the applications as lines: a table, what the data no longer has, what failed.

    :param orphans: stacks of application pipelines that the data does not have.
    """
    lines = []
    if rows:
        lines += _table(
            "APPLICATION",
            [
                (row.name, row.account_id, row.region, stack_name(row.name), row.result)
                for row in rows
            ],
        )
    if orphans:
        lines += [""] if lines else []
        lines += ["Application pipelines that are not in the data, left alone:"]
        lines += _orphan_lines(orphans)
    for row in rows:
        if row.failure:
            lines += ["", f"application {row.name}: {row.failure}"]
    return lines


def _table(first: str, cells: t.Sequence[tuple[str, ...]]) -> list[str]:
    """Return *cells* in columns, and below how often each result is among them."""
    head = (first, "ACCOUNT", "REGION", "STACK", "RESULT")
    widths = [max(len(line[column]) for line in [head, *cells]) for column in range(len(head))]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in [head, *cells]
    ]
    counts: dict[str, int] = {}
    for *_place, result in cells:
        counts[result] = counts.get(result, 0) + 1
    return [*lines, "", ", ".join(f"{count} {result}" for result, count in counts.items())]


def _orphan_lines(orphans: t.Iterable[t.Mapping[str, str]]) -> list[str]:
    return [
        line
        for one in orphans
        for line in (
            f"  {one['stack_name']} in {one['account_id']} {one['region']}",
            f"    delete: aws cloudformation delete-stack --region {one['region']} \\",
            f"              --stack-name {one['stack_name']}",
        )
    ]


def _kept_lines(kept: t.Mapping[str, t.Any], host: Host, *, check_mode: bool) -> list[str]:
    """Return what is told of a bucket or a key, with the commands to read, keep or delete it."""
    name, title = kept["name"], f"  {kept['kind']} {kept['name']}"
    if kept["kind"] == "bucket" and kept["purged"]:
        return [f"{title}: {'to be ' if check_mode else ''}emptied and deleted"]
    if kept["kind"] == "bucket":
        delete = f"aws s3 rb s3://{name} --force"
        if host.group == PRIMARY:  # the build bucket has versions, which --force leaves
            delete = f"all versions in it, then aws s3 rb s3://{name}"
        return [title, f"    read:   aws s3 ls s3://{name} --recursive", f"    delete: {delete}"]
    at = f"--region {kept['region']} \\\n              --key-id {name}"
    if kept["deletion_date"]:
        return [
            f"{title}: deleted for good on {kept['deletion_date']}",
            f"    keep:   aws kms cancel-key-deletion {at}",
        ]
    if kept["purged"]:
        return [f"{title}: its deletion is to be scheduled"]
    return [
        f"{title}: without it its bucket cannot be read",
        f"    delete: aws kms schedule-key-deletion {at}",
    ]


__all__ = (
    "RESULTS",
    "ApplicationRow",
    "Row",
    "applications_as_text",
    "as_text",
    "converged",
    "incomplete",
    "summarise",
    "summarise_applications",
)
