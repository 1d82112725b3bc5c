# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a drift run finds, and what it could not look at: plain data, the same everywhere."""

from __future__ import annotations

import dataclasses
import typing as t

# Why something is unchecked that AWS has no detection for, which is no failure.
NOT_DETECTED = "CloudFormation does not detect drift of this type"

Kind = t.Literal["missing", "orphaned", "stuck", "outdated", "drifted", "policy"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """The stack that something was found in.

    :param host: what the target is called; empty where no host stands for the stack.
    """

    host: str
    account_id: str
    region: str
    stack: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource of a stack; all empty for what concerns the stack as a whole."""

    logical_id: str = ""
    resource_type: str = ""
    physical_id: str = ""

    def __str__(self) -> str:
        return f"{self.logical_id} ({self.resource_type})"


WHOLE_STACK = Resource()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is not as it should be.

    :param property: where in the resource, names joined by dots; empty for the resource itself.
    :param expected: the value that the template gives, as text; empty where it gives none.
    :param actual: the value found, as text; empty where there is none.
    :param difference: ``NOT_EQUAL``, ``ADD`` (only found), ``REMOVE`` (only expected) or
        ``DELETED``; empty for what concerns the stack as a whole.
    """

    kind: Kind
    resource: Resource = WHOLE_STACK
    property: str = ""
    expected: str = ""
    actual: str = ""
    difference: str = ""
    message: str

    def told(self, place: Place) -> dict[str, t.Any]:
        """Return it as the data that actions give and the report holds."""
        return {
            "kind": self.kind,
            **dataclasses.asdict(place),
            "resource": self.resource.logical_id,
            "resource_type": self.resource.resource_type,
            "physical_id": self.resource.physical_id,
            "property": self.property,
            "expected": self.expected,
            "actual": self.actual,
            "difference": self.difference,
            "message": self.message,
            "ignored": None,
        }


@dataclasses.dataclass(frozen=True, kw_only=True)
class Unchecked:
    """One resource, or part of it, that nobody could look at. That is never "in sync"."""

    resource: Resource = WHOLE_STACK
    why: str

    def told(self, place: Place) -> dict[str, t.Any]:
        """Return it as the data that actions give and the report holds."""
        return {
            **dataclasses.asdict(place),
            "resource": self.resource.logical_id,
            "resource_type": self.resource.resource_type,
            "why": self.why,
        }


__all__ = ("NOT_DETECTED", "WHOLE_STACK", "Finding", "Kind", "Place", "Resource", "Unchecked")
