# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The version of MiniStack that the lab is made for."""

from __future__ import annotations

MINISTACK_VERSION = "1.5.33"

__all__ = ("MINISTACK_VERSION",)
