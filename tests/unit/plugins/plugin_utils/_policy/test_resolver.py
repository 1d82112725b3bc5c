# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a deployed template says: every template that the collection ships, and each function."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import botocore.loaders
import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._policy.resolver import (
    Deployed,
    Resolver,
    Unresolvable,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack import (
    template as _template,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.model import Resource

from tests.unit.roles.templates import TEMPLATES, source
from tools import sample_pipelines

ACCOUNT, REGION = "111111111111", "eu-west-1"
COMPOSED = frozenset(sample_pipelines.SAMPLES)
STACK_ID = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/One/1a2b"
SAMPLES = [
    ACCOUNT,
    REGION,
    f"arn:aws:iam::{ACCOUNT}:role/Operator",
    "arn:aws:iam::aws:policy/PowerUserAccess",
    "arn:aws:s3:::one-bucket",
    f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1a2b",
    f"arn:aws:sns:{REGION}:{ACCOUNT}:One",
    f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/1a2b",
    f"arn:aws:ecs:*:{ACCOUNT}:service/main/web",
    f"arn:aws:iam::{ACCOUNT}:role/Task",
    "https://github.com/example/hello",
    "one-bucket",
    "o-a1b2c3d4e5",
    "o-a1b2c3d4e5/r-ab12/*",
    "One",
    "o-exampleorgid",
]


def deployed(
    template: dict[str, Any], parameters: dict[str, str] | None = None, **physical_ids: str
) -> Deployed:
    """A stack of this template, of which everything was made."""
    resources = [
        Resource(
            logical_id=name,
            resource_type=resource["Type"],
            physical_id=physical_ids.get(name, f"one-{name.lower()}"),
        )
        for name, resource in template.get("Resources", {}).items()
    ]
    return Deployed(
        stack_id=STACK_ID, template=template, parameters=parameters or {}, resources=resources
    )


def resolve(value: Any, **sections: Any) -> Any:
    """Resolve one value in a template of these sections."""
    return Resolver(deployed(sections)).resolve(value)


# The templates that the collection ships


def _values(template: dict[str, Any], *, filled: bool) -> dict[str, str]:
    """Every parameter at its default, or with a value that it accepts."""
    values = {}
    for name, definition in template.get("Parameters", {}).items():
        default = definition.get("Default")
        if filled and name == "GrantMode":
            values[name] = "organization"
            continue
        if default is not None and not (filled and default == ""):
            values[name] = str(default)
            continue
        pattern = definition.get("AllowedPattern", "")
        [value, *_more] = [one for one in SAMPLES if re.search(pattern, one)]
        values[name] = value
    return values


def _functions(value: Any) -> set[str]:
    """Every function that is still in *value*."""
    if isinstance(value, list):
        return set().union(*(_functions(item) for item in value))
    if isinstance(value, dict):
        found = {key for key in value if key == "Ref" or str(key).startswith("Fn::")}
        return found.union(*(_functions(item) for item in value.values()))
    return {"${"} if isinstance(value, str) and "${" in value else set()


@pytest.mark.parametrize("filled", [False, True])
@pytest.mark.parametrize("name", sorted({*TEMPLATES, *COMPOSED}))
def test_every_template_resolves_whole(name: str, filled: bool) -> None:
    is_sample = name in COMPOSED
    template = _template.parse(sample_pipelines.template(name)) if is_sample else source(name)
    found = Resolver(deployed(template, _values(template, filled=filled)))

    resolved = {
        logical_id: found.properties(logical_id)
        for logical_id in template["Resources"]
        if found.exists(logical_id)
    }

    assert resolved
    assert _functions(resolved) == set()
    json.dumps(resolved)  # nothing else than data is left


def test_a_list_parameter_is_a_list_and_a_path_is_part_of_the_arn_of_a_role() -> None:
    template = source("primary")
    values = _values(template, filled=False) | {
        "DeployAccountIds": "222222222222,333333333333",
        "RegionBucketArns": "arn:aws:s3:::a-bucket,arn:aws:s3:::b-bucket",
        "Regions": "a-1,b-1",
        "RegionKeyArns": "x,y",
    }

    found = Resolver(deployed(template, values, SyncArtifactsRole="One-SyncArtifactsRole-1A2B"))

    statements = found.property("Key", "KeyPolicy")["Statement"]
    assert statements[2]["Principal"] == {"AWS": ["222222222222", "333333333333"]}
    assert statements[0]["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert found.property("SyncArtifactsFunction", "Role") == (
        f"arn:aws:iam::{ACCOUNT}:role/crossaccount/build/One-SyncArtifactsRole-1A2B"
    )
    [policy] = found.property("SyncArtifactsRole", "Policies")
    resources = {one["Sid"]: one["Resource"] for one in policy["PolicyDocument"]["Statement"]}
    assert resources["WriteRegisteredBuckets"] == [
        "arn:aws:s3:::a-bucket/*",
        "arn:aws:s3:::b-bucket/*",
    ]
    assert resources["DecryptPrimaryArtifacts"] == (f"arn:aws:kms:{REGION}:{ACCOUNT}:key/one-key")
    assert resources["WriteLog"].endswith("log-group:one-syncartifactsloggroup:*")


# Each function


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        (["a", {"Ref": "AWS::NoValue"}, "b"], ["a", "b"]),
        ({"a": {"Ref": "AWS::NoValue"}, "b": 1}, {"b": 1}),
        ({"Ref": "AWS::AccountId"}, ACCOUNT),
        ({"Ref": "AWS::Partition"}, "aws"),
        ({"Ref": "AWS::Region"}, REGION),
        ({"Ref": "AWS::StackId"}, STACK_ID),
        ({"Ref": "AWS::StackName"}, "One"),
        ({"Ref": "AWS::URLSuffix"}, "amazonaws.com"),
        ({"Fn::Join": ["-", ["a", True, 3]]}, "a-true-3"),
        ({"Fn::Split": [",", "a,b"]}, ["a", "b"]),
        ({"Fn::Select": ["1", ["a", "b"]]}, "b"),
        ({"Fn::Select": [0, {"Fn::Split": [",", "a,b"]}]}, "a"),
        ({"Fn::Sub": "${AWS::Region}-${!Literal}"}, f"{REGION}-${{Literal}}"),
        ({"Fn::Sub": ["${One}-${AWS::Region}", {"One": {"Fn::Join": ["", ["x"]]}}]}, f"x-{REGION}"),
        ({"Condition": {"Bool": {"a": "b"}}}, {"Condition": {"Bool": {"a": "b"}}}),
    ],
)
def test_a_function_resolves_as_cloudformation_would(value: Any, expected: Any) -> None:
    assert resolve(value) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"Fn::Equals": ["a", "a"]}, True),
        ({"Fn::Equals": ["a", "b"]}, False),
        ({"Fn::Equals": [True, "true"]}, True),
        ({"Fn::Equals": [["a"], ["a"]]}, True),
        ({"Fn::Not": [{"Fn::Equals": ["a", "a"]}]}, False),
        ({"Fn::And": [{"Fn::Equals": ["a", "a"]}, {"Fn::Equals": ["a", "b"]}]}, False),
        ({"Fn::And": [{"Condition": "Other"}, {"Fn::Equals": ["a", "a"]}]}, True),
        ({"Fn::Or": [{"Fn::Equals": ["a", "a"]}, {"Fn::Equals": ["a", "b"]}]}, True),
        ({"Fn::Or": [{"Fn::Equals": ["a", "c"]}, {"Fn::Equals": ["a", "b"]}]}, False),
    ],
)
def test_a_condition_chooses(condition: Any, expected: bool) -> None:
    conditions = {"One": condition, "Other": {"Fn::Equals": ["x", "x"]}}

    assert resolve({"Fn::If": ["One", "yes", "no"]}, Conditions=conditions) == (
        "yes" if expected else "no"
    )


def test_the_branch_that_is_not_taken_is_not_looked_at() -> None:
    value = {"Fn::If": ["One", "yes", {"Fn::ImportValue": "x"}]}

    assert resolve(value, Conditions={"One": {"Fn::Equals": ["a", "a"]}}) == "yes"


@pytest.mark.parametrize(
    ("kind", "attribute", "physical_id", "expected"),
    [
        ("AWS::S3::Bucket", "Arn", "one-bucket", "arn:aws:s3:::one-bucket"),
        ("AWS::KMS::Key", "Arn", "1a2b", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1a2b"),
        ("AWS::KMS::Key", "KeyId", "1a2b", "1a2b"),
        ("AWS::IAM::Role", "Arn", "One", f"arn:aws:iam::{ACCOUNT}:role/One"),
        ("AWS::Lambda::Function", "Arn", "One", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:One"),
        ("AWS::Events::Rule", "Arn", "One", f"arn:aws:events:{REGION}:{ACCOUNT}:rule/One"),
        ("AWS::Logs::LogGroup", "Arn", "One", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:One:*"),
        (
            "AWS::CodeBuild::Project",
            "Arn",
            "One",
            f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/One",
        ),
        (
            "AWS::SNS::Topic",
            "TopicArn",
            f"arn:aws:sns:{REGION}:{ACCOUNT}:One",
            f"arn:aws:sns:{REGION}:{ACCOUNT}:One",
        ),
        ("AWS::SNS::Topic", "TopicName", f"arn:aws:sns:{REGION}:{ACCOUNT}:One", "One"),
        (
            "AWS::SQS::Queue",
            "Arn",
            f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/one",
            f"arn:aws:sqs:{REGION}:{ACCOUNT}:one",
        ),
    ],
)
def test_an_attribute_is_made_of_the_physical_id(
    kind: str, attribute: str, physical_id: str, expected: str
) -> None:
    found = Resolver(deployed({"Resources": {"It": {"Type": kind}}}, It=physical_id))

    assert found.resolve({"Fn::GetAtt": ["It", attribute]}) == expected
    assert found.resolve({"Fn::GetAtt": f"It.{attribute}"}) == expected
    assert found.resolve({"Fn::Sub": f"<${{It.{attribute}}}>"}) == f"<{expected}>"
    assert found.resolve({"Ref": "It"}) == physical_id


PARAMETERS = {
    "Text": {"Type": "String"},
    "Number": {"Type": "Number"},
    "Texts": {"Type": "CommaDelimitedList"},
    "Numbers": {"Type": "List<Number>"},
    "Secret": {"Type": "String", "NoEcho": True},
    "Stored": {"Type": "AWS::SSM::Parameter::Value<String>"},
    "Missing": {"Type": "String"},
}
GIVEN = {
    "Text": "a,b",
    "Number": "3",
    "Texts": "a,b",
    "Numbers": "1, 2",
    "Secret": "****",
    "Stored": "/path",
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Text", "a,b"), ("Number", "3"), ("Texts", ["a", "b"]), ("Numbers", ["1", "2"])],
)
def test_a_parameter_has_the_form_of_its_type(name: str, expected: Any) -> None:
    found = Resolver(deployed({"Parameters": PARAMETERS}, GIVEN))

    assert found.resolve({"Ref": name}) == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Secret", "parameter Secret is secret"),
        ("Stored", "parameter Stored takes its value from Systems Manager"),
        ("Missing", "the stack has no parameter Missing"),
    ],
)
def test_a_parameter_that_cannot_be_known_is_refused(name: str, message: str) -> None:
    found = Resolver(deployed({"Parameters": PARAMETERS}, GIVEN))

    with pytest.raises(Unresolvable, match=f"^{message}$"):
        found.resolve({"Ref": name})


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("AWS::SSM::Parameter::Value<String>", "a,b", "a,b"),
        ("AWS::SSM::Parameter::Value<List<String>>", "a,b", ["a", "b"]),
        ("AWS::SSM::Parameter::Value<CommaDelimitedList>", "a,b", ["a", "b"]),
    ],
)
def test_a_stored_parameter_has_the_value_that_it_stood_for(
    kind: str, value: str, expected: Any
) -> None:
    stack = deployed({"Parameters": {"Stored": {"Type": kind}}}, {"Stored": "/path"})
    found = Resolver(dataclasses.replace(stack, resolved={"Stored": value}))

    assert found.resolve({"Ref": "Stored"}) == expected


def test_the_name_of_a_stored_parameter_is_its_value() -> None:
    stack = deployed(
        {"Parameters": {"Named": {"Type": "AWS::SSM::Parameter::Name"}}}, {"Named": "/a"}
    )

    assert Resolver(stack).resolve({"Ref": "Named"}) == "/a"


RESOURCES = {
    "Topic": {"Type": "AWS::SNS::Topic"},
    "Table": {"Type": "AWS::DynamoDB::Table"},
    "Unmade": {"Type": "AWS::SNS::Topic"},
    "Rule": {"Type": "AWS::Events::Rule"},
}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {"Fn::ImportValue": "x"},
            "the function Fn::ImportValue cannot be resolved here",
        ),
        (
            {"a": [{"Fn::FindInMap": ["a", "b", "c"]}]},
            "the function Fn::FindInMap cannot be resolved here",
        ),
        ("{{resolve:ssm:/x}}", "the dynamic reference {{resolve:ssm:/x}} cannot be resolved here"),
        (
            {"Fn::Sub": "{{resolve:ssm:/x}}"},
            "the dynamic reference {{resolve:ssm:/x}} cannot be resolved here",
        ),
        ({"Ref": "Nothing"}, "Ref names Nothing, which is not known here"),
        ({"Fn::GetAtt": ["Nothing", "Arn"]}, "Fn::GetAtt names Nothing, which is not known here"),
        (
            {"Fn::GetAtt": ["Table", "Arn"]},
            "attribute Arn of Table (AWS::DynamoDB::Table) cannot be known here",
        ),
        ({"Ref": "Unmade"}, "Unmade has no physical id"),
        ({"Fn::GetAtt": ["Rule", "Arn"]}, "Rule has an id of several parts, bus|rule"),
        ({"Fn::If": ["Nothing", 1, 2]}, "condition Nothing is not known here"),
        ({"Fn::If": ["Text", 1, 2]}, "text is not a condition"),
        ({"Fn::Select": [5, ["a"]]}, "Fn::Select has no item 5"),
        ({"Fn::Select": [-1, ["a"]]}, "Fn::Select has no item -1"),
        ({"Fn::Join": ["", "text"]}, "text is not a list"),
        ({"Fn::Join": ["only"]}, "Fn::Join has arguments that cannot be resolved: ['only']"),
        (
            {"Fn::Sub": ["${A}", {"A": ["a"]}]},
            "Fn::Sub cannot put A into a text: it is not text",
        ),
    ],
)
def test_what_is_not_understood_is_refused_by_its_name(value: Any, message: str) -> None:
    template = {"Resources": RESOURCES, "Conditions": {"Text": "text"}}
    found = Resolver(deployed(template, Unmade="", Rule="bus|rule"))

    with pytest.raises(Unresolvable, match=f"^{re.escape(message)}$"):
        found.resolve(value)


def test_a_template_with_a_transform_is_refused() -> None:
    with pytest.raises(Unresolvable, match="the template has a Transform"):
        resolve("text", Transform="AWS::Serverless-2016-10-31")


def test_resources_without_their_condition_are_not_there() -> None:
    text = """
        Conditions:
          No: !Equals [a, b]
        Resources:
          First: {Type: 'AWS::SNS::Topic'}
          Second: {Type: 'AWS::SNS::Topic', Condition: No}
          Third: {Type: 'AWS::S3::Bucket'}
    """

    assert Resolver(deployed(_template.parse(text))).resource_ids("AWS::SNS::Topic") == ["First"]


def test_a_property_may_be_left_out_or_have_no_value() -> None:
    resources = {
        "First": {"Type": "AWS::SNS::Topic"},
        "Second": {"Type": "AWS::SNS::Topic", "Properties": {"A": {"Ref": "AWS::NoValue"}}},
    }
    found = Resolver(deployed({"Resources": resources}))

    assert [found.property(name, "A", "none") for name in resources] == ["none", "none"]


@pytest.mark.parametrize(
    ("partition", "suffix"),
    [
        (entry["id"], entry["outputs"]["dnsSuffix"])
        for entry in botocore.loaders.create_loader().load_data("partitions")["partitions"]
    ],
)
def test_the_stack_tells_its_partition(partition: str, suffix: str) -> None:
    stack = Deployed(
        stack_id=STACK_ID.replace("arn:aws:", f"arn:{partition}:"),
        template={},
        parameters={},
        resources=[],
    )

    assert Resolver(stack).resolve({"Fn::Sub": "${AWS::Partition} ${AWS::URLSuffix}"}) == (
        f"{partition} {suffix}"
    )
