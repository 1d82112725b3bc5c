# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The error of the lab."""

from __future__ import annotations


class LabError(Exception):
    """The lab cannot do what was asked; the message has the reason."""


__all__ = ("LabError",)
