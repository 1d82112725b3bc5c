# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build an organisation on this machine, change it, release, tamper, remediate: python -m demo.

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
from pathlib import Path

from demo.checks import Untrue, check, check_equal
from demo.holdings import Holdings, as_table, read_holdings
from demo.inventory import Inventory, InventoryError, add_region, read_inventory
from demo.release import (
    Application,
    Release,
    ReleaseError,
    answers,
    read_application,
    stack_statuses,
)
from demo.stage import INVENTORY, Stage
from demo.tampering import HOST, Tampering, let_operator_remediate
from lab import Lab, LabError
from tools.environment import ROOT

SHIPPED = ROOT / "inventories" / "org"
NEW_REGION = "ap-northeast-1"
LEGEND = (
    "Stack of the build account in each region, and what the deploy roles of each account may use",
    'there: "bucket, key" where the roles and the policies of bucket and key both say so.',
    "",
)
NEXT = (
    "Next:",
    "  your first pipeline, on this machine   make lab-up, then docs/first-pipeline.md",
    "  your own organisation on AWS           docs/guide.md",
)


def tell(stage: Stage) -> None:
    """Tell the whole story."""
    org = stage.directory / INVENTORY
    shutil.copytree(SHIPPED, org)
    shipped = read_inventory(org)
    check(not holdings_of(stage.lab, shipped).regions, "the organisation is not empty")

    stage.chapter("Bootstrap it from nothing: regions, accounts, and a pipeline")
    run = stage.bootstrap()
    check_equal(run.changed, set(shipped.stack_of), "changed hosts")
    check_equal(stage.written(), set(shipped.stack_of.values()), "stacks that were created")

    stage.chapter("Run it again: nothing changes")
    run = stage.bootstrap()
    check_equal(run.changed, set(), "changed hosts")
    check_equal(stage.writes(), [], "write calls")

    stage.chapter(f"Add {NEW_REGION}, for production only: three lines of the inventory")
    stage.show(*add_region(org / "hosts.yml", NEW_REGION), "")
    larger = read_inventory(org)
    run = stage.bootstrap()
    # The pipeline too: it releases to all regions of production.
    touched = {NEW_REGION, "build", "production", larger.pipeline}
    check_equal(run.changed, touched, "changed hosts")
    check_equal(stage.written(), {larger.stack_of[host] for host in touched}, "changed stacks")

    stage.chapter("What AWS holds now, read from there and not from the playbook")
    holdings = holdings_of(stage.lab, larger)
    check_holdings(holdings, larger)
    stage.show(*LEGEND, *as_table(holdings, larger.build_account_id))

    stage.chapter(f"Release {larger.pipeline}: a push, and its pipeline starts by itself")
    release(
        stage,
        read_application(org, larger.pipeline, accounts=larger.accounts, regions=larger.deploys_to),
    )

    stage.chapter("Somebody gives a role all permissions, and turns off the rotation of a key")
    let_operator_remediate(stage.lab)
    tampering = Tampering(stage.lab, larger, NEW_REGION)
    stage.show(*tampering.do())

    stage.chapter("A drift run finds both")
    run, report = stage.drift()
    check_equal(run.status, 2, "exit status")
    check_equal(run.failed, {HOST, NEW_REGION}, "failed hosts")
    check_equal(report["verdict"], "drifted", "verdict")
    check_equal(stage.writes(), [], "write calls")

    stage.chapter("A drift run that remediates reverts both; nothing else is touched")
    run, report = stage.drift("-e", "remediate=true")
    check_equal(run.status, 0, "exit status")
    check_equal(run.changed, {HOST, NEW_REGION}, "changed hosts")
    check_equal((report["verdict"], report["findings"]), ("clean", []), "verdict and findings")
    tampering.check_reverted()


def release(stage: Stage, application: Application) -> None:
    """Build, follow the pipeline to its approval, approve, and call what was deployed."""
    release = Release(stage.lab, application)
    commit = release.push()
    stage.show(f"main of {application.repository} is {commit[:7]}.", "")
    for line in release.stages():
        stage.show(line)
    stage.show("", f"It waits. {release.waits()}")
    for place in application.deployments["production"]:
        found = set(stack_statuses(stage.lab, application, place))
        check_equal(found, {"REVIEW_IN_PROGRESS"}, f"stacks in {place.region} before the approval")
    stage.show("Production is untouched. Approved.", "")
    release.approve()
    for line in release.stages():
        stage.show(line)
    check_equal(release.executions(), 1, "executions of one push")
    stage.show("", "The function of every stack, called in its own account and region:", "")
    for place, answer in answers(stage.lab, application).items():
        where = f"{place.host:<12}  {place.account_id}  {place.region:<15}"
        stage.show(f"{where}  {answer['message']}")
        check_equal(answer["region"], place.region, "region of a function")


def holdings_of(lab: Lab, inventory: Inventory) -> Holdings:
    """Read what AWS holds of an inventory's foundation."""
    return read_holdings(
        lab,
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
        complete = status in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
        check(complete, f"the stack of {name} is {status}")
    for account in holdings.accounts:
        usable = {one.name for one in holdings.regions if holdings.usable(account, one)}
        check_equal(usable, set(inventory.deploys_to[account.name]), f"regions of {account.name}")


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
                    print("Of ansible-playbook's output, changes and answers are shown;"
                          " --whole shows all.")  # fmt: skip
                tell(Stage(lab, Path(directory), arguments.whole))
    except KeyboardInterrupt:
        print("\nInterrupted. The organisation is stopped.", file=sys.stderr)
        return 130
    except (Untrue, InventoryError, ReleaseError, LabError) as error:
        print(f"\nThis is not as it should be: {error}", file=sys.stderr)
        return 1
    seconds = time.monotonic() - started
    print(f"\nAll of this was checked. The organisation is stopped. It took {seconds:.0f} s.\n")
    print("\n".join(NEXT))
    return 0


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


if __name__ == "__main__":
    sys.exit(main())
