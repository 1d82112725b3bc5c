# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""V2 triggers: which pipelines a push starts, and with which commit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ministack.core.responses import request_scope

from ..repositories.push import Push
from . import releases
from .executions import PIPELINES, Pipeline
from .source_rules import CONNECTION
from .structure import actions
from .trigger_filters import wants

Data = dict[str, Any]


def start_for(push: Push) -> None:
    """Start the pipelines whose source is that repository.

    AWS: a filter that matches starts the pipeline with exactly that commit. A source action that
    detects changes by itself starts it for its branch, and takes what is newest then.
    """
    for pipeline in list(PIPELINES.all.values()):
        for action in _sources(pipeline, push.repository):
            configuration = action["configuration"]
            triggers = pipeline.declaration.get("triggers", [])
            trigger = {
                "triggerType": "WebhookV2",
                "triggerDetail": configuration["ConnectionArn"],
            }
            if any(wants(found, action["name"], push) for found in triggers):
                revision = {
                    "actionName": action["name"],
                    "revisionType": "COMMIT_ID",
                    "revisionValue": push.commit,
                }
                _start(pipeline, {"sourceRevisions": [revision]}, trigger)
            if _detects(configuration, push):
                _start(pipeline, {}, trigger)


def _sources(pipeline: Pipeline, repository: str) -> Iterator[Data]:
    for _stage, action in actions(pipeline.declaration):
        is_source = action["actionTypeId"]["provider"] == CONNECTION
        if is_source and action["configuration"]["FullRepositoryId"] == repository:
            yield action


def _start(pipeline: Pipeline, request: Data, trigger: Data) -> None:
    with request_scope(*pipeline.place):
        releases.begin(pipeline, request, trigger)


def _detects(configuration: Data, push: Push) -> bool:
    detects = configuration.get("DetectChanges", "true").lower() == "true"
    is_of_branch = not push.event and not push.tag and push.branch == configuration["BranchName"]
    return detects and is_of_branch


__all__ = ("start_for",)
