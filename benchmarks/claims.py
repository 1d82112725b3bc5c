# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is claimed of the calls of a run, counted from the lab's call log. Pure."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence

from benchmarks.organisation import Size
from tests.lab.calls import Call

# Account, region and name.
Stack = tuple[str, str, str]


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


def few_calls(calls: Sequence[Call], *, build: str, size: Size) -> list[Claim]:
    """Two CloudFormation calls and at most two STS calls a stack.

    A stack of the build account is read once more: the check reads the whole foundation before
    anything is decided.
    """
    read = _by_stack(call for call in calls if call.service == "cloudformation")
    deploy = {stack: count for stack, count in read.items() if stack[0] != build}
    foundation = {stack: count for stack, count in read.items() if stack[0] == build}
    sts = [call for call in calls if call.service == "sts"]
    assumed = Counter(call.resource for call in sts if call.action == "AssumeRole")
    return [
        _each("2 CloudFormation calls a stack of a deploy account", deploy, 2, size.accounts),
        _each("3 a stack of the build account, one of them the check's", foundation, 3,
              size.foundation),
        Claim(
            text="at most 2 STS calls a stack",
            found=f"{len(sts)} for {size.stacks} stacks, at most {_most(assumed)} an account",
            holds=len(sts) <= 2 * size.stacks and _most(assumed) <= 2,
        ),
    ]  # fmt: skip


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


def _each(text: str, counts: Counter[Stack] | dict[Stack, int], calls: int, stacks: int) -> Claim:
    """Each of *stacks* stacks took exactly *calls* calls."""
    spread = Counter(counts.values())
    found = ", ".join(f"{many} x {count}" for count, many in sorted(spread.items())) or "none"
    return Claim(text=text, found=found, holds=spread == {calls: stacks})


def _most(counts: Counter[Stack] | Counter[str]) -> int:
    return max(counts.values(), default=0)


__all__ = ("Claim", "by_action", "executed_once", "few_calls", "nothing_written",
           "updated_by_sceptre")  # fmt: skip
