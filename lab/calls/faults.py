# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Seeded faults at the edge: which call fails, and with which response."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from xml.sax.saxutils import escape

from .call import Request

_QUERY_SERVICES = frozenset({"cloudformation", "iam", "sns", "sts", "sqs", "monitoring"})


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One fault. Empty selectors match everything.

    service, account, region, stack: exact; action: a glob. The account of AssumeRole is the
    caller's or that of the role. skip: matching calls that pass first; count: how often it fires
    at most; probability: drawn from a hash of (seed, rule, account, region, action, n), so that
    threads do not change which calls fail.
    error, status, message: the answer. latency: seconds before it (or before the call, when there
    is no error). hang: no answer until the client gives up. after: the call takes effect, then
    its reply is lost (or is the error, when one is given).
    """

    name: str = ""
    service: str = ""
    action: str = "*"
    account: str = ""
    region: str = ""
    stack: str = ""
    probability: float = 1.0
    seed: int = 0
    skip: int = 0
    count: int | None = None
    error: str = ""
    status: int = 400
    message: str = "The lab fails this call as requested."
    latency: float = 0.0
    hang: bool = False
    after: bool = False

    def matches(self, request: Request) -> bool:
        """Whether this rule is about the request."""
        return (
            (not self.service or self.service == request.service)
            and fnmatchcase(request.action, self.action)
            and (not self.account or self.account in request.accounts)
            and (not self.region or self.region == request.region)
            and (not self.stack or self.stack == request.stack)
        )


@dataclass
class Faults:
    """The rules in force and how often each was met."""

    rules: tuple[Rule, ...] = ()
    met: Counter[int] = field(default_factory=Counter)
    fired: Counter[int] = field(default_factory=Counter)
    drawn: Counter[tuple[int, str, str, str]] = field(default_factory=Counter)

    @classmethod
    def from_data(cls, data: list[dict[str, Any]]) -> Faults:
        """Rules from JSON data. An unknown key raises TypeError."""
        return cls(rules=tuple(Rule(**item) for item in data))

    def as_data(self) -> list[dict[str, Any]]:
        """Rules as JSON data, with how often each was met and fired."""
        return [
            {**asdict(rule), "met": self.met[index], "fired": self.fired[index]}
            for index, rule in enumerate(self.rules)
        ]

    def draw(self, request: Request) -> Rule | None:
        """The first rule that hits this request, or None."""
        for index, rule in enumerate(self.rules):
            if rule.matches(request) and self._fires(index, rule, request):
                return rule
        return None

    def _fires(self, index: int, rule: Rule, request: Request) -> bool:
        self.met[index] += 1
        if self.met[index] <= rule.skip:
            return False
        if rule.count is not None and self.fired[index] >= rule.count:
            return False
        key = (index, request.account, request.region, request.action)
        self.drawn[key] += 1
        if chance(rule.seed, *key, self.drawn[key]) >= rule.probability:
            return False
        self.fired[index] += 1
        return True


def chance(*parts: object) -> float:
    """A number in [0, 1) that depends on nothing but the parts."""
    digest = hashlib.sha256("|".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def wire_error(*, service: str, code: str, message: str) -> tuple[str, bytes]:
    """An error as the service writes it: content type and body."""
    if service == "s3":
        xml = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
        return "application/xml", f'<?xml version="1.0" encoding="UTF-8"?>\n{xml}'.encode()
    if service in _QUERY_SERVICES:
        xml = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{escape(code)}</Code>"
            f"<Message>{escape(message)}</Message></Error>"
            "<RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>"
        )
        return "text/xml", xml.encode()
    return "application/x-amz-json-1.1", json.dumps({"__type": code, "message": message}).encode()


__all__ = ("Faults", "Rule", "chance", "wire_error")
