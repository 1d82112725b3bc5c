# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An application as data: what is read from good data, and what follows from it. Calls nothing."""

from __future__ import annotations

import json

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.model import (
    Approval,
    Artifact,
    Pipeline,
    Source,
    functions_in,
)

from tools import sample_pipelines
from tools.sample_pipelines import application

ACCOUNTS = {"development": "222222222222", "testing": "333333333333", "production": "444444444444"}


@pytest.mark.parametrize("name", sample_pipelines.SAMPLES)
def test_an_application_survives_a_variable_of_a_playbook(name: str) -> None:
    read = application(name)

    data = json.loads(json.dumps(read.as_data()))

    assert Pipeline.from_data(data) == read
    assert data["stack_name"] == f"{name}-pipeline"


def test_what_data_leaves_out_has_its_default() -> None:
    # As the argument specification of the role has it.
    read = Pipeline.from_data(
        {
            "name": "hello",
            "stack_name": "hello-pipeline",
            "source": {"type": "s3", "artifacts": [{"name": "a", "object": "a.zip"}]},
            "stacks": [{"name": "hello", "artifact": "a", "template": "t.yml"}],
            "waves": [
                {
                    "name": "all",
                    "environments": [
                        {"host": "one", "account_id": "222222222222", "regions": ["eu-west-1"]}
                    ],
                }
            ],
        }
    )

    assert read.is_present
    assert read.source == Source(type="s3", artifacts=(Artifact(name="a", object="a.zip"),))
    assert (read.stacks[0].capabilities, read.stacks[0].parameters) == ((), {})
    assert (read.waves[0].approval, read.environments[0].parameters) == (None, {})
    assert Pipeline.from_data({"name": "old", "state": "absent"}).source is None


def test_an_absent_application_is_a_name() -> None:
    read = Pipeline(name="hello", state="absent")

    assert Pipeline.from_data(read.as_data()) == read
    assert not read.is_present
    assert (read.stack_name, read.regions, read.account_ids, read.artifacts) == (
        "hello-pipeline",
        [],
        [],
        [],
    )


def test_the_seeds_example_reads_as_it_is_meant() -> None:
    read = application("hello")

    assert read.regions == ["ap-southeast-2", "eu-west-1", "us-east-1"]
    assert read.account_ids == sorted(ACCOUNTS.values())
    assert read.artifacts == ["application", "function"]
    assert [wave.name for wave in read.waves] == ["development", "testing", "production"]
    assert [wave.approval for wave in read.waves] == [
        None,
        None,
        Approval(summary="Release hello to production?", link="https://example.com/releases"),
    ]
    assert [(one.host, one.account_id, one.regions) for one in read.environments] == [
        ("development", ACCOUNTS["development"], ("us-east-1",)),
        ("testing", ACCOUNTS["testing"], ("eu-west-1",)),
        # Without regions of its own it has all of the host's.
        ("production", ACCOUNTS["production"], ("us-east-1", "eu-west-1", "ap-southeast-2")),
    ]


def test_what_is_left_out_has_a_default() -> None:
    read = application("one-region")

    assert read.source == Source(
        type="codebuild",
        repository="https://github.com/example/one-region.git",
        branch="main",
        connection_arn="",
        buildspec="buildspec.yml",
        image="aws/codebuild/amazonlinux-x86_64-standard:5.0",
        compute_type="BUILD_GENERAL1_SMALL",
        environment={},
        forks=False,
        artifacts=read.source.artifacts if read.source else (),
    )
    assert (read.state, read.artifact_sync, read.execution_mode, read.max_actions_per_stage) == (
        "present",
        "lambda",
        "QUEUED",
        50,
    )


def test_an_environments_parameters_go_to_the_stacks_that_name_them() -> None:
    read = application("hello")
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
    read = application("hello")
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

    assert [read.inputs(hello, one) for one in read.environments] == [
        ["application"],
        ["application", "function"],
        ["application"],
    ]


def test_an_artifact_that_no_stack_uses_is_not_copied() -> None:
    data = sample_pipelines.hello()
    data["source"]["artifacts"].append({"name": "reports", "object": "reports.zip"})
    [read] = sample_pipelines.read(data)

    assert read.artifacts == ["application", "function"]


def test_functions_are_found_among_parameters() -> None:
    assert functions_in({"One": "text", "Two": {"Fn::GetParam": ["a", "b", "c"]}}) == [
        ("Two", "Fn::GetParam", ["a", "b", "c"])
    ]


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        ("aws/codebuild/amazonlinux-x86_64-standard:5.0", "LINUX_CONTAINER"),
        ("aws/codebuild/amazonlinux-aarch64-standard:3.0", "ARM_CONTAINER"),
    ],
)
def test_the_image_says_which_machine_it_is_for(image: str, kind: str) -> None:
    assert Source(type="codebuild", artifacts=(), image=image).container_type == kind
