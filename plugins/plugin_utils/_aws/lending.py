# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One client for many accounts, each of which signs its own calls.

A client costs more than its calls: its classes, its connections and their TLS. Lent, one of each
service and region is enough for any number of accounts.
"""

from __future__ import annotations

import contextvars
import functools
import typing as t

Client = t.Any  # of botocore, which carries no types
Session = t.Any
Credentials = t.Any
Operation = t.Callable[..., t.Any]

_caller: contextvars.ContextVar[Credentials] = contextvars.ContextVar("credentials of the call")


def prepare_lending(session: Session) -> None:
    """Make *session* create clients without credentials, whose calls fail until they are lent."""
    session.register("creating-client-class", _bind_operations)
    session.get_credentials = _CallersCredentials


def lend(client: Client, credentials: Credentials) -> Client:
    """Return *client* as an account with these *credentials* uses it, at the same time as others.

    Its pages and waiters are that account's, too.

    :param client: of a session that is prepared.
    """
    lent = object.__new__(type(client))
    lent.__dict__.update(client.__dict__, lent_to=credentials)
    return lent


class _CallersCredentials:
    """The credentials of whichever account makes the call; botocore signs in the same thread."""

    method = "assume-role"

    def get_frozen_credentials(self) -> t.Any:
        return _caller.get().get_frozen_credentials()

    def get_deferred_property(self, name: str) -> t.Callable[[], t.Any]:
        return lambda: getattr(_caller.get(), name)


def _bind_operations(class_attributes: dict[str, t.Any], **_event: t.Any) -> None:
    """Handle botocore's event before it makes a client's class of its operations."""
    for name, operation in class_attributes.items():
        if callable(operation):
            class_attributes[name] = _bound(operation)


def _bound(operation: Operation) -> Operation:
    @functools.wraps(operation)
    def call(client: Client, *args: t.Any, **parameters: t.Any) -> t.Any:
        token = _caller.set(client.lent_to)
        try:
            return operation(client, *args, **parameters)
        finally:
            _caller.reset(token)

    return call


__all__ = ("lend", "prepare_lending")
