# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every test can rely on: none of the user's settings of AWS and Ansible reach it."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

# At import, before any test module can read them: a test that needs one sets it itself.
for name in list(os.environ):
    if name.startswith(("AWS_", "ANSIBLE_")):
        del os.environ[name]

# Some machines forbid bytecode: every playbook that a test starts would compile all of it again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

os.environ.update(
    # No profile and no credentials of whoever runs the tests.
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    AWS_EC2_METADATA_DISABLED="true",
    # The collections of the environment in use, which need not be the one that ansible.cfg names.
    ANSIBLE_COLLECTIONS_PATH=str(Path(sys.prefix) / "collections"),
    # Command lines find the tools of the same environment.
    PATH=os.pathsep.join((str(Path(sys.prefix) / "bin"), os.environ.get("PATH", os.defpath))),
)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that leaves this machine."""
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in _LOOPBACK:
            pytest.fail(f"a test asked for a connection to {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_here)
