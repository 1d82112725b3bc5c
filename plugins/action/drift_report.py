# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Report what a drift run found; documented by the module of the same name."""

from __future__ import annotations

import datetime
import typing as t
from pathlib import Path

from ansible import context
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.utils.display import Display
from ansible_collections.amazon.aws.plugins.module_utils.arn import parse_aws_arn
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._access.version import (
    outdated_others,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._action import PipelineAction
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._arguments import DRIFT_REPORT
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.account import Account
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.batch import gateway_of
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.plan import Plan
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.recorded import (
    failed_reverts,
    require_plan,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.run import Run
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._drift.ignore import (
    read_ignores,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    Organisation,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report import extract
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.blocked import (
    blocked_lines,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.command import (
    command,
    shown,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.document import document
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.drift_screen import (
    report_lines,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.files import (
    NAME,
    remove,
    write,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.markdown import (
    as_markdown,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.notice import notice
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.outdated import (
    outdated_lines,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.rows import Observed
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.terminal import width
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.upload import (
    Destination,
    upload,
)

ARGUMENT_SPEC = DRIFT_REPORT


class ActionModule(PipelineAction):
    """The action ``crossaccount.pipeline.drift_report``."""

    argument_spec = ARGUMENT_SPEC
    calls_aws = False

    def act(self) -> dict[str, t.Any]:
        """Make the report, write it, and return which hosts must end as failed."""
        if self.options["begin"]:
            return self._begin()
        ignores = read_ignores(self.options["ignore"])
        plan = require_plan(self.task_vars["hostvars"])
        organisation = Organisation.from_dict(plan["organisation"])
        outdated = outdated_others(organisation, plan["access_stacks"], self.options["others"])
        report = document(
            organisation,
            Observed(
                stacks=self.options["stacks"],
                comparisons=plan["stacks"],
                failures=_failures(plan),
                orphans=self.options["orphans"],
                reverts=failed_reverts(self.task_vars["hostvars"]),
            ),
            name=self.options["name"],
            play_hosts=plan["hosts"],
            ignores=ignores,
            started=datetime.datetime.fromisoformat(plan["started"]),
            finished=datetime.datetime.now(datetime.UTC),
            outdated_roles=outdated,
        )
        files = self._written(report)
        link = self._uploaded(report, plan["organisation"]["build_account_id"])
        summary = extract.summary(report, link=link)
        lines = report_lines(
            report,
            path=link or next((path for path in files if path.endswith(f"{NAME}.html")), ""),
            command=() if self._is_fixing() else command(),
            limit=context.CLIARGS.get("subset") or "",
            width=width(),
        )
        lines += blocked_lines(plan["blocked"])
        lines += outdated_lines(outdated, width=width())
        return {
            "changed": False,
            "verdict": report["verdict"],
            "complete": report["complete"],
            "summary": summary,
            "notice": notice(summary),
            "failures": extract.failures(
                report,
                drift=self.options["fail_on_drift"],
                orphans=not self._remediates(),  # which leaves them to a person
            ),
            "drifted": extract.drifted(report),
            "files": files,
            "text": [line.text for line in lines],
            "meanings": [line.meaning for line in lines],
        }

    def _begin(self) -> dict[str, t.Any]:
        """Remove the report of an earlier run, which nobody should take for this run's."""
        if self.options["path"]:
            try:
                remove(Path(self.options["path"]))
            except OSError as exc:
                raise PipelineError(
                    f"the earlier drift report in {self.options['path']} cannot be removed:"
                    f" {exc.strerror}",
                    cure="Remove it, or set drift_report_path",
                ) from exc
        read_ignores(self.options["ignore"])
        return {"changed": False}

    def _is_fixing(self) -> bool:
        """Return whether this run remediates, or runs in AWX."""
        return self._remediates() or "awx_job_id" in self.task_vars

    def _remediates(self) -> bool:
        return bool(boolean(self.task_vars.get("remediate", False), strict=False))

    def _written(self, report: dict[str, t.Any]) -> list[str]:
        """Write the files; an error is only a warning."""
        if not self.options["path"]:
            return []
        folder = Path(self.options["path"])
        try:
            return [shown(path) for path in write(folder, report, as_markdown(report))]
        except OSError as exc:
            Display().warning(f"the drift report cannot be written to {folder}: {exc.strerror}")
            return []

    def _uploaded(self, report: dict[str, t.Any], build_account_id: str) -> str:
        """Upload the report and return its link; an error is only a warning."""
        wanted = self.options["upload"]
        if not wanted:
            return ""
        region = wanted["region"] or self.options["sts_region"] or ""
        destination = Destination(
            bucket=wanted["bucket"],
            prefix=wanted["prefix"],
            region=region,
            account_id=wanted["account_id"] or build_account_id,
            url=wanted["url"],
        )
        role = parse_aws_arn(wanted["role_arn"]) if wanted["role_arn"] else None
        account = Account(
            account_id=role["account_id"] if role else build_account_id,
            profile=wanted["profile"],
            role_arn=wanted["role_arn"],
        )
        try:
            client = gateway_of(self.options).open(account).client("s3", region)
            job = str(self.task_vars.get("awx_job_id", ""))
            return upload(client, destination, report, job=job)
        except PipelineError as exc:
            Display().warning(f"the drift report is not in bucket {destination.bucket}: {exc}")
            return ""


def _failures(plan: Plan) -> dict[str, str]:
    """Return why hosts fail, whatever their stacks are."""
    run = Run(plan, {})
    present = [name for name in plan["hosts"] if run.organisation.hosts[name].is_present]
    reasons = {name: run.not_reached(name) or run.unregistered(name) for name in present}
    return {name: reason for name, reason in reasons.items() if reason} | plan["failures"]
