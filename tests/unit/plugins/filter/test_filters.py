# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters are documented under their names, with the arguments that playbooks pass."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from ansible_collections.crossaccount.pipeline.plugins.filter import access, register, run

from tools.environment import ROOT

FILTERS: dict[str, Callable[..., Any]] = {
    **access.FilterModule().filters(),
    **register.FilterModule().filters(),
    **run.FilterModule().filters(),
}


def test_every_filter_is_documented() -> None:
    assert {path.stem for path in (ROOT / "plugins" / "filter").glob("*.yml")} == FILTERS.keys()


@pytest.mark.parametrize("name", FILTERS)
def test_the_documentation_names_every_argument(name: str) -> None:
    text = (ROOT / "plugins" / "filter" / f"{name}.yml").read_text()
    documentation = yaml.safe_load(text)["DOCUMENTATION"]
    _input, *arguments = inspect.signature(FILTERS[name]).parameters

    assert [*documentation["options"]] == ["_input", *arguments]
    assert documentation.get("positional", "") == ", ".join(arguments)
