# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the collection's archive holds, and that it works where it is installed, offline."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.unit.tooling.actions import COLLECTION, ROOT, module_names

# What of the checkout the archive holds; galaxy.yml keeps the rest out.
SHIPPED = re.compile(
    r"(README|CHANGELOG)\.md|LICENSE|changelogs/(config|changelog)\.yaml"
    r"|(docs|examples|inventories|meta|playbooks|plugins|roles)/.+"
)


def run(*command: str, environment: dict[str, str] | None = None, folder: Path = ROOT) -> str:
    """The output of a command; a failure fails the test with everything that it said."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive, built from the checkout as it lies there."""
    folder = tmp_path_factory.mktemp("archive")
    run("ansible-galaxy", "collection", "build", "--output-path", str(folder))
    (path,) = folder.glob("*.tar.gz")
    return path


@pytest.fixture(scope="module")
def files(archive: Path) -> set[str]:
    """The name of every file in the archive."""
    with tarfile.open(archive) as tar:
        return {member.name for member in tar.getmembers() if not member.isdir()}


@pytest.fixture(scope="module")
def installed(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of collections into which the archive was installed, by itself."""
    folder = tmp_path_factory.mktemp("collections")
    run(
        *("ansible-galaxy", "collection", "install", "--offline", "--force"),
        *("--collections-path", str(folder), str(archive)),
        environment={"ANSIBLE_COLLECTIONS_PATH": str(folder)},
        folder=folder,
    )
    return folder


def test_the_archive_holds_what_users_need_and_nothing_else(files: set[str]) -> None:
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    wanted = {name for name in listed if SHIPPED.fullmatch(name) and (ROOT / name).is_file()}

    assert sorted(files) == sorted({*wanted, "MANIFEST.json", "FILES.json"})


def test_no_link_leads_out_of_the_archive(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        assert [
            member.name for member in tar.getmembers() if member.islnk() or member.issym()
        ] == []


def test_every_module_is_found_where_the_archive_is_installed(installed: Path) -> None:
    names = [f"{COLLECTION}.{name}" for name in module_names()]
    assert names, "the collection has no modules"

    found = json.loads(
        run(
            *("ansible-doc", "--type", "module", "--json", *names),
            environment={"ANSIBLE_COLLECTIONS_PATH": str(installed)},
            folder=installed,
        )
    )

    paths = {name: Path(entry["doc"]["filename"]) for name, entry in found.items()}
    assert sorted(paths) == names
    assert all(path.is_relative_to(installed) for path in paths.values()), paths


def test_every_role_is_documented_where_the_archive_is_installed(installed: Path) -> None:
    found = json.loads(
        run(
            *("ansible-doc", "--type", "role", "--json", "--list", COLLECTION),
            environment={"ANSIBLE_COLLECTIONS_PATH": str(installed)},
            folder=installed,
        )
    )

    roles = {path.name for path in (ROOT / "roles").iterdir()}
    assert set(found) == {f"{COLLECTION}.{role}" for role in roles}


def test_the_bootstrap_can_be_called_by_its_full_name(installed: Path) -> None:
    inventory = installed / "ansible_collections/crossaccount/pipeline/inventories/org"

    output = run(
        *("ansible-playbook", f"{COLLECTION}.bootstrap", "--syntax-check", "-i", str(inventory)),
        environment={"ANSIBLE_COLLECTIONS_PATH": str(installed)},
        folder=installed,
    )

    playbook = inventory.parent.parent / "playbooks" / "bootstrap.yml"
    assert f"playbook: {playbook}" in output
