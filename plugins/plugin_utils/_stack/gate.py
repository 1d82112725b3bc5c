# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate: which changes of a change set need the user's word. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

# Resources whose replacement or removal loses data, or locks out what refers to them.
GUARDED_TYPES = frozenset({"AWS::IAM::Role", "AWS::KMS::Key", "AWS::S3::Bucket"})
DATA_TYPES = frozenset({"AWS::KMS::Key", "AWS::S3::Bucket"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Change:
    """One resource's change, as DescribeChangeSet tells it.

    :param replacement: ``True``, ``False`` or ``Conditional``; empty for what is added or removed.
    """

    action: str
    logical_id: str
    resource_type: str
    replacement: str = ""
    scope: tuple[str, ...] = ()

    @classmethod
    def from_description(cls, change: dict[str, t.Any]) -> Change:
        """Return what *change*, an entry of DescribeChangeSet, says."""
        resource = change["ResourceChange"]
        return cls(
            action=resource["Action"],
            logical_id=resource["LogicalResourceId"],
            resource_type=resource["ResourceType"],
            replacement=resource.get("Replacement", ""),
            scope=tuple(sorted(resource.get("Scope", []))),
        )

    def __str__(self) -> str:
        text = f"{self.action} {self.logical_id} ({self.resource_type})"
        return f"{text}, replacement: {self.replacement}" if self._may_replace else text

    @property
    def _may_replace(self) -> bool:
        return self.replacement in ("True", "Conditional")

    @property
    def is_guarded(self) -> bool:
        """Whether it replaces or removes (or may) a key, a bucket or a role."""
        return self.resource_type in GUARDED_TYPES and (
            self.action == "Remove" or self._may_replace
        )


def refused(changes: t.Iterable[Change]) -> list[Change]:
    """Return the changes that may not happen without the user's word."""
    return [change for change in changes if change.is_guarded]


__all__ = ("DATA_TYPES", "GUARDED_TYPES", "Change", "refused")
