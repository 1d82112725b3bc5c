# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run everything once on AWS, record it, and clean up.

    python -m tests.acceptance --build 111111111111 --deploy 222222222222 333333333333

With credentials of the management account. Run it again after an interruption: it goes on. After a
failure it cleans up, and the next run begins again. docs/aws-acceptance.md.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.acceptance.accounts import DRIFT, NAME, OPERATOR, Accounts, Sessions, environment_of
from tests.acceptance.record import Record
from tests.acceptance.work import Failed, Work
from tests.commands import run_command
from tools.environment import VENV

_CHANGED = re.compile(r"^\S+ +: .*changed=[1-9]", re.MULTILINE)
_DRIFT_ACCESS = (
    *("-e", "access_role_name=CrossAccountDriftAccess"),
    *("-e", "deploy_account_access_role_name=CrossAccountAccess"),
)
_CONFIRMED = ("-e", f"confirm={NAME}")
# The end of a playbook's output that a record has, in characters.
_END = 6_000

Step = Callable[[], dict[str, Any] | None]
# Runs a command with an environment in a folder; returns its exit code and what it printed.
Play = Callable[[Sequence[str], dict[str, str], Path], tuple[int, str]]


def ansible_playbook(
    command: Sequence[str], environment: dict[str, str], folder: Path
) -> tuple[int, str]:
    """Run ansible-playbook."""
    done = run_command(command, environment=environment, folder=folder)
    return done.returncode, done.stdout


class Acceptance:
    """The steps of a run.

    directory: inventory, reports and record. play: runs a playbook.
    """

    def __init__(
        self,
        accounts: Accounts,
        directory: Path,
        *,
        pause: float,
        play: Play = ansible_playbook,
    ) -> None:
        self._accounts = accounts
        self._ansible_playbook = play
        self._directory = directory
        self._sessions = Sessions(accounts)
        self._work = Work(accounts, self._sessions, pause=pause, seconds=3_600)
        names = {account_id: host for host, account_id in accounts.hosts.items()}
        self._record = Record(directory / "acceptance.json", names)

    @property
    def steps(self) -> dict[str, Step]:
        """The steps that prove something, in their order."""
        return {
            "empty": self._check_empty,
            "access": self._access,
            "access again": lambda: self._unchanged(self._access()),
            "bootstrap": lambda: self._operate("bootstrap"),
            "bootstrap again": lambda: self._unchanged(self._operate("bootstrap")),
            "observe": self._work.observe,
            "prove": lambda: self._operate("prove"),
            "release": self._work.release,
            "drift": self._drift,
            "drift again": self._drift,
            "tamper": self._work.tamper,
            "drift finds it": lambda: self._drift(status=2),
            "remediate": self._remediate,
            "remove a region": self._remove_region,
        }

    @property
    def cleaning(self) -> dict[str, Step]:
        """The steps that remove everything, in their order; a part that is gone is no failure."""
        return {
            "remove releases": self._work.remove_releases,
            "let purge": lambda: self._access("-e", "operator_purges=true"),
            "clean canaries": lambda: self._operate("prove", "--tags", "clean"),
            "teardown": lambda: self._operate("teardown", *_CONFIRMED, "-e", "purge_data=true"),
            "remove access": lambda: self._access(*_CONFIRMED, "-e", "remove_access=true"),
            "nothing left": self._check_empty,
        }

    def run(self) -> int:
        """Run what has not passed yet, then clean up; 0 if all of it passed."""
        if self.cleaning.keys() & self._record.steps.keys():
            # What an earlier run began to remove is of no use any more.
            if not self._record.passed("nothing left") and not self.clean():
                return 1
            self._record.clear()
        self._accounts.write_inventory(self._directory / "org")
        passed = all(self._do(name, step) for name, step in self.steps.items())
        if not self._owns_the_accounts:
            return 1
        return 0 if self.clean() and passed else 1

    @property
    def _owns_the_accounts(self) -> bool:
        """Whether the accounts were empty: nothing else may be removed from them."""
        return self._record.passed("empty")

    def clean(self) -> bool:
        """Remove everything, and return whether nothing is left."""
        if not self._owns_the_accounts:
            print(f"{self._directory} has no run that began in these accounts", file=sys.stderr)
            return False
        self._accounts.write_inventory(self._directory / "org")
        for name, step in self.cleaning.items():  # whatever became of the one before
            self._do(name, step)
        return self._record.passed("nothing left")

    def _do(self, name: str, step: Step) -> bool:
        if self._record.passed(name):
            print(f"{name}: passed before", flush=True)
            return True
        print(f"{name} ...", flush=True)
        started = time.monotonic()
        result: dict[str, Any] = {"passed": True}
        try:
            result |= step() or {}
        except Exception as error:  # whatever it is, the record has it
            result |= {"passed": False, "error": f"{type(error).__name__}: {error}"}
        result["seconds"] = round(time.monotonic() - started, 1)
        self._record.add(name, result)
        outcome = "passed" if result["passed"] else f"FAILED: {result['error']}"
        print(f"{name}: {outcome}, {result['seconds']} s", flush=True)
        return bool(result["passed"])

    # Steps

    def _check_empty(self) -> dict[str, Any]:
        left = self._work.left()
        if left:
            raise Failed(f"stacks of this collection are there: {', '.join(left)}")
        return {}

    def _access(self, *arguments: str) -> dict[str, Any]:
        return self._play("access", *arguments, environment={})

    def _operate(self, playbook: str, *arguments: str) -> dict[str, Any]:
        session = self._sessions.in_build(self._accounts.role(OPERATOR))
        return self._play(playbook, *arguments, environment=environment_of(session))

    def _drift(self, *, status: int = 0) -> dict[str, Any]:
        session = self._sessions.in_build(self._accounts.role(DRIFT))
        return self._play(
            "drift", *_DRIFT_ACCESS, environment=environment_of(session), status=status
        )

    def _remediate(self) -> dict[str, Any]:
        result = self._operate("drift", "-e", "remediate=true")
        self._work.check_reverted()
        return result

    def _remove_region(self) -> dict[str, Any]:
        _first, *others = self._accounts.regions
        if not others:
            return {"output": "there is one region only"}
        self._accounts.write_inventory(self._directory / "org", without=others[-1])
        return self._operate("bootstrap")

    def _unchanged(self, result: dict[str, Any]) -> dict[str, Any]:
        if _CHANGED.search(result["output"]):
            raise Failed(f"the second run changed something: {result['output']}")
        return result

    def _play(
        self,
        playbook: str,
        *arguments: str,
        environment: Mapping[str, str],
        status: int = 0,
    ) -> dict[str, Any]:
        """Run a playbook of the collection, and return the end of its output. Raises Failed."""
        code, output = self._ansible_playbook(
            ("ansible-playbook", f"crossaccount.pipeline.{playbook}", "-i", "org", *arguments),
            environment_with(environment),
            self._directory,
        )
        if code != status:
            raise Failed(f"{playbook} ended with {code}: {output[-_END:]}")
        return {"output": output[-_END:]}


def environment_with(credentials: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a playbook: the collection of this checkout, and who runs it."""
    own = {
        name: value
        for name, value in os.environ.items()
        if not (credentials and name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"))
    }
    return {
        **own,
        "ANSIBLE_COLLECTIONS_PATH": str(VENV / "collections"),
        "ANSIBLE_FORKS": "20",
        "ANSIBLE_NOCOLOR": "1",
        **credentials,
    }


def main(arguments: list[str] | None = None) -> int:
    """Run it; 0 if everything passed and nothing is left."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.acceptance",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--build", required=True, help="id of the build account")
    parser.add_argument("--deploy", required=True, nargs="+", help="ids of the deploy accounts")
    parser.add_argument("--regions", nargs="+", default=["us-east-1", "eu-west-1"])
    parser.add_argument("--organisation-id", default="", help="grant by organization: o-...")
    parser.add_argument("--directory", type=Path, default=Path("acceptance"))
    parser.add_argument("--pause", type=float, default=10.0, help="seconds between two looks")
    parser.add_argument("--clean", action="store_true", help="only remove what a run left")
    given = parser.parse_args(arguments)
    accounts = Accounts(
        build=given.build,
        deploy=tuple(given.deploy),
        regions=tuple(given.regions),
        organisation_id=given.organisation_id,
    )
    given.directory.mkdir(parents=True, exist_ok=True)
    run = Acceptance(accounts, given.directory.resolve(), pause=given.pause)
    if given.clean:
        return 0 if run.clean() else 1
    return run.run()


if __name__ == "__main__":
    sys.exit(main())
