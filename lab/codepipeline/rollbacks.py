# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stage that is rolled back: an execution of its own, with the artifacts of an earlier one."""

from __future__ import annotations

import copy

from .executions import Execution, Pipeline


def last_good(pipeline: Pipeline, stage: str) -> Execution | None:
    """The newest execution that a stage can be rolled back to. Hold the pipeline."""
    return next(
        (
            execution
            for execution in reversed(pipeline.executions)
            if not _problem(pipeline, stage, execution)
        ),
        None,
    )


def refusal(pipeline: Pipeline, stage: str, target: Execution) -> str:
    """Why somebody cannot roll a stage back to an execution; empty when he can."""
    if pipeline.declaration["stages"][0]["name"] == stage:
        return f"Stage {stage} is a source stage, which cannot be rolled back"
    if stage in pipeline.inside:
        return f"Stage {stage} is running"
    return _problem(pipeline, stage, target)


def _problem(pipeline: Pipeline, stage: str, target: Execution) -> str:
    version = pipeline.declaration["version"]
    if target.is_rollback:
        return f"{target.id} is a rollback"
    if target.pipeline["version"] != version:
        began = target.pipeline["version"]
        return f"{target.id} was started in version {began} of the pipeline, which is at {version}"
    if target.stages.get(stage) != "Succeeded":
        return f"{target.id} did not succeed in stage {stage}"
    return ""


def roll_back(pipeline: Pipeline, stage: str, target: Execution, *, by: str = "") -> Execution:
    """Put a rollback into a stage, before anybody who waits for it. Hold the pipeline.

    An assumption: AWS does not document who enters first. It ends with the stage. by: who asked
    for it, empty when a failure has.
    """
    names = [item["name"] for item in target.pipeline["stages"]]
    execution = Execution(
        pipeline.place,
        copy.deepcopy(target.pipeline),
        {"triggerType": "ManualRollback" if by else "AutomatedRollback", "triggerDetail": by},
        artifacts=dict(target.artifacts),
        variables=dict(target.variables),
        clones=dict(target.clones),
        revisions=list(target.revisions),
        rollback_of=target.id,
        stage=names.index(stage),
    )
    pipeline.executions.append(execution)
    pipeline.inside[stage] = execution
    return execution


__all__ = ("last_good", "refusal", "roll_back")
