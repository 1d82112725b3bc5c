# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the processes of one run share: temporary credentials, in files that only their user reads.

The files (0600) lie in Ansible's directory of the run (0700), which Ansible deletes when it ends. A
killed run leaves it behind: the next run deletes what is ours in it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import typing as t
from pathlib import Path

from ansible import constants

try:
    import botocore.utils
except ImportError:  # reported by the actions, host by host
    pass

_NAME = "crossaccount.pipeline"
# Ansible's directory of a run: the process, and what tempfile adds.
_RUN = re.compile(r"ansible-local-(\d+)[a-z0-9_]{8}")

Entry = dict[str, t.Any]


class RunCache:
    """Values by key, each made once by the first process that needs it.

    :param run_directory: Ansible's ``DEFAULT_LOCAL_TMP``; None shares with no other process.
    """

    def __init__(self, run_directory: Path | None) -> None:
        self._directory = _prepare(run_directory) if run_directory else None
        self._entries: t.Any = (
            botocore.utils.JSONFileCache(str(self._directory)) if self._directory else {}
        )

    def get(
        self,
        key: t.Sequence[t.Any],
        make: t.Callable[[], Entry],
        *,
        is_fresh: t.Callable[[Entry], bool] = lambda _entry: True,
    ) -> Entry:
        """Return the entry of *key*, from *make* if there is none that is fresh.

        :param key: plain data; only its hash reaches the disk.
        """
        name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        with self._locked(name):
            with contextlib.suppress(KeyError, TypeError, ValueError):
                found: Entry = self._entries[name]
                if is_fresh(found):
                    return found
            made = make()
            # A full disk costs a fetch, not the run.
            with contextlib.suppress(OSError):
                self._entries[name] = made
            return made

    @contextlib.contextmanager
    def _locked(self, name: str) -> t.Iterator[None]:
        """Keep other threads and processes from *name*, until this one is done or dead."""
        try:
            lock = (
                os.open(self._directory / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
                if self._directory
                else None
            )
        except OSError:
            lock = None
        try:
            if lock is not None:
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            if lock is not None:
                os.close(lock)


def run_directory() -> Path:
    """Return Ansible's directory of this run, which its workers inherit."""
    return Path(constants.DEFAULT_LOCAL_TMP)


def _prepare(run_directory: Path) -> Path | None:
    """Return our directory of this run; the process that makes it sweeps. None if it cannot be."""
    directory = run_directory / _NAME
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        return directory
    except OSError:
        return None
    _sweep(run_directory.parent)
    return directory


def _sweep(directory: Path) -> None:
    """Delete what runs left in *directory* whose process is gone.

    A process on another machine that shares the directory may look dead; it fetches again.
    """
    with contextlib.suppress(OSError):
        for path in directory.iterdir():
            run = _RUN.fullmatch(path.name)
            if run and not _is_alive(int(run[1])):
                shutil.rmtree(path / _NAME, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


__all__ = ("Entry", "RunCache", "run_directory")
