# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which stacks may be removed: those that nothing refers to any more. Pure."""

from __future__ import annotations

import typing as t

from .._organisation.model import DEPLOY_ACCOUNTS, PIPELINES, PRIMARY, REGIONAL, Host, Organisation
from .._pipeline.live import LivePipeline
from .._pipeline.model import Pipeline


class Uses(t.NamedTuple):
    """How an absent host is used by live pipelines.

    releasing: pipelines of the run that only stop using it, and so come first.
    holding: pipelines of the run that stop using it at the end of the run.
    waiting: pipelines of the inventory that --limit or a tag leaves out of the run.
    blocking: pipelines that are not in the inventory.
    """

    releasing: tuple[str, ...]
    holding: tuple[str, ...]
    waiting: tuple[str, ...]
    blocking: tuple[str, ...]


def uses_of(
    host: Host,
    live: t.Iterable[LivePipeline],
    *,
    buckets: t.Collection[str],
    declared: t.Mapping[str, Pipeline | None],
    left_out: t.Collection[str] = (),
    registered: t.Collection[str],
) -> Uses:
    """Return which live pipelines use *host*, by what this run does with them.

    :param buckets: the pipeline buckets of the foundation: pipelines with one of them are ours.
    :param declared: the pipelines that this run reconciles; None for one that should be absent.
    :param left_out: the other pipelines of the inventory.
    :param registered: the regions in the register.
    """
    releasing, holding, waiting, blocking = [], [], [], []
    for pipeline in live:
        if not (set(buckets) & set(pipeline.stores.values()) and _is_used(host, pipeline)):
            continue
        if pipeline.name in left_out:
            waiting.append(pipeline.name)
            continue
        if pipeline.name not in declared:
            blocking.append(pipeline.name)
            continue
        desired = declared[pipeline.name]
        if desired is None or (
            set(desired.regions) <= set(registered)
            and set(desired.account_ids) <= set(pipeline.accounts)
        ):
            releasing.append(pipeline.name)
        else:
            holding.append(pipeline.name)
    return Uses(tuple(releasing), tuple(holding), tuple(waiting), tuple(blocking))


def _is_used(host: Host, pipeline: LivePipeline) -> bool:
    if host.group == DEPLOY_ACCOUNTS:
        return host.account_id in pipeline.accounts
    return host.group != REGIONAL or host.region in pipeline.stores


def blocked(uses: t.Mapping[str, Uses]) -> str | None:
    """Return why live pipelines block every removal; None if none does.

    :param uses: by absent host.
    """
    used = [
        f"{name} should be absent, but pipelines still use it: {', '.join(sorted(found.blocking))}"
        for name, found in sorted(uses.items())
        if found.blocking
    ]
    if not used:
        return None
    return (
        f"{'; '.join(used)}. Remove it from their waves, or remove these pipelines first. Nothing"
        " was written"
    )


def held_back(uses: Uses) -> str | None:
    """Return why a removal waits for the next run; None if no pipeline holds it."""
    if uses.waiting:
        return (
            "postponed: pipelines that this run leaves out still use it:"
            f" {', '.join(sorted(uses.waiting))}. Run again without --limit"
        )
    if uses.holding:
        return (
            "postponed: pipelines that also need something new stop using it at the end of this"
            f" run: {', '.join(sorted(uses.holding))}. Run again"
        )
    return None


def postponed(
    host: Host,
    organisation: Organisation,
    *,
    held: t.Mapping[str, str],
    releasing: t.Collection[str],
    settled: t.Callable[[str], bool],
) -> str | None:
    """Return why an absent host's stack must stay for now, else None.

    A stack is removed only when nothing refers to it any more: for an account the policies of every
    region, for a region the register and the roles of every account, and for both the pipelines.
    A teardown removes everything: pipelines first, then accounts, the primary and the regions.

    :param held: absent hosts that a pipeline uses until the end of this run, with the reason.
    :param releasing: pipelines that this run changes first because they use an absent host.
    :param settled: whether this run has brought a host to its desired state, or found it there. A
        host that failed, or that ``--limit`` or a slice leaves out, is not settled.
    """
    if not host.is_absent or host.group == PIPELINES:
        return None
    if host.name in held:
        return held[host.name]
    referring = {other.name for other in _referring(organisation, host)} | set(releasing)
    waiting = sorted(name for name in referring if not settled(name))
    if waiting:
        verb = "refers" if len(waiting) == 1 else "refer"
        return f"postponed: {', '.join(waiting)} still {verb} to it. Run again without --limit"
    if organisation.is_slice:
        return "postponed: a slice does not see what refers to it. Run with a whole inventory"
    return None


def _referring(organisation: Organisation, host: Host) -> list[Host]:
    accounts = [
        account for account in organisation.of(DEPLOY_ACCOUNTS) if not account.is_quarantined
    ]
    if not organisation.primary.is_absent:
        primary = organisation.of(PRIMARY)
        return (organisation.of(REGIONAL) if host.group == DEPLOY_ACCOUNTS else accounts) + primary
    pipelines = organisation.of(PIPELINES)
    if host.group == DEPLOY_ACCOUNTS:
        return pipelines
    return pipelines + accounts + (organisation.of(PRIMARY) if host.group == REGIONAL else [])


__all__ = ("Uses", "blocked", "held_back", "postponed", "uses_of")
