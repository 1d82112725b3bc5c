# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the CloudFormation templates as they are deployed to build/templates.

For the console, cfn-lint and reading. Pipeline templates are those of the sample pipelines. With
--golden, write tests/unit/roles/golden instead: review the difference before you commit it.
"""

from __future__ import annotations

import difflib
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._access.templates import FILES
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._access.templates import (
    template as access_template,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.template import render

from tools import sample_pipelines
from tools.environment import ROOT

TARGET = ROOT / "build" / "templates"
# The template of one pipeline as it was reviewed, and how others differ from it.
GOLDEN = ROOT / "tests" / "unit" / "roles" / "golden"
REVIEWED = "hello"
VARIANTS = ("native", "split", "uploaded")


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
    rendered = [
        (
            source.name,
            access_template(source.stem)
            if source.parent.resolve() == FILES.resolve()
            else render(source),
        )
        for source in sources()
    ]
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


def golden() -> dict[str, str]:
    """Return what belongs into GOLDEN: text by file name."""
    reviewed = sample_pipelines.template(REVIEWED)
    files = {f"{REVIEWED}.template": reviewed}
    for name in VARIANTS:
        variant = sample_pipelines.template(name, called=REVIEWED)
        files[f"{name}.diff"] = "".join(_difference(reviewed, variant))
    return files


def _difference(old: str, new: str) -> Iterator[str]:
    """Yield a unified diff that names the resource of each hunk instead of line numbers."""
    lines = old.splitlines(keepends=True)
    for line in difflib.unified_diff(lines, new.splitlines(keepends=True), n=1):
        if found := re.match(r"@@ -(\d+)", line):
            above = "".join(lines[: int(found[1])])
            resource = re.findall(r"^  (\w+):", above, re.MULTILINE)[-1]
            yield f"@@ {resource} @@\n"
        elif not line.startswith(("---", "+++")):
            yield line


def write_golden() -> list[Path]:
    """Write GOLDEN again and return its files."""
    shutil.rmtree(GOLDEN, ignore_errors=True)
    GOLDEN.mkdir()
    for name, text in golden().items():
        (GOLDEN / name).write_text(text, encoding="ascii")
    return sorted(GOLDEN.iterdir())


if __name__ == "__main__":
    for path in write_golden() if "--golden" in sys.argv[1:] else render_all():
        print(path.relative_to(ROOT))
    sys.exit()
