# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base of the fakes of AWS: they record calls, and a test may make calls fail.

They answer through real clients of botocore, so requests are validated, pages are paged and errors
have the classes that AWS's have.
"""

from __future__ import annotations

import copy
import functools
import types
from collections.abc import Callable
from typing import Any

import botocore.exceptions
import botocore.session

Hook = Callable[[], None]


class Refusal(Exception):
    """An error that AWS answers with."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def lost_reply() -> None:
    """Be a request whose reply does not arrive."""
    raise botocore.exceptions.ReadTimeoutError(endpoint_url="https://cloudformation")


def refuse(code: str, message: str) -> Hook:
    """Return a hook that answers with an error."""

    def hook() -> None:
        raise Refusal(code, message)

    return hook


class FakeService:
    """Some services of one region; *calls* records their requests.

    A class below this one has a method for each operation, named as in boto3 with a ``_`` before
    it, which takes the request and returns the answer.

    :ivar clients: the clients by the names of their services.
    """

    def __init__(self, *services: str, region: str = "us-east-1") -> None:
        self.clients = {service: _client(service, region) for service in services}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._before: dict[str, list[Hook]] = {}
        self._after: dict[str, list[Hook]] = {}
        for client in self.clients.values():
            service = client.meta.service_model.service_id.hyphenize()
            client.meta.events.register(f"before-parameter-build.{service}", self._keep)
            client.meta.events.register(f"before-call.{service}", self._answer)

    def before(self, operation: str, hook: Hook) -> None:
        """Call *hook* once, instead of or before the next call of *operation*."""
        self._before.setdefault(operation, []).append(hook)

    def after(self, operation: str, hook: Hook) -> None:
        """Call *hook* once, after the next call of *operation* has had its effect."""
        self._after.setdefault(operation, []).append(hook)

    @property
    def asked(self) -> list[str]:
        """The operations that were called, in their order."""
        return [operation for operation, _request in self.calls]

    @property
    def writes(self) -> list[str]:
        """The operations among them that change something."""
        reading = ("Describe", "Get", "Head", "List")
        return [operation for operation in self.asked if not operation.startswith(reading)]

    # For botocore

    def _keep(self, params: dict[str, Any], context: dict[str, Any], **_event: Any) -> None:
        context["asked_with"] = params

    def _answer(self, model: Any, context: dict[str, Any], **_event: Any) -> Any:
        request = context["asked_with"]
        self.calls.append((model.name, request))
        try:
            self._run(self._before, model.name)
            answer = getattr(self, f"_{botocore.xform_name(model.name)}")(**request)
            self._run(self._after, model.name)
        except Refusal as exc:
            error = {"Error": {"Code": exc.code, "Message": str(exc)}, "ResponseMetadata": {}}
            return types.SimpleNamespace(status_code=400), error
        return types.SimpleNamespace(status_code=200), answer or {}

    @staticmethod
    def _run(hooks: dict[str, list[Hook]], operation: str) -> None:
        if hooks.get(operation):
            hooks[operation].pop(0)()


def _client(service: str, region: str) -> Any:
    """Return a client with events of its own, for a fake of its own.

    To make one takes longer than most tests, so they share all else.
    """
    shared = _shared_client(service, region)
    client = object.__new__(type(shared))
    client.__dict__.update(shared.__dict__, meta=copy.copy(shared.meta))
    client.meta.events = copy.copy(shared.meta.events)
    return client


@functools.cache
def _session() -> Any:
    return botocore.session.Session()


@functools.cache
def _shared_client(service: str, region: str) -> Any:
    return _session().create_client(
        service,
        region_name=region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
