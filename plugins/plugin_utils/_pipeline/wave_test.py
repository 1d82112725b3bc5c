# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A test before or after the deployments of a wave. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .build import Build
from .outputs import Output, output_of

BEFORE, AFTER = "before", "after"
TIMES = (BEFORE, AFTER)


@dataclasses.dataclass(frozen=True, kw_only=True)
class WaveTest:
    """A build that stops the release when it fails.

    :param when: whether it runs before the deployments of its wave, or after them.
    :param artifacts: what it gets, the one with its build specification first.
    """

    name: str
    when: str = AFTER
    artifacts: tuple[str, ...] = ()
    build: Build = dataclasses.field(default_factory=Build)

    @property
    def outputs(self) -> dict[str, Output]:
        """The outputs of stacks that its variables hold, by the names of these."""
        return {
            name: output_of(item.output)
            for name, item in self.build.environment.items()
            if item.output
        }

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any]) -> WaveTest:
        """Return the test that a user wrote, or that ``as_dict`` of its pipeline did."""
        return cls(
            name=data["name"],
            when=data["when"],
            artifacts=tuple(data["artifacts"]),
            build=Build.from_dict(data.get("build") or data),
        )


__all__ = ("AFTER", "BEFORE", "TIMES", "WaveTest")
