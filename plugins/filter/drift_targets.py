# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``crossaccount.pipeline.drift_targets``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: drift_targets
short_description: Names the stacks that a drift run looks at
version_added: 0.1.0
author: crossaccount.pipeline contributors (@crossaccount)
description:
  - The foundation stacks of the hosts of the play, and the pipelines of the applications where the
    primary is among them.
  - Quarantined hosts are left out, and hosts whose accounts did not answer.
positional: accounts, play_hosts, applications
options:
  _input:
    description: RV(crossaccount.pipeline.organisation_info#module:organisation).
    type: dict
    required: true
  accounts:
    description: RV(crossaccount.pipeline.account_access_info#module:accounts).
    type: list
    elements: dict
    required: true
  play_hosts:
    description: The hosts of the play, usually C(ansible_play_hosts_all).
    type: list
    elements: str
    required: true
  applications:
    description: RV(crossaccount.pipeline.applications_info#module:applications).
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Find the drift of everything
  crossaccount.pipeline.stack_drift_info:
    targets: >-
      {{ organisation | crossaccount.pipeline.drift_targets(accounts, ansible_play_hosts_all) }}
"""

RETURN = r"""
_value:
  description: Targets in the form that M(crossaccount.pipeline.stack_drift_info) takes.
  type: list
  elements: dict
"""

import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    Organisation,
)


def drift_targets(
    organisation: dict[str, t.Any],
    accounts: list[dict[str, t.Any]],
    play_hosts: list[str],
    applications: t.Sequence[dict[str, t.Any]] = (),
) -> list[dict[str, t.Any]]:
    """Return the targets."""
    found = Organisation.from_data(organisation)
    silent = {account["name"] for account in accounts if account.get("error")}
    targets = [
        host.target()
        for _name, host in sorted(found.hosts.items())
        if host.name in play_hosts and host.name not in silent and not host.is_quarantined
    ]
    primary = found.primary
    if primary.name in play_hosts and primary.name not in silent:
        targets += [{**primary.target(), "stack_name": one["stack_name"]} for one in applications]
    return targets


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"drift_targets": drift_targets}
