# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process that a check leaves behind is ended and reported."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tools.leftovers import ended_leftovers


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="only Linux shows processes")
def test_a_process_that_was_left_is_ended_and_reported() -> None:
    variables: dict[str, str | None] = dict(os.environ)
    code = "import time; print(flush=True); time.sleep(60)"
    command = [sys.executable, "-c", code]

    with ended_leftovers(variables) as left:
        environment = {name: value for name, value in variables.items() if value is not None}
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, start_new_session=True
        )
        assert process.stdout is not None
        process.stdout.readline()

    assert left == [f"{process.pid} {' '.join(command)}"]
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
