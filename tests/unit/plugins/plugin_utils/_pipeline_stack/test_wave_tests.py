# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of waves: where they run, what they get, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.stages import (
    compose_stages,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.wave_tests import (
    wave_tests,
)

from tools import sample_pipelines
from tools.sample_pipelines import foundation

Data = dict[str, Any]
SMOKE = {"name": "smoke", "commands": ["make smoke"]}
READY = {"name": "ready", "commands": ["make ready"], "when": "before"}
URL = {"URL": {"Fn::GetOutput": ["hello", "Url", "testing", "eu-west-1"]}}


def with_tests(wave: str, *tests: Data, **more: Any) -> Data:
    """The usual pipeline with tests in one of its waves."""
    data = sample_pipelines.hello() | more
    [found] = [item for item in data["waves"] if item["name"] == wave]
    found["tests"] = list(tests)
    return data


def order(data: Data) -> list[tuple[str, list[list[str]]]]:
    """The names of the actions of each stage, by their run order."""
    [read] = sample_pipelines.read(data)
    found = []
    for stage in compose_stages(read, foundation()):
        steps: dict[int, list[str]] = {}
        for action in stage["Actions"]:
            steps.setdefault(action["RunOrder"], []).append(action["Name"])
        found.append((stage["Name"], [steps[number] for number in sorted(steps)]))
    return found


def steps(data: Data, stage: str) -> list[list[str]]:
    return dict(order(data))[stage]


def test_tests_run_around_the_deployments_of_their_wave() -> None:
    found = steps(with_tests("testing", SMOKE, READY), "testing")

    assert found[0] == ["test-ready"]
    assert found[-1] == ["test-smoke"]
    assert found[1:-1] == steps(sample_pipelines.hello(), "testing")


def test_tests_before_an_approved_wave_run_before_anybody_is_asked() -> None:
    found = steps(with_tests("production", READY, SMOKE), "production")
    assert found[0] == ["test-ready"]
    assert ["approve"] in found[2:]
    assert found[-1] == ["test-smoke"]

    released = with_tests("production", READY, SMOKE)
    released["waves"][2]["approval"]["review"] = "release"
    assert steps(released, "production-approve") == [["test-ready"], ["approve"]]
    assert steps(released, "production")[-1] == ["test-smoke"]


def test_a_wave_of_several_stages_has_stages_for_its_tests() -> None:
    data = with_tests("production", READY, SMOKE, max_actions_per_stage=4)
    names = [name for name, _steps in order(data) if name.startswith("production")]

    assert (names[0], names[-1]) == ("production-test-before", "production-test-after")


def test_a_test_reads_what_the_source_made_and_writes_nothing() -> None:
    [read] = sample_pipelines.read(
        with_tests("testing", {**SMOKE, "artifacts": ["function", "application"]})
    )
    part = wave_tests(read, foundation())

    [action] = [
        action
        for stage in compose_stages(read, foundation())
        for action in stage["Actions"]
        if action["Name"] == "test-smoke"
    ]
    assert action["InputArtifacts"] == [{"Name": "function"}, {"Name": "application"}]
    assert action["Configuration"]["PrimarySource"] == "function"
    [policy] = part.resources["TestSmokeRole"]["Properties"]["Policies"]
    actions = {
        name
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
        for name in statement["Action"]
    }
    assert not {"s3:PutObject", "kms:GenerateDataKey"} & actions
    assert part.resources["TestSmokeProject"]["Properties"]["Name"] == {
        "Fn::Sub": "${PipelineName}-test-smoke"
    }


def test_a_test_gets_the_source_where_a_stage_builds_it() -> None:
    data = sample_pipelines.connected()
    data["waves"][0]["tests"] = [SMOKE]
    [read] = sample_pipelines.read(data)

    [action] = [
        action
        for stage in compose_stages(read, foundation())
        for action in stage["Actions"]
        if action["Name"] == "test-smoke"
    ]
    assert read.source is not None
    assert action["InputArtifacts"] == [{"Name": read.source.action_artifact}]


def test_an_output_of_a_deployed_stack_is_a_variable_of_the_action() -> None:
    [read] = sample_pipelines.read(with_tests("testing", {**SMOKE, "environment": URL}))
    stages = {stage["Name"]: stage["Actions"] for stage in compose_stages(read, foundation())}

    [variable] = json.loads(stages["testing"][-1]["Configuration"]["EnvironmentVariables"])
    namespace = variable["value"].removeprefix("#{").partition(".")[0]
    [deployed] = [action for action in stages["testing"] if action.get("Namespace") == namespace]
    assert deployed["Name"] == "testing-eu-west-1-hello-execute"
    project = wave_tests(read, foundation()).resources["TestSmokeProject"]["Properties"]
    assert project["Environment"]["EnvironmentVariables"] == []


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ({"name": "smoke"}, "tests[smoke]: runs nothing. Set commands, or buildspec"),
        ({**SMOKE, "name": "a-1"}, "a name of 1 to 24 lowercase letters, digits and single"),
        ({**SMOKE, "artifacts": ["no"]}, "tests[smoke].artifacts: no is not an artifact of the"),
        (
            {**SMOKE, "when": "before", "environment": URL},
            "tests[smoke].environment.URL: hello is deployed to testing in eu-west-1 in wave testing",
        ),
        (
            {**SMOKE, "environment": {"URL": {"Fn::GetOutput": ["hello", "Url"]}}},
            "Fn::GetOutput takes [stack, output, host, region] and nothing else",
        ),
        (
            {
                **SMOKE,
                "environment": {f"URL_{number}": URL["URL"] for number in range(20)},
            },
            "tests[smoke].environment: outputs make 1",
        ),
    ],
)
def test_a_test_that_cannot_run_is_refused(test: Data, message: str) -> None:
    with pytest.raises(PipelineError) as caught:
        sample_pipelines.read(with_tests("testing", test))
    assert message in str(caught.value)


def test_tests_of_two_waves_have_two_names() -> None:
    data = with_tests("testing", SMOKE)
    data["waves"][0]["tests"] = [SMOKE]

    with pytest.raises(PipelineError, match="another wave has a test of this name"):
        sample_pipelines.read(data)


def test_a_build_has_no_output_of_a_stack() -> None:
    data = sample_pipelines.hello() | {"build": {"environment": URL}}

    with pytest.raises(PipelineError, match="unknown field `Fn::GetOutput`"):
        sample_pipelines.read(data)
