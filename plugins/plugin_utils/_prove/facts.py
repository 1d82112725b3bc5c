# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the look-ups saw: what is not as it should be, and which paths that concerns. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .._organisation.model import DEPLOY_ACCOUNTS, Host, Organisation
from .catalogue import cure_of
from .model import Cause, Path


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fact:
    """Something that is not as it should be.

    :param account_id: the deploy account that it concerns; empty for all.
    :param region: empty for all.
    :param stops: whether such a path would hold up the whole canary: CodePipeline refuses its
        pipeline, or waits for long.
    :param is_note: whether it stops no path of the canary.
    """

    cause: Cause
    account_id: str = ""
    region: str = ""
    stops: bool = False
    is_note: bool = False

    def concerns(self, account_id: str, region: str) -> bool:
        """Return whether it concerns an account in a region."""
        return self.account_id in ("", account_id) and self.region in ("", region)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lookups:
    """What was seen.

    :param organisation: None where nothing was looked up.
    :param inventory: the options of a command that name the inventory.
    """

    facts: tuple[Fact, ...] = ()
    organisation: Organisation | None = None
    inventory: str = ""

    @property
    def notes(self) -> tuple[Cause, ...]:
        """What concerns no single path."""
        return tuple(fact.cause for fact in self.facts if fact.is_note)

    def stopped(self, path: Path) -> Cause | None:
        """Return why *path* may be in no canary; else None."""
        return self._first(path, [fact for fact in self.facts if fact.stops])

    def expected(self, path: Path) -> Cause | None:
        """Return the first thing that was seen which would refuse *path*; else None."""
        return self._first(path, [fact for fact in self.facts if not fact.is_note])

    def _first(self, path: Path, facts: t.Iterable[Fact]) -> Cause | None:
        """Return the first of *facts* that concerns *path*."""
        home = self.organisation.primary_region if self.organisation else ""
        for fact in facts:
            # Nothing is copied to the primary region.
            is_reached = path.region == home and fact.cause["kind"].startswith("sync_")
            if fact.concerns(path.account_id, path.region) and not is_reached:
                return fact.cause
        return None

    def find(
        self, kinds: t.Collection[str], account_id: str, region: str, *, resource: str = ""
    ) -> Cause | None:
        """Return the first fact of *kinds*, by their order, about an account in a region.

        :param region: empty for every region.
        :param resource: what the fact must be about; empty for anything.
        """
        for kind in kinds:
            for fact in self.facts:
                if fact.cause["kind"] != kind or fact.is_note:
                    continue
                if not fact.concerns(account_id, region or fact.region):
                    continue
                if not resource or (fact.cause["resource"] or "") in ("", resource):
                    return fact.cause
        return None

    def find_in(self, text: str, kinds: t.Collection[str]) -> Cause | None:
        """Return the first fact of *kinds* whose resource *text* names."""
        for fact in self.facts:
            resource = fact.cause["resource"]
            if fact.cause["kind"] in kinds and resource and resource in text:
                return fact.cause
        return None

    def host_of(self, account_id: str, region: str) -> str:
        """Return the host of a deploy account, else that of the build account in *region*."""
        if self.organisation is None:
            return ""
        for host in self.organisation.of(DEPLOY_ACCOUNTS):
            if host.account_id == account_id:
                return host.name
        return foundation_host(self.organisation, region).name

    def with_facts(self, facts: t.Iterable[Fact]) -> Lookups:
        """Return the look-ups with more that was seen."""
        return dataclasses.replace(self, facts=(*self.facts, *facts))


def foundation_host(organisation: Organisation, region: str) -> Host:
    """Return the host with the key and bucket of *region*; the primary without one."""
    found = (host for host in organisation.foundation if host.group != DEPLOY_ACCOUNTS)
    return next((host for host in found if host.region == region), organisation.primary)


def make_cause(
    kind: str,
    message: str,
    *,
    host: str = "",
    account_id: str = "",
    region: str = "",
    stage: str | None = None,
    principal: str | None = None,
    permission: str | None = None,
    resource: str | None = None,
    inventory: str = "",
) -> Cause:
    """Return a cause with the cure of its kind."""
    cure = cure_of(
        kind,
        host=host,
        account_id=account_id,
        region=region,
        resource=resource,
        principal=principal,
        permission=permission,
        inventory=inventory,
    )
    return Cause(
        kind=kind,
        stage=stage,
        principal=principal,
        permission=permission,
        resource=resource,
        message=message,
        cure=cure,
    )


__all__ = ("Fact", "Lookups", "foundation_host", "make_cause")
