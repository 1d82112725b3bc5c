# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which pushes start a pipeline. Pure."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trigger:
    """A filter: branches, with paths or without, or tags. All are glob patterns."""

    branches: tuple[str, ...] = ()
    exclude_branches: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    exclude_paths: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()

    @property
    def has_branches(self) -> bool:
        """Whether it names branches."""
        return bool(self.branches or self.exclude_branches)

    @property
    def has_paths(self) -> bool:
        """Whether it names files."""
        return bool(self.paths or self.exclude_paths)

    @property
    def has_tags(self) -> bool:
        """Whether it names tags."""
        return bool(self.tags or self.exclude_tags)

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any]) -> Trigger:
        """Return the trigger that ``as_dict`` of its pipeline wrote."""
        return cls(**{name: tuple(patterns) for name, patterns in data.items()})


__all__ = ("Trigger",)
