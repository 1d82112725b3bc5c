# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What CodePipeline gives a build that it starts.

AWS: a channel between the two services, which no request shows. Here: by the idempotency token of
StartBuild.
"""

from __future__ import annotations

from dataclasses import dataclass

Place = tuple[str, str]  # bucket, key


@dataclass(frozen=True, kw_only=True)
class Handover:
    """The artifacts of an action.

    primary: the input that holds the buildspec. clones: repositories that inputs refer to instead
    of holding their files.
    """

    pipeline: str
    primary: str
    inputs: dict[str, Place]
    outputs: dict[str, Place]
    clones: tuple[dict[str, str], ...] = ()


_waiting: dict[str, Handover] = {}


def offer(token: str, handover: Handover) -> None:
    """Have a handover ready for the StartBuild with that token."""
    _waiting[token] = handover


def take(token: str) -> Handover | None:
    """The handover of a StartBuild, once; None for a build that no pipeline starts."""
    return _waiting.pop(token, None)


__all__ = ("Handover", "Place", "offer", "take")
