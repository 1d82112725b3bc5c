# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate: which changes of a change set need the user's consent. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .result import ChangeEntry

# Resources whose replacement or removal loses data, or locks out what refers to them.
GUARDED_TYPES = frozenset({"AWS::IAM::Role", "AWS::KMS::Key", "AWS::S3::Bucket"})
DATA_TYPES = frozenset({"AWS::KMS::Key", "AWS::S3::Bucket"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Change:
    """One resource's change, as DescribeChangeSet returns it.

    :param replacement: ``True``, ``False`` or ``Conditional``; empty for what is added or removed.
    :param depends_on: resources and attributes, such as ``Key.Arn``: it changes only if one of
        these does, which AWS knows during the execution. Empty for what changes anyway.
    """

    action: str
    logical_id: str
    resource_type: str
    replacement: str = ""
    scope: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()

    @classmethod
    def from_description(cls, change: dict[str, t.Any]) -> Change:
        """Return the change that *change*, an entry of DescribeChangeSet, describes."""
        resource = change["ResourceChange"]
        return cls(
            action=resource["Action"],
            logical_id=resource["LogicalResourceId"],
            resource_type=resource["ResourceType"],
            replacement=resource.get("Replacement", ""),
            scope=tuple(sorted(resource.get("Scope", []))),
            depends_on=_depends_on(resource.get("Details", [])),
        )

    def __str__(self) -> str:
        text = f"{self.action} {self.logical_id} ({self.resource_type})"
        if self._may_replace:
            text = f"{text}, replacement: {self.replacement}"
        if self.depends_on:
            text = f"{text}, only if {' or '.join(self.depends_on)} changes"
        return text

    def as_dict(self) -> ChangeEntry:
        """Return it as a task's result holds it."""
        return {
            "action": self.action,
            "logical_id": self.logical_id,
            "resource_type": self.resource_type,
            "replacement": self.replacement,
            "scope": self.scope,
            "depends_on": self.depends_on,
        }

    @property
    def _may_replace(self) -> bool:
        return self.replacement in ("True", "Conditional")

    @property
    def is_guarded(self) -> bool:
        """Whether it may replace or remove a key, bucket or role."""
        if self.resource_type not in GUARDED_TYPES:
            return False
        return self.action == "Remove" or self._may_replace

    @property
    def _removes_role(self) -> bool:
        return self.action == "Remove" and self.resource_type == "AWS::IAM::Role"

    def needs_consent(self, known_roles: t.Collection[str] | None) -> bool:
        """Return whether the user must allow it.

        :param known_roles: the roles that something outside the stack may refer to, by logical id;
            the others may go. None: all of them.
        """
        if self._removes_role and known_roles is not None:
            return self.logical_id in known_roles
        return self.is_guarded


def _depends_on(details: list[dict[str, t.Any]]) -> tuple[str, ...]:
    """Return what causes a change, if it is only that: a reference to something that may change."""
    if any(
        detail.get("Evaluation") != "Dynamic"
        or detail.get("ChangeSource") not in ("ResourceAttribute", "ResourceReference")
        for detail in details
    ):
        return ()
    return tuple(sorted({detail.get("CausingEntity", "") for detail in details} - {""}))


ChangeType = t.TypeVar("ChangeType", bound=Change)


def guarded(
    changes: t.Iterable[ChangeType], known_roles: t.Collection[str] | None = None
) -> list[ChangeType]:
    """Return the changes that need the user's consent."""
    return [change for change in changes if change.needs_consent(known_roles)]


__all__ = ("DATA_TYPES", "GUARDED_TYPES", "Change", "guarded")
