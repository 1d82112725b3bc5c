# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The defaults that a role documents are the ones it has: Ansible itself does not compare them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from tests.unit.roles.templates import ROOT

ROLES = sorted(ROOT.glob("roles/*"), key=lambda path: path.name)
# What every inventory sets, and Ansible. A default that is not documented comes from here.
INVENTORY = {
    "account_id": "222222222222",
    "build_account_id": "111111111111",
    "inventory_hostname": "eu-west-1",
    "primary_region": "us-east-1",
}
# Of the host itself; the role has no default for it.
OF_HOST = {"pipeline"}


def trust(value: Any) -> Any:
    """What a file of defaults holds, as Ansible reads it."""
    return trust_as_template(value) if isinstance(value, str) else value


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_the_defaults_are_the_documented_ones(role: Path) -> None:
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text("utf-8"))
    options: dict[str, dict[str, Any]] = specs["argument_specs"]["main"]["options"]
    defaults = yaml.safe_load((role / "defaults" / "main.yml").read_text("utf-8"))
    variables = {**INVENTORY, **{name: trust(value) for name, value in defaults.items()}}
    templar = Templar(loader=DataLoader(), variables=variables)
    optional = {name for name, option in options.items() if not option.get("required")}
    assert set(defaults) == optional - OF_HOST

    for name, value in defaults.items():
        default = templar.template(trust(value))
        if "default" in options[name]:
            assert default == options[name]["default"], name
        else:
            assert default in INVENTORY.values(), name
