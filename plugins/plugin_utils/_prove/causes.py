# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a path was refused. Pure."""

from __future__ import annotations

from .lookups import Lookups
from .model import Cause, FailedAction


def explain(failure: FailedAction, known: Lookups) -> Cause:
    """Return the cause of a failed action, or of a step before the first action.

    :param failure: without a stage where no pipeline ran: its stack was refused, or the upload.
    """
    del known
    return Cause(
        kind="unknown",
        stage=failure["stage"] or None,
        principal=failure["role_arn"] or None,
        permission=None,
        resource=failure["execution"] or None,
        message=failure["summary"] or failure["code"] or "no reason given",
        cure="Look at the message",
    )


__all__ = ("explain",)
