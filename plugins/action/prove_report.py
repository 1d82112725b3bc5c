# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Report what a canary run found; documented by the module of the same name."""

from __future__ import annotations

import json
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
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.prove_screen import (
    proof_lines,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._report.terminal import show

ARGUMENT_SPEC = PROVE_REPORT
NAME = "prove-report"


class ActionModule(PipelineAction):
    """The action ``crossaccount.pipeline.prove_report``."""

    argument_spec = ARGUMENT_SPEC
    calls_aws = False

    def act(self) -> dict[str, t.Any]:
        """Write the report, or show it."""
        folder = Path(self.options["path"]) if self.options["path"] else None
        if self.options["begin"]:
            return self._begin(folder)
        proof = t.cast("Proof", self.options["proof"])
        lines = proof_lines(proof)
        if self.options["show"]:
            show(lines)
        return {
            "changed": False,
            "files": self._write(folder, proof) if folder else [],
            "summary": summary(proof),
            "text": [line.text for line in lines],
        }

    def _begin(self, folder: Path | None) -> dict[str, t.Any]:
        """Remove the report of an earlier run, which nobody should take for this run's."""
        try:
            if folder:
                (folder / f"{NAME}.json").unlink(missing_ok=True)
        except OSError as exc:
            raise PipelineError(
                f"the earlier report in {folder} cannot be removed: {exc.strerror}",
                cure="Remove it, or set prove_report_path",
            ) from exc
        return {"changed": False}

    def _write(self, folder: Path, proof: Proof) -> list[str]:
        """Write the files; an error is only a warning."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{NAME}.json"
            path.write_text(json.dumps(proof, indent=2) + "\n", encoding="utf-8")
        except OSError as exc:
            Display().warning(f"the report cannot be written to {folder}: {exc.strerror}")
            return []
        return [str(path)]
