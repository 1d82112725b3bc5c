# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every task that calls one of our actions gives options that exist, and all that are required.

ansible-lint and `--syntax-check` do not see this: they know the documentation of modules, and the
arguments of an action are checked only when it runs.
"""

from __future__ import annotations

import textwrap

import pytest

from tests.unit.tooling.actions import (
    ROOT,
    Spec,
    Task,
    action_names,
    argument_spec,
    load_yaml,
    problems_of,
    tasks_of,
)

PLACES = (
    "bootstrap.yml",
    "drift.yml",
    "playbooks/**/*.yml",
    "roles/*/tasks/**/*.yml",
    "roles/*/handlers/**/*.yml",
    "extensions/molecule/**/*.yml",
    "examples/**/*.yml",
)


def tasks_in(*patterns: str) -> list[Task]:
    paths = sorted(path for pattern in patterns for path in ROOT.glob(pattern))
    return [
        task
        for path in paths
        for task in tasks_of(
            load_yaml(path.read_text(encoding="utf-8")), str(path.relative_to(ROOT))
        )
    ]


def tasks_in_examples() -> list[Task]:
    """The tasks of the EXAMPLES that the modules document."""
    found: list[Task] = []
    for path in sorted((ROOT / "plugins" / "modules").glob("*.py")):
        namespace: dict[str, str] = {}
        exec(compile(path.read_text(encoding="utf-8"), path, "exec"), namespace)  # noqa: S102  # ours
        found += tasks_of(load_yaml(namespace.get("EXAMPLES", "")), f"EXAMPLES of {path.stem}")
    return found


@pytest.fixture(scope="module")
def specs() -> dict[str, Spec]:
    return {name: argument_spec(name) for name in action_names()}


def test_roles_and_playbooks_have_tasks_of_ours() -> None:
    assert tasks_in("roles/*/tasks/**/*.yml")
    assert tasks_in("playbooks/**/*.yml")


def test_every_action_has_an_example() -> None:
    assert {task.module for task in tasks_in_examples()} == set(action_names())


@pytest.mark.parametrize(
    "task", tasks_in(*PLACES) + tasks_in_examples(), ids=lambda task: task.where
)
def test_the_arguments_of_the_task_are_right(task: Task, specs: dict[str, Spec]) -> None:
    assert problems_of(task, specs) == []


SAMPLE: Spec = {
    "access_role_name": {"type": "str"},
    "name": {"type": "str", "required": True},
    "wait": {"type": "int"},
    "targets": {
        "type": "list",
        "elements": "dict",
        "options": {"stack": {"type": "str", "required": True}},
    },
}


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("- crossaccount.pipeline.sample: {name: a}", []),
        ("- crossaccount.pipeline.sample: {name: a, wait: '{{ seconds }}'}", []),
        ("- crossaccount.pipeline.sample:", ["option name is required"]),
        ("- crossaccount.pipeline.sample: {name: a, nam: b}", ["no option nam"]),
        (
            "- crossaccount.pipeline.sample: {name: a, targets: [{stak: b}]}",
            ["no option targets.stak", "option targets.stack is required"],
        ),
        ("- crossaccount.pipeline.sampel: {}", ["crossaccount.pipeline.sampel does not exist"]),
        ("- crossaccount.pipeline.sample: name=a", ["arguments are not a mapping: 'name=a'"]),
        (
            """
            - hosts: all
              module_defaults:
                crossaccount.pipeline.sample: {name: a}
              tasks:
                - block:
                    - crossaccount.pipeline.sample:
            """,
            [],
        ),
        (
            """
            - hosts: all
              module_defaults:
                group/crossaccount.pipeline.aws: {acces_role: a}
              tasks:
                - crossaccount.pipeline.sample: {name: a}
            """,
            [
                "module_defaults group/crossaccount.pipeline.aws: sample has no option acces_role",
                "no option acces_role",
            ],
        ),
    ],
)
def test_what_is_wrong_with_a_task_is_found(text: str, problems: list[str]) -> None:
    content = load_yaml(textwrap.dedent(text))

    found = [
        problem
        for task in tasks_of(content, "sample")
        for problem in problems_of(task, {"sample": SAMPLE})
    ]

    assert found == problems


def test_a_value_of_the_wrong_type_is_found() -> None:
    content = load_yaml("- crossaccount.pipeline.sample: {name: a, wait: soon}")

    (task,) = tasks_of(content, "sample")

    (problem,) = problems_of(task, {"sample": SAMPLE})
    assert "wait" in problem
