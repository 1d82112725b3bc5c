# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters that read the plan of a run; documented by .yml files."""

from __future__ import annotations

import typing as t

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap import phases


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {
            "run_connection": phases.connection,
            "run_fails": phases.fails,
            "run_hosts": phases.hosts,
            "run_inputs": phases.inputs,
            "run_targets": phases.targets,
        }
