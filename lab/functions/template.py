# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process that workers of Python functions are forks of: boto3 is imported once.

Its standard input is a socket. Each message on it is a worker to begin, with its three streams; the
answer is the worker's process id, or 0 where the function needs a Python of its own.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import boto3

# Of one message: a script, its folder, and what its environment has that this one has not.
MOST_BYTES = 1 << 17


def main() -> None:
    """Fork for each message until the socket closes; in each fork, be the worker."""
    # A client imports much that boto3 itself does not.
    boto3.Session(region_name="us-east-1").client("s3")
    imported = {name.partition(".")[0] for name in sys.modules}
    # The garbage collector of a worker leaves alone what all of them share.
    gc.collect()
    gc.freeze()
    # Nobody waits for the workers here.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    server = socket.socket(fileno=os.dup(0))
    while True:
        message, streams, _flags, _address = socket.recv_fds(server, MOST_BYTES, 3)
        if not message:
            return
        wanted = json.loads(message)
        pid = 0
        if _can_fork(wanted, imported):
            pid = os.fork()
            if pid == 0:
                break
        for stream in streams:
            os.close(stream)
        server.sendall(str(pid).encode())
    server.close()
    _become(wanted, streams)
    runpy.run_path(wanted["script"], run_name="__main__")


def _can_fork(wanted: dict[str, Any], imported: set[str]) -> bool:
    """Whether neither a function nor a layer of it brings a module that is imported already."""
    try:
        names = {path.stem for path in Path(wanted["folder"]).iterdir()}
    except OSError:
        return False  # the function was deleted meanwhile, and a Python of its own reports that
    return names.isdisjoint(imported) and "_LAMBDA_LAYERS_DIRS" not in wanted["environment"]


def _become(wanted: dict[str, Any], streams: list[int]) -> None:
    """Give this process what a new Python would have."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(wanted["folder"])
    os.environ.update(wanted["environment"])
    time.tzset()
    sys.argv = [wanted["script"]]
    sys.path[0] = str(Path(wanted["script"]).parent)


if __name__ == "__main__":
    main()
