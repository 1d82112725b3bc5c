# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Python functions see: nothing of each other, and their own modules first."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import Lab
from lab.functions.workers import Starter
from lab.tests.world import BUILD, document, statement, zipped

CODE = """
import os, sys, time
import boto3
calls = []
def handler(event, context):
    calls.append(event)
    print("called")
    return {
        "calls": calls,
        "process": os.getpid(),
        "folder": os.getcwd(),
        "argument": sys.argv[0],
        "who": os.environ.get("WHO", ""),
        "zone": time.tzname[0],
        "key": boto3.Session().get_credentials().access_key,
    }
"""


def make(lab: Lab, name: str, variables: dict[str, str], **files: str) -> None:
    content = {"index": CODE, **files}
    trust = statement("sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"})
    del trust["Resource"]
    lab.client("iam", BUILD).create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))
    lab.client("lambda", BUILD).create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=f"arn:aws:iam::{BUILD}:role/{name}",
        Environment={"Variables": variables},
        Code={"ZipFile": zipped({f"{key}.py": text for key, text in content.items()})},
    )


def call(lab: Lab, name: str, event: Any) -> Any:
    answer = lab.client("lambda", BUILD).invoke(FunctionName=name, Payload=json.dumps(event))
    assert "FunctionError" not in answer
    return json.loads(answer["Payload"].read())


def test_each_function_has_its_own_process_environment_and_modules(lab: Lab, name: str) -> None:
    one, two = f"{name[:20]}-1", f"{name[:20]}-2"
    make(lab, one, {"WHO": "one", "TZ": "JST-9"})
    make(lab, two, {})
    first, second = call(lab, one, "first"), call(lab, two, "second")
    assert (first["who"], first["zone"], first["calls"]) == ("one", "JST", ["first"])
    assert (second["who"], second["zone"] == "JST", second["calls"]) == ("", False, ["second"])
    for what in ("process", "folder", "argument", "key"):
        assert first[what] != second[what]
    again = call(lab, one, "again")
    assert (again["process"], again["calls"]) == (first["process"], ["first", "again"])


def test_a_function_gets_the_module_that_it_brings(lab: Lab, name: str) -> None:
    code = "import boto3\ndef handler(event, context):\n    return boto3.OWN"
    make(lab, name, {}, index=code, boto3="OWN = 'its own'")
    assert call(lab, name, {}) == "its own"


def test_a_function_that_ends_begins_anew(lab: Lab, name: str) -> None:
    code = "import os\ndef handler(event, context):\n    os._exit(1) if event else None\n"
    make(lab, name, {}, index=code)
    functions = lab.client("lambda", BUILD)
    assert "FunctionError" in functions.invoke(FunctionName=name, Payload="1")
    assert "FunctionError" not in functions.invoke(FunctionName=name, Payload="0")


@pytest.fixture
def starter() -> Iterator[Starter]:
    starter = Starter()
    yield starter
    starter.close()


def start(starter: Starter, folder: Path) -> tuple[int, int]:
    """Start a worker that writes who its parent is; return both process ids."""
    script = folder / "worker.py"
    script.write_text("import os\nprint(os.getppid(), flush=True)\ninput()\n")
    worker = starter([sys.executable, str(script)], cwd=str(folder), env=dict(os.environ))
    parent = int(worker.stdout.readline())
    worker.kill()
    assert worker.wait(60) == 0
    for stream in (worker.stdin, worker.stdout, worker.stderr):
        stream.close()
    return worker.pid, parent


def test_a_function_that_was_deleted_meanwhile_stops_no_other(
    starter: Starter, tmp_path: Path
) -> None:
    _first, parent = start(starter, tmp_path)

    with pytest.raises(FileNotFoundError):
        starter([sys.executable, "worker.py"], cwd=str(tmp_path / "gone"), env={})

    _second, again = start(starter, tmp_path)
    assert again == parent != os.getpid()


def test_what_workers_are_forks_of_is_started_again(starter: Starter, tmp_path: Path) -> None:
    _pid, parent = start(starter, tmp_path)
    os.kill(parent, signal.SIGKILL)

    with pytest.raises(FileNotFoundError):  # nobody forks: it would be a Python of its own
        starter([sys.executable, "worker.py"], cwd=str(tmp_path / "gone"), env={})

    _pid, another = start(starter, tmp_path)
    assert another not in (parent, os.getpid())
