# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of a wave's failure, alarms and window. Pure."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator

from .._fields import suggestion
from .._organisation.model import Organisation
from .approval import CHANGE_SETS
from .conditions import DAYS, RETRY, Window
from .model import Pipeline, Wave
from .problem import Problem

MOST_RULES = 5  # of a condition


def condition_problems(pipeline: Pipeline, organisation: Organisation) -> Iterator[Problem]:
    """Yield what is wrong with the conditions of *pipeline*'s waves."""
    hosts = organisation.hosts.values()
    reads_alarms = {host.name for host in hosts if host.reads_alarms}
    for wave in pipeline.waves:
        where = f"waves[{wave.name}]"
        approval = wave.approval
        if approval and approval.review == CHANGE_SETS:
            yield from _reviewed_problems(wave, where)
        yield from _alarm_problems(wave, where, reads_alarms)
        if wave.window:
            yield from _window_problems(wave.window, f"{where}.window")


def _reviewed_problems(wave: Wave, where: str) -> Iterator[Problem]:
    cure = "Set approval.review: release, or remove it"
    if wave.on_failure == RETRY:
        yield (
            f"{where}.on_failure",
            "a retry would ask for approval again, as the approved change sets are used up",
            cure,
        )
    elif wave.on_failure:
        yield (
            f"{where}.on_failure",
            "a rollback would wait for an approval of its own change sets",
            cure,
        )
    if wave.window:
        yield (
            f"{where}.window",
            "it would open before the approval, which may come after it has closed",
            cure,
        )


def _alarm_problems(wave: Wave, where: str, reads_alarms: t.Collection[str]) -> Iterator[Problem]:
    places = {environment.host: environment.regions for environment in wave.environments}
    for alarm in wave.alarms:
        field = f"{where}.alarms[{alarm.name}]"
        if not alarm.host:
            continue
        if alarm.host not in places:
            yield (
                f"{field}.host",
                f"{alarm.host} is not a host of this wave",
                suggestion(alarm.host, places) or "Name one of them, or remove it",
            )
        elif alarm.host not in reads_alarms:
            yield (
                f"{field}.host",
                f"{alarm.host} does not let pipelines read its alarms",
                "Set deploy_account_read_alarms: true for it",
            )
    watched = [(alarm.name, alarm.host, region) for alarm, _place, region in wave.watched]
    count = len(watched)
    if count > MOST_RULES:
        yield (
            f"{where}.alarms",
            f"{count} alarms, one for each region, and a stage takes {MOST_RULES}",
            "Combine them into composite alarms",
        )
    if len(set(watched)) < count:
        yield (f"{where}.alarms", "an alarm appears twice", "Keep one")


def _window_problems(window: Window, where: str) -> Iterator[Problem]:
    if window.start == window.end:
        yield (f"{where}.to", "is the hour that it opens", "Set a later hour")
    elif window.is_over_midnight and len(window.days) < len(DAYS):
        yield (
            f"{where}.days",
            "a night belongs to two days, which one window cannot express",
            "Remove days, or end it with to: 24",
        )


__all__ = ("MOST_RULES", "condition_problems")
