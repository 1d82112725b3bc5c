# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is claimed of the calls of a run, counted from the lab's call log. Pure."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence

from benchmarks.organisation import Size
from lab import Call

# Account, region and name.
Stack = tuple[str, str, str]

# Calls a stack, of all services, on average.
_UNCHANGED = 3.2
_DRIFT = 15


@dataclasses.dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim, what was counted, and whether it holds."""

    text: str
    found: str
    holds: bool


def by_action(calls: Iterable[Call]) -> dict[str, int]:
    """How often each action was called, most often first."""
    return dict(Counter(f"{call.service}:{call.action}" for call in calls).most_common())


def nothing_written(calls: Sequence[Call]) -> Claim:
    """No call of the run would change what AWS holds."""
    writes = by_action(call for call in calls if call.write)
    found = ", ".join(f"{count} {action}" for action, count in writes.items()) or "none"
    return Claim(text="no write call", found=found, holds=not writes)


def few_calls(calls: Sequence[Call], size: Size) -> list[Claim]:
    """Few calls a stack; each is read once by name or in its region's list, with its template."""
    cloudformation = [call for call in calls if call.service == "cloudformation"]
    named = _by_stack(call for call in cloudformation if call.resource)
    lists = [call for call in cloudformation if not call.resource]
    assumed = Counter(call.resource for call in calls if call.action == "AssumeRole")
    return [
        _mean(calls, size.stacks, at_most=_UNCHANGED),
        Claim(
            text="at most 2 CloudFormation calls that name a stack",
            found=f"at most {_most(named)} for {len(named)} stacks",
            holds=_most(named) <= 2 and len(named) == size.stacks,
        ),
        Claim(
            text="at most 1 list of stacks for each region",
            found=f"{len(lists)} for {size.foundation} regions",
            holds=len(lists) <= size.foundation,
        ),
        Claim(
            text="each account's role is assumed once",
            found=f"at most {_most(assumed)} times",
            holds=_most(assumed) <= 1,
        ),
    ]


def _mean(calls: Sequence[Call], stacks: int, *, at_most: float) -> Claim:
    each = len(calls) / stacks
    return Claim(
        text=f"at most {at_most:g} calls a stack, STS included",
        found=f"{each:.1f}",
        holds=each <= at_most,
    )


def checked_once(calls: Sequence[Call], size: Size) -> list[Claim]:
    """One drift detection a stack, one read of each template, and few other calls."""
    detections = _by_stack(call for call in calls if call.action == "DetectStackDrift")
    templates = _by_stack(call for call in calls if call.action == "GetTemplate")
    return [
        Claim(
            text=f"1 drift detection for each of {size.stacks} stacks",
            found=", ".join(f"{count} for {many}" for count, many in _spread(detections)) or "none",
            holds=_spread(detections) == [(1, size.stacks)],
        ),
        Claim(
            text="each template is read once",
            found=f"at most {_most(templates)} times for {len(templates)} stacks",
            holds=_most(templates) == 1 and len(templates) == size.stacks,
        ),
        _mean(calls, size.stacks, at_most=_DRIFT),
    ]


def executed_once(calls: Sequence[Call], *, stacks: int, text: str) -> Claim:
    """Exactly *stacks* stacks were changed, each by one change set that was executed once."""
    executed = _by_stack(call for call in calls if call.action == "ExecuteChangeSet")
    others = [call for call in calls if call.action in ("CreateStack", "UpdateStack")]
    found = f"{len(executed)} stacks, {sum(executed.values())} executions"
    if others:
        found += f", {len(others)} without a change set"
    holds = len(executed) == stacks and _most(executed) == 1 and not others
    return Claim(text=text, found=found, holds=holds)


def updated_by_sceptre(calls: Sequence[Call], *, stacks: int) -> Claim:
    """Sceptre did the work that it is compared with."""
    done = _by_stack(call for call in calls if call.action == "UpdateStack" and call.status == 200)
    return Claim(
        text=f"Sceptre updates {stacks} stacks",
        found=f"{len(done)} stacks",
        holds=len(done) == stacks,
    )


def _by_stack(calls: Iterable[Call]) -> Counter[Stack]:
    return Counter((call.account, call.region, call.resource) for call in calls)


def _spread(counts: Counter[Stack]) -> list[tuple[int, int]]:
    """How many stacks took how many calls: (calls, stacks), fewest calls first."""
    return sorted(Counter(counts.values()).items())


def _most(counts: Counter[Stack] | Counter[str]) -> int:
    return max(counts.values(), default=0)


__all__ = (
    "Claim",
    "by_action",
    "checked_once",
    "executed_once",
    "few_calls",
    "nothing_written",
    "updated_by_sceptre",
)  # fmt: skip
