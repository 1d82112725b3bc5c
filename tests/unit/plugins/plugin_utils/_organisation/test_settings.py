# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a role takes: its own variable, else the inventory's, else the default."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.model import (
    GROUPS,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.schema import (
    MINIMUM_RETENTION_DAYS,
    ROLES,
    SETTINGS,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.settings import (
    read_settings,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.template import (
    parse,
    render,
)

ROOT = Path(__file__).resolve().parents[5]
INVENTORY = {"build_account_id": "1" * 12, "primary_region": "us-east-1", "account_id": "2" * 12}


def settings(group: str, **variables: Any) -> dict[str, Any]:
    return read_settings(group, {**INVENTORY, **variables}.get)


@pytest.mark.parametrize("group", GROUPS)
def test_a_role_takes_its_own_variable_first(group: str) -> None:
    shared = {"stack_tags": {"a": "inventory"}}

    assert settings(group)["tags"] == {}
    assert settings(group, **shared)["tags"] == {"a": "inventory"}
    own = {f"{ROLES[group]}_tags": {"a": "role"}}
    assert settings(group, **shared, **own)["tags"] == {"a": "role"}


def test_a_host_has_an_account_and_a_region() -> None:
    regional = settings("regional", inventory_hostname="eu-west-1")
    assert (regional["account_id"], regional["region"]) == ("1" * 12, "eu-west-1")
    deploy = settings("deploy_accounts")
    assert (deploy["account_id"], deploy["region"]) == ("2" * 12, "us-east-1")
    assert deploy["build_account_id"] == "1" * 12


def test_values_of_the_command_line_become_their_type() -> None:
    found = settings(
        "primary", wait_timeout="60", allow_replacement="true", resources_to_skip="One,Two"
    )

    assert (found["wait_timeout"], found["allow_replacement"]) == (60, True)
    assert found["resources_to_skip"] == ["One", "Two"]


def test_a_value_of_another_type_is_refused() -> None:
    with pytest.raises(PipelineError, match="primary_tags: 'team' is not a mapping"):
        settings("primary", primary_tags="team")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "OrganizationAccountAccessRole"),
        ({"access_role_name": ""}, "OrganizationAccountAccessRole"),
        ({"access_role_name": "Access"}, "Access"),
        ({"access_role_name": "Access", "role_arn": "arn:aws:iam::2:role/path/Own"}, "path/Own"),
        ({"role_arn": "arn:aws:iam::2:role/A", "deploy_account_access_role_name": "B"}, "B"),
    ],
)
def test_deployments_may_not_touch_the_role_that_is_used(
    variables: dict[str, str], expected: str
) -> None:
    assert settings("deploy_accounts", **variables)["access_role_name"] == expected


# Roles agree


def load(role: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "roles" / role / path).read_text("ascii"))
    return found


@pytest.mark.parametrize("group", GROUPS)
def test_the_arguments_of_a_role_are_its_settings(group: str) -> None:
    role = ROLES[group]
    options = load(role, "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    defaults = load(role, "defaults/main.yml")

    for setting in SETTINGS[group]:
        variable = f"{role}_{setting.name}"
        if variable == setting.fallback:
            continue  # primary_region serves the whole organisation
        option = options[variable]
        assert option["type"] == setting.type, variable
        assert bool(option.get("required")) is (setting.required and not setting.fallback), variable
        if setting.default is not None:
            assert option["default"] == setting.default, variable
        if setting.fallback in (*INVENTORY, "inventory_hostname") and variable in defaults:
            assert defaults[variable] == f"{{{{ {setting.fallback} }}}}"
        elif setting.fallback and setting.name != "access_role_name":
            assert defaults[variable].startswith(f"{{{{ {setting.fallback} | default("), variable
        elif setting.default is not None and setting.name != "access_role_name":
            assert defaults[variable] == setting.default, variable


@pytest.mark.parametrize("role", ["primary", "regional"])
def test_templates_refuse_to_keep_artifacts_for_less(role: str) -> None:
    path = ROOT / "roles" / role / "files" / f"{role}.template"
    days = parse(render(path))["Parameters"]["ArtifactRetentionDays"]

    assert days["MinValue"] == MINIMUM_RETENTION_DAYS
    assert (
        days["Default"] == settings(role, inventory_hostname="eu-west-1")["artifact_retention_days"]
    )
