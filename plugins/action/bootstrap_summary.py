# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Show what a bootstrap did; documented by the module of the same name."""

from __future__ import annotations

import typing as t

from ansible.utils.display import Display
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._action import PipelineAction
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._arguments import (
    BOOTSTRAP_SUMMARY,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.summary import (
    ApplicationRow,
    applications_as_text,
    as_text,
    incomplete,
    summarise,
    summarise_applications,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    Organisation,
)

ARGUMENT_SPEC = BOOTSTRAP_SUMMARY


class ActionModule(PipelineAction):
    """The action ``crossaccount.pipeline.bootstrap_summary``."""

    argument_spec = ARGUMENT_SPEC
    calls_aws = False

    def act(self) -> dict[str, t.Any]:
        """Show the tables and name the hosts that must end as failed."""
        organisation = Organisation.from_data(self.options["organisation"])
        lines: list[str] = []
        results: dict[str, str] = {}
        failures: dict[str, str] = {}
        if self.options["plan"] is not None:
            rows = summarise(
                organisation,
                self.options["plan"],
                self.task_vars["hostvars"],
                play_hosts=self.task_vars["ansible_play_hosts_all"],
                check_mode=self._task.check_mode,
            )
            orphans = self.options["plan"]["orphans"]
            lines = as_text(rows, orphans, check_mode=self._task.check_mode)
            results = {row.host.name: row.result for row in rows}
            failures = {row.host.name: row.failure for row in rows if row.failure}
        applications = self._applications(organisation)
        told = applications_as_text(applications, self.options["orphaned_applications"])
        if told:
            lines += ["", *told] if lines else told
        failure = incomplete(applications)
        if failure:
            failures.setdefault(organisation.primary.name, failure)
        Display().display("\n".join(["", *lines, ""]))
        return {
            "changed": False,
            "results": results,
            "applications": {row.name: row.result for row in applications},
            "failures": failures,
        }

    def _applications(self, organisation: Organisation) -> list[ApplicationRow]:
        """Return the rows of the applications; none where the primary is not in the play."""
        primary = organisation.primary.name
        if primary not in self.task_vars["ansible_play_hosts_all"]:
            return []
        return summarise_applications(
            organisation,
            self.options["applications"],
            self.task_vars["hostvars"][primary],
            check_mode=self._task.check_mode,
        )
