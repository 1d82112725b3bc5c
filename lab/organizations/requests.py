# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests of Organizations, and how one is refused."""

from __future__ import annotations

from typing import Any

Data = dict[str, Any]


class RefusedError(Exception):
    """A request that Organizations refuses, with its code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


__all__ = ("Data", "RefusedError")
