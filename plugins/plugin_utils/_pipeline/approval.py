# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What somebody approves in a release. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

CHANGE_SETS, RELEASE = "change_sets", "release"
REVIEWS = (CHANGE_SETS, RELEASE)

NOT_FROZEN = (
    "Nested stacks and assets are not frozen by this approval:"
    " change sets show only 'Modify' for them."
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Approval:
    """What somebody approves before a wave is executed.

    :param review: ``change_sets``, made before and executed after it; or the ``release``, before
        anything of the wave is made.
    :param timeout: minutes until it expires; 0 for CodePipeline's default.
    :param topic: the topic that asks, instead of the organisation's.
    :param mail: addresses that are asked on a topic of the wave, instead of the organisation's.
    """

    review: str = CHANGE_SETS
    summary: str = ""
    link: str = ""
    timeout: int = 0
    topic: str = ""
    mail: tuple[str, ...] = ()

    @property
    def asks_elsewhere(self) -> bool:
        """Whether the organisation's topic does not ask."""
        return bool(self.topic or self.mail)

    def question(self, *, expands: bool) -> str:
        """Return what is asked.

        :param expands: whether the templates may have transforms and nested stacks.
        """
        adds = expands and self.review == CHANGE_SETS
        return " ".join(filter(None, (self.summary, NOT_FROZEN if adds else "")))

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any]) -> Approval:
        """Return the approval that ``as_dict`` of its pipeline wrote."""
        return cls(**{**data, "mail": tuple(data.get("mail") or ())})


__all__ = ("CHANGE_SETS", "NOT_FROZEN", "RELEASE", "REVIEWS", "Approval")
