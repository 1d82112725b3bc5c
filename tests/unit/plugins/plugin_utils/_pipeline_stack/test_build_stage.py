# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stage that builds what a source action takes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.build_stage import (
    build_release,
    make_build_stage,
)

from tools import sample_pipelines

Data = dict[str, Any]


def test_the_source_role_starts_a_build_that_makes_every_artifact() -> None:
    pipeline = sample_pipelines.pipeline("hello")

    action = build_release(pipeline, "source")
    assert action["Configuration"] == {"ProjectName": {"Ref": "ReleaseProject"}}
    assert action["InputArtifacts"] == [{"Name": "source"}]
    assert action["OutputArtifacts"] == [{"Name": "application"}, {"Name": "function"}]
    [statement] = make_build_stage(pipeline).source_statements
    assert statement["Action"] == ["codebuild:BatchGetBuilds", "codebuild:StartBuild"]
    assert statement["Resource"] == [{"Fn::GetAtt": ["ReleaseProject", "Arn"]}]


@pytest.mark.parametrize(
    ("count", "artifacts"),
    [
        (1, {"files": ["**/*"]}),
        (
            2,
            {
                "secondary-artifacts": {
                    "application": {"files": ["**/*"]},
                    "function": {"files": ["**/*"]},
                }
            },
        ),
    ],
)
def test_several_artifacts_have_identifiers(count: int, artifacts: Data) -> None:
    data = sample_pipelines.hello() | {"build": {"commands": ["make"]}}
    data["source"]["artifacts"] = data["source"]["artifacts"][:count]
    for stack in data["stacks"]:
        stack["parameters"] = {}
    data["waves"][0]["environments"][0].pop("parameters")
    [pipeline] = sample_pipelines.read(data)

    project = make_build_stage(pipeline).resources["ReleaseProject"]["Properties"]
    assert json.loads(project["Source"]["BuildSpec"])["artifacts"] == artifacts
    assert (project["Source"]["Type"], project["Artifacts"]) == (
        "CODEPIPELINE",
        {"Type": "CODEPIPELINE"},
    )
