# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drift run in one line, for a chat or a mail. Pure."""

from __future__ import annotations

import typing as t

from .document import CLEAN, DRIFTED
from .lines import count, counts, names

_HOSTS_SHOWN = 10


def notice(summary: t.Mapping[str, t.Any]) -> str:
    """Return what a summary of a run or of all its parts comes to.

    :param summary: what ``extract.summary`` or ``verdict.collect`` returned.
    """
    errors = summary["stacks"].get("error", 0)
    parts = [_headline(summary)]
    if errors:
        parts.append(f"{count(errors, 'stack')} could not be checked")
    if summary["affected"]:
        parts.append(f"Hosts: {names(summary['affected'], shown=_HOSTS_SHOWN)}")
    if summary.get("missing"):
        parts.append(f"Not checked by any part: {names(summary['missing'], shown=_HOSTS_SHOWN)}")
    links = summary["links"]
    if links:
        parts.append(f"Report: {' '.join(links)}")
    return ". ".join(parts)


def _headline(summary: t.Mapping[str, t.Any]) -> str:
    name = summary["organisation"] or "The organisation"
    if summary["verdict"] == CLEAN:
        return f"{name} is clean: {count(sum(summary['stacks'].values()), 'stack')}"
    if summary["verdict"] != DRIFTED:
        return f"{name} could not be checked completely"
    findings, danger = summary["findings"], summary["severities"].get("danger", 0)
    text = f"{name} has drifted: {count(sum(findings.values()), 'finding')} ({counts(findings)})"
    return f"{text}, {danger} of them dangerous" if danger else text


__all__ = ("notice",)
