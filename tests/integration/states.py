# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Saved states of the lab: made once by a run of the bootstrap, then restored in milliseconds."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from lab import Lab, LabError
from tests.integration.inventory import ROOT
from tests.integration.waiting import HANGS

_FOLDER = ROOT / ".lab" / "states"
# A state is what this code made.
_SOURCES = ("ansible.cfg", "bootstrap.yml", "inventories", "lab", "playbooks", "plugins", "roles")
# Seconds that work in progress is given to end, before it is ended.
_REST = 1.0
_PACKAGES = ("ansible-core", "boto3", "ministack")


class States:
    """The saved states of this checkout. Several processes may use them at once."""

    def __init__(self) -> None:
        self._folder = _FOLDER / _key()
        _FOLDER.mkdir(parents=True, exist_ok=True)
        with _lock(_FOLDER / "lock"):
            # States of other code are of no use any more.
            for folder in _FOLDER.glob("*/"):
                if folder != self._folder:
                    shutil.rmtree(folder)
            self._folder.mkdir(exist_ok=True)

    def restore(self, lab: Lab, name: str, make: Callable[[], None]) -> None:
        """Put the lab into a state. make: brings a lab that was just started there, once."""
        with _lock(self._folder / f"{name}.lock"):
            path = self._folder / f"{name}.state"
            if not path.exists():
                make()
                unfinished = path.with_suffix(".new")
                lab.save(unfinished, seconds=HANGS)
                unfinished.rename(path)
        # Also where it was just made: the call log is empty then.
        try:
            lab.restore(path, seconds=_REST)
        except LabError:
            # The test before left something that does not end by itself.
            lab.reset()
            lab.restore(path)


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _key() -> str:
    """Return a digest of everything that a state depends on."""
    digest = hashlib.sha256(sys.version.encode())
    for package in _PACKAGES:
        digest.update(f"{package} {metadata.version(package)}".encode())
    for source in _SOURCES:
        path = ROOT / source
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


__all__ = ("States",)
