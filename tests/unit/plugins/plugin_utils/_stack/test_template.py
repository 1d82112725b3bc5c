# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Templates: code into its place, one form for comparison, never more than CloudFormation takes."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.template import (
    BODY_LIMIT,
    OBJECT_LIMIT,
    ParameterKind,
    check_body,
    parameter_defaults,
    parameter_kinds,
    parse,
    render,
    same_template,
)

ROOT = Path(__file__).resolve().parents[5]
# That of pipeline stands alone only with an application's data in it.
TEMPLATES = sorted(
    path for path in ROOT.glob("roles/*/files/*.template") if path.stem != "pipeline"
)

FUNCTION = """\
Resources:
  Function:
    Type: AWS::Lambda::Function
    Properties:
      Code:
        ZipFile: '@@ code.py @@'
      Handler: index.handler
"""
CODE = '''\
"""A function: with a colon, {{braces}} and ${Dollar}."""


def handler(event, context):
    """Tell 'nothing'."""

    return "# not a comment"
'''


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "some.template"
    path.write_text(FUNCTION, encoding="ascii")
    (tmp_path / "code.py").write_text(CODE, encoding="ascii")
    return path


def code_in(text: str) -> str:
    code: str = parse(text)["Resources"]["Function"]["Properties"]["Code"]["ZipFile"]
    return code


def test_code_comes_into_its_place_unchanged(template: Path) -> None:
    assert code_in(render(template)) == CODE


def test_code_is_indented_below_its_key_and_blank_lines_stay_blank(template: Path) -> None:
    lines = render(template).splitlines()

    start = lines.index("        ZipFile: |")
    assert lines[start + 1] == f"          {CODE.splitlines()[0]}"
    assert lines[start + 2 : start + 4] == ["", ""]
    assert lines[start + 1 + len(CODE.splitlines())] == "      Handler: index.handler"


def test_code_is_split_at_line_ends_alone(template: Path) -> None:
    code = 'SEPARATORS = "\\x1c"  # here: \x1c, \x0c and \x0b\n\n\x0c\ndone = True\n\n\n'
    template.with_name("code.py").write_text(code, encoding="ascii")

    lines = render(template).split("\n")

    start = lines.index("        ZipFile: |")
    assert lines[start + 1 : lines.index("      Handler: index.handler")] == [
        f"          {line}" if line else "" for line in code.rstrip("\n").split("\n")
    ]


def test_every_marker_is_replaced(template: Path) -> None:
    template.write_text(
        FUNCTION + FUNCTION.replace("Resources:\n", "").replace("Function:", "Other:", 1),
        encoding="ascii",
    )

    resources = parse(render(template))["Resources"]

    assert [one["Properties"]["Code"]["ZipFile"] for one in resources.values()] == [CODE, CODE]


@pytest.mark.parametrize(
    "line",
    [
        "Description: see '@@ code.py @@'",
        "# ZipFile: '@@ code.py @@'",
        'Description: "@@ code.py @@"',
        "Description: '{{resolve:ssm:/name}} ${AWS::Region}'",
    ],
)
def test_nothing_else_is_substituted(template: Path, line: str) -> None:
    template.write_text(f"{line}\nResources: {{}}\n", encoding="ascii")

    assert render(template) == f"{line}\nResources: {{}}\n"


def test_a_section_takes_in_the_same_section_of_another_template(tmp_path: Path) -> None:
    shared = "# Head\n\nResources:\n  # What it is for\n  Key:\n    Type: K\n\nOutputs:\n  Arn: a\n"
    (tmp_path / "shared.template").write_text(shared, encoding="ascii")
    path = tmp_path / "some.template"
    line = f"  <<: '@@ ../{tmp_path.name}/shared.template @@'\n"
    path.write_text(f"Resources:\n{line}\n  Own:\n    Type: O\nOutputs:\n{line}", "ascii")

    assert render(path) == (
        "Resources:\n  # What it is for\n  Key:\n    Type: K\n\n  Own:\n    Type: O\n"
        "Outputs:\n  Arn: a\n"
    )


def test_a_section_that_is_not_in_the_other_template_is_named(tmp_path: Path) -> None:
    (tmp_path / "shared.template").write_text("Resources: {}\n", encoding="ascii")
    path = tmp_path / "some.template"
    path.write_text("Outputs:\n  <<: '@@ shared.template @@'\n", encoding="ascii")

    with pytest.raises(PipelineError, match=r"no section Outputs, which some\.template shares$"):
        render(path)


def test_a_template_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(PipelineError) as caught:
        render(tmp_path / "none.template")

    assert str(caught.value) == (
        f"cannot read the template {tmp_path}/none.template: No such file or directory"
    )


def test_a_code_file_that_is_missing_is_named(template: Path) -> None:
    template.with_name("code.py").unlink()

    with pytest.raises(PipelineError) as caught:
        render(template)

    assert str(caught.value) == (
        f"cannot read the template {template.parent}/code.py: No such file or directory"
    )


@pytest.mark.parametrize("name", ["some.template", "code.py"])
def test_a_letter_outside_ascii_is_found_by_its_line(template: Path, name: str) -> None:
    path = template.with_name(name)
    lines = path.read_text(encoding="ascii").splitlines()
    path.write_text("\n".join([*lines[:3], "# caf\u00e9", *lines[3:]]), encoding="utf-8")

    with pytest.raises(PipelineError) as caught:
        render(template)

    assert str(caught.value) == f"{name}: line 4 is not ASCII"


@pytest.mark.parametrize(
    ("has_bucket", "limit", "without", "cure"),
    [
        (False, BODY_LIMIT, " without a bucket", ", or set template_bucket"),
        (True, OBJECT_LIMIT, "", ""),
    ],
)
def test_a_template_may_be_as_large_as_its_way_to_cloudformation_allows(
    has_bucket: bool, limit: int, without: str, cure: str
) -> None:
    check_body("#" * limit, name="some.template", has_bucket=has_bucket)

    with pytest.raises(PipelineError) as caught:
        check_body("#" * (limit + 1), name="some.template", has_bucket=has_bucket)

    assert str(caught.value) == (
        f"some.template has {limit + 1} bytes, and CloudFormation allows {limit}"
        f"{without}. Shorten the template or its code files{cure}"
    )


def test_a_body_is_ascii_and_the_first_line_that_is_not_is_named() -> None:
    body = "Resources: {}\n# caf\u00e9\n# caf\u00e9\n"

    with pytest.raises(PipelineError) as caught:
        check_body(body, name="template_body", has_bucket=True)

    assert str(caught.value) == "template_body: line 2 is not ASCII"


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("!Ref Key", {"Ref": "Key"}),
        ("!Condition IsGiven", {"Condition": "IsGiven"}),
        ("!GetAtt Key.Arn", {"Fn::GetAtt": ["Key", "Arn"]}),
        ("!GetAtt Nested.Outputs.KeyArn", {"Fn::GetAtt": ["Nested", "Outputs.KeyArn"]}),
        ("!GetAtt [Key, Arn]", {"Fn::GetAtt": ["Key", "Arn"]}),
        ("!Sub '${A}-b'", {"Fn::Sub": "${A}-b"}),
        ("!Sub ['${A}', {A: !Ref B}]", {"Fn::Sub": ["${A}", {"A": {"Ref": "B"}}]}),
        ("!Join [',', [a, !Ref B]]", {"Fn::Join": [",", ["a", {"Ref": "B"}]]}),
        ("!Split [',', !Ref A]", {"Fn::Split": [",", {"Ref": "A"}]}),
        ("!Select [0, !GetAZs '']", {"Fn::Select": [0, {"Fn::GetAZs": ""}]}),
        ("!If [C, a, !Ref AWS::NoValue]", {"Fn::If": ["C", "a", {"Ref": "AWS::NoValue"}]}),
        ("!Equals [!Ref A, '']", {"Fn::Equals": [{"Ref": "A"}, ""]}),
        ("!Not [!Condition C]", {"Fn::Not": [{"Condition": "C"}]}),
        ("!And [!Condition C, a]", {"Fn::And": [{"Condition": "C"}, "a"]}),
        ("!Or [!Condition C, a]", {"Fn::Or": [{"Condition": "C"}, "a"]}),
        ("!FindInMap [M, a, b]", {"Fn::FindInMap": ["M", "a", "b"]}),
        ("!ImportValue Name", {"Fn::ImportValue": "Name"}),
        ("!Base64 text", {"Fn::Base64": "text"}),
        ("!Cidr [!Ref A, 2, 8]", {"Fn::Cidr": [{"Ref": "A"}, 2, 8]}),
        ("!Length [a]", {"Fn::Length": ["a"]}),
        ("!ToJsonString {a: 1}", {"Fn::ToJsonString": {"a": 1}}),
        ("!Transform {Name: N, Parameters: {A: !Ref B}}",
         {"Fn::Transform": {"Name": "N", "Parameters": {"A": {"Ref": "B"}}}}),
    ],
)  # fmt: skip
def test_a_short_tag_is_its_long_form(text: str, data: dict[str, Any]) -> None:
    assert parse(f"Value: {text}") == {"Value": data}


@pytest.mark.parametrize(
    "text", ["Version: 2012-10-17", "Version: '2012-10-17'", 'Version: "2012-10-17"']
)
def test_a_date_is_text(text: str) -> None:
    assert parse(text) == {"Version": "2012-10-17"}


def test_a_json_template_comes_as_data_already() -> None:
    body = OrderedDict(Resources=OrderedDict(Topic={"Type": "AWS::SNS::Topic"}))

    assert parse(body) == {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}


@pytest.mark.parametrize("body", ["just text", "- a\n- b", "", "12"])
def test_what_is_no_mapping_is_no_template(body: str) -> None:
    with pytest.raises(PipelineError) as caught:
        parse(body)

    assert str(caught.value) == "the template is not a mapping"


@pytest.mark.parametrize("body", ["a: [", "a: b: c", "a: !!python/object/apply:os.getcwd []"])
def test_what_is_not_yaml_is_told_with_its_place(body: str) -> None:
    with pytest.raises(PipelineError, match=r"^the template is not YAML: (.|\n)*line [12]"):
        parse(body)


def test_the_same_template_is_not_parsed() -> None:
    assert same_template("not: [a template", "not: [a template")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("A: !Ref B", "A: {Ref: B}", True),
        ("A: !GetAtt B.C", "A:\n  Fn::GetAtt: [B, C]  # comment", True),
        ("A: !GetAtt B.C", {"A": {"Fn::GetAtt": ["B", "C"]}}, True),
        ("A: {B: 1, C: 2}", "A: {C: 2, B: 1}", True),
        ("A: [1, 2]", "A: [2, 1]", False),
        ("A: '1'", "A: 1", False),
        ("A: !Ref B", "A: !Ref C", False),
        ("A: !Ref B", {"A": {"Ref": "C"}}, False),
        # CloudFormation updates none of these alone.
        ("{Description: a, Metadata: {B: 1}, A: 1}", "{Description: c, A: 1}", True),
        *(
            (
                f"Parameters: {{A: {{Type: String, {text}}}}}",
                "Parameters: {A: {Type: String}}",
                same,
            )
            for text, same in [
                ("Description: a", True),
                ("ConstraintDescription: a", True),
                ("AllowedPattern: a", True),
                ("AllowedValues: [a]", True),
                ("Default: a", False),
                ("NoEcho: true", False),
            ]
        ),
        ("Resources: {A: {Description: a}}", "Resources: {A: {Description: b}}", False),
    ],
)
def test_templates_are_compared_by_what_they_say(
    one: str, other: str | dict[str, Any], same: bool
) -> None:
    assert same_template(one, other) is same


@pytest.mark.parametrize(
    ("definition", "default"),
    [
        ("{Type: Number, Default: 365}", "365"),
        ("{Type: String, Default: ''}", ""),
        ("{Type: String, Default: 2012-10-17}", "2012-10-17"),
        ("{Type: CommaDelimitedList, Default: 'a,b'}", "a,b"),
        ("{Type: String, Default: true}", "true"),
    ],
)
def test_a_default_is_text_as_cloudformation_writes_it(definition: str, default: str) -> None:
    body = f"Parameters:\n  Given: {definition}\n  Needed: {{Type: String}}\n"

    assert parameter_defaults(body) == {"Given": default}


@pytest.mark.parametrize(
    ("given", "secret"),
    [
        ("true", True),
        ("'true'", True),
        ("'TRUE'", True),
        ("false", False),
        ("'false'", False),
    ],
)
def test_a_secret_is_what_the_template_marks_so(given: str, secret: bool) -> None:
    body = f"Parameters:\n  One: {{Type: String, NoEcho: {given}}}\n  Two: {{Type: String}}\n"

    assert parameter_kinds(body) == {
        "One": ParameterKind.MASKED if secret else ParameterKind.PLAIN,
        "Two": ParameterKind.PLAIN,
    }


@pytest.mark.parametrize(
    ("type_name", "kind"),
    [
        ("CommaDelimitedList", ParameterKind.LIST),
        ("List<Number>", ParameterKind.LIST),
        ("List<AWS::EC2::Subnet::Id>", ParameterKind.LIST),
        ("String", ParameterKind.PLAIN),
        ("Number", ParameterKind.PLAIN),
    ],
)
def test_a_list_is_known_by_its_type(type_name: str, kind: ParameterKind) -> None:
    assert parameter_kinds({"Parameters": {"One": {"Type": type_name}}}) == {"One": kind}
