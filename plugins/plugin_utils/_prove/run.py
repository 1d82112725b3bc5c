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
from .._errors import PipelineError
from .._organisation.model import PIPELINES
from .._stack.model import Desired
from .._stack.run import StackRun
from . import causes
from .canary import PREFIX, TAG, Canary
from .lookups import Lookups
from .model import REACHED, REFUSED, UNKNOWN, Cause, FailedAction, Path, PathResult
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
        results: dict[Path, PathResult] = {}
        try:
            self._prove(canary, results)
        except PipelineError as exc:
            action = _step(canary, str(exc))
            for path in canary.paths:
                results.setdefault(path, _result(path, REFUSED, self._explain(action)))
        return [results[path] for path in canary.paths]

    def _prove(self, canary: Canary, results: dict[Path, PathResult]) -> None:
        """Fill in *results*. Raises PipelineError for what concerns all paths that are left."""
        patience = self.patience(self.seconds)
        attempts: collections.Counter[Path] = collections.Counter()
        rest, is_uploaded = canary, False
        while rest.paths:
            self._stacks(patience).converge(self.foundation.desired(rest))
            if not is_uploaded:
                self.releases.upload(rest, self.patience(min(self.seconds, _ROLE_SECONDS)))
                is_uploaded = True
            execution = self.releases.release(rest, patience)
            outcome = outcome_of(rest, execution)
            for path in outcome.reached:
                results[path] = _result(path, REACHED, None)
            for path, action in outcome.refused.items():
                attempts[path] += 1
                if attempts[path] >= _ATTEMPTS or not may_pass(action):
                    results[path] = _result(path, REFUSED, self._explain(action))
            if execution.status != SUCCEEDED and not outcome.refused:
                for path in rest.paths:
                    results.setdefault(path, _result(path, UNKNOWN, _stopped(execution.status)))
            rest = rest.without(results)

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

    def _explain(self, action: FailedAction) -> Cause:
        return causes.explain(action, self.known)


def _result(path: Path, status: str, cause: Cause | None) -> PathResult:
    return PathResult(
        host=path.host,
        account_id=path.account_id,
        region=path.region,
        status=status,
        cause=cause,
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


def _stopped(status: str) -> Cause:
    return Cause(
        kind="stopped",
        stage=None,
        principal=None,
        permission=None,
        resource=None,
        message=f"the execution ended {status}, without a failed action",
        cure="Somebody stopped the canary: run again",
    )


__all__ = ("Foundation", "Prover")
