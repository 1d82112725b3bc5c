# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work of stacks that fails on demand, so that every failed state of a stack can be reached."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    # It needs MiniStack, which a test's own process does not load.
    from .work import Work

REASON = (
    'Resource handler returned message: "The lab fails this resource as requested." '
    "(HandlerErrorCode: GeneralServiceException)"
)


@dataclass(frozen=True, kw_only=True)
class ResourceRule:
    """One resource that fails. Empty selectors match everything.

    operation: create, update or delete, while a stack goes forwards; rollback: whatever takes an
    operation back, be it an update or a deletion. An unchanged resource has no work to fail.
    skip: matching work that passes first; count: how often it fails at most.
    """

    operation: Literal["", "create", "update", "delete", "rollback"] = ""
    resource_type: str = ""
    logical_id: str = ""
    account: str = ""
    region: str = ""
    stack: str = ""
    reason: str = REASON
    skip: int = 0
    count: int | None = None

    def matches(self, work: Work) -> bool:
        """Whether this rule is about that piece of work."""
        operation = "rollback" if work.is_rollback else work.operation
        wanted = (
            (self.operation, operation),
            (self.resource_type, work.resource_type),
            (self.logical_id, work.logical_id),
            (self.account, work.account),
            (self.region, work.region),
            (self.stack, work.stack_name),
        )
        return all(not selector or selector == value for selector, value in wanted)


@dataclass
class ResourceFaults:
    """The rules in force and how often each was met."""

    rules: tuple[ResourceRule, ...] = ()
    met: Counter[int] = field(default_factory=Counter)

    @classmethod
    def from_data(cls, data: list[dict[str, Any]]) -> ResourceFaults:
        """Rules from JSON data. An unknown key raises TypeError."""
        return cls(rules=tuple(ResourceRule(**item) for item in data))

    def as_data(self) -> list[dict[str, Any]]:
        """Rules as JSON data, with how often each was met."""
        return [{**asdict(rule), "met": self.met[i]} for i, rule in enumerate(self.rules)]

    def check(self, work: Work) -> None:
        """Raise ValueError with the rule's reason when one hits this piece of work."""
        for index, rule in enumerate(self.rules):
            if not rule.matches(work):
                continue
            self.met[index] += 1
            turn = self.met[index] - rule.skip
            if turn > 0 and (rule.count is None or turn <= rule.count):
                raise ValueError(rule.reason)


__all__ = ("REASON", "ResourceFaults", "ResourceRule")
