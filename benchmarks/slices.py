# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drift run in parts, as AWX runs it: python -m benchmarks.slices N INVENTORY FOLDER COMMAND...

COMMAND is the drift run of everything. The part of the foundation and N slices of the deploy
accounts run at once, each with an inventory of its own hosts, then one verdict on all of them. The
exit status is that of the first part that failed, else the verdict's.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

_PUBLISHED = "\tRUN: "
_FOUNDATION = "primary:regional"


def main(slices: int, inventory: Path, folder: Path, command: Sequence[str]) -> int:
    """Run all parts, then the verdict; print what the verdict says."""
    shutil.rmtree(folder, ignore_errors=True)
    parts = [[*command, "-e", f"drift_hosts={_FOUNDATION}"]]
    for number in range(slices):
        part = folder / f"slice-{number}"
        _write_slice(inventory, part, number, slices)
        parts.append([str(part) if word == str(inventory) else word for word in command])
    running = [_start(part, job=100 + number) for number, part in enumerate(parts)]
    outputs = [process.communicate()[0] for process in running]
    for process, output in zip(running, outputs, strict=True):
        if process.returncode:
            print(output)
            return int(process.returncode)
    published = {key: value for output in outputs for key, value in _published(output).items()}
    verdict = subprocess.run(
        [*_collect(command), "-e", json.dumps(published)],
        check=False,
        capture_output=True,
        text=True,
    )
    print(verdict.stdout)
    return verdict.returncode


def _write_slice(inventory: Path, folder: Path, number: int, slices: int) -> None:
    """Write the inventory of every *slices*-th deploy account."""
    folder.mkdir(parents=True)
    shutil.copytree(inventory / "group_vars", folder / "group_vars")
    hosts = yaml.safe_load((inventory / "hosts.yml").read_text(encoding="utf-8"))
    accounts = hosts["deploy_accounts"]["hosts"]
    own = {name: accounts[name] for name in sorted(accounts)[number::slices]}
    data = {"deploy_accounts": {"hosts": own}}
    (folder / "hosts.yml").write_text(yaml.safe_dump(data), encoding="utf-8")


def _start(command: Sequence[str], *, job: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        # No part leaves a file; what it publishes is shown instead.
        [*command, "-e", f"awx_job_id={job}", "-e", "drift_report_path="],
        env={
            **os.environ,
            "ANSIBLE_SHOW_CUSTOM_STATS": "1",
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        },
        stdout=subprocess.PIPE,
        text=True,
    )


def _published(output: str) -> dict[str, Any]:
    """Return what a part published for the verdict."""
    line = next(line for line in output.splitlines() if line.startswith(_PUBLISHED))
    found: dict[str, Any] = json.loads(line.removeprefix(_PUBLISHED))
    return found


def _collect(command: Sequence[str]) -> list[str]:
    return ["playbooks/drift_collect.yml" if word == "drift.yml" else word for word in command]


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:]))
