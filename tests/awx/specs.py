# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that the modules of awx.awx take, as their own code has them."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.common.validation import check_mutually_exclusive, check_required_if

from tests.unit.tooling.actions import Task, option_problems

COLLECTION = "awx.awx"
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Module:
    """What one module accepts."""

    options: dict[str, dict[str, Any]]
    mutually_exclusive: list[list[str]]
    required_if: list[list[Any]]


def read(collections: Path, *names: str) -> dict[str, Module]:
    """Ask the modules themselves, in a process of their own."""
    answer = subprocess.run(
        [sys.executable, "-m", "tests.awx.specs", *names],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(collections)},
        check=True,
        capture_output=True,
        text=True,
    )
    return {name: Module(**found) for name, found in json.loads(answer.stdout).items()}


def problems(task: Task, modules: dict[str, Module]) -> list[str]:
    """What is wrong with the arguments of a task; an empty list if nothing is.

    The value of a template is not known here. That is for the test that runs the role.
    """
    module = modules.get(task.module)
    if module is None:
        return [f"{COLLECTION}.{task.module} does not exist"]
    if not isinstance(task.arguments, dict):
        return [f"arguments are not a mapping: {task.arguments!r}"]
    found = option_problems(module.options, task.arguments, "")
    defaults = {
        name: entry["default"] for name, entry in module.options.items() if "default" in entry
    }
    given = {**defaults, **task.arguments}
    try:
        check_mutually_exclusive(module.mutually_exclusive, given)
        check_required_if(module.required_if, given)
    except TypeError as exc:
        found.append(str(exc))
    return found


class _Asked(Exception):
    """A module has said what it accepts; that is all that it is to do."""


def _ask(name: str) -> dict[str, Any]:
    api = importlib.import_module(
        f"ansible_collections.{COLLECTION}.plugins.module_utils.controller_api"
    )
    asked: dict[str, Any] = {}

    def answer(_self: object, argument_spec: dict[str, Any], **constraints: Any) -> None:
        connection = api.ControllerModule.AUTH_ARGSPEC
        options = {**connection, **argument_spec}
        asked["options"] = {
            option: {key: value for key, value in entry.items() if key != "fallback"}
            for option, entry in options.items()
        }
        for key in ("mutually_exclusive", "required_if"):
            asked[key] = [list(one) for one in constraints.pop(key, ())]
        if constraints:
            raise NotImplementedError(f"{name}: {', '.join(constraints)} is not compared")
        raise _Asked

    api.ControllerAPIModule.__init__ = answer
    module = importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.modules.{name}")
    try:
        module.main()
    except _Asked:
        return asked
    raise NotImplementedError(f"{name} does not say what it accepts")


if __name__ == "__main__":
    print(json.dumps({name: _ask(name) for name in sys.argv[1:]}))

__all__ = ("COLLECTION", "Module", "problems", "read")
