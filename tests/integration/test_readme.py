# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The README's block "Without make", run in an ordinary shell: it does what it says."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from pathlib import Path

from lab import Lab
from tests.commands import run_command
from tests.integration.held import Held
from tests.integration.inventory import ROOT
from tests.integration.waiting import HANGS

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


def block() -> str:
    """The commands under the heading."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"^## Without make\n.*?^```shell\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def test_without_make(lab: Lab, held: Held, tmp_path: Path) -> None:
    """Talks to the lab. From an empty directory and an empty home, without our ansible.cfg.

    Every line is run. What pip would download is in the environment of the tests already, and it
    finds it there.
    """
    home, directory = tmp_path / "home", tmp_path / "anywhere"
    home.mkdir()
    directory.mkdir()
    environment = {
        **lab.variables("operator"),
        "HOME": str(home),
        "PATH": os.pathsep.join((str(Path(sys.prefix) / "bin"), SYSTEM_PATH)),
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "CHECKOUT": str(ROOT),
        "LANG": "C.UTF-8",
    }

    done = run_command(
        ["bash", "-c", f"set -e\n{block()}"],
        environment=environment,
        folder=directory,
        seconds=HANGS,
    )

    assert done.returncode == 0, done.stdout
    assert len(re.findall(r" to create$", done.stdout, re.MULTILINE)) == 7, done.stdout
    assert held.stacks() == {}
    installed = home / ".ansible" / "collections" / "ansible_collections" / "crossaccount"
    assert (installed / "pipeline" / "MANIFEST.json").exists()
