# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The edge: every request is logged here and may be failed. Nothing here holds a lock."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ..account import regions
from ..calls.call import CallLog, Request
from ..calls.faults import Rule, wire_error
from ..calls.request import read_request
from ..settings import Settings
from .control import Control

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

_ERROR_CODE = re.compile(rb"<Code>([^<]+)</Code>|\"__type\": ?\"(?:[^\"#]*#)?([^\"]+)\"")


class Edge:
    """An ASGI application around MiniStack's."""

    def __init__(self, app: App, *, settings: Settings, log: CallLog, control: Control) -> None:
        self._app = app
        self._settings = settings
        self._log = log
        self._control = control
        self._in_flight = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one connection event: lifespan and websockets pass, /_lab/ is ours."""
        path = scope.get("path", "")
        if scope["type"] != "http" or path.startswith("/_ministack/"):
            await self._app(scope, receive, send)
            return
        body = await _read_body(receive)
        if path.startswith("/_lab/"):
            status, answer = await self._control.answer(scope, body, in_flight=self._in_flight)
            await _respond(send, status=status, content_type="application/json", body=answer)
            return
        started = time.time()
        request = read_request(scope, body)
        answer_seen = _Answer(send)
        self._in_flight += 1
        # Root is the lab's own: it seeds, and tests look at what AWS holds through it.
        rule = None if request.root else self._settings.faults.draw(request)
        try:
            if not request.root and not request.write:
                await asyncio.sleep(self._settings.latency.read)
            if refused := regions.refusal(request):
                status, content_type, answer = refused
                await _respond(answer_seen, status=status, content_type=content_type, body=answer)
            elif rule is None:
                await self._app(scope, _replay(body, receive), answer_seen)
            else:
                await self._fail(rule, request, scope, _replay(body, receive), answer_seen)
        finally:
            self._in_flight -= 1
            self._log.add(
                request,
                time=started,
                duration=time.time() - started,
                status=answer_seen.status,
                error=answer_seen.error,
                fault=rule.name or "fault" if rule else "",
            )

    async def _fail(
        self, rule: Rule, request: Request, scope: Message, receive: Receive, send: _Answer
    ) -> None:
        """Answer according to the rule."""
        if rule.latency:
            await asyncio.sleep(rule.latency)
        if rule.after:
            send.muted = True
            await self._app(scope, receive, send)
            send.muted = False
            if not rule.hang and not rule.error:
                await _lose_reply(send)
                return
        if rule.hang:
            await _wait_for_disconnect(receive)
            return
        if rule.error:
            content_type, body = wire_error(
                service=request.service, code=rule.error, message=rule.message
            )
            await _respond(send, status=rule.status, content_type=content_type, body=body)
            return
        await self._app(scope, receive, send)


class _Answer:
    """An ASGI send that notes status and error code, and can be muted."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        self.error = ""
        self.muted = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body" and self.status >= 400 and not self.error:
            found = _ERROR_CODE.search(message.get("body", b""))
            if found:
                self.error = (found[1] or found[2]).decode()
        if not self.muted:
            await self._send(message)


async def _read_body(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(chunks)
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A receive that gives the body that was read already, then the connection's own events."""
    left = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return left.pop() if left else await receive()

    return replayed


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _lose_reply(send: Send) -> None:
    """End the connection in the middle of the answer: the server closes it for the short body."""
    headers = [(b"content-type", b"text/xml"), (b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _respond(send: Send, *, status: int, content_type: str, body: bytes) -> None:
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"date", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime()).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


__all__ = ("App", "Edge", "Message", "Receive", "Send")
