# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every task that calls one of our actions gives options that exist, and all that are required.

ansible-lint and `--syntax-check` do not see this: they know the documentation of modules, and the
arguments of an action are checked only when it runs.
"""

from __future__ import annotations

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


def test_every_play_keeps_its_hosts_in_step() -> None:
    """Phases and run_once need it; ANSIBLE_STRATEGY=free or host_pinned would break both."""
    plays = [
        (path.name, play)
        for path in sorted((ROOT / "playbooks").glob("*.yml"))
        for play in load_yaml(path.read_text(encoding="utf-8"))
        if "hosts" in play
    ]
    assert plays
    free = [
        (name, play["name"])
        for name, play in plays
        if play.get("strategy") != "ansible.builtin.linear"
    ]
    assert free == []


def test_the_inventory_decides_how_long_a_playbook_waits(specs: dict[str, Spec]) -> None:
    """An error says "raise wait_timeout", so that must reach every action that waits.

    preflight waits only where it inspects.
    """
    waiting = [
        task
        for task in tasks_in("playbooks/*.yml")
        if "wait_timeout" in specs.get(task.module, {})
        and ("inspect" in str(task.arguments) or "inspect" not in specs[task.module])
    ]
    assert len(waiting) >= 3
    deaf = [task.where for task in waiting if "wait_timeout" not in str(task.arguments)]
    assert deaf == []


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


def test_every_action_has_an_example() -> None:
    assert {task.module for task in tasks_in_examples()} == set(action_names())


@pytest.mark.parametrize(
    "task", tasks_in(*PLACES) + tasks_in_examples(), ids=lambda task: task.where
)
def test_the_arguments_of_the_task_are_right(task: Task, specs: dict[str, Spec]) -> None:
    assert problems_of(task, specs) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- crossaccount.pipeline.stack: {nam: b}", "nam. Supported parameters"),
        ("- crossaccount.pipeline.stack: {state: gone}", "value of state must be one of"),
        ("- crossaccount.pipeline.stack: {state: '{{ state }}'}", "missing required arguments"),
        ("- crossaccount.pipeline.stick: {}", "crossaccount.pipeline.stick does not exist"),
        ("- crossaccount.pipeline.stack: name=a", "arguments are not a mapping: 'name=a'"),
    ],
)
def test_what_is_wrong_with_a_task_is_found(
    text: str, problem: str, specs: dict[str, Spec]
) -> None:
    (task,) = tasks_of(load_yaml(text), "sample")

    assert problem in "; ".join(problems_of(task, specs))
