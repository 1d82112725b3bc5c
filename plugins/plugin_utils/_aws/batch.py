# Copyright: crossaccount.pipeline contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same work for many targets at once: threads inside, errors as data."""

from __future__ import annotations

import concurrent.futures
import typing as t

from .._errors import OrphanedWorker, PipelineError
from .gateway import Account, Gateway

_THREADS = 16
_WAYS_IN = ("profile", "role_arn", "access_role_name")

Target = t.Mapping[str, t.Any]
One = t.TypeVar("One")


def for_each(
    targets: t.Sequence[One], work: t.Callable[[One], dict[str, t.Any]]
) -> list[dict[str, t.Any]]:
    """Return what *work* returns for each target, in their order.

    A PipelineError becomes the entry ``error`` of its target and stops no other.
    """

    def attempt(target: One) -> dict[str, t.Any]:
        try:
            return work(target)
        except OrphanedWorker:
            raise
        except PipelineError as exc:
            return {"error": str(exc)}

    with concurrent.futures.ThreadPoolExecutor(max_workers=_THREADS) as pool:
        return list(pool.map(attempt, targets))


def with_defaults(target: Target, options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return *target* with what it leaves out taken from the connection *options*.

    The way into an account is taken whole, from the one or from the other.
    """
    given = {key: value for key, value in target.items() if value is not None}
    result = {key: options[key] for key in ("account_id", "region") if options.get(key)} | given
    if not any(key in given for key in _WAYS_IN):
        result |= {key: options[key] for key in _WAYS_IN if options.get(key)}
    return result


def account_of(options: t.Mapping[str, t.Any]) -> Account:
    """Return the account that *options*, or a target, name."""
    return Account(account_id=options["account_id"], **{key: options.get(key) for key in _WAYS_IN})


def gateway_of(options: t.Mapping[str, t.Any]) -> Gateway:
    """Return the gateway that the connection *options* describe.

    Raises PipelineError when neither ``sts_region`` nor ``region`` is given.
    """
    region = options.get("sts_region") or options.get("region")
    if not region:
        raise PipelineError("no region", cure="Set region or sts_region")
    return Gateway(
        sts_region=region,
        endpoint_url=options.get("endpoint_url"),
        caller_account_id=options.get("caller_account_id"),
    )


__all__ = ("Target", "account_of", "for_each", "gateway_of", "with_defaults")
