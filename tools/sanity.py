# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run `ansible-test sanity` on what the archive of the collection holds.

ansible-test takes a collection only at `ansible_collections/<namespace>/<name>`, so the archive is
built and unpacked there, in `.venv/sanity`, with amazon.aws next to it. Left out are the tests that
`make lint` runs with the same tool, and pep8, whose rules ruff checks and its format keeps.

ansible-test downloads one file from outside PyPI, a script that installs pip. A small script of
that name in its cache does the same with Python's own ensurepip, once for all environments. The
cache, and the environments that ansible-test makes for its tests, are in `.venv/sanity` too: a home
directory of its own. So are its temporary files: it starts a Python script among them, which would
import whatever others left there under the name of a standard module.
"""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from subprocess import PIPE, STDOUT

from tools.environment import COLLECTIONS, ROOT, VENV, environment

BASE = VENV / "sanity"
HOME = BASE / "home"
PLACE = BASE / "ansible_collections"
COPY = PLACE / "crossaccount" / "pipeline"
TEMPORARY = BASE / "temporary"
PYTHON_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"

IN_LINT = ("changelog", "pep8", "shellcheck", "yamllint")
# How ansible-test reports a test that it leaves out, before it ends with success.
LEFT_OUT = ("WARNING: Required program", "WARNING: Skipping")

PIP_INSTALLER = '''\
"""Install the pip that ansible-test asks for: from what Python carries, after that as a copy."""
import pathlib
import shutil
import subprocess
import sys
import sysconfig

place = pathlib.Path(sysconfig.get_path("purelib"))
copy = pathlib.Path(__file__).with_suffix("")
if not copy.exists():
    packages = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    python = [sys.executable, "-m"]
    subprocess.check_call([*python, "ensurepip", "--default-pip"], stdout=subprocess.DEVNULL)
    subprocess.check_call([*python, "pip", "install", "--quiet", *packages])
    shutil.copytree(place, copy)
shutil.copytree(copy, place, dirs_exist_ok=True)
'''


def main(arguments: list[str]) -> int:
    """Unpack the archive, run ansible-test there and return its exit code."""
    _unpack_archive()
    _write_pip_installer()
    _write_pip_settings()
    command = [str(VENV / "bin" / "ansible-test"), "sanity", "--color", "no"]
    command += ["--python", PYTHON_VERSION, *arguments]
    for name in IN_LINT:
        command += ["--skip-test", name]
    return _run(command)


def _run(command: list[str]) -> int:
    """Run ansible-test; a test that it leaves out with a warning is a failure too."""
    left_out = False
    with subprocess.Popen(
        command, cwd=COPY, env=_environment(), stdout=PIPE, stderr=STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            left_out |= line.startswith(LEFT_OUT)
    if left_out:
        print("ERROR: a test was left out, see the warning above")
    return process.returncode or int(left_out)


def _unpack_archive() -> None:
    shutil.rmtree(PLACE, ignore_errors=True)
    (PLACE / "amazon").mkdir(parents=True)
    amazon_aws = COLLECTIONS / "ansible_collections" / "amazon" / "aws"
    (PLACE / "amazon" / "aws").symlink_to(amazon_aws.resolve())
    command = ["ansible-galaxy", "collection", "build", "--force", "--output-path", str(BASE)]
    built = subprocess.run(
        command, cwd=ROOT, env=environment(), check=True, capture_output=True, text=True
    )
    with tarfile.open(built.stdout.strip().rpartition(" ")[2]) as archive:
        archive.extractall(COPY, filter="data")
    # Settings of ansible-test, which the archive leaves out.
    (COPY / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "config.yml", COPY / "tests")
    # Else ansible-test finds the checkout around the copy, which ignores everything in here.
    subprocess.run(["git", "init", "--quiet", str(COPY)], check=True)


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
    """This process's environment, with other places, and without settings for the checkout."""
    shutil.rmtree(TEMPORARY, ignore_errors=True)
    TEMPORARY.mkdir(parents=True)
    variables = environment({"HOME": str(HOME), "TMPDIR": str(TEMPORARY)})
    # The copy is the collection under test; these would lead back to the checkout.
    for name in ("ANSIBLE_CONFIG", "ANSIBLE_COLLECTIONS_PATH"):
        variables.pop(name, None)
    return variables


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
