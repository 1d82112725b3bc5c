# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One stage, and how actions are spread over several. Pure."""

from __future__ import annotations

import typing as t

from .actions import Action

Stage = dict[str, t.Any]
Step = list[Action]  # actions that run at the same time
T = t.TypeVar("T")


def make_stage(name: str, steps: t.Sequence[Step]) -> Stage:
    """Return the stage that runs *steps* one after the other."""
    return {
        "Name": name,
        "Actions": [
            {**action, "RunOrder": order}
            for order, step in enumerate(steps, start=1)
            for action in step
        ],
    }


def with_steps(stage: Stage, *, before: Step, after: Step) -> Stage:
    """Return *stage* with one more step before and after its own; none for an empty one."""
    shift = 1 if before else 0
    own = [{**action, "RunOrder": action["RunOrder"] + shift} for action in stage["Actions"]]
    last = max((action["RunOrder"] for action in own), default=shift) + 1
    return {
        **stage,
        "Actions": [
            *({**action, "RunOrder": 1} for action in before),
            *own,
            *({**action, "RunOrder": last} for action in after),
        ],
    }


def cut(items: t.Sequence[T], size: int) -> list[list[T]]:
    """Return *items* in lists of at most *size*."""
    return [list(items[start : start + size]) for start in range(0, len(items), size)]


def numbered(name: str, parts: t.Sequence[T]) -> list[tuple[str, T]]:
    """Return each of *parts* with its name, numbered if there are several."""
    if len(parts) == 1:
        return [(name, parts[0])]
    return [(f"{name}-{number}", part) for number, part in enumerate(parts, start=1)]


__all__ = ("Stage", "Step", "cut", "make_stage", "numbered", "with_steps")
