# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring the collection awx.awx, which the tests of the role awx run, to build/awx.

Nothing else needs it, so it is no dependency and not in the repository. The release of the package
ansible that .venv-oldest is made of carries it, the newer one of .venv does not. So that release is
downloaded once, with the hash of its lock (about 50 MB), and nothing but this collection is taken
out of it.

Without a network this says so and ends well, and the tests are skipped. `make clean` removes it.
"""

from __future__ import annotations

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


class HashMismatch(Exception):
    """What was downloaded is not what the lock names."""


def collections_path() -> Path | None:
    """The folder whose ansible_collections has awx.awx; None where nothing has it."""
    places = (Path(sysconfig.get_path("purelib")), BUILD)
    return next((place for place in places if (place / INSIDE / "MANIFEST.json").exists()), None)


def bring() -> str:
    """Download the collection unless it is there, and return what to say about it."""
    found = collections_path()
    if found:
        return f"awx.awx is in {found}"
    with tempfile.TemporaryDirectory() as folder:
        problem = _download(Path(folder))
        if problem:
            return f"awx.awx cannot be downloaded, its tests will be skipped: {problem}"
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.startswith(INSIDE)]
            # The manifest last: it says that all of it is there.
            names.sort(key=lambda name: name == f"{INSIDE}MANIFEST.json")
            for name in names:
                archive.extract(name, BUILD)
    return f"awx.awx is now in {BUILD}"


def requirement(lock: str) -> str:
    """The lines of the lock that pin the package ansible."""
    lines = lock.splitlines()
    (start,) = [number for number, line in enumerate(lines) if line.startswith("ansible==")]
    end = next(number for number in range(start, len(lines)) if not lines[number].endswith("\\"))
    return "\n".join([*lines[start : end + 1], ""])


def _download(folder: Path) -> str:
    """Download the wheel into a folder; return why not, or nothing."""
    wanted = folder / "requirement.txt"
    wanted.write_text(requirement(LOCK.read_text(encoding="utf-8")), encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    command += ["--requirement", str(wanted), "--dest", str(folder)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    if "DO NOT MATCH THE HASHES" in done.stderr:
        raise HashMismatch(done.stderr)
    told = done.stderr.strip().splitlines() or [f"pip ended with {done.returncode}"]
    return told[-1] if done.returncode else ""


if __name__ == "__main__":
    print(bring())
