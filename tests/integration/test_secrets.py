# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No credential is ever shown or kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from lab import Lab
from tests.integration.inventory import Inventory
from tests.integration.playbook import FULL_NAME, Playbook

# How the lab's STS writes what must stay secret; nobody else writes anything like it.
SECRET_KEY = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{40}(?![0-9A-Za-z])")
SESSION_TOKEN = re.compile(r"FwoGZX[0-9a-f]{16,}")


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder for temporary files; the path of a socket in it must not be long."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


def test_no_secret_is_in_the_output_or_in_a_file(
    lab: Lab, playbook: Playbook, inventory: Inventory, tmp_path: Path, short_path: Path
) -> None:
    """Talks to the lab. Ansible is as loud as it can be, and keeps its log and every file it makes.

    One account refuses. Neither the operator's credentials nor any that were assumed are in the
    output, or in a file that is left.
    """
    given = lab.variables("operator")
    assert SECRET_KEY.fullmatch(given["AWS_SECRET_ACCESS_KEY"])
    assert SESSION_TOKEN.fullmatch(given["AWS_SESSION_TOKEN"])
    lab.refuse_access(inventory.accounts["testing"].account_id)
    folder = tmp_path / "work"
    folder.mkdir()
    log = tmp_path / "ansible.log"
    variables = {
        "HOME": str(tmp_path),
        "TMPDIR": str(short_path),
        "ANSIBLE_KEEP_REMOTE_FILES": "1",
        "ANSIBLE_LOG_PATH": str(log),
    }

    run = playbook.run("-vvvvv", "--diff", playbook=FULL_NAME, folder=folder, variables=variables)

    assert run.code == 2, run.output
    assert run.failed == {"testing"}
    assert [call for call in run.calls if call.action == "AssumeRole" and call.status == 200]
    texts = {"output": run.output} | {
        str(path): path.read_text(encoding="utf-8", errors="replace")
        for folder in (tmp_path, short_path)
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert texts[str(log)]
    for place, text in texts.items():
        for secret in (SECRET_KEY, SESSION_TOKEN):
            assert secret.findall(text) == [], place
