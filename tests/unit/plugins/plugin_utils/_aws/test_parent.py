# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A worker whose parent is gone stops before its next request."""

from __future__ import annotations

import multiprocessing
import os
import select
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection

import pytest
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.account import Account
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.gateway import Gateway
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._aws.parent import ParentWatch
from ansible_collections.crossaccount.pipeline.plugins.plugin_utils._errors import OrphanedWorker

GONE = "ansible-playbook has ended: stopped before the next request"


def test_no_request_of_a_client_leaves_without_the_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    gateway = Gateway(
        sts_region="eu-west-1",
        # A port that nobody listens on: a request that left would fail in another way.
        endpoint_url="http://127.0.0.1:9",
        caller_account_id="111111111111",
    )
    client = gateway.open(Account(account_id="111111111111")).client("cloudformation", "eu-west-1")
    monkeypatch.setattr(os, "getppid", lambda: 1)

    with pytest.raises(OrphanedWorker, match=f"^{GONE}$"):
        client.delete_stack(StackName="One")


def work_until_orphaned(ready: int, told: int) -> None:
    """Be a worker: watch, say so, and tell how the watch ends once the parent is gone."""
    watch = ParentWatch()
    os.write(ready, f"{os.getpid()}".encode())
    while True:
        try:
            watch.check()
        except OrphanedWorker as exc:
            os.write(told, str(exc).encode())
            return
        select.select([], [], [], 0.01)


def start_worker(ready: int, told: int) -> None:
    """Be the parent: start a worker as Ansible does, and wait to be killed."""
    context = multiprocessing.get_context("fork")
    context.Process(target=work_until_orphaned, args=(ready, told)).start()
    signal.pause()


@pytest.fixture
def pipes() -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    ready, told = os.pipe(), os.pipe()
    yield ready, told
    for end in (*ready, *told):
        os.close(end)


def read(end: int) -> str:
    """Return what comes, and fail where nothing does."""
    if not select.select([end], [], [], 10)[0]:
        pytest.fail("nothing was told within 10 s")
    return os.read(end, 200).decode()


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_worker_notices_that_its_parent_was_killed(
    pipes: tuple[tuple[int, int], tuple[int, int]],
) -> None:
    (ready, ready_in), (told, told_in) = pipes
    parent = multiprocessing.get_context("fork").Process(
        target=start_worker, args=(ready_in, told_in)
    )
    parent.start()
    worker = int(read(ready))
    assert not select.select([told], [], [], 0.1)[0]
    assert parent.pid is not None

    os.kill(parent.pid, signal.SIGKILL)
    parent.join()

    try:
        assert read(told) == GONE
    except BaseException:
        os.kill(worker, signal.SIGKILL)
        raise


def be_born_late(told: Connection, parent_pid: int) -> None:
    """Be a worker that starts to watch only when its parent is gone already."""
    while os.getppid() == parent_pid:
        select.select([], [], [], 0.01)
    try:
        ParentWatch().check()
    except OrphanedWorker as exc:
        told.send(str(exc))


def start_late_worker(told: Connection) -> None:
    """Be the parent of one, and go at once."""
    context = multiprocessing.get_context("fork")
    context.Process(target=be_born_late, args=(told, os.getpid())).start()
    os._exit(0)


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_parent_that_ended_before_the_watch_began_is_noticed() -> None:
    here, there = multiprocessing.Pipe(duplex=False)
    parent = multiprocessing.get_context("fork").Process(target=start_late_worker, args=(there,))
    parent.start()
    parent.join()

    assert here.poll(10), "nothing was told within 10 s"
    assert here.recv() == GONE
    here.close()
    there.close()
