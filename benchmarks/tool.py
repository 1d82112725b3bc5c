# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tools that are run: how each is called, and in which state it finds its input."""

from __future__ import annotations

import abc
import configparser
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import sceptre
from benchmarks.measure import BenchmarkError
from benchmarks.organisation import REGIONS, Size, write_inventory
from lab import Lab
from tools.environment import COLLECTIONS, ROOT, VENV

_SCEPTRE = ROOT / ".venv-bench" / "bin" / "sceptre"


class Tool(abc.ABC):
    """One tool, with its input for one organisation.

    name: as in the tables. parallel: how many stacks it works on at once, in words. stacks: how
    many there are for it.
    """

    name: str
    parallel: str
    stacks: int
    command: list[str]
    folder: Path
    environment: dict[str, str]

    @abc.abstractmethod
    def want(self, release: str) -> None:
        """Write the tool's input; another *release* is an update of every deploy account."""


class Bootstrap(Tool):
    """Our own: bootstrap.yml from this checkout, as the operator with the documented policy."""

    name = "bootstrap"

    def __init__(self, lab: Lab, size: Size, directory: Path, *, forks: int | None = None) -> None:
        self._lab = lab
        self._size = size
        self.inventory = directory / "inventory"
        self.inventory.mkdir()
        self.folder = ROOT
        self.stacks = size.stacks
        self.parallel = f"{forks or _configured_forks()} forks"
        self.command = [str(VENV / "bin" / "ansible-playbook"), "bootstrap.yml",
                        "-i", str(self.inventory)]  # fmt: skip
        if forks:
            self.command += ["--forks", str(forks)]
        self.environment = _clean(lab.environment()) | {
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_NOCOLOR": "1",
            # It marks when phases begin.
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "benchmarks" / "callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "phases",
        }

    def want(self, release: str) -> None:
        """Write the inventory."""
        write_inventory(self.inventory, self._lab.organisation, self._size, release=release)


class Pipelines(Tool):
    """Our own: playbooks/pipelines.yml from this checkout, on the foundation of the bootstrap."""

    name = "pipelines"

    def __init__(self, lab: Lab, size: Size, bootstrap: Bootstrap, directory: Path) -> None:
        self._lab = lab
        self._size = size
        self._inventory = directory / "pipelines"
        self._inventory.mkdir()
        self.folder = ROOT
        self.stacks = 0
        self.parallel = bootstrap.parallel
        self.command = [*bootstrap.command[:1], "playbooks/pipelines.yml",
                        "-i", str(self._inventory), *bootstrap.command[4:]]  # fmt: skip
        self.environment = bootstrap.environment

    def want(self, release: str) -> None:
        """Nothing: the inventory is written by declare()."""

    def declare(self, names: Sequence[str]) -> None:
        """Write the inventory with these pipelines."""
        self.stacks = len(names)
        write_inventory(
            self._inventory, self._lab.organisation, self._size, release="0", pipelines=names
        )


class Drift(Tool):
    """Our own: drift.yml from this checkout, as the role that may only read.

    Its inventory is the one of the bootstrap.
    """

    name = "drift"

    def __init__(self, lab: Lab, bootstrap: Bootstrap, directory: Path) -> None:
        lab.add_drift_operator()
        organisation = lab.organisation
        self.folder = ROOT
        self.stacks = bootstrap.stacks
        self.parallel = bootstrap.parallel
        self.command = [
            *(*bootstrap.command[:1], "drift.yml", *bootstrap.command[2:]),
            *("-e", f"drift_report_path={directory / 'drift-report'}"),
            *("-e", f"access_role_name={organisation.drift.access_role}"),
            # The parameter of the deploy accounts' stacks is still the operator's.
            *("-e", f"deploy_account_access_role_name={organisation.operator.access_role}"),
        ]
        self.environment = bootstrap.environment | lab.variables("drift")

    def want(self, release: str) -> None:
        """Nothing: the inventory is the bootstrap's."""


class Slices(Tool):
    """Our own: a drift run as AWX slices it, all parts at once, and one verdict on them."""

    name = "slices"

    def __init__(self, drift: Drift, bootstrap: Bootstrap, directory: Path, *, slices: int) -> None:
        self.folder = ROOT
        self.stacks = bootstrap.stacks
        self.name = f"{slices} slices"
        self.parallel = f"{slices} runs"
        self.command = [
            *(sys.executable, "-m", "benchmarks.slices", str(slices)),
            *(str(bootstrap.inventory), str(directory / "slices"), *drift.command),
        ]
        self.environment = drift.environment

    def want(self, release: str) -> None:
        """Nothing: the inventory is the bootstrap's."""


class Floor(Tool):
    """An action that does nothing, on as many hosts: what Ansible itself takes."""

    name = "floor"

    def __init__(self, bootstrap: Bootstrap) -> None:
        self.folder = ROOT
        self.stacks = bootstrap.stacks
        self.parallel = bootstrap.parallel
        playbook = str(ROOT / "benchmarks" / "floor.yml")
        self.command = [*bootstrap.command[:1], playbook, *bootstrap.command[2:]]
        self.environment = bootstrap.environment

    def want(self, release: str) -> None:
        """Nothing: the inventory is the bootstrap's."""


class Sceptre(Tool):
    """sceptre launch of a project with what is deployed."""

    name = "Sceptre"

    def __init__(self, lab: Lab, size: Size, directory: Path) -> None:
        self._lab = lab
        self._regions = REGIONS[: size.regions]
        self.folder = directory / "sceptre"
        self.folder.mkdir()
        self.stacks = size.stacks
        # Without dependencies Sceptre works on all stacks at once.
        self.parallel = f"{size.stacks} threads"
        self.command = [str(_SCEPTRE), "launch", "-y", "."]
        sceptre.create_roles(lab)
        self.environment = _clean(lab.environment()) | sceptre.credentials(lab)

    def want(self, release: str) -> None:
        """Write the project."""
        sceptre.write_project(self.folder, self._lab, self._regions, release=release)


def sceptre_version() -> str:
    """The version of Sceptre that is installed. Raises BenchmarkError when none is."""
    try:
        answer = subprocess.run(
            [_SCEPTRE, "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchmarkError("Sceptre is not installed. Run: tools/venv.sh bench") from error
    return answer.split()[-1]


def _configured_forks() -> int:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "ansible.cfg", encoding="utf-8")
    return settings.getint("defaults", "forks")


def _clean(environment: dict[str, str]) -> dict[str, str]:
    """The environment without the settings of whoever runs this, as both tools would read them.

    Those of Python too: without stored bytecode every start would compile what it imports.
    """
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith(("ANSIBLE_", "PYTHON", "SCEPTRE_"))
    }


__all__ = (
    "Bootstrap",
    "Drift",
    "Floor",
    "Pipelines",
    "Sceptre",
    "Slices",
    "Tool",
    "sceptre_version",
)
