# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials of one run: who fetches them, what lies on the disk, what is left of it."""

from __future__ import annotations

import datetime
import http.server
import json
import multiprocessing
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.account import Account
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.cache import RunCache
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.gateway import Gateway
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import PipelineError

from tests.fakes.signing import access_key

BUILD, DEPLOY = "111111111111", "222222222222"
WORKERS = 6
ACCESS = Account(account_id=DEPLOY, access_role_name="CrossAccountAccess")

_METADATA = "/latest/meta-data/iam/security-credentials/"


class Aws:
    """The metadata service of a machine, and STS.

    :ivar asked: how often each was asked for credentials or for the caller.
    :ivar busy: how many requests of the metadata service are not answered well.
    :ivar minutes: how long what it gives lasts.
    """

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.busy = 0
        self.minutes = 60
        self._lock = threading.Lock()
        aws = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                self._reply(*aws.metadata("token"))

            def do_GET(self) -> None:
                self._reply(*aws.metadata(self.path))

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                form = parse_qs(self.rfile.read(length).decode())
                self._reply(200, aws.sts(form["Action"][0]))

            def _reply(self, status: int, text: str) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_arguments: object) -> None:
                """Print nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def metadata(self, path: str) -> tuple[int, str]:
        with self._lock:
            if self.busy:
                self.busy -= 1
                return 503, "busy"
            if path == "token":
                return 200, "a-token"
            if path == _METADATA:
                return 200, "Operator"
            self.asked["metadata"] += 1
        base = {"AccessKeyId": "ASIABASE", "SecretAccessKey": "base-secret", "Token": "base-token"}
        return 200, json.dumps({**base, "Code": "Success", "Expiration": self._end()})

    def sts(self, action: str) -> str:
        with self._lock:
            self.asked[action] += 1
        if action == "GetCallerIdentity":
            return _answer(action, f"<Account>{BUILD}</Account>")
        return _answer(
            action,
            "<Credentials><AccessKeyId>ASIAROLE</AccessKeyId>"
            "<SecretAccessKey>role-secret</SecretAccessKey><SessionToken>role-token</SessionToken>"
            f"<Expiration>{self._end()}</Expiration></Credentials>",
        )

    def _end(self) -> str:
        end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=self.minutes)
        return end.strftime("%Y-%m-%dT%H:%M:%SZ")


def _answer(action: str, content: str) -> str:
    return (
        f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        f"<{action}Result>{content}</{action}Result></{action}Response>"
    )


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Aws]:
    """A machine of AWS, whose metadata service has the base credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    aws = Aws()
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", aws.url)
    yield aws
    aws.stop()


@pytest.fixture
def run_directory(tmp_path: Path) -> Path:
    """Ansible's directory of a run."""
    path = tmp_path / f"ansible-local-{os.getpid()}abcdefgh"
    path.mkdir(mode=0o700)
    return path


def gateway(aws: Aws, run_directory: Path | None) -> Gateway:
    return Gateway(sts_region="eu-west-1", endpoint_url=aws.url, run_directory=run_directory)


def key_in(aws: Aws, run_directory: Path | None, account: Account = ACCESS) -> str:
    """Return the access key with which a process works in an account."""
    client = gateway(aws, run_directory).open(account).client("cloudformation", "eu-west-1")
    return access_key(client)


def files(run_directory: Path) -> dict[Path, str]:
    """What lies in the directory."""
    return {path: path.read_text("ascii") for path in run_directory.rglob("*") if path.is_file()}


# One fetch in a run


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_the_workers_of_a_run_fetch_once(aws: Aws, run_directory: Path) -> None:
    context = multiprocessing.get_context("fork")
    keys = context.SimpleQueue()

    def work() -> None:
        try:
            keys.put(key_in(aws, run_directory))
        except PipelineError as exc:
            keys.put(str(exc))

    workers = [context.Process(target=work) for _number in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert [keys.get() for _worker in workers] == ["ASIAROLE"] * WORKERS
    assert aws.asked == {"metadata": 1, "GetCallerIdentity": 1, "AssumeRole": 1}


def test_what_ends_soon_is_fetched_again(aws: Aws, run_directory: Path) -> None:
    aws.minutes = 1
    key_in(aws, run_directory)
    aws.minutes = 60
    before = aws.asked["AssumeRole"]

    key_in(aws, run_directory)
    key_in(aws, run_directory)

    assert aws.asked["AssumeRole"] == before + 1


def test_another_session_is_assumed_by_itself(aws: Aws, run_directory: Path) -> None:
    for name in ("alice", "bob", "alice"):
        account = Account(
            account_id=DEPLOY, access_role_name="CrossAccountAccess", session_name=name
        )
        key_in(aws, run_directory, account)

    assert aws.asked["AssumeRole"] == 2


def test_a_busy_metadata_service_is_asked_again(aws: Aws, run_directory: Path) -> None:
    aws.busy = 3

    assert key_in(aws, run_directory) == "ASIAROLE"


def test_without_a_directory_nothing_is_shared(aws: Aws, run_directory: Path) -> None:
    missing = run_directory / "gone" / "gone"

    assert [key_in(aws, missing), key_in(aws, None)] == ["ASIAROLE", "ASIAROLE"]
    assert aws.asked["AssumeRole"] == 2


# What lies on the disk


def test_files_are_for_their_user_alone(aws: Aws, run_directory: Path) -> None:
    key_in(aws, run_directory)

    modes = {path: path.stat().st_mode & 0o777 for path in run_directory.rglob("*")}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
    assert any("role-secret" in text for text in files(run_directory).values())
    assert not [path for path in modes if "ASIA" in path.name or "Access" in path.name]


def test_permanent_keys_are_not_stored(
    aws: Aws, run_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAPERMANENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "permanent-secret")

    assert key_in(aws, run_directory, Account(account_id=BUILD)) == "AKIAPERMANENT"

    assert not [text for text in files(run_directory).values() if "permanent-secret" in text]


def test_what_a_killed_run_left_is_deleted_by_the_next(run_directory: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    killed = run_directory.parent / f"ansible-local-{process.pid}abcdefgh"
    running = run_directory.parent / f"ansible-local-{os.getppid()}abcdefgh"
    for directory in (killed, running):
        (directory / "crossaccount.pipeline").mkdir(parents=True)
        (directory / "crossaccount.pipeline" / "a.json").write_text("{}", "ascii")
    (killed / "of-ansible").touch()

    RunCache(run_directory)

    assert [path.name for path in killed.iterdir()] == ["of-ansible"]
    assert list(running.rglob("a.json"))


# Profiles with MFA


@pytest.mark.parametrize("name", ["code", "on-top"])
def test_a_profile_that_asks_for_a_code_is_refused(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    config = tmp_path / "config"
    config.write_text(
        "[profile keys]\naws_access_key_id = AKIA\naws_secret_access_key = s\n"
        f"[profile code]\nrole_arn = arn:aws:iam::{BUILD}:role/A\nsource_profile = keys\n"
        f"mfa_serial = arn:aws:iam::{BUILD}:mfa/alice\n"
        f"[profile on-top]\nrole_arn = arn:aws:iam::{DEPLOY}:role/B\nsource_profile = code\n",
        encoding="ascii",
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))

    with pytest.raises(PipelineError) as caught:
        gateway(aws, None).open(Account(account_id=DEPLOY, profile=name))

    assert str(caught.value) == (
        "profile code asks for an MFA code (mfa_serial), which a run cannot enter. Enter it first"
        " and start the run with that session: eval"
        ' "$(aws configure export-credentials --profile code --format env)"'
    )
