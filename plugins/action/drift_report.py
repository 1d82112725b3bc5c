# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Report what a drift run found; documented by the module of the same name."""

from __future__ import annotations

import datetime
import typing as t
from pathlib import Path

from ansible.utils.display import Display
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._action import PipelineAction
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._arguments import DRIFT_REPORT
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.ignore import (
    read_ignores,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    Organisation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report import (
    document as _report,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.files import write
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.markdown import (
    as_markdown,
)

ARGUMENT_SPEC = DRIFT_REPORT


class ActionModule(PipelineAction):
    """The action ``crossaccount.pipeline.drift_report``."""

    argument_spec = ARGUMENT_SPEC
    calls_aws = False

    def act(self) -> dict[str, t.Any]:
        """Put together what was found, write it, and name the hosts that must end as failed."""
        ignores = read_ignores(self.options["ignore"])
        organisation = Organisation.from_data(self.options["organisation"])
        hostvars = self.task_vars["hostvars"]
        finished = datetime.datetime.now(datetime.UTC)
        report = _report.document(
            organisation,
            _report.Looked(
                stacks=self.options["stacks"],
                orphans=self.options["orphans"],
                hostvars=hostvars,
                failures=self.options["plan"].get("failures", {}),
                applications=self._applications(organisation, hostvars),
            ),
            name=self.options["name"],
            play_hosts=self.task_vars["ansible_play_hosts_all"],
            ignores=ignores,
            started=_moment(self.options["started"]) or finished,
            finished=finished,
        )
        text = as_markdown(report)
        Display().display(f"\n{text}")
        return {
            "changed": False,
            "verdict": report["verdict"],
            "complete": report["complete"],
            "summary": _report.summary(report),
            "failures": _report.failures(report, drift=self.options["fail_on_drift"]),
            "drifted": _report.drifted(report),
            "files": self._written(report, text),
        }

    def _applications(
        self, organisation: Organisation, hostvars: t.Mapping[str, t.Mapping[str, t.Any]]
    ) -> list[dict[str, t.Any]]:
        """Return the applications, each with what the primary host has recorded of it."""
        if not self.options["applications"]:
            return []
        variables = hostvars[organisation.primary.name]
        results = variables.get("drift_application_results") or {}
        failures = variables.get("drift_application_failures") or {}
        return [
            {
                "name": one["name"],
                "state": one["state"],
                "stack_name": one["stack_name"],
                "result": results.get(one["name"]),
                "failure": failures.get(one["name"]),
            }
            for one in self.options["applications"]
        ]

    def _written(self, report: dict[str, t.Any], text: str) -> list[str]:
        """Write the files. A disc that takes none costs the files, not the verdict."""
        if not self.options["path"]:
            return []
        folder = Path(self.options["path"])
        try:
            return [str(path) for path in write(folder, report, text)]
        except OSError as exc:
            Display().warning(f"the drift report cannot be written to {folder}: {exc.strerror}")
            return []


def _moment(text: str | None) -> datetime.datetime | None:
    if not text:
        return None
    try:
        return datetime.datetime.fromisoformat(text).astimezone(datetime.UTC)
    except ValueError as exc:
        raise PipelineError(f"started: {text} is not a time in ISO 8601") from exc
