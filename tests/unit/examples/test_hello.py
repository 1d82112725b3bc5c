# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sample application and the pipeline of inventories/org that releases it fit each other."""

from __future__ import annotations

import importlib.util
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.model import (
    Pipeline,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.rules import (
    read_pipelines,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._pipeline.source import (
    Source,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.template import parse

from tests.fakes.inventory import Inventory

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "hello"
DATA = ROOT / "inventories" / "org" / "host_vars" / "hello.yml"


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    inventory = Inventory()
    inventory.add("pipelines", "hello", **yaml.safe_load(DATA.read_text(encoding="utf-8")))
    found = inventory.variables()
    return read_pipelines(found, inventory.read(), found.problems)["hello"]


@pytest.fixture(scope="module")
def source(pipeline: Pipeline) -> Source:
    assert pipeline.source is not None
    return pipeline.source


@pytest.fixture(scope="module")
def buildspec() -> dict[str, Any]:
    text = (EXAMPLE / "buildspec.yml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def template(name: str) -> dict[str, Any]:
    return parse((EXAMPLE / name).read_text(encoding="ascii"))


def test_the_build_makes_the_artifacts_that_the_pipeline_takes(
    source: Source, buildspec: dict[str, Any]
) -> None:
    assert {artifact.name for artifact in source.artifacts} == set(
        buildspec["artifacts"]["secondary-artifacts"]
    )


def test_every_template_is_in_its_artifact(pipeline: Pipeline, buildspec: dict[str, Any]) -> None:
    for stack in pipeline.stacks:
        assert (EXAMPLE / stack.template).is_file()
        patterns = buildspec["artifacts"]["secondary-artifacts"][stack.artifact]["files"]
        assert any(fnmatchcase(stack.template, pattern) for pattern in patterns)


def test_every_parameter_is_given_and_there(pipeline: Pipeline) -> None:
    for stack in pipeline.stacks:
        for environment in pipeline.environments:
            given = pipeline.parameters(stack, environment)
            assert given.keys() == template(stack.template)["Parameters"].keys()


def test_roles_are_acknowledged(pipeline: Pipeline) -> None:
    for stack in pipeline.stacks:
        resources = template(stack.template)["Resources"].values()
        makes_roles = any(item["Type"].startswith("AWS::IAM::") for item in resources)
        assert stack.capabilities == (("CAPABILITY_IAM",) if makes_roles else ())


def test_the_function_is_what_its_template_calls(
    buildspec: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    function = template("function.template")["Resources"]["Function"]["Properties"]
    module_name, _dot, name = function["Handler"].partition(".")
    secondary = buildspec["artifacts"]["secondary-artifacts"]["function"]
    assert secondary["files"] == [f"{module_name}.py"]
    path = EXAMPLE / secondary["base-directory"] / f"{module_name}.py"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for variable in function["Environment"]["Variables"]:
        monkeypatch.setenv(variable, "Hi")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")

    handle = getattr(module, name)

    assert handle({"name": "you"}, None) == {"message": "Hi, you!", "region": "eu-west-1"}
    assert handle({}, None)["message"] == "Hi, world!"
