# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which case misses each statement and each action: what none misses is not needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from tests.policy.export import Document, Export, Policy
from tests.policy.request import Request
from tests.policy.simulator import simulate

# A request, whether it is allowed now, and policies without a part.
Question = tuple[Request, bool, Export]

# Parts that no simulation can show to be needed, each with the reason.
REASONS: dict[str, str] = {
    **{
        f"111111111111 arn:aws:iam::111111111111:role/{name} trust (trust): 1": (
            "who takes this role is decided where it is made; the lab admits its account"
        )
        for name in ("CrossAccountApprover", "CrossAccountOperator")
    },
    **{
        f"{account} CrossAccountDeploy/CloudFormationRole Foundation (inline): Transforms": (
            "the simulator knows no transforms; tests/unit/roles has them"
        )
        for account in ("111111111111", "222222222222", "333333333333", "444444444444")
    },
}


@dataclass(frozen=True)
class Part:
    """One statement of one policy, or one action of a statement that has several.

    changes: whether some case comes out otherwise without it.
    """

    title: str
    changes: bool


def missed(
    export: Export,
    *,
    allowed: Iterable[Request],
    refused: Iterable[Request],
    whole: Iterable[str] = (),
) -> list[Part]:
    """Remove every part of our policies, one at a time, and ask again.

    allowed, refused: requests with the answers that they get now. whole: owners of policies of
    which only whole statements are removed.
    """
    expected = [(one, True) for one in allowed] + [(one, False) for one in refused]
    concerned: dict[int, list[tuple[Request, bool]]] = {}
    for request, answer in expected:
        for policy in request.policies(export):
            concerned.setdefault(id(policy), []).append((request, answer))

    owners = set(whole)
    questions: dict[str, list[Question]] = {}
    for policy in export.policies:
        # Managed policies are those of AWS, which others keep.
        if policy.kind == "managed":
            continue
        for cut in _cuts(policy, actions=policy.owner not in owners):
            without = _replaced(export, policy, cut.shorter)
            questions.setdefault(cut.title, []).extend(
                (request, answer, without)
                for request, answer in concerned.get(id(policy), ())
                if answer == cut.answer and _covers(cut.removed, request.action)
            )
    changed = _changed(questions)
    return [Part(title, title in changed) for title in questions]


def _changed(questions: Mapping[str, Sequence[Question]]) -> set[str]:
    """Return the titles of which at least one answer is another now.

    One question of each title at first, then more of those that are still open: most parts are
    missed by the first.
    """
    changed: set[str] = set()
    start, size = 0, 1
    while asked := [
        (title, question)
        for title, all_of_title in questions.items()
        if title not in changed
        for question in all_of_title[start : start + size]
    ]:
        answers = simulate(request.simulation(without) for _t, (request, _a, without) in asked)
        changed |= {
            title
            for (title, (_request, expected, _w)), answer in zip(asked, answers, strict=True)
            if answer.allowed != expected
        }
        start, size = start + size, size * 4
    return changed


@dataclass(frozen=True)
class _Cut:
    """A policy without one part.

    removed: the statement, or one with the removed action alone. answer: that of the requests
    which can come out otherwise: without a permission only what is allowed, without a denial only
    what is refused.
    """

    title: str
    shorter: Policy
    removed: Document
    answer: bool


def _cuts(policy: Policy, *, actions: bool) -> Iterator[_Cut]:
    for index, statement in enumerate(policy.statements):
        title = f"{policy.account} {policy.title}: {statement.get('Sid', index + 1)}"
        allows = statement["Effect"] == "Allow"
        yield _Cut(title, policy.without(index), statement, allows)
        for key in ("Action", "NotAction"):
            found = statement.get(key)
            if actions and isinstance(found, list) and len(found) > 1:
                for action in found:
                    shorter = policy.without_action(index, key, action)
                    # What leaves NotAction is added to what the statement says.
                    answer = allows if key == "Action" else not allows
                    yield _Cut(f"{title}: {action}", shorter, {"Action": action}, answer)


def _covers(statement: Document, action: str) -> bool:
    """Whether a statement has a say in an action."""
    key = "Action" if "Action" in statement else "NotAction"
    patterns = [statement[key]] if isinstance(statement[key], str) else statement[key]
    found = any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)
    return found == (key == "Action")


def _replaced(export: Export, policy: Policy, shorter: Policy) -> Export:
    policies = [shorter if one is policy else one for one in export.policies]
    return replace(export, policies=policies)


__all__ = ("REASONS", "Part", "missed")
