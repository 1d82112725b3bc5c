# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every check of the collection, in the environment that nox runs in.

nox -t lint -j 2            those that only read files, side by side
nox -t test                 the others, one after the other
nox -s unit -- -k archive   one of them, with arguments for its tool

`make test` runs both groups, also the second when the first has failed.
"""

from __future__ import annotations

import time

import nox

from tools.environment import environment
from tools.leftovers import ended_leftovers

nox.options.default_venv_backend = "none"

# Two files of tests at a time: they mostly wait, and the tests of a file share its lab.
PYTEST = "python -m pytest --dist=loadfile --numprocesses=2"
# Three where each of them also waits for the lab's stacks.
PLAYBOOKS = "python -m pytest --dist=loadfile --numprocesses=3"

# By name; the slowest first. They run side by side.
LINT = {
    "sanity": ["python -m tools.sanity"],
    "ansible-lint": ["ansible-lint --nocolor"],
    "mypy": ["mypy", "mypy roles/primary/files"],
    "cfn-lint": ["python -m tools.render_templates", "cfn-lint"],
    "antsibull-docs": ["antsibull-docs lint-collection-docs --plugin-docs ."],
    "yamllint": ["yamllint --strict ."],
    "antsibull-changelog": ["antsibull-changelog lint"],
    "ruff": ["ruff check .", "ruff format --check ."],
    "shellcheck": ["shellcheck .ci/run tools/docs.sh tools/lock.sh tools/venv.sh"],
}
# One after the other.
TESTS = {
    "unit": [f"{PYTEST} tests/unit lab/tests"],
    "integration": ["python -m tools.awx_collection", f"{PLAYBOOKS} tests/integration"],
    "policy": [f"{PYTEST} tests/policy"],
    "molecule": ["molecule test --all"],
}


def add(name: str, commands: list[str], *, tag: str) -> None:
    """Add a session that runs commands and leaves no process behind."""

    def run(session: nox.Session) -> None:
        started = time.monotonic()
        session.env.update(environment())
        with ended_leftovers(session.env) as left:
            for command in commands:
                last = command is commands[-1]
                session.run(*command.split(), *(session.posargs if last else ()))
        session.log(f"{name}: {time.monotonic() - started:.0f} s")
        if left:
            session.error("left running, and ended now:", *left)

    run.__doc__ = "; ".join(commands)
    nox.session(name=name, tags=[tag], allow_parallel=tag == "lint")(run)


for name, commands in LINT.items():
    add(name, commands, tag="lint")
for name, commands in TESTS.items():
    add(name, commands, tag="test")
