# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of permissions follows the public schemas."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack import (
    template as _template,
)

from lab.cloudformation.resource_permissions import TABLE
from lab.tests.iam.subject import (
    render,
)
from tools.sample_pipelines import template

WITHOUT_HANDLERS = {"AWS::CodeBuild::Project"}


def schema(resource_type: str) -> dict[str, Any]:
    """The public schema of a resource type, as cfn-lint carries it."""
    spec = importlib.util.find_spec("cfnlint")
    assert spec
    assert spec.origin
    schemas = Path(spec.origin).parent / "data" / "schemas"
    names = json.loads((schemas / "providers" / "us-east-1.json").read_text(encoding="utf-8"))
    path = schemas / "resources" / f"{names[resource_type]}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_the_table_follows_the_services_where_a_schema_has_no_handlers() -> None:
    [(resource_type, table)] = (
        (name, table) for name, table in TABLE.items() if name in WITHOUT_HANDLERS
    )
    assert "handlers" not in schema(resource_type)
    operations = set(botocore.session.Session().get_service_model("codebuild").operation_names)
    actions = {entry.split()[0] for entries in table.values() for entry in entries}
    assert actions <= {"iam:PassRole", *(f"codebuild:{name}" for name in operations)}


@pytest.mark.parametrize("resource_type", sorted(TABLE.keys() - WITHOUT_HANDLERS))
def test_the_table_follows_the_public_schemas(resource_type: str) -> None:
    found = schema(resource_type)
    tagging = set(found.get("tagging", {}).get("permissions", []))
    for operation, entries in TABLE[resource_type].items():
        handler = found["handlers"].get(operation, {"permissions": []})
        actions = {entry.split()[0] for entry in entries}
        assert actions <= set(handler["permissions"]) | tagging, operation
        properties = {entry.split()[1].lstrip("+-") for entry in entries if " " in entry}
        assert properties <= set(found["properties"]), operation


@pytest.mark.parametrize(
    "text",
    [render("deploy_account"), render("primary"), render("regional"), template("hello")],
    ids=["deploy_account", "primary", "regional", "pipeline"],
)
def test_the_table_has_every_type_of_the_templates(text: str) -> None:
    resources = _template.parse(text)["Resources"].values()
    assert {resource["Type"] for resource in resources} <= TABLE.keys()
