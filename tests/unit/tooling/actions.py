# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's actions: their specs, their documentation, and the tasks that call them."""

from __future__ import annotations

import functools
import importlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

ROOT = Path(__file__).resolve().parents[3]
COLLECTION = "crossaccount.pipeline"
GROUP = f"{COLLECTION}.aws"

Spec = Mapping[str, Mapping[str, Any]]


def action_names() -> list[str]:
    """The short name of every action plugin."""
    return _plugin_names("action")


def module_names() -> list[str]:
    """The short name of every module; each documents an action."""
    return _plugin_names("modules")


def _plugin_names(kind: str) -> list[str]:
    return sorted(path.stem for path in (ROOT / "plugins" / kind).glob("[!_]*.py"))


def argument_spec(name: str) -> Spec:
    """The arguments of one action, as the action validates them."""
    action = importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.action.{name}")
    spec: Spec = action.ARGUMENT_SPEC
    return spec


@functools.cache
def documentation() -> dict[str, dict[str, Any]]:
    """What `ansible-doc` knows of each module, fragments merged: short name to its `doc`."""
    names = [f"{COLLECTION}.{name}" for name in module_names()]
    if not names:
        return {}
    found = subprocess.run(
        ["ansible-doc", "--type", "module", "--json", *names],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    return {
        name.removeprefix(f"{COLLECTION}."): entry["doc"]
        for name, entry in json.loads(found.stdout).items()
    }


@dataclass(frozen=True)
class Task:
    """One task that names something of a collection, with what its play and blocks give it."""

    where: str
    module: str
    arguments: object
    defaults: Mapping[str, Mapping[str, Any] | str] = field(default_factory=dict)


class _Loader(yaml.SafeLoader):
    """Plain data; a value with a tag of Ansible (`!vault`, `!unsafe`) counts as text."""


_Loader.add_multi_constructor("!", lambda _loader, _suffix, node: str(node.value))


def load_yaml(text: str) -> Any:
    """The data of one YAML document."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506  # a SafeLoader all the same


def tasks_of(content: object, where: str) -> Iterator[Task]:
    """Every task of our actions in the data of a playbook or of a file of tasks."""
    yield from _tasks(content, where, {})


_LISTS = ("pre_tasks", "tasks", "post_tasks", "handlers", "block", "rescue", "always")


def _tasks(
    content: object, where: str, defaults: Mapping[str, Mapping[str, Any] | str]
) -> Iterator[Task]:
    prefix = f"{COLLECTION}."
    for entry in content if isinstance(content, list) else ():
        if not isinstance(entry, dict):
            continue
        # The same key again replaces the outer one as a whole; it does not merge.
        inner = {**defaults, **(entry.get("module_defaults") or {})}
        place = f"{where}: {entry.get('name', 'no name')}"
        for key in _LISTS:
            yield from _tasks(entry.get(key), place, inner)
        for key, arguments in entry.items():
            if str(key).startswith(prefix):
                given = arguments
                if isinstance(arguments, dict) or arguments is None:
                    given = {**(arguments or {}), **(entry.get("args") or {})}
                yield Task(place, str(key).removeprefix(prefix), given, inner)


def problems_of(task: Task, specs: Mapping[str, Spec]) -> list[str]:
    """What is wrong with the arguments of a task; templates are not evaluated."""
    spec = specs.get(task.module)
    if spec is None:
        return [f"{COLLECTION}.{task.module} does not exist"]
    if not isinstance(task.arguments, dict):
        return [f"arguments are not a mapping: {task.arguments!r}"]

    problems: list[str] = []
    defaults: dict[str, Any] = {}
    for key, members in (
        (f"group/{GROUP}", [name for name in specs if takes_connection(specs[name])]),
        (f"{COLLECTION}.{task.module}", [task.module]),
    ):
        given = task.defaults.get(key, {})
        if not isinstance(given, Mapping):
            continue  # a template
        problems += [
            f"module_defaults {key}: {member} has no option {option}"
            for member in members
            for option in given
            if option not in specs[member]
        ]
        if task.module in members:
            defaults.update(given)
    arguments = {**defaults, **task.arguments}
    return problems + _validate(spec, arguments)


def takes_connection(spec: Spec) -> bool:
    """Whether an action connects to AWS, and so belongs to the group of module_defaults."""
    return "access_role_name" in spec


def _validate(spec: Spec, given: Mapping[str, Any]) -> list[str]:
    # The value of a template may become anything.
    known = {
        name: {"type": "raw"} if _has_template(given.get(name)) else dict(option)
        for name, option in spec.items()
    }
    return list(ArgumentSpecValidator(known).validate(dict(given)).error_messages)


def _has_template(value: object) -> bool:
    return "{{" in yaml.safe_dump(value, width=10_000)
