# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starting and ending a lab by hand and from a test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import Lab, LabError
from lab.client.groups import group_members
from lab.tests.world import document, zipped

ROOT = Path(__file__).parents[2]


def run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lab", "--directory", str(directory), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    run(tmp_path, "down")


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while group_members(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert group_members(pid) == []


def invoke_a_function(lab: Lab) -> None:
    """Run a Lambda function, so that the launcher has a process of its own to leave behind."""
    trusts = {"Service": "lambda.amazonaws.com"}
    trust = {"Effect": "Allow", "Principal": trusts, "Action": "sts:AssumeRole"}
    role = lab.client("iam", "111111111111").create_role(
        RoleName="function", AssumeRolePolicyDocument=document(trust)
    )
    functions = lab.client("lambda", "111111111111")
    functions.create_function(
        FunctionName="function",
        Runtime="python3.13",
        Role=role["Role"]["Arn"],
        Handler="index.handler",
        Code={"ZipFile": zipped({"index.py": "def handler(event, context): return 'done'"})},
    )
    answer = functions.invoke(FunctionName="function", Payload=b"{}")
    assert answer["Payload"].read() == b'"done"'


def test_up_serves_what_env_holds_and_down_leaves_nothing(directory: Path) -> None:
    started = run(directory, "up", "--latency", "0.5")
    assert started.returncode == 0, started.stderr
    state = json.loads((directory / "lab.json").read_text(encoding="utf-8"))
    script = f". '{directory / 'env'}' && '{sys.executable}' -c '{WHO}'"
    who = subprocess.run(
        ["sh", "-c", script],
        env={**os.environ, "AWS_PROFILE": "mine", "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert who.stdout.split() == [
        "us-east-1",
        "arn:aws:sts::111111111111:assumed-role/CrossAccountOperator/lab",
    ], who.stderr

    again = run(directory, "up")
    assert f"The lab runs already at {state['url']} (pid {state['pid']})" in again.stdout
    log = run(directory, "log").stdout.splitlines()
    assert json.loads(log[-1])["action"] == "GetCallerIdentity"
    assert run(directory, "env").stdout == (directory / "env").read_text(encoding="utf-8")

    lab = Lab(directory=directory)
    assert lab.attach()
    invoke_a_function(lab)
    assert len(group_members(state["pid"])) > 1
    ended = run(directory, "down")
    assert ended.stdout == f"The lab (pid {state['pid']}) is ended.\n"
    assert group_members(state["pid"]) == []
    assert not (directory / "env").exists()
    assert run(directory, "down").stdout == "The lab does not run.\n"


WHO = (
    'import boto3; sts = boto3.client("sts"); '
    'print(sts.meta.region_name, sts.get_caller_identity()["Arn"])'
)


def test_commands_need_a_running_lab(directory: Path) -> None:
    done = run(directory, "log")
    assert (done.returncode, done.stdout) == (1, "")
    assert "The lab does not run. To start it: python -m lab up" in done.stderr


def test_a_stale_file_neither_stops_up_nor_ends_somebody_else(directory: Path) -> None:
    """The stale file names the test's own process."""
    stale = {"pid": os.getpid(), "url": "http://127.0.0.1:9", "token": "old"}
    (directory / "lab.json").write_text(json.dumps(stale), encoding="utf-8")
    assert run(directory, "down").stdout == "The lab does not run.\n"
    (directory / "lab.json").write_text(json.dumps(stale), encoding="utf-8")
    started = run(directory, "up", "--setup", "management")
    assert "with management credentials" in started.stdout
    state = json.loads((directory / "lab.json").read_text(encoding="utf-8"))
    assert state["pid"] != os.getpid()


def test_down_ends_a_lab_that_does_not_answer_any_more(directory: Path) -> None:
    run(directory, "up")
    pid = json.loads((directory / "lab.json").read_text(encoding="utf-8"))["pid"]
    os.kill(pid, signal.SIGSTOP)
    assert "did not answer any more; it is ended" in run(directory, "down").stdout
    wait_until_gone(pid)


def test_a_lab_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    code = (
        "import pathlib, time; from lab import Lab; "
        f"lab = Lab(directory=pathlib.Path({str(tmp_path)!r})); lab.start(); "
        "print(lab.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE) as test:
        assert test.stdout is not None
        pid = int(test.stdout.readline())
        assert group_members(pid)
        test.kill()
    wait_until_gone(pid)


def test_a_start_that_fails_has_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The launcher finds another version of MiniStack than it wants."""
    package = tmp_path / "ministack-9.9.9.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Name: ministack\nVersion: 9.9.9\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(LabError, match=r"MiniStack 9\.9\.9 is installed"):
        Lab(directory=tmp_path / "lab").start()


def test_two_labs_run_side_by_side() -> None:
    with Lab() as one, Lab() as other:
        one.client("s3", "111111111111").create_bucket(Bucket="only-here")
        assert other.client("s3", "111111111111").list_buckets()["Buckets"] == []
