# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which accounts a pipeline gets because a group of the inventory grew. Pure.

Who was a member before is what the live pipeline deploys to. A new pipeline or wave has no new
members: somebody wrote it into the pipeline's data.
"""

from __future__ import annotations

import typing as t

from .._pipeline.live import LivePipeline
from .._pipeline.model import Pipeline
from .vanished import vanished_text


class NewMember(t.TypedDict):
    """A host that a wave deploys to for the first time.

    asks: whether the wave has an approval.
    """

    wave: str
    group: str
    host: str
    asks: bool


def new_members(pipeline: Pipeline, live: LivePipeline) -> list[NewMember]:
    """Return the hosts of groups that *live* does not deploy to, in the order of the waves."""
    before = live.accounts_by_wave([wave.name for wave in pipeline.waves])
    return [
        NewMember(
            wave=wave.name,
            group=environment.group,
            host=environment.host,
            asks=wave.approval is not None,
        )
        for wave in pipeline.waves
        if wave.name in before
        for environment in wave.environments
        if environment.group and environment.account_id not in before[wave.name]
    ]


def vanished(
    pipeline: Pipeline, live: LivePipeline, known: t.Collection[str], *, is_read: bool = False
) -> str | None:
    """Return which accounts *live* deploys to and the inventory no longer has; None if none.

    A group does not name who has left it, and where policies name no account, neither do they.

    :param known: the deploy accounts of the inventory.
    :param is_read: whether accounts come from AWS Organizations.
    """
    waves = live.accounts_by_wave([wave.name for wave in pipeline.waves])
    missing = [
        f"account {account_id} (wave {name})"
        for name, accounts in waves.items()
        for account_id in sorted(accounts - set(known))
    ]
    return vanished_text(missing, left_ou=is_read) if missing else None


def unaccepted(members: t.Sequence[NewMember]) -> str | None:
    """Return why a pipeline may not get *members* yet; None if nobody has to accept them."""
    hosts: dict[tuple[str, str], list[str]] = {}
    for member in members:
        if member["asks"]:
            hosts.setdefault((member["wave"], member["group"]), []).append(member["host"])
    if not hosts:
        return None
    found = "; ".join(
        f"wave {wave}, which has an approval, would also deploy to {', '.join(names)}, new in group"
        f" {group}"
        for (wave, group), names in hosts.items()
    )
    return f"{found}. Set accept_new_members for this run if that is meant"


__all__ = ("NewMember", "new_members", "unaccepted", "vanished")
