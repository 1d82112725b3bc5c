# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Download the collection awx.awx, which the tests of the role awx run, to build/awx.

PyPI has it only inside the package ansible, in the release that requirements/oldest.txt locks:
about 50 MB, once. Without a network this prints why and succeeds, and those tests are skipped.
"""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

from tools.environment import ROOT, environment

BUILD = ROOT / "build" / "awx"
LOCK = ROOT / "requirements" / "oldest.txt"
INSIDE = "ansible_collections/awx/awx/"


def collections_path() -> Path | None:
    """Return the folder whose ansible_collections has awx.awx, if any."""
    places = (Path(sysconfig.get_path("purelib")), BUILD)
    return next((place for place in places if (place / INSIDE / "MANIFEST.json").exists()), None)


def download() -> str:
    """Download the collection unless it is there; return a line for the screen."""
    if found := collections_path():
        return f"awx.awx is in {found}"
    with tempfile.TemporaryDirectory() as folder:
        requirement = Path(folder, "requirement.txt")
        locked = re.search(r"^ansible==(.*\\\n)+.*\n", LOCK.read_text("utf-8"), re.MULTILINE)
        requirement.write_text(locked[0] if locked else "", encoding="utf-8")
        done = subprocess.run(
            [
                *(
                    sys.executable,
                    "-m",
                    "pip",
                    "download",
                    "--quiet",
                    "--disable-pip-version-check",
                ),
                *("--no-deps", "--require-hashes", "--only-binary", ":all:", "--dest", folder),
                *("--requirement", str(requirement)),
            ],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if "DO NOT MATCH THE HASHES" in done.stderr:
            raise SystemExit(done.stderr)
        if done.returncode:
            return f"awx.awx cannot be downloaded, its tests will be skipped: {done.stderr.strip()}"
        [wheel] = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.startswith(INSIDE)]
            # The manifest last: it shows that all of it is there.
            for name in sorted(names, key=lambda name: name == f"{INSIDE}MANIFEST.json"):
                archive.extract(name, BUILD)
    return f"awx.awx is now in {BUILD}"


if __name__ == "__main__":
    print(download())
