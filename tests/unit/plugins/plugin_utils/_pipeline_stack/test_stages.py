# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stages and artifact stores: what a release does, in which order and as whom."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.model import (
    DeployedStack,
    levels,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.actions import (
    NAME_LIMIT,
    action_name,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.foundation import (
    compose_stores,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline_stack.stages import (
    compose_stages,
)
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from tools import sample_pipelines
from tools.sample_pipelines import foundation

Data = dict[str, Any]
Stages = list[dict[str, Any]]
EXECUTION_ID = "#{codepipeline.PipelineExecutionId}"


def stages_of(data: Data) -> Stages:
    """Return the stages of a pipeline."""
    [read] = sample_pipelines.read(data)
    return compose_stages(read, foundation())


def stage(stages: Stages, name: str) -> list[dict[str, Any]]:
    """Return the actions of a stage."""
    [found] = [entry["Actions"] for entry in stages if entry["Name"] == name]
    return list(found)


def order(actions: list[dict[str, Any]]) -> list[list[str]]:
    """Return the names of actions in the groups that run at the same time."""
    orders = sorted({action["RunOrder"] for action in actions})
    assert orders == list(range(1, len(orders) + 1))
    return [
        [entry["Name"] for entry in actions if entry["RunOrder"] == number] for number in orders
    ]


def actions_of(stages: Stages, mode: str) -> list[dict[str, Any]]:
    """Return the CloudFormation actions of a mode."""
    return [
        action
        for entry in stages
        for action in entry["Actions"]
        if action["Configuration"].get("ActionMode") == mode
    ]


# The seed's own example


def test_the_stages_are_those_of_the_seed() -> None:
    assert [entry["Name"] for entry in stages_of(sample_pipelines.hello())] == [
        "Source",
        "SyncArtifacts",
        "development",
        "testing",
        "production",
    ]


def test_sources_are_objects_of_the_build_bucket_that_nobody_polls() -> None:
    [application, function] = stage(stages_of(sample_pipelines.hello()), "Source")

    assert application == {
        "Name": "application",
        "ActionTypeId": {"Category": "Source", "Owner": "AWS", "Provider": "S3", "Version": "1"},
        "Region": {"Ref": "AWS::Region"},
        "RoleArn": {"Fn::GetAtt": ["SourceRole", "Arn"]},
        "Configuration": {
            "S3Bucket": {"Ref": "BuildBucketName"},
            "S3ObjectKey": "hello/application.zip",
            "PollForSourceChanges": "false",
            "AllowOverrideForS3ObjectKey": "true",
        },
        "OutputArtifacts": [{"Name": "application"}],
        "RunOrder": 1,
    }
    assert function["Configuration"]["S3ObjectKey"] == "hello/function.zip"
    assert function["RunOrder"] == 1


def test_every_other_region_is_synced_with_what_is_deployed() -> None:
    actions = stage(stages_of(sample_pipelines.hello()), "SyncArtifacts")

    assert [action["Name"] for action in actions] == ["ap-southeast-2", "eu-west-1"]
    for action in actions:
        bucket = foundation().bucket_name(action["Name"])
        assert action["ActionTypeId"]["Provider"] == "Lambda"
        # The function is where the pipeline is; the region is where it copies to.
        assert action["Region"] == {"Ref": "AWS::Region"}
        assert action["RoleArn"] == {"Fn::GetAtt": ["SourceRole", "Arn"]}
        assert action["Configuration"]["FunctionName"] == {"Ref": "SyncArtifactsFunctionName"}
        assert json.loads(action["Configuration"]["UserParameters"]) == {
            "DestinationBucket": bucket
        }
        assert action["InputArtifacts"] == [{"Name": "application"}, {"Name": "function"}]
        assert action["RunOrder"] == 1


@pytest.mark.parametrize("sample", [sample_pipelines.native, sample_pipelines.one_region])
def test_nothing_is_synced_where_codepipeline_does_it_or_there_is_nowhere_to(
    sample: Callable[[], Data],
) -> None:
    names = [entry["Name"] for entry in stages_of(sample())]

    assert "SyncArtifacts" not in names
    assert names[0] == "Source"


def test_a_change_set_is_made_and_executed_for_each_stack() -> None:
    actions = stage(stages_of(sample_pipelines.hello()), "development")

    assert order(actions) == [
        ["development-us-east-1-hello-function-prepare"],
        ["development-us-east-1-hello-function-execute"],
        # After the other stack, as it says.
        ["development-us-east-1-hello-prepare"],
        ["development-us-east-1-hello-execute"],
    ]
    assert actions[0] == {
        "Name": "development-us-east-1-hello-function-prepare",
        "ActionTypeId": {
            "Category": "Deploy",
            "Owner": "AWS",
            "Provider": "CloudFormation",
            "Version": "1",
        },
        "Region": "us-east-1",
        "RoleArn": "arn:aws:iam::222222222222:role/CrossAccountCodePipeline",
        "Configuration": {
            "ActionMode": "CHANGE_SET_REPLACE",
            "StackName": "hello-function",
            "ChangeSetName": "hello",
            "TemplatePath": "application::function.yml",
            "RoleArn": "arn:aws:iam::222222222222:role/CrossAccountCloudFormation",
            "ParameterOverrides": (
                '{"CodeBucket":{"Fn::GetArtifactAtt":["function","BucketName"]},'
                '"CodeKey":{"Fn::GetArtifactAtt":["function","ObjectKey"]}}'
            ),
            "Capabilities": "CAPABILITY_IAM",
        },
        "InputArtifacts": [{"Name": "application"}, {"Name": "function"}],
        "RunOrder": 1,
    }
    assert actions[1]["Configuration"] == {
        "ActionMode": "CHANGE_SET_EXECUTE",
        "StackName": "hello-function",
        "ChangeSetName": "hello",
    }
    assert actions[1]["RoleArn"] == actions[0]["RoleArn"]
    assert actions[1]["Region"] == "us-east-1"


def test_an_environment_has_its_own_parameters() -> None:
    stages = stages_of(sample_pipelines.hello())
    given = {
        action["Name"]: json.loads(action["Configuration"]["ParameterOverrides"])
        for action in actions_of(stages, "CHANGE_SET_REPLACE")
        if action["Configuration"]["StackName"] == "hello"
    }

    assert given["development-us-east-1-hello-prepare"] == {"Greeting": "Hi"}
    assert given["testing-eu-west-1-hello-prepare"] == {"Greeting": "Hello"}


def test_with_approval_every_change_set_comes_first_then_exactly_those_are_executed() -> None:
    actions = stage(stages_of(sample_pipelines.hello()), "production")
    regions = ["us-east-1", "eu-west-1", "ap-southeast-2"]

    assert order(actions) == [
        [
            *(f"production-{region}-hello-function-prepare" for region in regions),
            *(f"production-{region}-hello-prepare" for region in regions),
        ],
        ["approve"],
        [f"production-{region}-hello-function-execute" for region in regions],
        [f"production-{region}-hello-execute" for region in regions],
    ]
    approval = next(action for action in actions if action["Name"] == "approve")
    assert approval == {
        "Name": "approve",
        "ActionTypeId": {
            "Category": "Approval",
            "Owner": "AWS",
            "Provider": "Manual",
            "Version": "1",
        },
        "Configuration": {
            "NotificationArn": {"Ref": "ApprovalTopicArn"},
            "CustomData": "Release hello to production?",
            "ExternalEntityLink": "https://example.com/releases",
        },
        "RunOrder": 2,
    }


def test_an_approval_without_words_asks_all_the_same() -> None:
    data = sample_pipelines.hello()
    data["waves"][2]["approval"] = True
    [approval] = [
        action
        for action in stage(stages_of(data), "production")
        if action["ActionTypeId"]["Category"] == "Approval"
    ]

    assert approval["Configuration"] == {"NotificationArn": {"Ref": "ApprovalTopicArn"}}


def test_a_release_can_be_approved_before_anything_of_the_wave_is_made() -> None:
    """A stack can then read what the stack before it made: also in the first release."""
    data = sample_pipelines.hello()
    without = deepcopy(data)
    del without["waves"][2]["approval"]
    data["waves"][2]["approval"]["review"] = "release"

    *before, approve, production = stages_of(data)

    assert approve["Name"] == "production-approve"
    assert [action["Name"] for action in approve["Actions"]] == ["approve"]
    assert [*before, production] == stages_of(without)


def test_without_approval_a_wave_deploys_to_all_of_its_targets_at_the_same_time() -> None:
    data = sample_pipelines.hello()
    del data["waves"][2]["approval"]
    regions = ["us-east-1", "eu-west-1", "ap-southeast-2"]

    assert order(stage(stages_of(data), "production")) == [
        [f"production-{region}-{stack}-{what}" for region in regions]
        for stack in ("hello-function", "hello")
        for what in ("prepare", "execute")
    ]


def test_stacks_that_wait_for_nobody_are_deployed_at_the_same_time() -> None:
    data = sample_pipelines.hello()
    del data["stacks"][1]["after"]

    assert order(stage(stages_of(data), "development")) == [
        [f"development-us-east-1-{stack}-{what}" for stack in ("hello-function", "hello")]
        for what in ("prepare", "execute")
    ]


def test_a_template_configuration_is_of_the_templates_artifact() -> None:
    data = sample_pipelines.hello()
    data["stacks"][1]["template_configuration"] = "config/all.json"
    [action] = [
        entry
        for entry in stage(stages_of(data), "development")
        if entry["Name"].endswith("-hello-prepare")
    ]

    assert action["Configuration"]["TemplateConfiguration"] == "application::config/all.json"


def test_a_template_and_its_configuration_are_those_of_the_place() -> None:
    data = sample_pipelines.hello()
    data["stacks"][1] |= {
        "template": "templates/{region}.yml",
        "template_configuration": "config/{host}-{region}.json",
    }

    found = {
        (entry["Configuration"]["TemplatePath"], entry["Configuration"]["TemplateConfiguration"])
        for entry in stage(stages_of(data), "production")
        if entry["Name"].endswith("-hello-prepare")
    }

    assert found == {
        (
            f"application::templates/{region}.yml",
            f"application::config/production-{region}.json",
        )
        for region in ("ap-southeast-2", "eu-west-1", "us-east-1")
    }


# Waves with more actions than a stage takes


def test_a_wave_that_fits_is_one_stage() -> None:
    data = sample_pipelines.hello() | {"max_actions_per_stage": 13}

    assert [entry["Name"] for entry in stages_of(data)][-1] == "production"
    assert len(stage(stages_of(data), "production")) == 13


def test_a_wave_with_approval_is_prepared_approved_and_executed_in_stages_of_their_own() -> None:
    data = sample_pipelines.hello() | {"max_actions_per_stage": 12}

    stages = stages_of(data)

    assert [entry["Name"] for entry in stages][4:] == [
        "production-prepare",
        "production-approve",
        "production-execute-1",
        "production-execute-2",
    ]
    assert [len(entry["Actions"]) for entry in stages[4:]] == [6, 1, 3, 3]
    # A stack that waits for another is in a later stage.
    assert {
        entry["Configuration"]["StackName"] for entry in stage(stages, "production-execute-1")
    } == {"hello-function"}


def test_a_wave_without_approval_is_cut_between_its_targets() -> None:
    data = sample_pipelines.split()
    data["waves"] = [{"name": "production", "environments": [{"host": "production"}]}]

    stages = stages_of(data)[2:]

    assert [entry["Name"] for entry in stages] == [f"production-{number}" for number in (1, 2, 3)]
    for entry, region in zip(stages, ["us-east-1", "eu-west-1", "ap-southeast-2"], strict=True):
        assert {action["Region"] for action in entry["Actions"]} == {region}
        assert len(order(entry["Actions"])) == 4


def test_a_target_that_does_not_fit_is_cut_between_its_steps() -> None:
    data = sample_pipelines.hello() | {"max_actions_per_stage": 2}

    stages = [entry for entry in stages_of(data) if entry["Name"].startswith("development-")]

    assert [
        (entry["Name"], [action["Name"] for action in entry["Actions"]]) for entry in stages
    ] == [
        ("development-1", ["development-us-east-1-hello-function-prepare"]),
        ("development-2", ["development-us-east-1-hello-function-execute"]),
        ("development-3", ["development-us-east-1-hello-prepare"]),
        ("development-4", ["development-us-east-1-hello-execute"]),
    ]


def test_syncing_is_cut_too() -> None:
    data = sample_pipelines.many_regions() | {"max_actions_per_stage": 10}

    stages = [entry for entry in stages_of(data) if entry["Name"].startswith("SyncArtifacts")]

    assert [entry["Name"] for entry in stages] == ["SyncArtifacts-1", "SyncArtifacts-2"]
    assert sum(len(entry["Actions"]) for entry in stages) == 19


@pytest.mark.parametrize("most", [2, 3, 4, 7, 12, 50, 100])
@pytest.mark.parametrize(
    "sample", [sample_pipelines.hello, sample_pipelines.native, sample_pipelines.uploaded]
)
def test_however_it_is_cut_everything_is_deployed_once_and_in_order(
    sample: Callable[[], Data], most: int
) -> None:
    stages = stages_of(sample() | {"max_actions_per_stage": most})

    assert all(len(entry["Actions"]) <= most for entry in stages)
    wanted = [
        (account, region, stack)
        for account, regions in (
            ("222222222222", ["us-east-1"]),
            ("333333333333", ["eu-west-1"]),
            ("444444444444", ["us-east-1", "eu-west-1", "ap-southeast-2"]),
        )
        for region in regions
        for stack in ("hello-function", "hello")
    ]
    places: dict[str, list[tuple[str, str, str]]] = {}
    when: dict[tuple[str, tuple[str, str, str]], tuple[int, int]] = {}
    for number, entry in enumerate(stages):
        for action in entry["Actions"]:
            mode = action["Configuration"].get("ActionMode")
            if mode:
                account = action["RoleArn"].split(":")[4]
                place = (account, action["Region"], action["Configuration"]["StackName"])
                places.setdefault(mode, []).append(place)
                when[mode, place] = (number, action["RunOrder"])
    for mode in ("CHANGE_SET_REPLACE", "CHANGE_SET_EXECUTE"):
        assert sorted(places[mode]) == sorted(wanted)
    for account, region, stack in wanted:
        place = (account, region, stack)
        assert when["CHANGE_SET_REPLACE", place] < when["CHANGE_SET_EXECUTE", place]
        first = when["CHANGE_SET_EXECUTE", (account, region, "hello-function")]
        assert first <= when["CHANGE_SET_EXECUTE", place]
        if stack == "hello":
            assert first < when["CHANGE_SET_EXECUTE", place]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({}, "hello"),
        ({"execution_mode": "SUPERSEDED"}, "hello"),
        ({"max_actions_per_stage": 12}, f"hello-{EXECUTION_ID}"),
    ],
)
def test_a_change_set_carries_the_release_where_the_next_could_come_between(
    change: Data, name: str
) -> None:
    stages = stages_of(sample_pipelines.hello() | change)
    production = [
        action["Configuration"]["ChangeSetName"]
        for mode in ("CHANGE_SET_REPLACE", "CHANGE_SET_EXECUTE")
        for action in actions_of(stages, mode)
        if action["Name"].startswith("production-")
    ]

    assert set(production) == {name}


# Names, order, stores


def test_a_long_name_is_cut_and_stays_unique() -> None:
    names = {
        action_name("h" * 60, "ap-southeast-2", "s" * 120 + end, "execute") for end in ("1", "2")
    }

    assert len(names) == 2
    for name in names:
        assert len(name) == NAME_LIMIT
        assert name.startswith("h" * 60 + "-ap-southeast-2-s")
        assert name.endswith("-execute")


@pytest.mark.parametrize(
    ("waits", "expected"),
    [
        ({"a": "", "b": "", "c": ""}, [["a", "b", "c"]]),
        ({"a": "b", "b": "c", "c": ""}, [["c"], ["b"], ["a"]]),
        ({"a": "", "b": "a", "c": "a"}, [["a"], ["b", "c"]]),
        ({"a": "", "b": "c", "c": "b"}, [["a"]]),
        ({"a": "a"}, []),
    ],
)
def test_stacks_are_deployed_level_by_level(
    waits: dict[str, str], expected: list[list[str]]
) -> None:
    stacks = [
        DeployedStack(name=name, artifact="x", template="t", after=after)
        for name, after in waits.items()
    ]

    assert [[entry.name for entry in level] for level in levels(stacks)] == expected


@pytest.mark.parametrize(
    ("name", "regions"),
    [
        ("hello", ["ap-southeast-2", "eu-west-1", "us-east-1"]),
        ("one-region", ["us-east-1"]),
    ],
)
def test_there_is_a_store_for_the_pipeline_and_for_every_action(
    name: str, regions: list[str]
) -> None:
    stores = compose_stores(sample_pipelines.pipeline(name), foundation())

    assert [store["Region"] for store in stores] == regions
    for store in stores:
        registered = foundation().register[store["Region"]]
        assert store["ArtifactStore"] == {
            "Type": "S3",
            "Location": registered["bucket_arn"].removeprefix("arn:aws:s3:::"),
            "EncryptionKey": {"Type": "KMS", "Id": registered["key_arn"]},
        }


def test_the_pipelines_own_region_has_a_store_even_if_nothing_is_deployed_there() -> None:
    data = sample_pipelines.hello()
    data["waves"] = data["waves"][1:2]
    [read] = sample_pipelines.read(data)

    assert [store["Region"] for store in compose_stores(read, foundation())] == [
        "eu-west-1",
        "us-east-1",
    ]


# Against CodePipeline's own model


def resolved(value: Any) -> Any:
    """Return *value* with text for each function, and keys as the API spells them."""
    if isinstance(value, list):
        return [resolved(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if set(value) & {"Ref", "Fn::GetAtt"}:
        return "arn:aws:iam::111111111111:role/something"
    return {
        key if key[0].islower() or key in ("S3Bucket",) else key[0].lower() + key[1:]: resolved(
            entry
        )
        for key, entry in value.items()
    }


@pytest.mark.parametrize("name", sample_pipelines.SAMPLES)
def test_the_stages_are_what_codepipeline_takes(name: str) -> None:
    model = ServiceModel(Loader().load_service_model("codepipeline", "service-2"))
    validator = ParamValidator()
    shape = model.shape_for("StageDeclaration")

    stages = compose_stages(sample_pipelines.pipeline(name), foundation())

    for entry in stages:
        report = validator.validate(resolved(entry), shape)
        assert not report.has_errors(), report.generate_report()
        names = [action["Name"] for action in entry["Actions"]]
        assert len(names) == len(set(names))
        for action in entry["Actions"]:
            assert re.fullmatch(r"[A-Za-z0-9.@_-]{1,100}", action["Name"])
            for value in action["Configuration"].values():
                assert not isinstance(value, str) or 0 < len(value) <= 1000
