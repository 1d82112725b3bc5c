# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a run is refused where AWS knows hosts that the inventory no longer has. Pure."""

from __future__ import annotations

import typing as t

from .._accounts.marker import LEFT


def vanished_text(missing: t.Sequence[str], *, left_ou: bool) -> str:
    """Return what the inventory no longer has, and what to do.

    :param left_ou: whether an account may have left its OU in AWS Organizations.
    """
    found = f"the inventory no longer has {', '.join(missing)}."
    if left_ou:
        return f"{found} An account that left its OU is not removed by that. {LEFT}"
    return (
        f"{found} A missing host removes nothing: bring it back (a closed account gets state:"
        " quarantined)"
    )


__all__ = ("vanished_text",)
