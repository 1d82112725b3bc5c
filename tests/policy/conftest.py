# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shipped inventory, bootstrapped with its pipelines in a lab, and its policies."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import Lab
from tests.policy.foundation import Foundation
from tests.policy.operator import Operator
from tests.policy.organisation import INVENTORY, pipelines, read_foundation
from tests.policy.release import Release
from tools import sample_pipelines
from tools.environment import ROOT

# A pipeline whose artifacts are built elsewhere, beside the one that is shipped.
_UPLOADED = {
    "source": {
        "type": "s3",
        "artifacts": [{"name": "application", "object": "application.zip", "trigger": True}],
        "uploader": sample_pipelines.uploaded()["source"]["uploader"],
    },
    "stacks": [{"name": "uploaded", "artifact": "application", "template": "template.yml"}],
    "waves": [{"name": "testing", "environments": [{"host": "testing"}]}],
}


@pytest.fixture(scope="session")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped inventory with a connection, and one pipeline more."""
    folder = tmp_path_factory.mktemp("inventory") / "org"
    shutil.copytree(INVENTORY, folder)
    hello = folder / "host_vars" / "hello.yml"
    text = hello.read_text(encoding="ascii")
    connection = f"    connection_arn: {sample_pipelines.hello()['source']['connection_arn']}\n"
    before, mark, after = text.partition("    branch: main\n")
    hello.write_text(before + mark + connection + after, encoding="ascii")
    hosts = {"pipelines": {"hosts": {"uploaded": {"pipeline": _UPLOADED}}}}
    (folder / "uploaded.yml").write_text(json.dumps(hosts), encoding="ascii")
    return folder


@pytest.fixture(scope="session")
def lab(inventory: Path) -> Iterator[Lab]:
    """An organisation that was bootstrapped once, for every test here."""
    with Lab() as lab:
        done = subprocess.run(
            ["ansible-playbook", str(ROOT / "bootstrap.yml"), "-i", str(inventory)],
            cwd=ROOT,
            env=lab.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        yield lab


@pytest.fixture(scope="session")
def foundation(lab: Lab, inventory: Path) -> Foundation:
    """The foundation, with the policies of everything in it and of those who deploy it."""
    organisation = lab.organisation
    names = organisation.operator
    roles = [(organisation.build, names.operator_role)]
    roles += [(account, names.access_role) for account in organisation.deploy.values()]
    return read_foundation(lab.client, inventory, roles=roles)


@pytest.fixture(scope="session")
def releases(lab: Lab, foundation: Foundation) -> list[Release]:
    """The release of each pipeline."""
    return [Release(lab.client, foundation.export, stack) for stack in pipelines(foundation)]


@pytest.fixture(scope="session")
def operator(lab: Lab, foundation: Foundation) -> Operator:
    """Who deployed all of it."""
    names = lab.organisation.operator
    return Operator(foundation, name=names.operator_role, access_role=names.access_role)
