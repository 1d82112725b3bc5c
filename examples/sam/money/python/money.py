# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Amounts of money in words, for every function."""

from __future__ import annotations


def written(amount: int) -> str:
    """Return an amount as it is written."""
    return f"{amount:,}.00"
