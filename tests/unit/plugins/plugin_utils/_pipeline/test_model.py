# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An application as data: what is read from good data, and what follows from it. Calls nothing."""

from __future__ import annotations

import json

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.approval import (
    Approval,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.build import Build
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.model import (
    Pipeline,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.source import (
    Source,
)

from tools import sample_pipelines

ACCOUNTS = {"development": "222222222222", "testing": "333333333333", "production": "444444444444"}


@pytest.mark.parametrize("name", sample_pipelines.SAMPLES)
def test_a_pipeline_survives_as_plain_data(name: str) -> None:
    read = sample_pipelines.pipeline(name)

    data = json.loads(json.dumps(read.as_dict()))

    assert Pipeline.from_dict(data) == read
    assert data["stack_name"] == f"{name}-pipeline"


def test_the_seeds_example_reads_as_it_is_meant() -> None:
    read = sample_pipelines.pipeline("hello")

    assert read.regions == ["ap-southeast-2", "eu-west-1", "us-east-1"]
    assert read.account_ids == sorted(ACCOUNTS.values())
    assert read.artifacts == ["application", "function"]
    assert [wave.name for wave in read.waves] == ["development", "testing", "production"]
    assert [wave.approval for wave in read.waves] == [
        None,
        None,
        Approval(summary="Release hello to production?", link="https://example.com/releases"),
    ]
    assert [(place.host, place.account_id, place.regions) for place in read.environments] == [
        ("development", ACCOUNTS["development"], ("us-east-1",)),
        ("testing", ACCOUNTS["testing"], ("eu-west-1",)),
        # Without regions of its own it has all of the host's.
        ("production", ACCOUNTS["production"], ("us-east-1", "eu-west-1", "ap-southeast-2")),
    ]


def test_what_is_left_out_has_a_default() -> None:
    read = sample_pipelines.pipeline("one-region")

    assert read.source == Source(
        type="codebuild",
        repository="https://github.com/example/one-region.git",
        branch="main",
        connection_arn="",
        forks=False,
        artifacts=read.source.artifacts if read.source else (),
    )
    assert read.build == Build(
        image="aws/codebuild/amazonlinux-x86_64-standard:5.0",
        compute_type="BUILD_GENERAL1_SMALL",
        environment={},
    )
    assert (read.artifact_sync, read.execution_mode, read.max_actions_per_stage) == (
        "lambda",
        "QUEUED",
        50,
    )


def test_an_environments_parameters_go_to_the_stacks_that_name_them() -> None:
    read = sample_pipelines.pipeline("hello")
    function, hello = read.stacks
    development = read.environments[0]
    assert development.parameters == {"Greeting": "Hi"}

    assert read.parameters(hello, development) == {"Greeting": "Hi"}
    assert read.parameters(function, development) == function.parameters


def test_an_only_stack_gets_all_of_an_environments_parameters() -> None:
    data = sample_pipelines.one_region()
    data["waves"][0]["environments"][0]["parameters"] = {"Size": 2, "Zones": ["a", "b"], "On": True}
    [read] = sample_pipelines.read(data)

    assert read.parameters(read.stacks[0], read.environments[0]) == {
        "Size": "2",
        "Zones": "a,b",
        "On": "true",
    }


def test_inputs_are_the_templates_artifact_and_those_of_functions() -> None:
    read = sample_pipelines.pipeline("hello")
    function, hello = read.stacks

    assert read.inputs(function, read.environments[0]) == ["application", "function"]
    assert read.inputs(hello, read.environments[0]) == ["application"]


def test_an_environments_function_needs_its_artifact_there_alone() -> None:
    data = sample_pipelines.hello()
    data["waves"][1]["environments"][0]["parameters"] = {
        "Greeting": {"Fn::GetParam": ["function", "texts.json", "Greeting"]}
    }
    [read] = sample_pipelines.read(data)
    hello = read.stacks[1]

    assert [read.inputs(hello, place) for place in read.environments] == [
        ["application"],
        ["application", "function"],
        ["application"],
    ]


def test_an_artifact_that_no_stack_uses_is_not_copied() -> None:
    data = sample_pipelines.hello()
    data["source"]["artifacts"].append({"name": "reports", "object": "reports.zip"})
    [read] = sample_pipelines.read(data)

    assert read.artifacts == ["application", "function"]


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        ("aws/codebuild/amazonlinux-x86_64-standard:5.0", "LINUX_CONTAINER"),
        ("aws/codebuild/amazonlinux-aarch64-standard:3.0", "ARM_CONTAINER"),
    ],
)
def test_the_image_says_which_machine_it_is_for(image: str, kind: str) -> None:
    assert Build(image=image).container_type == kind
