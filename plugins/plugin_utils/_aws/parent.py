# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A worker whose parent is gone writes nothing more.

SIGKILL and SIGHUP of ansible-playbook leave its forked workers running. The parent's process id
cannot be reused while it is our parent, so comparing it is enough. The pipe behind
``multiprocessing.parent_process()`` is not: sibling workers keep it open.
"""

from __future__ import annotations

import multiprocessing
import os
import typing as t

from .._errors import OrphanedWorker


class ParentWatch:
    """Raises OrphanedWorker before a request once the parent of this process has ended."""

    def __init__(self) -> None:
        parent = multiprocessing.parent_process()
        # The recorded pid also catches a parent that ended before this line.
        self._parent_pid = os.getppid() if parent is None else parent.pid

    def check(self, **_event: t.Any) -> None:
        """Handle botocore's ``before-send`` event, which every attempt of every call passes."""
        if os.getppid() != self._parent_pid:
            raise OrphanedWorker("ansible-playbook has ended: stopped before the next request")


__all__ = ("ParentWatch",)
