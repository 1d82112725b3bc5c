# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The addresses of queues."""

from __future__ import annotations

from ministack.core.responses import get_region
from ministack.services import sqs


def install() -> None:
    """The URL of a queue.

    AWS: names the service and the region. MiniStack: its own address, which no saved state may
    hold. Requests are answered for both.
    """
    sqs._queue_url_for_account = _url


def _url(account_id: str, name: str) -> str:
    return f"https://sqs.{get_region()}.amazonaws.com/{account_id}/{name}"


__all__ = ("install",)
