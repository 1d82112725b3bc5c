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

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE, STDOUT

from tools.environment import COLLECTIONS, ROOT, VENV, environment

BASE = VENV / "sanity"
HOME = BASE / "home"
COPY = BASE / "ansible_collections" / "crossaccount" / "pipeline"
PYTHON_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"

# How ansible-test says that it leaves a test out, and then ends well.
PASSED_OVER = ("WARNING: Required program", "WARNING: Skipping")

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
    _write_pip_settings()
    command = [
        str(VENV / "bin" / "ansible-test"),
        "sanity",
        "--python",
        PYTHON_VERSION,
        "--color",
        "no",
        *arguments,
    ]
    return _run(command)


def _run(command: list[str]) -> int:
    """Run ansible-test; a test that it passes over with a warning is a failure too."""
    passed_over = False
    with subprocess.Popen(
        command, cwd=COPY, env=_environment(), stdout=PIPE, stderr=STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            passed_over |= line.startswith(PASSED_OVER)
    if passed_over:
        print("ERROR: a test was passed over, see the warning above")
    return process.returncode or int(passed_over)


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
    # Else ansible-test finds the checkout around the copy, which ignores everything in here.
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


def _write_pip_settings() -> None:
    """Keep the user's settings of pip, such as a mirror, and make it quiet.

    ansible-test passes neither the home directory nor the variables on, so all of them go to the
    file of the other home.
    """
    settings = configparser.RawConfigParser()
    home = Path.home()
    settings.read((home / ".pip" / "pip.conf", home / ".config" / "pip" / "pip.conf"))
    given = {
        name.removeprefix("PIP_").lower().replace("_", "-"): value
        for name, value in os.environ.items()
        if name.startswith("PIP_")
    }
    quiet = {"quiet": "2", "disable-pip-version-check": "true", "progress-bar": "off"}
    if "global" not in settings:
        settings.add_section("global")
    settings["global"].update({"cache-dir": str(home / ".cache" / "pip"), **given, **quiet})
    path = HOME / ".config" / "pip" / "pip.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        settings.write(file)


def _environment() -> dict[str, str]:
    """This process's environment, with the other home and without settings for the checkout."""
    variables = environment({"HOME": str(HOME)})
    # The copy is the collection under test; these would lead back to the checkout.
    for name in ("ANSIBLE_CONFIG", "ANSIBLE_COLLECTIONS_PATH"):
        variables.pop(name, None)
    return variables


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
