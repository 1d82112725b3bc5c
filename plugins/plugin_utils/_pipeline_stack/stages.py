# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stages of a pipeline in their order. Pure."""

from __future__ import annotations

import json

from .._pipeline.model import Pipeline
from .._pipeline.outputs import is_namespace, referenced_namespaces
from .._pipeline.wave_schema import BUILD_STAGE, SOURCE_STAGE, SYNC_STAGE
from .actions import bucket_source, sync
from .build_stage import build_release
from .foundation import Foundation, syncs_artifacts
from .source_repository import source_action
from .stage import Stage, Step, cut, make_stage, numbered
from .waves import wave_stages


def compose_stages(pipeline: Pipeline, foundation: Foundation) -> list[Stage]:
    """Return the stages in their order: source, build, the copies, then the waves."""
    stages = [make_stage(SOURCE_STAGE, [_sources(pipeline)])]
    if pipeline.source and pipeline.source.action_artifact:
        build = build_release(pipeline, pipeline.source.action_artifact)
        stages.append(make_stage(BUILD_STAGE, [[build]]))
    if syncs_artifacts(pipeline, foundation.region):
        actions = [
            sync(pipeline, foundation, region)
            for region in pipeline.regions
            if region != foundation.region
        ]
        parts = cut(actions, pipeline.max_actions_per_stage)
        stages += [make_stage(name, [part]) for name, part in numbered(SYNC_STAGE, parts)]
    for wave in pipeline.waves:
        stages += wave_stages(pipeline, foundation, wave)
    return _without_idle_namespaces(stages)


def _without_idle_namespaces(stages: list[Stage]) -> list[Stage]:
    """Return *stages* with those namespaces alone that an action refers to."""
    actions = [action for stage in stages for action in stage["Actions"]]
    used = referenced_namespaces(json.dumps(action["Configuration"]) for action in actions)
    for action in actions:
        name = action.get("Namespace", "")
        if is_namespace(name) and name not in used:
            del action["Namespace"]
    return stages


def _sources(pipeline: Pipeline) -> Step:
    source = pipeline.source
    if source and source.action_artifact:
        return [source_action(source)]
    artifacts = source.artifacts if source else ()
    return [bucket_source(pipeline, artifact) for artifact in artifacts]


__all__ = ("compose_stages",)
