# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judge the policies that an organisation has: python -m tests.policy.audit -i inventories/org.

Reads them with the credentials of a drift run (docs/permissions.md), on AWS or in the lab, writes
nothing, and runs the cases of the tests on them. The exit status is 0 only when every request comes
out as it should.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.batch import account_of
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.gateway import Gateway
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    Organisation,
)
from botocore.exceptions import ClientError

from tests.policy.cases import allowed_around, allowed_uploads, denied
from tests.policy.foundation import Foundation
from tests.policy.organisation import pipelines, read_foundation, read_inventory
from tests.policy.release import Release
from tests.policy.request import Request
from tests.policy.simulator import simulate


class AccountClients:
    """Clients for every account of an organisation, as its inventory says one gets there."""

    def __init__(self, organisation: Organisation, access_role_name: str | None) -> None:
        hosts = [organisation.primary, *organisation.hosts.values()]
        given = {"access_role_name": access_role_name} if access_role_name else {}
        self._targets = {host.account_id: host.target() | given for host in reversed(hosts)}
        self._gateway = Gateway(sts_region=organisation.primary_region)

    def __call__(self, service: str, account: str, region: str) -> Any:
        """Return a boto3 client. Raises PipelineError when the account is out of reach."""
        return self._gateway.open(account_of(self._targets[account])).client(service, region)


def main() -> int:
    """Read, judge and tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.policy.audit", description=__doc__)
    parser.add_argument("-i", "--inventory", type=Path, required=True)
    parser.add_argument("--access-role-name", help="instead of access_role_name of the inventory")
    arguments = parser.parse_args()
    inventory = arguments.inventory
    try:
        clients = AccountClients(read_inventory(inventory), arguments.access_role_name)
        foundation = read_foundation(clients, inventory)
        releases = [Release(clients, foundation.export, stack) for stack in pipelines(foundation)]
        needs = {release: release.needs() for release in releases}
    except (ClientError, PipelineError) as error:
        print(error, file=sys.stderr)
        return 2
    export = foundation.export
    print(f"{len(export.policies)} policies of {len(foundation.stacks)} foundation stacks and"
          f" {len(releases)} pipelines")  # fmt: skip
    for arn in sorted(export.unread):
        print(f"  not read: {arn}")
    groups = [_Group("the administration of keys", list(allowed_around(foundation)), allowed=True)]
    for release in releases:
        name = release.pipeline["name"]
        cases = [case.request for case in denied(foundation, release)]
        allowed = [*needs[release], *allowed_uploads(foundation, release)]
        groups.append(_Group(f"the release of {name}", allowed, allowed=True))
        groups.append(_Group(f"forbidden access around {name}", cases, allowed=False))
    return 1 if _judge(foundation, groups) else 0


@dataclass(frozen=True)
class _Group:
    """Requests that should all be allowed, or all be refused, and what they are."""

    title: str
    requests: list[Request]
    _: KW_ONLY
    allowed: bool


def _judge(foundation: Foundation, groups: Sequence[_Group]) -> int:
    """Tell how requests come out; the number of those that come out wrong."""
    asked = [(group, one) for group in groups for one in group.requests]
    answers = simulate(one.simulation(foundation.export) for _group, one in asked)
    wrong: dict[str, list[str]] = {group.title: [] for group in groups}
    for (group, one), answer in zip(asked, answers, strict=True):
        if answer.error or answer.allowed != group.allowed:
            what = "refused" if group.allowed else "ALLOWED"
            wrong[group.title].append(f"  {what}: {one} {answer.error}".rstrip())
    for group in groups:
        lines, number = wrong[group.title], len(group.requests)
        print(f"{group.title}: {number - len(lines)} of {number} requests come out right")
        for line in lines:
            print(line)
    return sum(len(lines) for lines in wrong.values())


if __name__ == "__main__":
    sys.exit(main())
