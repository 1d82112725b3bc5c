# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prove the paths of one canary: make the pipeline, release, and again without what refused.

A refused change set stops all executions after it. So what refused is left out, and the rest is
released again, until every path has an answer.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from .._aws.patience import Patience
from .._bootstrap.desired import Settings, desired_stack
from .._bootstrap.plan import Inputs
from .._errors import GaveUp, PipelineError
from .._organisation.model import PIPELINES
from .._stack.model import Desired
from .._stack.run import StackRun
from . import causes, lookups
from .canary import PREFIX, TAG, Canary
from .facts import Lookups, make_cause
from .model import REACHED, REFUSED, UNKNOWN, FailedAction, Path, PathResult, result_of
from .outcome import may_pass, outcome_of
from .release import SUCCEEDED, Releases

_ROLE_SECONDS = 60.0
_ATTEMPTS = 2  # for what may pass by itself


@dataclasses.dataclass(frozen=True, kw_only=True)
class Foundation:
    """What canaries are made with.

    :param settings: what the role of pipelines takes.
    :param inputs: the register, and the outputs of the primary stack.
    :param uploaders: who may assume the role that uploads.
    """

    settings: Settings
    inputs: Inputs
    uploaders: tuple[str, ...]

    def desired(self, canary: Canary) -> Desired:
        """Return the stack of a canary's pipeline. Raises PipelineError."""
        name = canary.pipeline().stack_name
        desired = desired_stack(
            PIPELINES,
            canary.name,
            {**self.settings, "stack_name": name},
            self.inputs,
            pipeline=canary.pipeline(self.uploaders),
        )
        # Not the tags of a pipeline of the inventory, which others look for.
        tags = {**self.settings["tags"], TAG: canary.run, "crossaccount:stack": name}
        return dataclasses.replace(desired, tags=tags)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prover:
    """Proves the paths of canaries; threads may share it.

    :param patience: makes the patience of a wait, from seconds.
    :param seconds: that all waits of one canary may take.
    """

    foundation: Foundation
    releases: Releases
    known: Lookups
    patience: t.Callable[[float], Patience]
    seconds: float

    def prove(self, canary: Canary) -> list[PathResult]:
        """Return what became of every path of *canary*. Its pipeline stays."""
        stopped = {path: self.known.stopped(path) for path in canary.paths}
        results = {
            path: result_of(path, REFUSED, cause) for path, cause in stopped.items() if cause
        }
        try:
            self._prove(canary.without(results), results)
        except GaveUp as exc:
            cause = make_cause("unseen", str(exc))
            rest = canary.without(results).paths
            results |= {path: result_of(path, UNKNOWN, cause) for path in rest}
        except PipelineError as exc:
            rest = canary.without(results).paths
            results |= self._refused(dict.fromkeys(rest, _step(canary, str(exc))))
        return [results[path] for path in canary.paths]

    def _prove(self, rest: Canary, results: dict[Path, PathResult]) -> None:
        """Fill in *results*. Raises PipelineError for what concerns all paths that are left."""
        patience = self.patience(self.seconds)
        attempts: collections.Counter[Path] = collections.Counter()
        is_uploaded = False
        while rest.paths:
            self._stacks(patience).converge(self.foundation.desired(rest))
            if not is_uploaded:
                self.releases.upload(rest, self.patience(min(self.seconds, _ROLE_SECONDS)))
                is_uploaded = True
            execution = self.releases.release(rest, patience)
            outcome = outcome_of(rest, execution)
            results |= {path: result_of(path, REACHED, None) for path in outcome.reached}
            attempts.update(outcome.refused.keys())
            results |= self._refused(
                {
                    path: action
                    for path, action in outcome.refused.items()
                    if attempts[path] >= _ATTEMPTS or not may_pass(action)
                }
            )
            rest = rest.without(results)
            if execution.status != SUCCEEDED and not outcome.refused:
                message = f"the execution ended {execution.status}, without a failed action"
                cause = make_cause("unseen", message)
                results |= {path: result_of(path, UNKNOWN, cause) for path in rest.paths}
                return

    def _refused(self, actions: t.Mapping[Path, FailedAction]) -> dict[Path, PathResult]:
        """Return the results of paths that *actions* refused."""
        if not actions:
            return {}
        known = lookups.read_after(self.releases.gateway, self.known, actions.values())
        return {
            path: result_of(path, REFUSED, causes.explain(action, known))
            for path, action in actions.items()
        }

    def _stacks(self, patience: Patience) -> StackRun:
        releases = self.releases
        return StackRun(
            session=releases.session,
            account_id=releases.account_id,
            region=releases.region,
            patience=patience,
            allow_replacement=True,  # the pipeline is the run's own
            template_bucket=releases.bucket,
            template_prefix=PREFIX,
        )


def _step(canary: Canary, message: str) -> FailedAction:
    """Return a step before the first action, or between two releases, as a failed action."""
    return FailedAction(
        pipeline=canary.name,
        stage="",
        action="",
        provider="",
        region="",
        role_arn="",
        code="",
        summary=message,
        execution="",
    )


__all__ = ("Foundation", "Prover")
