# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The launcher: MiniStack in this process, on loopback, with IAM enforced, behind our edge.

Started by lab/client/process.py with a directory; it writes lab.json there when it listens. With
--stock MiniStack is left as it comes, to show what the lab makes of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import secrets
import signal
import socket
import sys
import threading
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from ..version import MINISTACK_VERSION

_FOREIGN_PREFIXES = ("AWS_", "MINISTACK_", "LOCALSTACK_", "LAMBDA_", "S3_", "HYPERCORN_")
_FOREIGN = frozenset(
    {
        "ALL_PROXY",
        "BOTO_CONFIG",
        "EDGE_PORT",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "PERSIST_STATE",
        "SERVICES",
        "USE_SSL",
    }
)


def main() -> int:
    """Serve until SIGTERM or, with --watch, until standard input ends.

    Arguments: the directory, then --watch and --stock as wanted.
    """
    directory = Path(sys.argv[1])
    if problem := version_problem(_installed_version()):
        print(problem, file=sys.stderr)
        return 1
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    port: int = listener.getsockname()[1]
    _prepare_environment(directory, port=port)
    # Many workers at once hold many connections.
    with suppress(OSError, ValueError):
        _unused, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if "--watch" in sys.argv:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    asyncio.run(_serve(directory, listener=listener, port=port))
    return 0


def version_problem(installed: str | None) -> str:
    """What is wrong with MiniStack's version; empty when it is the pinned one."""
    if installed == MINISTACK_VERSION:
        return ""
    found = f"MiniStack {installed} is installed" if installed else "MiniStack is not installed"
    return (
        f"{found}, and the lab reaches into the internals of ministack=={MINISTACK_VERSION}. "
        "Install that version, or read lab/tests/test_contract.py before changing the pin."
    )


def _installed_version() -> str | None:
    try:
        return metadata.version("ministack")
    except metadata.PackageNotFoundError:
        return None


def _prepare_environment(directory: Path, *, port: int) -> None:
    """Give MiniStack its settings and nothing of the user's: it reads many variables at import."""
    for name in list(os.environ):
        if name.startswith(_FOREIGN_PREFIXES) or name.upper() in _FOREIGN:
            del os.environ[name]
    scratch = directory / "tmp"
    scratch.mkdir(exist_ok=True)
    os.environ.update(
        AUTH="true",
        BIND_HOST="127.0.0.1",
        GATEWAY_PORT=str(port),
        LOG_LEVEL="WARNING",
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        TMPDIR=str(scratch),
        # MiniStack removes containers of its own name: keep it away from the user's Docker.
        DOCKER_HOST=f"unix://{directory}/no-docker.sock",
    )


async def _serve(directory: Path, *, listener: socket.socket, port: int) -> None:
    # MiniStack reads its environment at import, so everything that imports it comes late.
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    from ..calls.call import CallLog
    from ..settings import Settings
    from . import patches
    from .control import Control
    from .edge import Edge

    settings = Settings()
    if "--stock" not in sys.argv:
        patches.install(settings)
    log = CallLog(directory / "calls.jsonl")
    token = secrets.token_hex(8)
    control = Control(settings=settings, log=log, token=token)
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    # Enough for a hundred workers that hold several connections each.
    config.backlog = 1024
    config.keep_alive_max_requests = 1_000_000
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.5
    config.loglevel = "WARNING"
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    _write_state(directory, port=port, token=token)
    edge = Edge(app, settings=settings, log=log, control=control)
    await serve(edge, config, shutdown_trigger=stop.wait)  # type: ignore[arg-type]


def _write_state(directory: Path, *, port: int, token: str) -> None:
    """Write the address, in one step, so that nobody reads half a file."""
    state = {"pid": os.getpid(), "url": f"http://127.0.0.1:{port}", "token": token}
    scratch = directory / "lab.json.new"
    scratch.write_text(json.dumps(state), encoding="utf-8")
    scratch.rename(directory / "lab.json")


def _end_with_parent() -> None:
    """End the whole process group when the parent's end of standard input closes."""
    sys.stdin.buffer.read()
    os.killpg(os.getpid(), signal.SIGKILL)


__all__ = ("main", "version_problem")
