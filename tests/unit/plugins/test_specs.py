# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arguments that an action takes are those that its module documents.

Neither ansible-test nor ansible-lint compares the two: an action's arguments are checked by the
action itself, and the module of the same name is documentation only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.unit.tooling.actions import (
    COLLECTION,
    ROOT,
    action_names,
    argument_spec,
    documentation,
    load_yaml,
    module_names,
    takes_connection,
)

# What a spec may say of an option. Anything else would go unchecked here, or be a typing error.
KEYS = {"type", "elements", "required", "default", "choices", "aliases", "no_log", "options"}

# As ansible-test sees it: an option of such a name must say whether it is a secret.
SECRET = re.compile(
    r"(pass(?!ive)|secret|token|credential|private_?key|access_?key)", re.IGNORECASE
)

Flat = dict[str, dict[str, Any]]


def flatten(options: Mapping[str, Any], below: str, path: str = "") -> Flat:
    """Options and their suboptions in one level, each with everything that has a default filled in.

    `below` is the key that holds suboptions: `options` in a spec, `suboptions` in documentation.
    """
    flat: Flat = {}
    for name, option in options.items():
        flat[f"{path}{name}"] = {
            "type": option.get("type", "str"),
            "elements": option.get("elements"),
            "required": option.get("required", False),
            "default": option.get("default"),
            "choices": sorted(option.get("choices") or ()),
            "aliases": sorted(option.get("aliases") or ()),
        }
        flat |= flatten(option.get(below) or {}, below, f"{path}{name}.")
    return flat


def test_there_are_actions() -> None:
    assert action_names()


def test_each_action_is_documented_by_a_module_and_each_module_documents_one() -> None:
    assert action_names() == module_names()


@pytest.mark.parametrize("name", action_names())
def test_the_documentation_names_every_argument_and_nothing_else(name: str) -> None:
    documented = flatten(documentation()[name].get("options") or {}, "suboptions")

    assert documented == flatten(argument_spec(name), "options")


@pytest.mark.parametrize("name", action_names())
def test_every_argument_of_a_spec_is_said_in_words_that_are_compared(name: str) -> None:
    def unknown(spec: Mapping[str, Mapping[str, Any]]) -> set[str]:
        found = {key for option in spec.values() for key in option} - KEYS
        return found.union(*(unknown(option.get("options", {})) for option in spec.values()))

    assert unknown(argument_spec(name)) == set()


@pytest.mark.parametrize("name", action_names())
def test_an_argument_that_may_be_a_secret_says_whether_it_is(name: str) -> None:
    def undecided(spec: Mapping[str, Mapping[str, Any]]) -> set[str]:
        found = {
            option
            for option, entry in spec.items()
            if SECRET.search(option) and "no_log" not in entry
        }
        return found.union(*(undecided(entry.get("options", {})) for entry in spec.values()))

    assert undecided(argument_spec(name)) == set()


def test_the_group_of_module_defaults_holds_every_action_that_connects() -> None:
    runtime = load_yaml((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))

    connecting = [name for name in action_names() if takes_connection(argument_spec(name))]
    assert connecting, "no action takes the connection's options"
    assert runtime["action_groups"] == {"aws": connecting}


def test_the_actions_of_the_group_take_the_same_options_of_the_connection() -> None:
    runtime = load_yaml((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    specs = [argument_spec(name) for name in runtime["action_groups"]["aws"]]

    shared = set(specs[0]).intersection(*specs[1:])
    assert {"account_id", "profile", "region", "role_arn"} <= shared


@pytest.mark.parametrize("name", action_names())
def test_the_documentation_names_the_group_of_the_actions_in_it(name: str) -> None:
    attributes = documentation()[name].get("attributes") or {}
    membership = (attributes.get("action_group") or {}).get("membership") or []

    expected = [f"{COLLECTION}.aws"] if takes_connection(argument_spec(name)) else []
    assert ([membership] if isinstance(membership, str) else membership) == expected
