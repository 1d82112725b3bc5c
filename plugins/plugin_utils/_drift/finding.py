# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a drift run finds, and what it could not check: plain data, the same everywhere."""

from __future__ import annotations

import dataclasses
import typing as t

from .._stack.model import Resource

# Why something is unchecked that AWS has no detection for, which is no failure.
NOT_DETECTED = "CloudFormation does not detect drift of this type"

Kind = t.Literal["missing", "orphaned", "stuck", "outdated", "drifted", "policy"]
KINDS: tuple[Kind, ...] = t.get_args(Kind)
WHOLE_STACK = Resource()


class FindingEntry(t.TypedDict):
    """A finding as actions return it and the report holds it.

    ``ignored`` is None, or reason and until of the entry of ``drift_ignore`` that matches.
    """

    kind: str
    host: str
    account_id: str
    region: str
    stack: str
    resource: str
    resource_type: str
    physical_id: str
    property: str
    expected: str
    actual: str
    difference: str
    message: str
    ignored: dict[str, str] | None


class UncheckedEntry(t.TypedDict):
    """What could not be checked, as actions return it and the report holds it."""

    host: str
    account_id: str
    region: str
    stack: str
    resource: str
    resource_type: str
    why: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """The stack that something was found in.

    :param host: the target's name; empty for a stack that belongs to no host.
    """

    host: str
    account_id: str
    region: str
    stack: str

    def __str__(self) -> str:
        return f"{self.stack} in {self.account_id} {self.region}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is not as it should be.

    :param property: where in the resource, names joined by dots; empty for the resource itself.
    :param expected: the template's value, as text; empty where it gives none.
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

    def as_dict(self, place: Place) -> FindingEntry:
        """Return it as actions return it."""
        return {
            "kind": self.kind,
            "host": place.host,
            "account_id": place.account_id,
            "region": place.region,
            "stack": place.stack,
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
    """A resource, or part of it, that could not be checked. That is never "in sync"."""

    resource: Resource = WHOLE_STACK
    why: str

    def as_dict(self, place: Place) -> UncheckedEntry:
        """Return it as actions return it."""
        return {
            "host": place.host,
            "account_id": place.account_id,
            "region": place.region,
            "stack": place.stack,
            "resource": self.resource.logical_id,
            "resource_type": self.resource.resource_type,
            "why": self.why,
        }


__all__ = (
    "KINDS",
    "NOT_DETECTED",
    "WHOLE_STACK",
    "Finding",
    "FindingEntry",
    "Kind",
    "Place",
    "Resource",
    "Unchecked",
    "UncheckedEntry",
)
