# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A local organisation, an inventory and ansible-playbook for every test.

One lab serves all tests that let it come to rest. Each test starts from a saved state of it: with
nothing but its accounts, or bootstrapped.
"""

from __future__ import annotations

import os
import shutil
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._stack.template import render

from lab import Lab
from tests.commands import run_command
from tests.integration.campaign import VARIABLE, seed
from tests.integration.haste import HASTE, variables
from tests.integration.held import Held
from tests.integration.inventory import ROOT, Inventory
from tests.integration.playbook import Playbook, settings
from tests.integration.states import States
from tests.integration.uploads import Uploads, let_operator_purge
from tests.integration.waiting import survivors
from tests.integration.warm import Warm

PLUGINS = "ansible_collections.crossaccount.pipeline.plugins"


def pytest_report_header() -> str:
    """Report the seed, with which everything that was drawn can be drawn again."""
    return f"faults and kills drawn from {VARIABLE}={seed()}"


@pytest.fixture(scope="session")
def states() -> States:
    """The saved states of the lab."""
    return States()


@pytest.fixture(scope="session")
def running_lab() -> Iterator[Lab]:
    """The lab that tests share."""
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    """Ansible and the plugins of the collection, imported once."""
    environment = {**os.environ, **settings(tmp_path_factory.mktemp("ansible"))}
    with Warm(ROOT, environment, plugins("action", "filter")) as warm:
        yield warm


def plugins(*kinds: str) -> list[str]:
    """Return the modules of the collection's plugins of these kinds, by their full names."""
    return [
        f"{PLUGINS}.{kind}.{path.stem}"
        for kind in kinds
        for path in sorted((ROOT / "plugins" / kind).glob("*.py"))
    ]


@pytest.fixture
def lab(running_lab: Lab, states: States) -> Lab:
    """An organisation with nothing but its accounts and the roles of both set-ups."""
    states.restore(running_lab, "accounts", running_lab.reset)
    return running_lab


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    """A copy of the inventory that the collection ships."""
    return Inventory.copied_to(tmp_path / "inventory")


@pytest.fixture
def playbook(lab: Lab, inventory: Inventory, tmp_path: Path, warm: Warm) -> Playbook:
    """ansible-playbook with that inventory on that organisation."""
    return Playbook(lab, inventory, home=tmp_path / "ansible", warm=warm)


@pytest.fixture
def held(lab: Lab, inventory: Inventory) -> Held:
    """What AWS holds."""
    return Held(lab, inventory)


@pytest.fixture
def uploads(lab: Lab) -> Uploads:
    """Objects in the organisation's buckets."""
    return Uploads(lab)


@pytest.fixture
def may_purge(lab: Lab) -> None:
    """Let the operator delete data."""
    let_operator_purge(lab)


@pytest.fixture
def hasty(tmp_path: Path) -> dict[str, str]:
    """Variables that make a run wait for little between attempts."""
    return variables(tmp_path / "haste", HASTE)


@pytest.fixture
def mark() -> Iterator[str]:
    """The name of a run's processes; those that are still there afterwards are ended."""
    mark = uuid.uuid4().hex[:15]
    yield mark
    for pid in survivors(mark):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def existing(lab: Lab, states: States, playbook: Playbook, inventory: Inventory) -> None:
    """The organisation as a bootstrap from the inventory as it is shipped leaves it."""

    def bootstrap() -> None:
        run = playbook.run()
        assert run.code == 0, run.output

    states.restore(lab, "pipelines" if inventory.pipelines else "foundation", bootstrap)


@pytest.fixture(scope="session")
def installed_collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collections path that holds the collection as its archive installs it, and no other."""
    folder = tmp_path_factory.mktemp("archive")
    collections = tmp_path_factory.mktemp("collections")
    _galaxy("collection", "build", str(ROOT), "--output-path", str(folder))
    (archive,) = folder.glob("*.tar.gz")
    _galaxy(
        # By force: the collection of the environment, which is on Python's path, counts too.
        *("collection", "install", "--offline", "--force", str(archive)),
        *("--collections-path", str(collections)),
        collections=collections,
    )
    return collections


@pytest.fixture
def changed_collection(installed_collections: Path, tmp_path: Path) -> Path:
    """The folder of an installed collection that a test may change.

    The primary template is the rendered one, so that a change of the regional one leaves it alone.
    """
    collections = tmp_path / "collections"
    shutil.copytree(installed_collections, collections)
    changed = collections / "ansible_collections" / "crossaccount" / "pipeline"
    primary = changed / "roles" / "primary" / "files" / "primary.template"
    primary.write_text(render(primary), encoding="ascii")
    return changed


def _galaxy(*arguments: str, collections: Path | None = None) -> None:
    variables = {"ANSIBLE_COLLECTIONS_PATH": str(collections)} if collections else {}
    done = run_command(["ansible-galaxy", *arguments], environment={**os.environ, **variables})
    assert done.returncode == 0, done.stdout
