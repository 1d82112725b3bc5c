# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that YAML or INI read as something else than the file has."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._bootstrap.inventory import (
    read_inventory,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.settings import (
    read_settings,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.variables import (
    Variables,
)
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._organisation.written import (
    Written,
)

ALL = """
build_account_id: "111111111111"
primary_region: us-east-1
deploy_account_execution_policies: ["arn:aws:iam::aws:policy/PowerUserAccess"]
window: 20:00
"""
HOSTS = """
primary: {hosts: {build: }}
deploy_accounts: {hosts: {development: {account_id: "222222222222", regions: [us-east-1]}}}
pipelines: {hosts: {hello: }}
"""
PIPELINE = """
pipeline:
  source:
    type: codebuild
    repository: https://github.com/example/hello.git
    artifacts: [{name: application, object: application.zip}]
  build: {environment: %s}
  stacks:
    - name: hello
      artifact: application
      template: t.yml
      parameters: %s
  waves: [{name: dev, environments: [{host: development}]}]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("group_vars", "host_vars"):
        (tmp_path / name).mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text(ALL, encoding="ascii")
    (tmp_path / "hosts.yml").write_text(HOSTS, encoding="ascii")
    write_pipeline(tmp_path)
    return tmp_path


def write_pipeline(folder: Path, environment: str = "{}", parameters: str = "{}") -> None:
    text = PIPELINE % (environment, parameters)
    (folder / "host_vars" / "hello.yml").write_text(text, encoding="ascii")


def problems(folder: Path, source: str = "hosts.yml") -> list[str]:
    """Return what is wrong with an inventory, if anything is."""
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[str(folder / source)])
    manager = VariableManager(loader=loader, inventory=inventory)
    hostvars = HostVars(inventory, manager, loader)
    variables = Variables(inventory.get_groups_dict(), hostvars, loader=loader)
    try:
        read_inventory(variables, hosts=list(inventory.hosts))
    except PipelineError as exc:
        return [line.removeprefix("  - ") for line in str(exc).split("\n")[1:]]
    return []


@pytest.mark.parametrize(
    "text",
    ["012345670123", "20:00", "NO", "yes", "True", "1_000", "0x1F", "0b11", "+1", "2026-01-01"],
)
def test_a_value_that_yaml_changes_is_refused(folder: Path, text: str) -> None:
    write_pipeline(folder, f"{{A: {text}}}", f"{{B: [{text}], C: {text}}}")

    assert problems(folder) == [
        f"host hello (host_vars/hello.yml:{line}): pipeline.{field}: YAML reads {text} as another"
        " value. Quote it"
        for line, field in (
            (7, "build.environment.A"),
            (12, "stacks[hello].parameters.B[1]"),
            (12, "stacks[hello].parameters.C"),
        )
    ]


def test_each_value_is_named_with_its_line(folder: Path) -> None:
    """Ansible keeps no place of true, false and null."""
    write_pipeline(
        folder, parameters="\n        A: b\n        B: NO\n        C: [d,\n          yes]"
    )

    assert [line.partition(": pipeline")[0] for line in problems(folder)] == [
        "host hello (host_vars/hello.yml:14)",
        "host hello (host_vars/hello.yml:16)",
    ]


def test_a_host_called_like_a_group_is_one_problem(folder: Path) -> None:
    hosts = HOSTS.replace("development", "primary").partition("pipelines")[0]
    (folder / "hosts.yml").write_text(hosts, encoding="ascii")

    assert problems(folder) == [
        (
            "host primary: it has the name of a group, which Ansible confuses. Rename the host, for"
            " example to primary-1"
        )
    ]


def test_a_value_that_yaml_does_not_change_needs_no_quotes(folder: Path) -> None:
    write_pipeline(folder, "{A: 10, B: true, C: -1, D: '012'}", '{E: [0, false, "20:00"]}')

    assert problems(folder) == []


def test_a_value_of_a_template_is_named_where_it_is_set(folder: Path) -> None:
    write_pipeline(folder, '{A: "{{ window }}"}')

    assert problems(folder) == [
        (
            "host hello (group_vars/all.yml:5): pipeline.build.environment.A: YAML reads 20:00"
            " as another value. Quote it"
        )
    ]


def test_tags_are_text_too(folder: Path) -> None:
    with (folder / "group_vars" / "all.yml").open("a", encoding="ascii") as file:
        file.write("stack_tags: {cost: 007, critical: NO}\n")

    assert problems(folder) == [
        f"host build, development, hello (group_vars/all.yml:6): stack_tags.{name}: YAML reads"
        f" {text} as another value. Quote it"
        for name, text in (("cost", "007"), ("critical", "NO"))
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("012345670123", "account_id: YAML reads 012345670123 as another value. Quote it"),
        ("222222222222", "account_id is a number, not text. Quote it"),
    ],
)
def test_an_id_without_quotes_is_not_shown_as_another_number(
    folder: Path, text: str, message: str
) -> None:
    hosts = HOSTS.replace('"222222222222"', text)
    (folder / "hosts.yml").write_text(hosts, encoding="ascii")

    assert problems(folder) == [f"host development (hosts.yml:3): {message}"]


def test_a_shared_value_is_named_with_its_line(folder: Path) -> None:
    path = folder / "group_vars" / "all.yml"
    path.write_text(ALL.replace('"111111111111"', "111111111111"), encoding="ascii")

    assert problems(folder) == [
        "group_vars/all.yml:2: build_account_id is a number, not text. Quote it"
    ]


def test_the_cause_of_a_template_is_reported_alone(folder: Path) -> None:
    hosts = HOSTS.replace('"222222222222"', "222222222222")
    (folder / "hosts.yml").write_text(hosts, encoding="ascii")
    with (folder / "group_vars" / "all.yml").open("a", encoding="ascii") as file:
        file.write('role_arn: "arn:aws:iam::{{ account_id | default(build_account_id) }}:role/R"\n')
        file.write('aws_profile: "{{ missing }}"\n')

    assert [line.partition("): ")[2] for line in problems(folder)] == [
        "aws_profile: 'missing' is undefined. Define it for this host, or correct the template",
        "account_id is a number, not text. Quote it",
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("acount_id", "acount_id: unknown variable. Did you mean account_id? If it is your own,"),
        ("owner", "account_id is not set. Set it"),
    ],
)
def test_a_missing_id_comes_before_the_template_that_uses_it(
    folder: Path, name: str, message: str
) -> None:
    (folder / "hosts.yml").write_text(HOSTS.replace("account_id", name), encoding="ascii")
    path = folder / "group_vars" / "all.yml"
    path.write_text(ALL.replace("iam::aws", "iam::{{ account_id }}"), encoding="ascii")

    [line] = problems(folder)
    assert message in line


def test_a_misspelt_variable_is_named_with_its_line(folder: Path) -> None:
    with (folder / "group_vars" / "all.yml").open("a", encoding="ascii") as file:
        file.write("organization_name: org\n")

    [line] = problems(folder)
    assert line.startswith("host build, development, hello (group_vars/all.yml:6): organization_")


def test_an_ini_file_quotes_twice_on_the_line_of_a_host(folder: Path) -> None:
    (folder / "hosts.ini").write_text(
        "[primary]\nbuild\n[deploy_accounts]\ndevelopment account_id=222222222222\n"
        "[deploy_accounts:vars]\nregions=['us-east-1']\n[pipelines]\nhello\n"
        "[all:vars]\nbuild_account_id=111111111111\n",
        encoding="ascii",
    )
    (folder / "group_vars" / "all.yml").write_text(
        ALL.replace('build_account_id: "111111111111"', ""), encoding="ascii"
    )

    assert problems(folder, "hosts.ini") == [
        'hosts.ini:10: build_account_id is a number, not text. Quote it: build_account_id="..."',
        (
            "host development (hosts.ini:4): account_id is a number, not text. Quote it:"
            " account_id='\"...\"'"
        ),
    ]


def test_a_role_on_its_own_takes_no_rewritten_value(folder: Path) -> None:
    (folder / "vars.yml").write_text("tags: {cost: 007, team: a, critical: NO}\n", "ascii")
    tags = Written().plain(DataLoader().load_from_file(str(folder / "vars.yml")))["tags"]

    with pytest.raises(PipelineError, match=r"primary_tags\.cost: YAML reads 007 as another value"):
        read_settings("primary", {"primary_tags": tags}.get)
    del tags["cost"]
    with pytest.raises(PipelineError, match=r"primary_tags\.critical: YAML reads NO as another"):
        read_settings("primary", {"primary_tags": tags}.get)
