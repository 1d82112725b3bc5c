# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write every CloudFormation template with its Lambda code in place to build/templates.

The results stand alone: for the console, for cfn-lint and for reading. A pipeline's template is
composed from data: here are those of the sample applications. With --golden, writes those of them
that are reviewed to tests/unit/roles/golden instead: read the difference before it is committed.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.template import render

from tools import sample_pipelines
from tools.environment import ROOT

TARGET = ROOT / "build" / "templates"
# Templates of pipelines that are reviewed; tests compare them with what is composed now.
GOLDEN = ROOT / "tests" / "unit" / "roles" / "golden"
REVIEWED = ("hello", "uploaded", "native", "split")


def sources() -> list[Path]:
    """Every template of the collection that is complete by itself, in a fixed order."""
    return sorted(
        path
        for pattern in ("roles/*/files", "playbooks/files")
        for path in ROOT.glob(f"{pattern}/*.template")
        if path != sample_pipelines.BASE
    )


def render_all() -> list[Path]:
    """Render every template into a fresh `build/templates` and return the files written.

    Raises ValueError if two templates would be written to the same file.
    """
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir(parents=True)
    written: list[Path] = []
    rendered = [(source.name, render(source)) for source in sources()]
    rendered += [
        (f"pipeline-{name}.template", sample_pipelines.template(name))
        for name in sample_pipelines.SAMPLES
    ]
    for name, text in rendered:
        target = TARGET / name
        if target in written:
            message = f"two templates are called {name}"
            raise ValueError(message)
        target.write_text(text, encoding="utf-8")
        written.append(target)
    return written


def write_golden() -> list[Path]:
    """Write the templates that are reviewed anew and return the files written."""
    shutil.rmtree(GOLDEN, ignore_errors=True)
    GOLDEN.mkdir()
    written = []
    for name in REVIEWED:
        target = GOLDEN / f"{name}.template"
        target.write_text(sample_pipelines.template(name), encoding="ascii")
        written.append(target)
    return written


if __name__ == "__main__":
    for path in write_golden() if "--golden" in sys.argv[1:] else render_all():
        print(path.relative_to(ROOT))
    sys.exit()
