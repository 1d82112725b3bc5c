# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which case misses each statement: a statement that none misses is not needed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tests.policy.export import Export, Policy
from tests.policy.request import Request
from tests.policy.simulator import simulate

# Statements that no simulation can show to be needed, each with the reason.
REASONS: dict[str, str] = {
    "111111111111 arn:aws:iam::111111111111:role/CrossAccountOperator trust (trust): 1": (
        "who takes the operator's role is decided where it is made; the lab admits its account"
    ),
}


@dataclass(frozen=True)
class Statement:
    """One statement of one policy.

    changes: whether some case comes out otherwise without it.
    """

    title: str
    changes: bool


def missed(
    export: Export, *, allowed: Iterable[Request], refused: Iterable[Request]
) -> list[Statement]:
    """Take every statement of our policies away, one at a time, and ask again.

    allowed, refused: requests with the answers that they get now.
    """
    expected = [(one, True) for one in allowed] + [(one, False) for one in refused]
    concerned: dict[int, list[tuple[Request, bool]]] = {}
    for request, answer in expected:
        for policy in request.policies(export):
            concerned.setdefault(id(policy), []).append((request, answer))

    questions: list[tuple[str, Request, bool, Export]] = []
    titles: list[str] = []
    for policy in export.policies:
        # Managed policies are those of AWS, which others keep.
        if policy.kind == "managed":
            continue
        for index, statement in enumerate(policy.statements):
            title = f"{policy.account} {policy.title}: {statement.get('Sid', index + 1)}"
            titles.append(title)
            without = _without(export, policy, index)
            questions += [
                (title, request, answer, without)
                for request, answer in concerned.get(id(policy), ())
            ]
    answers = simulate(request.simulation(without) for _t, request, _a, without in questions)
    changed = {
        title
        for (title, _request, expected_answer, _w), answer in zip(questions, answers, strict=True)
        if answer.allowed != expected_answer
    }
    return [Statement(title, title in changed) for title in titles]


def _without(export: Export, policy: Policy, index: int) -> Export:
    policies = [policy.without(index) if one is policy else one for one in export.policies]
    return replace(export, policies=policies)


__all__ = ("REASONS", "Statement", "missed")
