# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the types of everything that is Python.

mypy takes packages or files, not both, and knows a file by one name only. So plugins go by their
name inside the collection, as Ansible imports them, and Lambda code, which nothing imports, goes by
file.
"""

from __future__ import annotations

import subprocess
import sys

from tools.environment import COLLECTIONS, ROOT, environment

COLLECTION = "ansible_collections.crossaccount.pipeline"


def main() -> int:
    """Run mypy over both halves and return the worse exit code."""
    packages = [f"{COLLECTION}.plugins"]
    packages += [
        name
        for name in ("tests", "lab", "demo", "tools", "benchmarks")
        if any((ROOT / name).rglob("*.py"))
    ]
    files = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("roles/*/files/*.py"))
    sources = [[f"--package={name}" for name in packages]]
    if files:
        sources.append(files)
    variables = environment({"MYPYPATH": str(COLLECTIONS)})
    return max(
        subprocess.run(
            [sys.executable, "-m", "mypy", *source], cwd=ROOT, env=variables, check=False
        ).returncode
        for source in sources
    )


if __name__ == "__main__":
    sys.exit(main())
