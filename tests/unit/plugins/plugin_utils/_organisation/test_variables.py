# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables as Ansible has them: read once, templated where needed, failures reported."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import trust_as_template
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._fields import UNREADABLE
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.variables import (
    Variables,
)

HOSTS = """
all:
  hosts:
    hello:
      name: HELLO
      plain: {text: x, list: [1, true, null]}
      pipeline:
        source: {repository: "https://example.com/{{ name | lower }}", branch: "{{ brnch }}"}
        stacks: [{name: api, parameters: {Greeting: !unsafe "{{resolve:ssm:/x:1}}"}}]
      broken: "{{ name name }}"
      secret: "{{resolve:secretsmanager:hello:SecretString:pw}}"
      chain: "{{ undefined_here }}"
      locked: !vault |
        $ANSIBLE_VAULT;1.1;AES256
        61626364
    other:
      chain: "{{ undefined_here }}"
"""


@pytest.fixture
def variables(tmp_path: Path) -> Variables:
    path = tmp_path / "hosts.yml"
    path.write_text(HOSTS, encoding="ascii")
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[str(path)])
    manager = VariableManager(loader=loader, inventory=inventory)
    return Variables(
        inventory.get_groups_dict(), HostVars(inventory, manager, loader), loader=loader
    )


def messages(variables: Variables) -> list[str]:
    """Return the problems, without hosts and files."""
    return [line.split("): ", 1)[1] for line in variables.problems.lines()]


def test_a_vault_without_its_password_is_one_problem_among_others(variables: Variables) -> None:
    assert variables.value("hello", "locked") is UNREADABLE
    assert variables.value("hello", "broken") is UNREADABLE

    message, _other = messages(variables)
    assert message.startswith("locked: ")
    assert message.endswith("Give the password of the vault, or correct the value")


def test_values_are_plain_data(variables: Variables) -> None:
    value = variables.get("hello", "plain")

    assert value == {"text": "x", "list": [1, True, None]}
    assert type(value["text"]) is str
    assert variables.get("hello", "nothing", "default") == "default"
    assert not variables.problems


def test_a_template_that_fails_leaves_the_rest(variables: Variables) -> None:
    value: Any = variables.get("hello", "pipeline")

    assert value["source"] == {"repository": "https://example.com/hello", "branch": UNREADABLE}
    assert value["stacks"][0]["parameters"]["Greeting"] == "{{resolve:ssm:/x:1}}"
    assert messages(variables) == [
        (
            "pipeline.source.branch: 'brnch' is undefined. Define it for this host, or correct the"
            " template"
        )
    ]


def test_a_problem_names_the_line_that_sets_the_field(variables: Variables) -> None:
    lines = HOSTS.splitlines()
    for field, text in (
        ("pipeline.stacks[api].parameters", "stacks:"),
        ("pipeline.source.branch", "source:"),
        ("pipeline.source.nothing", "source:"),
        ("plain.list[1]", "plain:"),
    ):
        variables.get("hello", field.partition(".")[0])
        [number] = [number for number, line in enumerate(lines, start=1) if text in line]
        assert str(variables.place("hello", field)).endswith(f"hosts.yml:{number}")
    assert str(variables.place("hello", "its")).endswith("hosts.yml")


def test_the_same_undefined_variable_of_many_hosts_is_one_problem(variables: Variables) -> None:
    for host in ("hello", "other"):
        assert variables.get(host, "chain") is None
        assert variables.value(host, "chain") is UNREADABLE

    [line] = variables.problems.lines()
    assert line.startswith("host hello, other (")


def test_a_syntax_error_is_explained(variables: Variables) -> None:
    variables.get("hello", "broken")

    [line] = messages(variables)
    assert line.startswith("broken: Syntax error in template: ")
    assert "(in '{{ name name }}'). Correct the template" in line


def test_a_dynamic_reference_is_explained(variables: Variables) -> None:
    variables.get("hello", "secret")

    [line] = messages(variables)
    assert line.startswith("secret: {{resolve:...}} is a dynamic reference of CloudFormation")


def test_what_was_read_goes_with_the_last_who_asks() -> None:
    """A run of thousands of hosts needs the room; the collector of cycles comes late."""
    own = {"name": trust_as_template("{{ other }}"), "other": 1}
    variables = Variables({"all": ["one"]}, {"one": own})
    assert variables.get("one", "name") == 1
    left = weakref.ref(variables)

    gc.disable()
    try:
        del variables
        assert left() is None
    finally:
        gc.enable()


def test_a_host_is_looked_up_once(variables: Variables) -> None:
    looked_up: list[str] = []
    hostvars: Any = variables.hostvars
    raw_get = hostvars.raw_get

    def count(host: str) -> Any:
        looked_up.append(host)
        return raw_get(host)

    hostvars.raw_get = count

    for name in ("plain", "pipeline", "name"):
        variables.get("hello", name)

    assert looked_up == ["hello"]


def test_a_file_that_is_not_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("primary: {hosts: {build: }}\n")
    (tmp_path / "host_vars").mkdir()
    broken = tmp_path / "host_vars" / "build.yml"
    broken.write_text("one: 1\npipeline: {a:b\n")
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[str(tmp_path)])
    manager = VariableManager(loader=loader, inventory=inventory)
    variables = Variables({}, HostVars(inventory, manager, loader))

    with pytest.raises(PipelineError) as failure:
        variables.get("build", "one")

    assert str(failure.value).startswith(
        f"the variables of host build cannot be read: {broken}:3:1: "
    )
    assert str(failure.value).endswith(". Correct the file")
