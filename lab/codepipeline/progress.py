# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a pipeline is, for those who would ask again and again."""

from __future__ import annotations

import asyncio
import time

from .executions import PIPELINES

# An answer comes after this time, also where nothing has changed.
_SECONDS = 20.0
_POLL = 0.02


async def changed(*, account: str, region: str, name: str, seen: str | None) -> str:
    """Wait until a pipeline is further than was seen; how far it is.

    That is a text which differs after every change of an execution and of an approval.
    """
    deadline = time.monotonic() + _SECONDS
    while (found := _progress(account, region, name)) == seen and time.monotonic() < deadline:
        await asyncio.sleep(_POLL)
    return found


def _progress(account: str, region: str, name: str) -> str:
    pipeline = PIPELINES.get((account, region), name)
    executions = list(pipeline.executions) if pipeline else []
    return " ".join(
        word
        for execution in executions
        for word in (execution.status, *(run.token for run in list(execution.attempts)))
    )


__all__ = ("changed",)
