# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a client of botocore signs its requests, none of which is sent."""

from __future__ import annotations

from typing import Any


class _Sent(Exception):
    def __init__(self, headers: Any) -> None:
        super().__init__()
        self.headers = headers


def signed_headers(client: Any) -> Any:
    """Return the headers of a request of *client* of CloudFormation."""

    def stop(request: Any, **_event: Any) -> None:
        raise _Sent(request.headers)

    event = "before-send.cloudformation.ListTypes"
    client.meta.events.register_first(event, stop)
    try:
        client.list_types()
    except _Sent as sent:
        return sent.headers
    finally:
        client.meta.events.unregister(event, stop)
    raise AssertionError("nothing was signed")


def access_key(client: Any) -> str:
    """Return the id of the access key with which *client* of CloudFormation signs."""
    signed: str = signed_headers(client)["Authorization"].decode()
    return signed.partition("Credential=")[2].partition("/")[0]


__all__ = ("access_key", "signed_headers")
