# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pipelines of one region, as CodePipeline returns them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.fakes.service import FakeService, Refusal


class FakeCodePipeline(FakeService):
    """The region's pipelines, by name."""

    def __init__(self, region: str = "us-east-1") -> None:
        super().__init__("codepipeline", region=region)
        self.client = self.clients["codepipeline"]
        self.pipelines: dict[str, dict[str, Any]] = {}
        self.failed: dict[str, list[str]] = {}  # the names of actions that failed, by pipeline
        self.page_size = 100

    # For tests

    def add(
        self,
        name: str,
        stores: str | Mapping[str, str] = "build-bucket",
        *stages: list[str | None],
        names: Sequence[str] = (),
    ) -> None:
        """Add a pipeline.

        :param stores: the one bucket of its own region, or the bucket of each region.
        :param stages: for each stage the roles of its actions; None is an action without one.
        :param names: the names of the stages.
        """
        pipeline: dict[str, Any] = {
            "name": name,
            "stages": [
                {"name": name, "actions": [{"roleArn": role} if role else {} for role in roles]}
                for name, roles in zip(
                    names or [f"stage{number}" for number in range(len(stages))],
                    stages,
                    strict=True,
                )
            ],
        }
        if isinstance(stores, str):
            pipeline["artifactStore"] = {"type": "S3", "location": stores}
        else:
            pipeline["artifactStores"] = {
                region: {"type": "S3", "location": bucket} for region, bucket in stores.items()
            }
        self.pipelines[name] = pipeline

    # The operations

    def _list_pipelines(self, nextToken: str = "0") -> dict[str, Any]:  # noqa: N803  # as AWS has it
        begin, names = int(nextToken), list(self.pipelines)
        end = begin + self.page_size
        more = {"nextToken": str(end)} if end < len(names) else {}
        return {"pipelines": [{"name": name} for name in names[begin:end]], **more}

    def _get_pipeline_state(self, name: str) -> dict[str, Any]:
        self._get_pipeline(name)
        actions = [
            {"actionName": action, "latestExecution": {"status": "Failed"}}
            for action in self.failed.get(name, [])
        ]
        return {"stageStates": [{"stageName": "Stage", "actionStates": actions}]}

    def _get_pipeline(self, name: str) -> dict[str, Any]:
        if name not in self.pipelines:
            raise Refusal("PipelineNotFoundException", f"The pipeline {name} does not exist")
        return {"pipeline": self.pipelines[name]}
