# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Live pipelines in CodePipeline, and the regions and accounts they use."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.arn import parse_aws_arn
from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code

from .._aws.gateway import Client
from .._errors import ErrorHandler


@dataclasses.dataclass(frozen=True, kw_only=True)
class LivePipeline:
    """A pipeline in CodePipeline.

    :param stores: region to the bucket that is the artifact store there.
    :param accounts: the accounts whose roles its actions use.
    :param stages: each stage with the accounts whose roles its actions use.
    """

    name: str
    stores: dict[str, str]
    accounts: tuple[str, ...]
    stages: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)

    def accounts_by_wave(self, waves: t.Sequence[str]) -> dict[str, set[str]]:
        """Return the accounts of each of *waves* that has a stage.

        A wave's stages begin with its name; of two such waves, the stage is that of the longer one.
        """
        found: dict[str, set[str]] = {}
        for stage, accounts in self.stages.items():
            owners = [name for name in waves if stage == name or stage.startswith(f"{name}-")]
            if owners:
                found.setdefault(max(owners, key=len), set()).update(accounts)
        return found

    @classmethod
    def from_description(cls, pipeline: dict[str, t.Any], region: str) -> LivePipeline:
        """Return the live pipeline that GetPipeline describes in *region*."""
        stores = pipeline.get("artifactStores") or {region: pipeline["artifactStore"]}
        stages = {stage["name"]: _accounts(stage["actions"]) for stage in pipeline["stages"]}
        return cls(
            name=pipeline["name"],
            stores={name: store["location"] for name, store in stores.items()},
            accounts=tuple(sorted({account for found in stages.values() for account in found})),
            stages=stages,
        )


def _accounts(actions: t.Iterable[t.Mapping[str, t.Any]]) -> tuple[str, ...]:
    roles = (parse_aws_arn(action["roleArn"]) for action in actions if action.get("roleArn"))
    return tuple(sorted({role["account_id"] for role in roles if role}))


def live_names(codepipeline: Client) -> list[str]:
    """Return the names of all live pipelines of a region. Raises botocore's errors."""
    pages = codepipeline.get_paginator("list_pipelines").paginate()
    return [entry["name"] for page in pages for entry in page["pipelines"]]


@ErrorHandler.common_error_handler("read the pipelines")  # type: ignore[untyped-decorator]
def read_live_pipelines(codepipeline: Client, region: str) -> list[LivePipeline]:
    """Return every live pipeline of the account in *region*. Raises PipelineError."""
    found = []
    for name in sorted(live_names(codepipeline)):
        try:
            pipeline = codepipeline.get_pipeline(name=name)["pipeline"]
        except is_boto3_error_code("PipelineNotFoundException"):
            continue  # deleted since it was listed
        found.append(LivePipeline.from_description(pipeline, region))
    return found


@ErrorHandler.common_error_handler("read the live pipeline {name}")  # type: ignore[untyped-decorator]
def read_live_pipeline(codepipeline: Client, region: str, *, name: str) -> LivePipeline | None:
    """Return a live pipeline; None if there is none. Raises PipelineError."""
    try:
        found = codepipeline.get_pipeline(name=name)["pipeline"]
    except is_boto3_error_code("PipelineNotFoundException"):
        return None
    return LivePipeline.from_description(found, region)


@ErrorHandler.common_error_handler("read the pipeline's state")  # type: ignore[untyped-decorator]
def read_failed_actions(codepipeline: Client, name: str) -> frozenset[str]:
    """Return the actions of a live pipeline that failed last, by name. Raises PipelineError."""
    try:
        stages = codepipeline.get_pipeline_state(name=name)["stageStates"]
    except is_boto3_error_code("PipelineNotFoundException"):
        return frozenset()
    return frozenset(
        action["actionName"]
        for stage in stages
        for action in stage.get("actionStates", [])
        if action.get("latestExecution", {}).get("status") == "Failed"
    )


__all__ = (
    "LivePipeline",
    "live_names",
    "read_failed_actions",
    "read_live_pipeline",
    "read_live_pipelines",
)
