# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build a whole organisation on this machine, change it, release through it: python -m demo.

The exit status is 0 only if everything that was shown is true.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from demo.holdings import Holdings, as_table, read_holdings
from demo.inventory import Inventory, InventoryError, Stack, add_region, read_inventory
from demo.playbook import Run, run_bootstrap
from demo.release import (
    Application,
    Release,
    ReleaseError,
    answers,
    read_application,
    statuses,
)
from lab import Lab, LabError
from tools.environment import ROOT

INVENTORY = ROOT / "inventories" / "org"
NEW_REGION = "ap-northeast-1"
LEGEND = (
    "Stack of the build account in each region, and what the deploy roles of each account may use",
    'there: "bucket, key" where the roles and the policies of bucket and key both say so.',
    "",
)
_STANDING = ("CREATE_COMPLETE", "UPDATE_COMPLETE")


class Untrue(Exception):
    """Something that the demo shows is not true; the message says what."""


@dataclass
class Demo:
    """The story, told on one lab.

    whole: print every line of ansible-playbook.
    """

    lab: Lab
    whole: bool
    chapters: int = field(default=0, init=False)

    def tell(self, directory: Path) -> None:
        """Tell all of it. directory: where the copy of the inventory goes."""
        inventory = read_inventory(INVENTORY)
        check(not self._holdings(inventory).regions, "the organisation is not empty")

        self._chapter("Bootstrap it from nothing, the pipeline of an application with it")
        run = self._bootstrap(INVENTORY, changed=set(inventory.stack_of))
        made = {*inventory.stack_of.values(), inventory.pipeline_stack}
        check_equal(self._executed(), made, "stacks that were made")
        self._account_for(run)

        self._chapter("Run it again: nothing changes")
        run = self._bootstrap(INVENTORY, changed=set())
        check_equal(self._writes(), [], "write calls")
        self._account_for(run)

        self._chapter(f"Add {NEW_REGION}, for production only, in a copy of the inventory")
        copy = directory / "org"
        shutil.copytree(INVENTORY, copy)
        for line in add_region(copy / "hosts.yml", NEW_REGION):
            print(f"  {line}")
        print()
        larger = read_inventory(copy)
        touching = {NEW_REGION, "build", "production"}
        run = self._bootstrap(copy, changed=touching)
        # The pipeline too: it releases to all regions of production.
        touched = {larger.stack_of[host] for host in touching} | {larger.pipeline_stack}
        check_equal(self._executed(), touched, "stacks that were touched")
        self._account_for(run)

        self._chapter("What AWS holds now, read from there and not from the playbook")
        holdings = self._holdings(larger)
        check_holdings(holdings, larger)
        for line in (*LEGEND, *as_table(holdings, larger.build_account_id)):
            print(f"  {line}".rstrip())

        application = read_application(copy, larger.accounts, larger.deploys_to)
        self._chapter(f"Release {application.name}: a build lands, the pipeline starts by itself")
        self._release(application)

    def _release(self, application: Application) -> None:
        release = Release(self.lab, application)
        objects = release.build()
        print(f"  CodeBuild left {' and '.join(objects)} in the build bucket.\n", flush=True)
        for line in release.stages():
            print(f"  {line}", flush=True)
        print(f"\n  It waits. {release.waits()}", flush=True)
        for one in application.deployments["production"]:
            found = set(statuses(self.lab, application, one))
            check_equal(
                found, {"REVIEW_IN_PROGRESS"}, f"stacks in {one.region} before the approval"
            )
        print("  Production is untouched. Approved.\n", flush=True)
        release.approve()
        for line in release.stages():
            print(f"  {line}", flush=True)
        check_equal(release.executions(), 1, "executions of one build")
        print("\n  The function of every stack, called in its own account and region:\n")
        for one, answer in answers(self.lab, application).items():
            place = f"{one.host:<12}  {one.account_id}  {one.region:<15}"
            print(f"  {place}  {answer['message']}", flush=True)
            check_equal(answer["region"], one.region, "region of a function")

    def _chapter(self, title: str) -> None:
        self.chapters += 1
        print(f"\n== {self.chapters}. {title}\n", flush=True)

    def _bootstrap(self, inventory: Path, *, changed: set[str]) -> Run:
        self.lab.clear_calls()
        run = run_bootstrap(inventory, self.lab.environment(), whole=self.whole)
        if run.status or run.failed:
            if not self.whole:
                print(f"All its output:\n\n{run.output}", file=sys.stderr)
            raise Untrue(f"ansible-playbook ended with {run.status}")
        check_equal(set(run.recap), set(read_inventory(inventory).stack_of), "hosts of the recap")
        check_equal(run.changed, changed, "changed hosts")
        return run

    def _account_for(self, run: Run) -> None:
        writes = len(self._writes())
        reads = len(self.lab.calls()) - writes
        counts = [f"{name}={run.total(name)}" for name in ("changed", "failed")]
        calls = f"{reads} read and {writes} write calls of AWS"
        print(f"\n  {' '.join(counts)}, {calls}, {run.seconds:.1f} s", flush=True)

    def _writes(self) -> list[str]:
        calls = (call for call in self.lab.calls() if call.write)
        return [f"{call.action} {call.resource} in {call.account} {call.region}" for call in calls]

    def _executed(self) -> set[Stack]:
        """The stacks that were written to; each by one change set, or it is not true."""
        written = [call for call in self.lab.calls() if call.write]
        executed = [
            (call.account, call.region, call.resource)
            for call in written
            if call.action == "ExecuteChangeSet"
        ]
        check(len(executed) == len(set(executed)), f"a stack was changed twice: {executed}")
        check_equal(
            {(call.account, call.region, call.resource) for call in written},
            set(executed),
            "stacks that were written to",
        )
        return set(executed)

    def _holdings(self, inventory: Inventory) -> Holdings:
        return read_holdings(
            self.lab,
            build_account_id=inventory.build_account_id,
            primary_region=inventory.primary_region,
            regions=inventory.regions,
            accounts=inventory.accounts,
        )


def check_holdings(holdings: Holdings, inventory: Inventory) -> None:
    """Compare what AWS holds with the inventory: stacks, and who may use which bucket and key."""
    check_equal({one.name for one in holdings.regions}, set(inventory.regions), "regions")
    check_equal({one.name for one in holdings.accounts}, set(inventory.accounts), "accounts")
    check_equal(holdings.contradictions(), [], "contradictions between roles and policies")
    statuses = {region.name: region.status for region in holdings.regions}
    statuses |= {account.name: account.status for account in holdings.accounts}
    for name, status in statuses.items():
        check(status in _STANDING, f"the stack of {name} is {status}")
    for account in holdings.accounts:
        usable = {one.name for one in holdings.regions if holdings.usable(account, one)}
        check_equal(usable, set(inventory.deploys_to[account.name]), f"regions of {account.name}")


def check(condition: bool, message: str) -> None:
    """Raise Untrue with the message unless the condition holds."""
    if not condition:
        raise Untrue(message)


def check_equal(found: object, wanted: object, what: str) -> None:
    """Raise Untrue unless what was found is what is wanted."""
    check(found == wanted, f"{what}: found {found}, not {wanted}")


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """Let a polite kill end the demo as Ctrl-C does, lab and all."""

    def interrupt(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def main() -> int:
    """Tell the story; 0 if all of it is true, 1 if not, 130 when interrupted."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--whole", action="store_true", help="show every line of ansible-playbook")
    arguments = parser.parse_args()
    started = time.monotonic()
    try:
        with _termination_as_interrupt(), tempfile.TemporaryDirectory(prefix="demo-") as directory:
            print(
                "Starting an organisation on this machine: no AWS account, no Docker.", flush=True
            )
            with Lab() as lab:
                print(f"It is empty, and answers as AWS at {lab.url}.")
                if not arguments.whole:
                    print("Of ansible-playbook's output only plays, changes and summary are shown;"
                          " --whole shows all.")  # fmt: skip
                Demo(lab, arguments.whole).tell(Path(directory))
    except KeyboardInterrupt:
        print("\nInterrupted. The organisation is stopped.", file=sys.stderr)
        return 130
    except (Untrue, InventoryError, ReleaseError, LabError) as error:
        print(f"\nThis is not as it should be: {error}", file=sys.stderr)
        return 1
    seconds = time.monotonic() - started
    print(f"\nAll of this was checked. The organisation is stopped. It took {seconds:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
