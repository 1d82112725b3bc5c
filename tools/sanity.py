# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run `ansible-test sanity` on a copy of what git would commit.

ansible-test refuses a checkout that is not at `ansible_collections/<namespace>/<name>`, and does
not follow a link to one. So the files, those not yet committed included, are copied to
`.venv/sanity`, with amazon.aws beside them.

Its one download from outside PyPI is a script that installs pip. A small script of the same name in
its cache does that with Python's own ensurepip. The cache, and the environments that ansible-test
makes for its tests, are kept in `.venv/sanity` too: a home directory of its own.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tools.environment import COLLECTIONS, ROOT, VENV, environment

BASE = VENV / "sanity"
HOME = BASE / "home"
COPY = BASE / "ansible_collections" / "crossaccount" / "pipeline"
PYTHON_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"

PIP_INSTALLER = '''\
"""Install pip from what Python carries, then the version that ansible-test asks for."""
import subprocess
import sys

packages = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
python = [sys.executable, "-m"]
subprocess.check_call([*python, "ensurepip", "--default-pip"], stdout=subprocess.DEVNULL)
subprocess.check_call([*python, "pip", "install", "--quiet", *packages])
'''


def main(arguments: list[str]) -> int:
    """Copy the checkout and run ansible-test there with `arguments`; return its exit code."""
    _copy_checkout()
    _link_amazon_aws()
    _write_pip_installer()
    command = [
        str(VENV / "bin" / "ansible-test"),
        "sanity",
        "--python",
        PYTHON_VERSION,
        "--color",
        "no",
        *arguments,
    ]
    return subprocess.run(command, cwd=COPY, env=_environment(), check=False).returncode


def _copy_checkout() -> None:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    shutil.rmtree(COPY, ignore_errors=True)
    for name in filter(None, listing.stdout.split("\0")):
        source, target = ROOT / name, COPY / name
        if source.exists():  # A deleted file is still listed until the deletion is committed.
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    # Else ansible-test finds the checkout around the copy and takes every file here for an ignored one.
    subprocess.run(["git", "init", "--quiet", str(COPY)], check=True)


def _link_amazon_aws() -> None:
    link = BASE / "ansible_collections" / "amazon" / "aws"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to((COLLECTIONS / "ansible_collections" / "amazon" / "aws").resolve())


def _write_pip_installer() -> None:
    question = (
        "from types import SimpleNamespace\n"
        "from ansible_test._internal.python_requirements import get_venv_packages\n"
        f"print(get_venv_packages(SimpleNamespace(version='{PYTHON_VERSION}'))['pip'])\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", question], check=True, capture_output=True, text=True
    )
    name = f"get_pip_{answer.stdout.strip().replace('.', '_')}.py"
    path = HOME / ".ansible" / "test" / "cache" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PIP_INSTALLER, encoding="utf-8")


def _environment() -> dict[str, str]:
    """The environment of this process with another home, but with the user's settings of pip."""
    quiet = {"PIP_QUIET": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_PROGRESS_BAR": "off"}
    variables = environment({"HOME": str(HOME), **quiet})
    home = Path.home()
    variables.setdefault("PIP_CACHE_DIR", str(home / ".cache" / "pip"))
    for settings in (home / ".config" / "pip" / "pip.conf", home / ".pip" / "pip.conf"):
        if settings.is_file():
            variables.setdefault("PIP_CONFIG_FILE", str(settings))
    # The copy is the collection under test. Settings for the checkout would lead back to that.
    for name in ("ANSIBLE_CONFIG", "ANSIBLE_COLLECTIONS_PATH"):
        variables.pop(name, None)
    return variables


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
