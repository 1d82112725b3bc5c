# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The example, examples/hello, and the files of its build."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import yaml

EXAMPLE = Path(__file__).parents[2] / "examples" / "hello"


def artifacts(**changes: str) -> dict[str, bytes]:
    """The artifacts of a build of the example, by their names.

    changes: text that replaces a whole file, by its name with _ for the dot.
    """
    files = yaml.safe_load((EXAMPLE / "buildspec.yml").read_text(encoding="utf-8"))["artifacts"]
    return {
        name: _packed(EXAMPLE / artifact.get("base-directory", ""), artifact["files"], changes)
        for name, artifact in files["secondary-artifacts"].items()
    }


def objects(**changes: str) -> dict[str, bytes]:
    """The same as objects of the build bucket."""
    return {f"{name}.zip": data for name, data in artifacts(**changes).items()}


def _packed(folder: Path, patterns: list[str], changes: Mapping[str, str]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(found for pattern in patterns for found in folder.glob(pattern)):
            changed = changes.get(path.name.replace(".", "_"))
            file.writestr(path.name, path.read_text("utf-8") if changed is None else changed)
    return archive.getvalue()


__all__ = ("EXAMPLE", "artifacts", "objects")
