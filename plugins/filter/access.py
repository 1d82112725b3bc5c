# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters that read the plan of access.yml; documented by .yml files."""

from __future__ import annotations

import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._access.recorded import (
    access_results,
    find_access_plan,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._access.run import (
    STACKS,
    failed_hosts,
    failure,
    reporter,
    working_hosts,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.phases import (
    only_lists,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.registered import (
    HostVars,
)


def access_hosts(hostvars: HostVars, phase: str) -> list[str]:
    """Return the hosts that *phase* is for, by name."""
    if only_lists():
        return []
    plan = find_access_plan(hostvars)
    if phase == STACKS:
        return working_hosts(plan)
    return failed_hosts(plan, access_results(plan, hostvars)) or [reporter(plan)]


def access_fails(hostvars: HostVars, host: str) -> bool:
    """Return whether access.yml must fail *host*."""
    plan = find_access_plan(hostvars)
    return failure(plan, access_results(plan, hostvars), host) is not None


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"access_fails": access_fails, "access_hosts": access_hosts}
