# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environments of waves, with the hosts and groups of the inventory. Pure."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator

from .._fields import entry_label, suggestion
from .._organisation.model import DEPLOY_ACCOUNTS, Host, Organisation
from .._organisation.problems import Problems
from .._organisation.rules import knows_regions
from .._organisation.variables import Groups
from .model import Data
from .problem import Problem

_HOST_NAME = r"[A-Za-z0-9.@_-]+"


class Environments:
    """Finds the accounts and regions of environments."""

    def __init__(
        self,
        organisation: Organisation,
        groups: Groups,
        problems: Problems,
        report: t.Callable[[Problem], None],
    ) -> None:
        self._organisation = organisation
        self._groups = groups
        self._problems = problems
        self._report = report

    def resolve(self, entries: t.Sequence[Data], where: str) -> list[Data]:
        """Return an environment for each host, with account and regions filled in.

        :param entries: environments as users write them, with a host or a group.
        """
        found = []
        for number, entry in enumerate(entries, start=1):
            place = f"{where}[{entry_label(entry, number)}]"
            for environment in self._of_hosts(entry, place):
                self._resolve_host(environment, place)
                found.append(environment)
        return found

    def _of_hosts(self, entry: Data, where: str) -> Iterator[Data]:
        """Yield *entry* once for each of its hosts."""
        host, group = entry["host"], entry["group"]
        if host and group:
            self._problem(where, "host and group are both set", "Remove one of them")
        elif not host and not group:
            self._problem(where, "neither host nor group is set", "Set one of them")
        if not group:
            yield entry
            return
        for name in self._members(group, f"{where}.group"):
            yield {**entry, "host": name, "regions": list(entry["regions"])}

    def _members(self, group: str, where: str) -> list[str]:
        """Return the present deploy accounts of *group*; report a group that has others.

        Quarantined ones alone stay, so that a quarantine does not stop every run.
        """
        accounts = {host.name: host for host in self._organisation.of(DEPLOY_ACCOUNTS)}
        members = self._groups.get(group)
        if members is None:
            known = [name for name, hosts in self._groups.items() if accounts.keys() & set(hosts)]
            cure = suggestion(group, known) or "Add it to the inventory, below deploy_accounts"
            self._problem(where, f"no group is called {group}", cure)
            return []
        others = sorted(set(members) - accounts.keys())
        if others:
            what = f"{group} has hosts that are not in deploy_accounts: {', '.join(others)}"
            self._problem(where, what, "Name a group of deploy accounts")
            return []
        present = [name for name in sorted(members) if accounts[name].is_present]
        found = present or [name for name in sorted(members) if accounts[name].is_quarantined]
        if not found:
            what = f"{group} has no host that is present"
            self._problem(where, what, "Add one, or remove the group from the wave")
        return found

    def _resolve_host(self, environment: Data, where: str) -> None:
        """Fill in the account of an environment, and its regions by default."""
        name, regions = environment["host"], [item for item in environment["regions"] if item]
        host = self._organisation.hosts.get(name)
        if host is None or host.group != DEPLOY_ACCOUNTS:
            environment |= {"account_id": "", "regions": regions}
            if name and not self._problems.of(name):
                known = [host.name for host in self._organisation.of(DEPLOY_ACCOUNTS)]
                self._problem(
                    f"{where}.host",
                    f"{name} is not a host of deploy_accounts",
                    suggestion(name, known) or "Add it to the inventory, or correct the name",
                )
            return
        environment |= {
            "account_id": host.account_id,
            "regions": regions or list(host.regions),
            "bucket_keys": {name: key for name, key in host.buckets if key},
        }
        # A quarantined host may stay in the waves: it must not stop every run, and may come back.
        if host.is_absent:
            self._problem(
                f"{where}.host",
                f"host {name} is absent, so nothing can be deployed to it",
                "Remove it from the waves",
            )
            return
        if not re.fullmatch(_HOST_NAME, name):
            self._problem(
                f"{where}.host",
                f"{name} has characters other than letters, digits and .@_-, and action names"
                " contain it",
                "Rename the host",
            )
        # What is wrong with the host is reported there.
        if knows_regions(self._organisation) and not self._problems.of(name):
            for region in environment["regions"]:
                self._check_region(region, host, f"{where}.regions")

    def _check_region(self, region: str, host: Host, where: str) -> None:
        if region not in self._organisation.regions:
            self._problem(
                where,
                f"region {region} has no foundation: it is neither the primary region nor a"
                " present host of group regional",
                f"Add {region} to the inventory, or remove it",
            )
        elif region not in host.regions:
            self._problem(
                where,
                f"region {region} is not in regions of host {host.name}",
                "Add it to the host, so that its roles reach that region's bucket and key",
            )

    def _problem(self, where: str, what: str, fix: str) -> None:
        self._report((where, what, fix))


__all__ = ("Environments",)
