# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every check of the collection, in the environment that nox runs in.

nox -j 3                    all of them, three at a time: `make test`
nox -t lint -j 2            those that only read files
nox -s unit -- -k archive   one of them, with arguments for its tool
"""

from __future__ import annotations

import resource
import time

import nox

from tools.environment import environment
from tools.leftovers import ended_leftovers

nox.options.default_venv_backend = "none"

# Two files of tests at a time: they mostly wait, and the tests of a file share its lab.
PYTEST = "python -m pytest --dist=loadfile --numprocesses=2"
# Four where each of them also waits for the stacks of its lab. In the order of their names: by
# default files of few tests start last, and the longest are among them.
PLAYBOOKS = "python -m pytest --dist=loadfile --no-loadscope-reorder --numprocesses=4"

# By name, in the order in which they start: the slowest first.
TESTS = {
    "integration": ["python -m tools.awx_collection", f"{PLAYBOOKS} tests/integration"],
    "unit": [f"{PYTEST} tests/unit lab/tests"],
    "policy": [f"{PYTEST} tests/policy"],
    "applications": ["python -m tools.application_tools", f"{PYTEST} tests/applications"],
    "molecule": ["molecule test --all"],
}
LINT = {
    "sanity": ["python -m tools.sanity"],
    "ansible-lint": ["ansible-lint --nocolor"],
    "mypy": ["mypy", "mypy roles/primary/files roles/pipeline/files"],
    "cfn-lint": ["python -m tools.render_templates", "cfn-lint"],
    "antsibull-docs": ["antsibull-docs lint-collection-docs --plugin-docs ."],
    "yamllint": ["yamllint --strict ."],
    "antsibull-changelog": ["antsibull-changelog lint"],
    "ruff": ["ruff check .", "ruff format --check ."],
    "shellcheck": ["shellcheck .ci/run tools/docs.sh tools/lock.sh tools/venv.sh"],
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
        # Sessions that run at once each have a process of their own, so these are its children.
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = used.ru_utime + used.ru_stime
        session.log(f"{name}: {time.monotonic() - started:.0f} s, {cpu:.0f} s of CPU")
        if left:
            session.error("left running, and ended now:", *left)

    run.__doc__ = "; ".join(commands)
    nox.session(name=name, tags=[tag], allow_parallel=True)(run)


for name, commands in TESTS.items():
    add(name, commands, tag="test")
for name, commands in LINT.items():
    add(name, commands, tag="lint")
