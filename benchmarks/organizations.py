# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bootstrap an organisation from its OUs: python -m benchmarks.organizations [--accounts 600].

The second example inventory, in both grant modes: the inventory is read, everything is built, built
again, and one account is closed. Times are only printed. The exit status is 1 when a claim does not
hold, 2 when a run failed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import yaml

from benchmarks.measure import BenchmarkError, run
from benchmarks.organisation import REGIONS, Size, generate
from lab import Account, Call, Lab, LabError
from tools.environment import COLLECTIONS, ROOT, VENV

_EXAMPLE = ROOT / "inventories" / "organizations"
_WORK = ROOT / "build" / "benchmarks-organizations"
_MODES = ("accounts", "organization")
_MOST = 250  # accounts that the policies of a region name


class Scenario:
    """One organisation, whose accounts are spread over the regions by their OUs."""

    def __init__(self, lab: Lab, size: Size, mode: str) -> None:
        self.broken: list[str] = []
        self._lab = lab
        self._size = size
        self._mode = mode
        self._inventory = _WORK / mode
        self._environment = {
            **lab.environment(),
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_NOCOLOR": "1",
        }

    def run(self) -> None:
        """Read, build, build again, close an account."""
        self._write()
        calls = self._measure("inventory", "ansible-inventory", "--list")
        self._claim(not _writes(calls), "reading the inventory writes nothing")
        built = _executions(self._bootstrap("fresh"))
        self._claim(
            len(built) == self._size.stacks and set(built.values()) == {1},
            f"{self._size.stacks} stacks, each executed once",
        )
        self._claim(not _writes(self._bootstrap("unchanged")), "a second run writes nothing")
        closed = next(iter(self._lab.organisation.deploy.values()))
        organizations = self._lab.client("organizations", self._lab.organisation.management)
        organizations.close_account(AccountId=closed)
        calls = self._bootstrap("closed")
        changed = {call.account for call in _writes(calls)}
        self._claim(
            changed == {self._lab.organisation.build}
            and closed not in {call.account for call in calls},
            "a closed account is quarantined: it is not called, and policies drop it",
        )

    def _write(self) -> None:
        """Write the inventory: the example, with these OUs and regions."""
        shutil.copytree(_EXAMPLE, self._inventory, ignore=shutil.ignore_patterns("host_vars"))
        regions = _regions(self._size, self._lab.organisation.primary_region)
        self._edit("hosts.yml", pipelines=None, regional={"hosts": dict.fromkeys(regions[1:])})
        self._edit(
            "organizations.yml",
            regions_by_ou={f"Workloads/{region}": [region] for region in regions},
        )
        if self._mode == "organization":
            found = self._lab.client("organizations", self._lab.organisation.management)
            organization = found.describe_organization()["Organization"]["Id"]
            self._edit("group_vars/all.yml", grant_mode=self._mode, organisation_id=organization)

    def _edit(self, name: str, **changes: Any) -> None:
        path = self._inventory / name
        data = {**yaml.safe_load(path.read_text(encoding="utf-8")), **changes}
        data = {key: value for key, value in data.items() if value is not None}
        path.write_text(yaml.safe_dump(data), encoding="utf-8")

    def _bootstrap(self, name: str) -> list[Call]:
        return self._measure(name, "ansible-playbook", "bootstrap.yml")

    def _measure(self, name: str, command: str, *arguments: str) -> list[Call]:
        """Run a command on the inventory, print what it took, and return its calls."""
        started = time.time()
        usage = run(
            [str(VENV / "bin" / command), "-i", str(self._inventory), *arguments],
            environment=self._environment,
            folder=ROOT,
            log=_WORK / f"{self._mode}-{name}.log",
            server=self._lab.pid,
            sample=True,
        )
        calls = self._lab.calls(started)
        print(
            f"{self._mode:12}  {name:9}  {usage.wall:7.1f} s wall  {usage.cpu:7.1f} s CPU"
            f"  {usage.memory / 1e6:5.0f} MB  {len(calls):6} calls  load {usage.load:.1f}",
            flush=True,
        )
        return calls

    def _claim(self, holds: bool, text: str) -> None:
        print(f"  {'holds' if holds else 'DOES NOT HOLD'}: {text}", flush=True)
        if not holds:
            self.broken.append(f"{self._mode}: {text}")


def main() -> int:
    """Run the chosen modes on one lab, each from the same start."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.organizations", description=__doc__)
    parser.add_argument("--accounts", type=int, default=600, help="deploy accounts")
    parser.add_argument("--regions", type=int, default=3, help="regional regions")
    parser.add_argument("--grant-mode", nargs="+", choices=_MODES, default=_MODES, dest="modes")
    arguments = parser.parse_args()
    size = Size(accounts=arguments.accounts, regions=arguments.regions)
    if size.accounts > _MOST * size.foundation:
        parser.error(f"at most {_MOST * size.foundation} accounts in {size.foundation} regions")
    shutil.rmtree(_WORK, ignore_errors=True)
    _WORK.mkdir(parents=True)
    broken: list[str] = []
    try:
        with Lab(organisation=generate(size)) as lab:
            _spread(lab, size)
            state = _WORK / "state"
            lab.save(state)
            for mode in arguments.modes:
                lab.restore(state)
                scenario = Scenario(lab, size, mode)
                scenario.run()
                broken += scenario.broken
    except (BenchmarkError, LabError) as error:
        print(error, file=sys.stderr)
        return 2
    return 1 if broken else 0


def _spread(lab: Lab, size: Size) -> None:
    """Put the accounts into an OU for each region, in turn, and let the operator read them."""
    regions = _regions(size, lab.organisation.primary_region)
    lab.place_accounts(
        Account(account_id, name, f"Workloads/{regions[number % len(regions)]}")
        for number, (name, account_id) in enumerate(lab.organisation.deploy.items())
    )
    lab.add_organization_reader()


def _regions(size: Size, primary: str) -> list[str]:
    return [primary, *REGIONS[: size.regions]]


def _writes(calls: list[Call]) -> list[Call]:
    return [call for call in calls if call.write]


def _executions(calls: list[Call]) -> Counter[tuple[str, str, str]]:
    return Counter(_stacks(calls))


def _stacks(calls: list[Call]) -> Iterator[tuple[str, str, str]]:
    for call in calls:
        if call.action == "ExecuteChangeSet":
            yield call.account, call.region, call.resource


if __name__ == "__main__":
    sys.exit(main())
