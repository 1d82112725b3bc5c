# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the checkout is, and the environment in which the tools run their commands."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# The virtual environment in use, and the folder where Ansible finds its collections.
VENV = Path(sys.prefix)
COLLECTIONS = VENV / "collections"


def environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """This process's environment, with the virtual environment first on PATH, and `extra`."""
    return {
        # Some machines forbid bytecode: every start of a tool would compile all of it again.
        **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        "PATH": os.pathsep.join((str(VENV / "bin"), os.environ.get("PATH", os.defpath))),
        # The collections of the environment in use, which need not be the one in ansible.cfg.
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        # What is installed is no part of the checkout, which ignores it: tools that ask git for the
        # files of amazon.aws would find none.
        "GIT_CEILING_DIRECTORIES": str(VENV),
        **(extra or {}),
    }


__all__ = ("COLLECTIONS", "ROOT", "VENV", "environment")
