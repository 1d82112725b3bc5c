# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stacks of access.yml as rows of the summary. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .._access.plan import AccessPlan
from .._access.run import Results, accounts, failure
from .._bootstrap.summary import (
    ABSENT,
    DONE,
    FAILED,
    QUARANTINED,
    TO_DO,
    Preview,
    Row,
)
from .._organisation.model import Host


def access_rows(plan: AccessPlan, results: Results, *, check_mode: bool = False) -> list[Row]:
    """Return a row for each stack, and one for each account that was left alone."""
    rows: list[Row] = []
    for host, stacks in accounts(plan):
        reason = failure(plan, results, host.name)
        result = results.get(host.name) or {}
        account = dataclasses.replace(host, stack_name="")
        if host.is_quarantined:
            rows.append(Row(host=account, result=QUARANTINED, outcome="skipped"))
        elif reason and not result.get("failures"):
            rows.append(_failed(account, reason))
        else:
            done, failures = result.get("stacks") or {}, result.get("failures") or {}
            for stack in stacks:
                place = dataclasses.replace(host, stack_name=stack["stack_name"])
                kind = stack["kind"]
                if kind in failures:
                    rows.append(_failed(place, failures[kind]))
                else:
                    rows.append(_row(place, done.get(kind) or {}, check_mode=check_mode))
    return rows


def _failed(host: Host, reason: str) -> Row:
    return Row(host=host, result=FAILED, outcome="failed", failure=reason, problem=FAILED)


def _row(host: Host, result: t.Mapping[str, t.Any], *, check_mode: bool) -> Row:
    operation = str(result.get("operation", "none"))
    words = TO_DO if check_mode else DONE
    nothing = operation == "none"
    preview = None
    if check_mode and not nothing:
        preview = Preview(
            operation=operation,
            changes=tuple(result.get("changes") or ()),
            differences=tuple(result.get("differences") or ()),
            policies=tuple(result.get("policies") or ()),
        )
    return Row(
        host=host,
        result=ABSENT if nothing and host.is_absent else words[operation],
        outcome="ok" if nothing else "changed",
        preview=preview,
    )


__all__ = ("access_rows",)
