# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Endpoints that cannot be reached: found out in seconds, for all accounts at once."""

from __future__ import annotations

import typing as t
import urllib.parse

from .._errors import PipelineError

try:
    from botocore.exceptions import (
        ConnectTimeoutError,
        EndpointConnectionError,
        ProxyConnectionError,
        SSLError,
    )

    _UNREACHABLE: tuple[type[Exception], ...] = (
        ConnectTimeoutError,
        EndpointConnectionError,
        ProxyConnectionError,
        SSLError,
    )
except ImportError:  # reported by the actions, host by host
    _UNREACHABLE = ()

_ATTEMPTS = 3


class Reach:
    """Raises PipelineError for an endpoint that has not answered in three attempts.

    One that has answered before is tried as often as any call: the network is there.

    :param is_first: whether this is the first contact of the run; later nothing is cut short.
    """

    def __init__(self, *, is_first: bool) -> None:
        self._is_first = is_first
        self._answered: set[str] = set()
        self._lost: dict[str, PipelineError] = {}

    def watch(self, client: t.Any) -> None:
        """Watch the requests of *client*, a botocore client."""
        if self._is_first:
            client.meta.events.register("before-send.*", self._before_send)
            client.meta.events.register("needs-retry.*", self._after_attempt)

    def _before_send(self, request: t.Any, **_event: t.Any) -> None:
        lost = self._lost.get(_endpoint(request.url))
        if lost:
            raise lost

    def _after_attempt(
        self,
        *,
        request_dict: dict[str, t.Any],
        attempts: int,
        caught_exception: Exception | None,
        **_event: t.Any,
    ) -> None:
        """Handle botocore's ``needs-retry`` event, which follows every attempt of every call."""
        endpoint = _endpoint(request_dict["url"])
        if caught_exception is None:
            self._answered.add(endpoint)
        elif (
            isinstance(caught_exception, _UNREACHABLE)
            and endpoint not in self._answered
            and attempts >= _ATTEMPTS
        ):
            self._lost[endpoint] = PipelineError(
                f"the endpoint {endpoint} cannot be reached",
                caught_exception,
                cure="Check the network, the proxy, the name of the region and AWS_ENDPOINT_URL",
            )
            raise self._lost[endpoint]


def _endpoint(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


__all__ = ("Reach",)
