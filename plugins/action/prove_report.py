# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Report what a canary run found; documented by the module of the same name."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible.utils.display import Display
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._action import PipelineAction
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._arguments import PROVE_REPORT
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._prove.model import (
    Proof,
    summary,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.command import shown
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.files import (
    PROVE_NAME,
    remove,
    write,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.prove_document import (
    prove_document,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.prove_markdown import (
    as_markdown,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.prove_screen import (
    preview_lines,
    proof_lines,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.terminal import (
    show,
    width,
)

ARGUMENT_SPEC = PROVE_REPORT


class ActionModule(PipelineAction):
    """The action ``crossaccount.pipeline.prove_report``."""

    argument_spec = ARGUMENT_SPEC
    calls_aws = False

    def act(self) -> dict[str, t.Any]:
        """Write the report, or show it."""
        # Check mode proves nothing, so the report of an earlier run stays.
        path = None if self._task.check_mode else self.options["path"]
        folder = Path(path) if path else None
        if self.options["begin"]:
            return self._begin(folder)
        self.require("proof")
        proof: Proof = self.options["proof"]
        report = prove_document(proof, name=self.options["name"])
        page = ""
        if folder and (folder / f"{PROVE_NAME}.html").exists():
            page = shown(folder / f"{PROVE_NAME}.html")
        files = self._write(folder, report) if folder and not self.options["show"] else []
        if self._task.check_mode:
            lines = preview_lines(report, width=width())
        else:
            lines = proof_lines(report, path=page, width=width())
        if self.options["show"]:
            show(lines)
        return {
            "changed": False,
            "files": files,
            "summary": summary(proof),
            "text": [line.text for line in lines],
        }

    def _begin(self, folder: Path | None) -> dict[str, t.Any]:
        """Remove the report of an earlier run, which nobody should take for this run's."""
        try:
            if folder:
                remove(folder, name=PROVE_NAME)
        except OSError as exc:
            raise PipelineError(
                f"the earlier report in {folder} cannot be removed: {exc.strerror}",
                cure="Remove it, or set prove_report_path",
            ) from exc
        return {"changed": False}

    def _write(self, folder: Path, report: dict[str, t.Any]) -> list[str]:
        """Write the files; an error is only a warning."""
        try:
            paths = write(folder, report, as_markdown(report), name=PROVE_NAME)
        except OSError as exc:
            Display().warning(f"the report cannot be written to {folder}: {exc.strerror}")
            return []
        return [str(path) for path in paths]
