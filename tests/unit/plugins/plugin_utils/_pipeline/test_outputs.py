# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Outputs of stacks as parameters of others: what a release takes, and when it is there."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.stages import (
    compose_stages,
)

from tools import sample_pipelines

Data = dict[str, Any]
Change = Callable[[Data], Any]


def with_output(*arguments: str, stack: int = 1) -> Data:
    """The usual pipeline, in which a stack takes an output, and a release is approved."""
    data = sample_pipelines.hello()
    data["waves"][2]["approval"]["review"] = "release"
    data["stacks"][stack]["parameters"]["Queue"] = {"Fn::GetOutput": list(arguments)}
    return data


def actions(data: Data) -> dict[str, Data]:
    [pipeline] = sample_pipelines.read(data)
    stages = compose_stages(pipeline, sample_pipelines.foundation())
    return {action["Name"]: action for stage in stages for action in stage["Actions"]}


def queue(action: Data) -> str:
    """The value of the parameter that is an output."""
    return str(json.loads(action["Configuration"]["ParameterOverrides"])["Queue"])


def test_an_output_is_a_variable_of_the_action_that_deploys_its_stack_there() -> None:
    found = actions(with_output("hello-function", "QueueUrl"))
    for place in ("development-us-east-1", "production-us-east-1", "production-eu-west-1"):
        namespace = found[f"{place}-hello-function-execute"]["Namespace"]
        assert queue(found[f"{place}-hello-prepare"]) == f"#{{{namespace}.QueueUrl}}"
    namespaces = [action["Namespace"] for action in found.values() if "Namespace" in action]
    assert len(namespaces) == len(set(namespaces)) == 5


def test_a_pipeline_without_outputs_has_no_namespaces() -> None:
    found = actions(sample_pipelines.hello())
    assert not any("Namespace" in action for action in found.values())


def test_an_output_of_an_earlier_wave_is_named_by_host_and_region() -> None:
    data = with_output("hello", "Url", "development", "us-east-1", stack=0)
    data["stacks"][0]["parameters"]["Queue"] = "none"
    output = {"Fn::GetOutput": ["hello", "Url", "development", "us-east-1"]}
    data["waves"][2]["environments"][0]["parameters"] = {"Queue": output}
    # Also where all change sets are made before the approval.
    data["waves"][2]["approval"]["review"] = "change_sets"
    found = actions(data)
    namespace = found["development-us-east-1-hello-execute"]["Namespace"]
    assert queue(found["production-eu-west-1-hello-function-prepare"]) == f"#{{{namespace}.Url}}"
    assert queue(found["testing-eu-west-1-hello-function-prepare"]) == "none"


def _no_order(data: Data) -> None:
    data["stacks"][1].pop("after")


def _reviewed(data: Data) -> None:
    data["waves"][2]["approval"]["review"] = "change_sets"


def _takes(*arguments: str) -> Change:
    def change(data: Data) -> None:
        data["stacks"][1]["parameters"]["Queue"] = {"Fn::GetOutput": list(arguments)}

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            _no_order,
            (
                "stacks[hello].parameters.Queue: hello is not deployed after hello-function, so it has"
                " no output of it. Give hello after: hello-function"
            ),
        ),
        (
            _reviewed,
            (
                "stacks[hello].parameters.Queue: wave production makes all change sets before"
                " hello-function is deployed, so its outputs are not there yet. Give the approval of"
                " the wave review: release"
            ),
        ),
        (_takes("hello", "Url"), "hello is not deployed after hello, so it has no output of it"),
        (
            _takes("hello-functoin", "QueueUrl"),
            "hello-functoin is not a stack of this pipeline. Did you mean hello-function?",
        ),
        (
            _takes("hello", "Url", "testing", "us-east-1"),
            "no wave deploys to testing in us-east-1. Name a host and a region of an earlier wave",
        ),
        (
            _takes("hello", "Url", "testing", "eu-west-1"),
            (
                "hello is deployed to testing in eu-west-1 in wave testing, not before wave"
                " development. Name a host and a region of an earlier wave"
            ),
        ),
        (
            _takes("hello", "Url", "testing"),
            "Fn::GetOutput takes stack, output; or stack, output, h",
        ),
        (_takes("hello-function", "queue-url"), "'queue-url' is not the name of an output"),
    ],
)
def test_an_output_that_is_not_there_in_time_is_refused(change: Change, message: str) -> None:
    data = with_output("hello-function", "QueueUrl")
    change(data)
    with pytest.raises(PipelineError) as caught:
        sample_pipelines.read(data)
    assert message in str(caught.value)


def test_a_reference_counts_in_the_thousand_characters_of_an_action() -> None:
    data = with_output("hello-function", "Q" * 255)
    for number in range(4):
        output = {"Fn::GetOutput": ["hello-function", "Q" * 255]}
        data["stacks"][1]["parameters"][f"P{number}"] = output
    with pytest.raises(PipelineError, match="1405 characters for development of wave"):
        sample_pipelines.read(data)
