# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The log group of a project or function, and the right to write it. Pure."""

from __future__ import annotations

from .part import Data
from .roles import allow, attribute, sub


def make_log_group(name: str, days: int) -> Data:
    """Return the log group *name*, which goes with its stack.

    :param name: with parameters of the template.
    """
    return {
        "Type": "AWS::Logs::LogGroup",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": {"LogGroupName": sub(name), "RetentionInDays": days},
    }


def write_log(logical_id: str) -> Data:
    """Return the right to write the log group of that logical id."""
    actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
    return allow("WriteLog", actions, attribute(logical_id))


__all__ = ("make_log_group", "write_log")
