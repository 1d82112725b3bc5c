# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shipped inventory with the pipelines of the examples, bootstrapped once in a lab.

Every account is deployed to in every region.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from lab import Lab
from tests.applications.world import HOSTS, REGIONS, World
from tests.bootstrapped import bootstrap
from tests.integration.inventory import Inventory
from tools.environment import ROOT


@pytest.fixture(scope="session")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped inventory, with the pipelines that the examples describe."""
    found = Inventory.copied_to(tmp_path_factory.mktemp("inventory") / "org")
    for host in HOSTS:
        found.set(host, regions=list(REGIONS))
    for example, name in (("cdk", "orders"), ("sam", "quotes")):
        text = (ROOT / "examples" / example / "pipeline.yml").read_text(encoding="utf-8")
        found.declare(name, yaml.safe_load(text)["pipeline"])
    return found.directory


@pytest.fixture(scope="session")
def world(inventory: Path) -> Iterator[World]:
    """The organisation with both pipelines."""
    with Lab() as lab:
        bootstrap(lab, inventory)
        yield World(lab)
