# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control endpoint, /_lab/: health, calls, settings, state, stacks, pipelines, pushes."""

from __future__ import annotations

import json
import os
from collections.abc import MutableMapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from ..calls.call import CallLog
from ..cloudformation.stack_records import set_status
from ..codebuild import builds
from ..codepipeline import progress
from ..iam.authorisation import DECISIONS, decisions
from ..organizations import members
from ..repositories import pushes
from ..settings import Settings
from . import saved_state
from .work import at_work


class Control:
    """Answers requests to /_lab/."""

    def __init__(self, *, settings: Settings, log: CallLog, token: str) -> None:
        self._settings = settings
        self._log = log
        self._token = token

    async def answer(
        self, scope: MutableMapping[str, Any], body: bytes, *, in_flight: int = 0
    ) -> tuple[int, bytes]:
        """Status and JSON body for one request. in_flight: API calls not answered yet."""
        route = (scope["method"], scope["path"].removeprefix("/_lab/"))
        if route == ("GET", "health"):
            return self._json({"pid": os.getpid(), "token": self._token})
        if route == ("GET", "calls"):
            query = parse_qs(scope.get("query_string", b"").decode())
            since = float(query.get("since", ["0"])[0])
            return self._json([asdict(call) for call in self._log.since(since)])
        if route == ("DELETE", "calls"):
            self._log.clear()
            return self._json({})
        if route == ("GET", "decisions"):
            return self._json(decisions())
        if route == ("DELETE", "decisions"):
            DECISIONS.clear()
            return self._json({})
        if route == ("GET", "settings"):
            return self._json(self._settings.as_data())
        if route == ("GET", "work"):
            return self._json([asdict(item) for item in at_work(in_flight)])
        try:
            if route == ("POST", "settings"):
                self._settings.update(json.loads(body))
                return self._json(self._settings.as_data())
            if route == ("DELETE", "settings"):
                self._settings.reset()
                return self._json({})
            if route == ("POST", "save"):
                saved_state.save(self._path(body), self._settings, in_flight=in_flight)
                return self._json({})
            if route == ("POST", "restore"):
                saved_state.restore(self._path(body), self._settings, in_flight=in_flight)
                self._log.clear()
                DECISIONS.clear()
                return self._json({})
            if route == ("POST", "stacks"):
                set_status(**json.loads(body))
                return self._json({})
            if route == ("POST", "builds"):
                return self._json(builds.build(**json.loads(body)))
            if route == ("POST", "organization"):
                members.create(**json.loads(body))
                return self._json({})
            if route == ("POST", "organization/accounts"):
                for account in json.loads(body):
                    members.place(**account)
                return self._json({})
            if route == ("POST", "pushes"):
                return self._json(pushes.push(**json.loads(body)))
            if route == ("POST", "pipelines/progress"):
                return self._json(await progress.changed(**json.loads(body)))
            if route == ("POST", "builds/end"):
                builds.end(**json.loads(body))
                return self._json({})
        except (OSError, TypeError, ValueError) as error:
            return 400, json.dumps({"error": str(error)}).encode()
        return 404, json.dumps({"error": f"no such control: {route[0]} {scope['path']}"}).encode()

    def _path(self, body: bytes) -> Path:
        return Path(json.loads(body)["path"])

    def _json(self, data: object) -> tuple[int, bytes]:
        return 200, json.dumps(data).encode()


__all__ = ("Control",)
