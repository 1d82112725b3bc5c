# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an execution of a canary shows of its paths. Pure."""

from __future__ import annotations

import dataclasses

from .._pipeline.wave_schema import SYNC_STAGE
from .canary import WAVE, Canary
from .model import FailedAction, Path
from .release import SUCCEEDED, Execution

_THROTTLED = ("throttl", "rate exceeded", "too many requests", "internalerror", "service unavail")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an execution shows; of the other paths of the canary it shows nothing.

    :param refused: what refused each path.
    """

    reached: frozenset[Path]
    refused: dict[Path, FailedAction]


def outcome_of(canary: Canary, execution: Execution) -> Outcome:
    """Return what *execution* shows of the paths of *canary*.

    What failed in the wave concerns one path, in a copy one region, and in the source all of them.
    """
    if execution.status == SUCCEEDED:
        return Outcome(reached=frozenset(canary.paths), refused={})
    own, last = canary.actions(), canary.executions()
    reached = frozenset(last[name] for name in execution.done if name in last)
    refused: dict[Path, FailedAction] = {}
    for action in execution.failed:
        if action["stage"] == WAVE:
            found = [own[action["action"]]]
        elif action["stage"].startswith(SYNC_STAGE):
            found = [path for path in canary.paths if path.region == action["action"]]
        else:
            found = list(canary.paths)
        for path in found:
            refused.setdefault(path, action)
    return Outcome(reached=reached, refused=refused)


def may_pass(action: FailedAction) -> bool:
    """Return whether a refusal may be gone in a moment, so that one more attempt is worth it.

    Throttling, and the first stage: the roles of the pipeline are new.
    """
    if action["stage"] and action["stage"] != WAVE and action["provider"] == "S3":
        return True
    text = f"{action['code']} {action['summary']}".lower()
    return any(word in text for word in _THROTTLED)


__all__ = ("Outcome", "may_pass", "outcome_of")
