# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one API call is, and the log of all of them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

_READ_PREFIXES = (
    "Describe",
    "List",
    "Get",
    "Head",
    "BatchGet",
    "AssumeRole",
    "ValidateTemplate",
    "Detect",
    "Simulate",
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
)


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request as the edge reads it.

    account: the caller's, also behind AssumeRole. principal: the caller's ARN.
    resource: stack name, role ARN, bucket or the like; empty when it is not cheap to know.
    """

    service: str
    action: str
    account: str
    region: str
    principal: str
    resource: str = ""
    method: str = "POST"

    @property
    def stack(self) -> str:
        """The stack's name, for CloudFormation calls."""
        return self.resource if self.service == "cloudformation" else ""

    @property
    def accounts(self) -> tuple[str, ...]:
        """The caller's account and, for AssumeRole, the role's."""
        if self.service == "sts" and self.resource.count(":") >= 5:
            return (self.account, self.resource.split(":")[4])
        return (self.account,)

    @property
    def root(self) -> bool:
        """Whether an account's root calls: the lab itself and the tests, never the product."""
        return self.principal.endswith(":root")

    @property
    def write(self) -> bool:
        """Whether the call changes what AWS holds."""
        if self.service == "s3":
            return self.method not in ("GET", "HEAD", "OPTIONS")
        return not self.action.startswith(_READ_PREFIXES)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One entry of the log. time: arrival, seconds since the epoch; duration: seconds.

    status: the HTTP status that the service gave, 0 when there was none. fault: the rule that hit.
    """

    n: int
    time: float
    duration: float
    service: str
    action: str
    account: str
    region: str
    principal: str
    resource: str
    status: int
    write: bool
    error: str = ""
    fault: str = ""

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Call:
        """A call from one line of the log."""
        return cls(**data)


class CallLog:
    """Calls in memory, and as JSON lines in a file for people."""

    def __init__(self, path: Path | None = None) -> None:
        self._calls: list[Call] = []
        self._count = 0
        self._path = path
        self._file: TextIO | None = path.open("w", encoding="utf-8") if path else None

    def add(
        self,
        request: Request,
        *,
        time: float,
        duration: float,
        status: int,
        error: str = "",
        fault: str = "",
    ) -> None:
        """Record a call when it is over."""
        self._count += 1
        call = Call(
            n=self._count,
            time=round(time, 6),
            duration=round(duration, 6),
            service=request.service,
            action=request.action,
            account=request.account,
            region=request.region,
            principal=request.principal,
            resource=request.resource,
            status=status,
            write=request.write,
            error=error,
            fault=fault,
        )
        self._calls.append(call)
        if self._file:
            self._file.write(json.dumps(asdict(call)) + "\n")
            self._file.flush()

    def since(self, time: float = 0.0) -> list[Call]:
        """Calls that arrived at that time or later, in the order in which they ended."""
        return [call for call in self._calls if call.time >= time]

    def clear(self) -> None:
        """Forget every call, in the file too."""
        self._calls.clear()
        if self._file:
            self._file.seek(0)
            self._file.truncate()

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()


__all__ = ("Call", "CallLog", "Request")
