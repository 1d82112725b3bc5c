# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a role's argument specification says of defaults is what defaults/main.yml does.

Reads files only. Ansible itself takes no default from a specification.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLES = sorted(path.name for path in (Path(__file__).parents[3] / "roles").iterdir())
# What every inventory sets, and Ansible.
INVENTORY = {
    "account_id": "222222222222",
    "build_account_id": "111111111111",
    "inventory_hostname": "eu-west-1",
    "primary_region": "us-east-1",
}


def read(role: str, path: str) -> Any:
    return yaml.safe_load((Path(__file__).parents[3] / "roles" / role / path).read_text("utf-8"))


def options(role: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read(role, "meta/argument_specs.yml")["argument_specs"][
        "main"
    ]["options"]
    return found


def default(role: str, name: str) -> Any:
    value = read(role, "defaults/main.yml")[name]
    if not isinstance(value, str):
        return value
    templar = Templar(loader=DataLoader(), variables=INVENTORY)
    return templar.template(trust_as_template(value))


@pytest.mark.parametrize("role", ROLES)
def test_every_default_is_specified_and_required_options_have_none(role: str) -> None:
    optional = {name for name, option in options(role).items() if not option.get("required")}

    assert set(read(role, "defaults/main.yml")) == optional


@pytest.mark.parametrize(
    ("role", "name"),
    [
        (role, name)
        for role in ROLES
        for name, option in options(role).items()
        if "default" in option
    ],
)
def test_the_default_is_the_specified_one(role: str, name: str) -> None:
    assert default(role, name) == options(role)[name]["default"]


@pytest.mark.parametrize(
    ("role", "name"),
    [
        (role, name)
        for role in ROLES
        for name, option in options(role).items()
        if not option.get("required") and "default" not in option
    ],
)
def test_a_default_that_is_not_specified_comes_from_the_inventory(role: str, name: str) -> None:
    assert default(role, name) in INVENTORY.values()
