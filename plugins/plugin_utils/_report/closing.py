# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The end of a run: its summary on the terminal, and the result that playbooks read."""

from __future__ import annotations

import datetime
import typing as t

from .._bootstrap.summary import Row, failures
from .screen import summary_lines
from .terminal import show, width


def show_summary(
    rows: t.Sequence[Row], *found: t.Sequence[t.Any], name: str, started: str, check_mode: bool
) -> dict[str, t.Any]:
    """Show the summary, and return it with the hosts that must end as failed.

    :param found: what ``summary_lines`` shows in addition to the rows.
    :param started: when the run began, in UTC (ISO 8601).
    """
    now = datetime.datetime.now(datetime.UTC)
    lines = summary_lines(
        rows,
        *found,
        name=name,
        seconds=(now - datetime.datetime.fromisoformat(started)).total_seconds(),
        check_mode=check_mode,
        width=width(),
    )
    show(lines)
    failed = failures(rows)
    return {
        "changed": False,
        "failed_hosts": list(failed),
        "failures": failed,
        "text": [line.text for line in lines],
    }


__all__ = ("show_summary",)
